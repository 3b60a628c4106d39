"""Triggers: what fired, what became of it, and what people do about it."""

from __future__ import annotations

from typing import Annotated

from litestar.handlers import HTTPRouteHandler
from msgspec import Meta, Struct

from assetlog.catalog.api import desk_answers
from assetlog.catalog.api.answer import Answer
from assetlog.catalog.api.consumer_requests import (
    JSON,
    SCOPES,
    TAG,
    Who,
    Why,
    asker,
    name_of,
    read_small,
    seen_now,
    sees_of,
    written,
)
from assetlog.catalog.api.desk import ask_now
from assetlog.catalog.api.parts import Parts, Plain, parts_of, whole_parts
from assetlog.catalog.api.query import AsOf, Listed, Nothing
from assetlog.catalog.api.reading import answer, answer_page, needed, position_of
from assetlog.catalog.api.route import Body, Spec, read, write
from assetlog.catalog.scheduling import tell
from assetlog.schemas.errors import Conflict, NotFound
from assetlog.schemas.events.common import Name
from assetlog.schemas.events.trigger import TriggerCancelled, TriggerFired, TriggerRetried
from assetlog.schemas.ids import new_id
from assetlog.schemas.keys import canonical_key
from assetlog.schemas.positions import START
from assetlog.schemas.scheduling_shapes import Trigger, TriggerState
from assetlog.schemas.shapes import Page

OVER = frozenset({"succeeded", "exhausted", "cancelled", "void"})
"""States in which nothing more happens to a trigger by itself."""


