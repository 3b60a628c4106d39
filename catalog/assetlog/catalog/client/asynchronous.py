"""The client for asyncio: the same methods as coroutines and asynchronous iterators."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import aclosing
from typing import Any, TypeVar

from assetlog.catalog.client import asking
from assetlog.catalog.client.asking import LISTS, Moment
from assetlog.catalog.client.following import PATIENCE_SECONDS, Following
from assetlog.catalog.client.listings import AsyncListing
from assetlog.catalog.client.scheduling import AsyncScheduling
from assetlog.catalog.sse import Message, MessageReader
from assetlog.schemas.artifact_shapes import ArtifactChange, ArtifactDiff
from assetlog.schemas.errors import Unavailable
from assetlog.schemas.shapes import (
    Alias,
    Artifact,
    Asset,
    Check,
    Diff,
    EventShape,
    Group,
    Job,
    Lineage,
    Page,
    Partition,
    Quarantined,
    RunShape,
    TreeNode,
)

Item = TypeVar("Item")
Shape = TypeVar("Shape")


class AsyncClient(AsyncScheduling):
    """Reads a node, for now and for any moment of the past, without blocking the event loop.

    It takes what `Client` takes, and has its methods: `await client.asset(key)`,
    `async for event in client.follow()`, `await (await client.assets()).to_pandas()`.
    """

    async def asset(self, key: str, as_of: Moment = None) -> Asset:
        """One asset. Raises NotFound for a key that no event names as of that moment."""
        return await self.read("/v1/asset", Asset, key=key, as_of=as_of)

    async def assets(self, as_of: Moment = None, **filters: Any) -> AsyncListing[Asset]:
        """Assets by `q`, `prefix`, `scheme`, `group`, `tag`, `owner`, `state`; `sort`, `limit`, `cursor`."""
        return await self._listing("assets", Asset, as_of, filters)

    def each_asset(self, as_of: Moment = None, **filters: Any) -> AsyncIterator[Asset]:
        """Every asset that the filters of `assets` let through."""
        return self.each(LISTS["assets"], Asset, as_of=as_of, **filters)

    async def asset_events(self, key: str, as_of: Moment = None, **filters: Any) -> AsyncListing[EventShape]:
        """The events of one asset, newest first."""
        return await self._listing("asset_events", EventShape, as_of, {"key": key, **filters})

    async def partitions(self, key: str, as_of: Moment = None, **filters: Any) -> AsyncListing[Partition]:
        """The partitions of one asset."""
        return await self._listing("partitions", Partition, as_of, {"key": key, **filters})

    async def checks(self, key: str, as_of: Moment = None, **filters: Any) -> AsyncListing[Check]:
        """The newest result of each check of one asset."""
        return await self._listing("checks", Check, as_of, {"key": key, **filters})

    async def tree(self, prefix: str = "", as_of: Moment = None) -> list[TreeNode]:
        """The steps below a prefix of the key tree: schemes first, then path segments."""
        return (await self.read(LISTS["tree"], Page[TreeNode], prefix=prefix, as_of=as_of)).items

    async def lineage(
        self,
        key: str,
        direction: str = "both",
        depth: int | None = None,
        as_of: Moment = None,
        *,
        columns: bool | None = None,
    ) -> Lineage:
        """What an asset was made from (`up`) and what was made from it (`down`); with `columns`, theirs, too."""
        asked: dict[str, Any] = {"key": key, "direction": direction, "depth": depth, "columns": columns}
        return await self.read("/v1/lineage", Lineage, **asked, as_of=as_of)

    async def graph(self, as_of: Moment = None, *, limit: int | None = None) -> Lineage:
        """The whole graph of assets; `truncated` says whether `limit` (10,000 unless given) cut it."""
        return await self.read("/v1/graph", Lineage, limit=limit, as_of=as_of)

    async def groups(self, as_of: Moment = None, **filters: Any) -> AsyncListing[Group]:
        """The groups of assets."""
        return await self._listing("groups", Group, as_of, filters)

    async def aliases(self, as_of: Moment = None, **filters: Any) -> AsyncListing[Alias]:
        """Run-time aliases and the assets they stood for."""
        return await self._listing("aliases", Alias, as_of, filters)

    async def artifacts(self, as_of: Moment = None, **filters: Any) -> AsyncListing[Artifact]:
        """The newest version of each artifact, by `q`, `type`, `asset`, `run`; `limit`, `cursor`."""
        return await self._listing("artifacts", Artifact, as_of, filters)

    async def artifact(self, key: str, version: int | None = None, as_of: Moment = None) -> Artifact:
        """One artifact: its newest version unless one is given."""
        return await self.read("/v1/artifact", Artifact, key=key, version=version, as_of=as_of)

    async def artifact_versions(self, key: str, as_of: Moment = None, **filters: Any) -> AsyncListing[Artifact]:
        """Every version of an artifact, newest first."""
        return await self._listing("artifact_versions", Artifact, as_of, {"key": key, **filters})

    async def artifact_history(self, key: str, as_of: Moment = None, **filters: Any) -> AsyncListing[ArtifactChange]:
        """What happened to an artifact's newest version, or the one of `version`; newest first."""
        return await self._listing("artifact_history", ArtifactChange, as_of, {"key": key, **filters})

    async def artifact_diff(
        self, key: str, from_: int | None = None, to: int | None = None, as_of: Moment = None
    ) -> ArtifactDiff:
        """What is different between two versions of an artifact: the newest and the one before unless given."""
        return await self.read("/v1/artifact/diff", ArtifactDiff, key=key, as_of=as_of, **{"from": from_, "to": to})

    async def image(self, artifact: Artifact) -> bytes:
        """The image that an artifact shows, if the catalog keeps it.

        Raises:
            Invalid: the catalog has only its URL, or the artifact is no image.
        """
        kept = asking.kept_image(artifact)
        return kept if isinstance(kept, bytes) else await self.fetch(kept, artifact=artifact.id)

    async def runs(self, as_of: Moment = None, **filters: Any) -> AsyncListing[RunShape]:
        """Runs by `job`, `state`, `asset`; `limit`, `cursor`. Newest first."""
        return await self._listing("runs", RunShape, as_of, filters)

    async def run(self, run_id: str, as_of: Moment = None) -> RunShape:
        """One run, with the runs it started."""
        return await self.read("/v1/run", RunShape, id=run_id, as_of=as_of)

    async def jobs(self, as_of: Moment = None, **filters: Any) -> AsyncListing[Job]:
        """What is executed, by name."""
        return await self._listing("jobs", Job, as_of, filters)

    async def diff(self, from_: Moment, to: Moment = None, **filters: Any) -> Diff:
        """What changed between two moments; `to` is now unless given."""
        return await self.read(LISTS["diff"], Diff, from_=from_, to=to, **filters)

    async def quarantine(self, as_of: Moment = None, **filters: Any) -> AsyncListing[Quarantined]:
        """The events that the fold could not take."""
        return await self._listing("quarantine", Quarantined, as_of, filters)

    async def events(self, as_of: Moment = None, **filters: Any) -> AsyncListing[EventShape]:
        """Events by `after`, `before`, `type`, `asset`, `run`; `order` is `asc` or `desc`; `limit`, `cursor`."""
        return await self._listing("events", EventShape, as_of, filters)

    def each_event(
        self, as_of: Moment = None, *, limit: int | None = None, **filters: Any
    ) -> AsyncIterator[EventShape]:
        """Every event that the filters of `events` let through, at most `limit` of them."""
        return self.each(LISTS["events"], EventShape, limit=limit, as_of=as_of, **filters)

    async def follow(
        self, after: str | None = None, *, patience: float = PATIENCE_SECONDS, **filters: Any
    ) -> AsyncGenerator[EventShape]:
        """Events as they are folded, for ever; each exactly once, also over lost connections and node restarts.

        Args:
            after: begin behind this position; unless given, with what comes next.
            patience: seconds that the node may be away before `Unavailable` is raised.
            filters: `type`, `asset`, `run`.
        """
        following = Following(after or await self.position(), patience)
        while True:
            try:
                async with aclosing(self._messages(following, filters)) as messages:
                    async for message in messages:
                        event = following.took(message)
                        if event is not None:
                            yield event
            except Unavailable as error:
                following.lost(error)
            await asyncio.sleep(following.pause())

    async def _messages(self, following: Following, filters: dict[str, Any]) -> AsyncGenerator[Message]:
        import httpx

        try:
            async with self._http.stream("GET", **following.request(filters)) as answer:
                if not answer.is_success:
                    await answer.aread()
                asking.checked(answer)
                reader = MessageReader()
                async for chunk in answer.aiter_bytes():
                    for message in reader.feed(chunk):
                        yield message
        except httpx.TransportError as error:
            raise asking.unreachable(self.node.url, error) from None
