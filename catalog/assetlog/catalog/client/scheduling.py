"""Consumers and triggers, as both clients ask about them and act on them."""

from __future__ import annotations

from typing import Any

from assetlog.catalog.client.asking import Moment, acting_on
from assetlog.catalog.client.connected import Connected
from assetlog.catalog.client.connected_async import AsyncConnected
from assetlog.catalog.client.listings import AsyncListing, Listing
from assetlog.schemas.scheduling_shapes import Consumer, Explanation, QueueDeletion, Trigger, TriggerEvent


class Scheduling(Connected):
    """What is scheduled on assets, what waits, and what became of it.

    `by` says who asks; a token's name counts for more.
    """

    def consumers(self, as_of: Moment = None, **filters: Any) -> Listing[Consumer]:
        """Consumers by `q`, `asset`, `paused`, `module`; `limit`, `cursor`."""
        return self._listing("consumers", Consumer, as_of, filters)

    def consumer(self, name: str, as_of: Moment = None) -> Consumer:
        """One consumer. Raises NotFound for one that is not declared as of that moment."""
        return self.read(acting_on("consumers", name), Consumer, as_of=as_of)

    def put_consumer(self, name: str, declaration: dict[str, Any], *, replace: bool = False) -> Consumer:
        """Declare a consumer, or declare it anew.

        Args:
            name: its name.
            declaration: what a `consumer.registered` event says: `condition`, `target`, ...
            replace: whether to take the name over from another module.
        """
        params = {"replace": "true" if replace else None}
        return self.put(acting_on("consumers", name), declaration, Consumer, **params)

    def remove_consumer(self, name: str) -> Consumer:
        """Remove a consumer, with what waits for it; the answer is how it was."""
        return self.delete(acting_on("consumers", name), Consumer)

    def pause_consumer(self, name: str, reason: str | None = None, *, by: str | None = None) -> Consumer:
        """Let a consumer no longer fire."""
        return self.post(acting_on("consumers", name, "pause"), {"reason": reason, "by": by}, Consumer)

    def resume_consumer(self, name: str, *, by: str | None = None) -> Consumer:
        """Let a paused consumer fire again."""
        return self.post(acting_on("consumers", name, "resume"), {"by": by}, Consumer)

    def explain_consumer(self, name: str, as_of: Moment = None) -> Explanation:
        """Why a consumer fired, or what it waits for."""
        return self.read(acting_on("consumers", name, "explain"), Explanation, as_of=as_of)

    def queue(self, name: str, as_of: Moment = None, **filters: Any) -> Listing[TriggerEvent]:
        """What waits for a consumer, in the order in which it came."""
        return self._listing("queue", TriggerEvent, as_of, {"consumer": name, **filters})

    def delete_queue(
        self, name: str, *, before: Moment = None, asset: str | None = None, partition: str | None = None
    ) -> QueueDeletion:
        """Delete what waits for a consumer, or what came before a moment, of one asset, or of one partition."""
        selection = {"before": before, "asset": asset, "partition": partition}
        return self.delete(acting_on("consumers", name, "queue"), QueueDeletion, **selection)

    def fire_consumer(self, name: str, partition: str | None = None, *, by: str | None = None) -> Trigger:
        """Run a consumer by hand, whatever it waits for."""
        return self.post(acting_on("consumers", name, "trigger"), {"partition": partition, "by": by}, Trigger)

    def materialize_asset(
        self, key: str, consumer: str | None = None, partition: str | None = None, *, by: str | None = None
    ) -> Trigger:
        """Make an asset by hand: run the consumer that has it among its outlets."""
        params = {"key": key, "consumer": consumer}
        return self.post("/v1/asset/materialize", {"partition": partition, "by": by}, Trigger, **params)

    def triggers(self, as_of: Moment = None, **filters: Any) -> Listing[Trigger]:
        """Triggers by `consumer`, `state`, `asset`; `limit`, `cursor`. The latest first, without their events."""
        return self._listing("triggers", Trigger, as_of, filters)

    def trigger(self, trigger_id: str, as_of: Moment = None, *, after: str | None = None) -> Trigger:
        """One trigger, with the first thousand of its events behind a position."""
        return self.read(acting_on("triggers", trigger_id), Trigger, as_of=as_of, after=after)

    def retry_trigger(self, trigger_id: str, *, by: str | None = None) -> Trigger:
        """Try a trigger once more that was given up or cancelled. Raises Conflict for any other."""
        return self.post(acting_on("triggers", trigger_id, "retry"), {"by": by}, Trigger)

    def cancel_trigger(self, trigger_id: str, reason: str | None = None, *, by: str | None = None) -> Trigger:
        """Call a trigger off. Raises Conflict for one that has ended."""
        return self.post(acting_on("triggers", trigger_id, "cancel"), {"reason": reason, "by": by}, Trigger)