class Triggers(Listed, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Which triggers."""

    consumer: Annotated[str | None, Meta(description="Only triggers of this consumer.")] = None
    state: Annotated[TriggerState | None, Meta(description="Only triggers in this state.")] = None
    asset: Annotated[str | None, Meta(description="Only triggers that consumed an event of this asset.")] = None


class OneTrigger(AsOf, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """How a trigger is shown."""

    after: Annotated[str | None, Meta(description="Only events behind this position: the next thousand.")] = None


class Making(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Which asset is to be made, and by which consumer."""

    key: Annotated[str, Meta(description="The asset's key.")]
    consumer: Annotated[str | None, Meta(description="Who makes it, where several consumers do.")] = None


class Order(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What to run."""

    partition: Name | None = None
    """The partition to run it for; none unless given."""
    by: Name | None = None
    """Who asks; a token's name counts for more."""


@read("/v1/triggers", Triggers, Page[Trigger], tag=TAG)
async def list_triggers(request: Plain, query: Triggers) -> Answer:
    """Triggers without their events, the one that fired last first."""
    asset = canonical_key(query.asset) if query.asset else None
    parts = parts_of(request)
    wanted = {"consumer": query.consumer, "state": query.state, "asset": asset, "consumers": await _seen(parts)}
    return await answer_page(request, query, parts.reader.triggers, **wanted)


@read("/v1/triggers/{trigger_id:str}", OneTrigger, Trigger, tag=TAG, problems=(400, 404, 503))
async def get_trigger(request: Plain, query: OneTrigger) -> Answer:
    """One trigger, with the first thousand of the events that it consumed."""
    parts, trigger_id = parts_of(request), _id_of(request)
    after, seen = position_of(query.after, "after") or START, await _seen(parts)

    def trigger(at: int) -> Trigger:
        return _needed(parts.reader.trigger(trigger_id, at, after=after), trigger_id, seen)

    return await answer(request, query, trigger)


@write(
    "/v1/triggers/{trigger_id:str}/retry",
    Spec(TAG, Nothing, Trigger, body=Body(JSON, Who, "Who."), problems=(400, 404, 409, 413, 415, 503), scopes=SCOPES),
)
async def retry_trigger(request: Plain, _: Nothing) -> Answer:
    """Try a trigger once more from its first attempt on, that was given up or cancelled."""
    parts, trigger_id = parts_of(request), _id_of(request)
    who = await read_small(request, Who)
    async with parts.deciding:
        trigger = await _now(parts, trigger_id)
        await _refuse_retry(parts, trigger)
        retried = TriggerRetried(consumer=trigger.consumer, by=asker(parts, who.by))
        position = await tell(parts, "trigger.retried", trigger_id, retried)
    return written(await _now(parts, trigger_id, position), position)


@write(
    "/v1/triggers/{trigger_id:str}/cancel",
    Spec(TAG, Nothing, Trigger, body=Body(JSON, Why, "Why."), problems=(400, 404, 409, 413, 415, 503), scopes=SCOPES),
)
async def cancel_trigger(request: Plain, _: Nothing) -> Answer:
    """Call a trigger off. What is running is not interrupted; no further attempt follows."""
    parts, trigger_id = parts_of(request), _id_of(request)
    why = await read_small(request, Why)
    async with parts.deciding:
        trigger = await _now(parts, trigger_id)
        if trigger.state in OVER:
            raise _conflict(trigger, "only a trigger that has not ended is cancelled", "There is nothing to call off.")
        cancelled = TriggerCancelled(consumer=trigger.consumer, reason=why.reason, by=asker(parts, why.by))
        position = await tell(parts, "trigger.cancelled", trigger_id, cancelled)
    return written(await _now(parts, trigger_id, position), position)


@write(
    "/v1/consumers/{name:str}/trigger",
    Spec(
        TAG,
        Nothing,
        Trigger,
        status=201,
        body=Body(JSON, Order, "What to run."),
        problems=(400, 404, 413, 415, 503),
        scopes=SCOPES,
    ),
)
async def fire_consumer(request: Plain, _: Nothing) -> Answer:
    """Run a consumer by hand, whatever it waits for: a trigger that consumes nothing. It runs also while paused."""
    return await _fire(request, name_of(request), await read_small(request, Order))


@write(
    "/v1/asset/materialize",
    Spec(
        TAG,
        Making,
        Trigger,
        status=201,
        body=Body(JSON, Order, "What to run."),
        problems=(400, 404, 409, 413, 415, 503),
        scopes=SCOPES,
    ),
)
async def materialize_asset(request: Plain, query: Making) -> Answer:
    """Make an asset by hand: run the consumer that has it among its outlets."""
    parts, key = parts_of(request), canonical_key(query.key)
    order = await read_small(request, Order)
    _, names = await ask_now(parts, lambda desk: desk_answers.producers(desk, key, sees_of(parts)))
    return await _fire(request, _the_producer(key, names, query.consumer), order)


async def _fire(request: Plain, name: str, order: Order) -> Answer:
    parts, whole = parts_of(request), whole_parts(request)
    await seen_now(parts, name)
    trigger_id = new_id()
    fired = TriggerFired(consumer=name, partition=order.partition, by=asker(parts, order.by))
    position = await tell(parts, "trigger.fired", trigger_id, fired)
    trigger = await whole.ask(whole.reader.trigger, trigger_id, position)
    assert trigger is not None  # it is folded
    if trigger.state == "void":
        raise NotFound(f"The consumer {name!r} was removed meanwhile.", code="consumer-not-found", field="name")
    return written(trigger, position, 201)


async def _now(parts: Parts, trigger_id: str, at: int | None = None) -> Trigger:
    """A trigger that has to be there, as of now.

    Raises:
        NotFound: it is not.
    """
    at = parts.projector.position if at is None else at
    return _needed(await parts.ask(parts.reader.trigger, trigger_id, at), trigger_id, await _seen(parts))


async def _seen(parts: Parts) -> list[str] | None:
    """The consumers whose triggers the caller may see: errors may tell of all that a consumer reads and makes."""
    if not parts.prefixes:
        return None
    sees = sees_of(parts)
    _, names = await ask_now(
        parts, lambda desk: [name for name, state in desk.consumers.items() if sees(state.definition)]
    )
    return names


def _needed(trigger: Trigger | None, trigger_id: str, seen: list[str] | None) -> Trigger:
    hidden = trigger is not None and seen is not None and trigger.consumer not in seen
    found: Trigger = needed(None if hidden else trigger, "trigger", "id", trigger_id)
    return found


async def _refuse_retry(parts: Parts, trigger: Trigger) -> None:
    """Refuse to try again what succeeded, or still goes on."""
    if trigger.state in ("exhausted", "cancelled") or await _was_left_failed(parts, trigger):
        return
    hint = "Cancel it first." if trigger.state not in OVER else "Run its consumer by hand instead."
    raise _conflict(trigger, "a trigger is tried again that was given up or cancelled", hint)


async def _was_left_failed(parts: Parts, trigger: Trigger) -> bool:
    """Whether the last attempt failed and nobody said that it was the last."""
    if trigger.state != "failed":
        return False
    _, attempts = await ask_now(
        parts,
        lambda desk: desk.firings[trigger.id].definition.data.attempts if trigger.id in desk.firings else 0,
    )
    return trigger.attempt >= attempts


def _the_producer(key: str, names: list[str], chosen: str | None) -> str:
    """The consumer that is to make an asset.

    Raises:
        NotFound: none makes it, or not the chosen one.
        Conflict: several do, and none is chosen.
    """
    if chosen in names or (chosen is None and len(names) == 1):
        return chosen or names[0]
    if names and chosen is None:
        raise Conflict(
            f"{len(names)} consumers make {key}.",
            code="several-producers",
            field="consumer",
            rule="consumer names the one that is to run, where several make the asset",
            hint="They are: " + ", ".join(names) + ".",
        )
    raise NotFound(
        f"No consumer{'' if chosen is None else f' {chosen!r}'} makes {key}.",
        code="no-producer",
        field="key" if chosen is None else "consumer",
        value=key if chosen is None else chosen,
        rule="a consumer has the asset among its outlets",
        hint="`assetlog consumers --asset KEY` lists those that have to do with it.",
    )


def _id_of(request: Plain) -> str:
    trigger_id: str = request.path_params["trigger_id"]
    return trigger_id


def _conflict(trigger: Trigger, rule: str, hint: str) -> Conflict:
    return Conflict(
        f"The trigger {trigger.id} is {trigger.state}.",
        code="trigger-ended" if trigger.state in OVER else "trigger-active",
        field="id",
        value=trigger.id,
        rule=rule,
        hint=hint,
    )


HANDLERS: list[HTTPRouteHandler] = [
    list_triggers,
    get_trigger,
    retry_trigger,
    cancel_trigger,
    fire_consumer,
    materialize_asset,
]