class AsyncScheduling(AsyncConnected):
    """The same as coroutines."""

    async def consumers(self, as_of: Moment = None, **filters: Any) -> AsyncListing[Consumer]:
        """Consumers by `q`, `asset`, `paused`, `module`; `limit`, `cursor`."""
        return await self._listing("consumers", Consumer, as_of, filters)

    async def consumer(self, name: str, as_of: Moment = None) -> Consumer:
        """One consumer. Raises NotFound for one that is not declared as of that moment."""
        return await self.read(acting_on("consumers", name), Consumer, as_of=as_of)

    async def put_consumer(self, name: str, declaration: dict[str, Any], *, replace: bool = False) -> Consumer:
        """Declare a consumer, or declare it anew.

        Args:
            name: its name.
            declaration: what a `consumer.registered` event says: `condition`, `target`, ...
            replace: whether to take the name over from another module.
        """
        params = {"replace": "true" if replace else None}
        return await self.put(acting_on("consumers", name), declaration, Consumer, **params)

    async def remove_consumer(self, name: str) -> Consumer:
        """Remove a consumer, with what waits for it; the answer is how it was."""
        return await self.delete(acting_on("consumers", name), Consumer)

    async def pause_consumer(self, name: str, reason: str | None = None, *, by: str | None = None) -> Consumer:
        """Let a consumer no longer fire."""
        return await self.post(acting_on("consumers", name, "pause"), {"reason": reason, "by": by}, Consumer)

    async def resume_consumer(self, name: str, *, by: str | None = None) -> Consumer:
        """Let a paused consumer fire again."""
        return await self.post(acting_on("consumers", name, "resume"), {"by": by}, Consumer)

    async def explain_consumer(self, name: str, as_of: Moment = None) -> Explanation:
        """Why a consumer fired, or what it waits for."""
        return await self.read(acting_on("consumers", name, "explain"), Explanation, as_of=as_of)

    async def queue(self, name: str, as_of: Moment = None, **filters: Any) -> AsyncListing[TriggerEvent]:
        """What waits for a consumer, in the order in which it came."""
        return await self._listing("queue", TriggerEvent, as_of, {"consumer": name, **filters})

    async def delete_queue(
        self, name: str, *, before: Moment = None, asset: str | None = None, partition: str | None = None
    ) -> QueueDeletion:
        """Delete what waits for a consumer, or what came before a moment, of one asset, or of one partition."""
        selection = {"before": before, "asset": asset, "partition": partition}
        return await self.delete(acting_on("consumers", name, "queue"), QueueDeletion, **selection)

    async def fire_consumer(self, name: str, partition: str | None = None, *, by: str | None = None) -> Trigger:
        """Run a consumer by hand, whatever it waits for."""
        return await self.post(acting_on("consumers", name, "trigger"), {"partition": partition, "by": by}, Trigger)

    async def materialize_asset(
        self, key: str, consumer: str | None = None, partition: str | None = None, *, by: str | None = None
    ) -> Trigger:
        """Make an asset by hand: run the consumer that has it among its outlets."""
        params = {"key": key, "consumer": consumer}
        return await self.post("/v1/asset/materialize", {"partition": partition, "by": by}, Trigger, **params)

    async def triggers(self, as_of: Moment = None, **filters: Any) -> AsyncListing[Trigger]:
        """Triggers by `consumer`, `state`, `asset`; `limit`, `cursor`. The latest first, without their events."""
        return await self._listing("triggers", Trigger, as_of, filters)

    async def trigger(self, trigger_id: str, as_of: Moment = None, *, after: str | None = None) -> Trigger:
        """One trigger, with the first thousand of its events behind a position."""
        return await self.read(acting_on("triggers", trigger_id), Trigger, as_of=as_of, after=after)

    async def retry_trigger(self, trigger_id: str, *, by: str | None = None) -> Trigger:
        """Try a trigger once more that was given up or cancelled. Raises Conflict for any other."""
        return await self.post(acting_on("triggers", trigger_id, "retry"), {"by": by}, Trigger)

    async def cancel_trigger(self, trigger_id: str, reason: str | None = None, *, by: str | None = None) -> Trigger:
        """Call a trigger off. Raises Conflict for one that has ended."""
        return await self.post(acting_on("triggers", trigger_id, "cancel"), {"reason": reason, "by": by}, Trigger)
