"""What waits for a consumer, what it waits for, and how to delete from its queue."""

from __future__ import annotations

from typing import Annotated

from litestar.handlers import HTTPRouteHandler
from msgspec import Meta, Struct

from assetlog.catalog.api import desk_answers
from assetlog.catalog.api.answer import Answer
from assetlog.catalog.api.consumer_requests import SCOPES, TAG, asker, name_of, sees_of, written
from assetlog.catalog.api.desk import ask_at, ask_desk, ask_now
from assetlog.catalog.api.desk_answers import Waiting
from assetlog.catalog.api.dropping import Selection, firings_that_drop
from assetlog.catalog.api.explaining import explanation
from assetlog.catalog.api.parts import Parts, Plain, parts_of, whole_parts
from assetlog.catalog.api.query import AsOf, Listed
from assetlog.catalog.api.reading import as_of, found, has_answer, listed, needed, not_modified, part_of, tag_of
from assetlog.catalog.api.route import Spec, read, remove
from assetlog.catalog.scheduling import tell
from assetlog.consumers.schedule.desk import Desk
from assetlog.consumers.views.paging import read_cursor, write_cursor
from assetlog.consumers.views.triggers_reader import MOST_EVENTS
from assetlog.schemas.errors import Unavailable
from assetlog.schemas.events.trigger import TriggerFired
from assetlog.schemas.ids import new_id
from assetlog.schemas.keys import canonical_key
from assetlog.schemas.positions import START, format_position, parse_position
from assetlog.schemas.scheduling_shapes import Explanation, QueueDeletion, Trigger, TriggerEvent
from assetlog.schemas.shapes import Page

DROP_TRIES = 3
"""How often a queue is looked at again whose events fired while they were being deleted."""
DROPPED = "deleted from the queue"


class Selecting(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Which queued events."""

    before: Annotated[str | None, Meta(description="Only events before this position, or up to this time.")] = None
    asset: Annotated[str | None, Meta(description="Only events of the asset of this key.")] = None
    partition: Annotated[str | None, Meta(description="Only events of this partition of their asset.")] = None


@read("/v1/consumers/{name:str}/explain", AsOf, Explanation, tag=TAG, problems=(400, 404, 503))
async def explain_consumer(request: Plain, query: AsOf) -> Answer:
    """Why a consumer fired, or what it waits for: what has come and what is missing, partition by partition."""
    parts, name = parts_of(request), name_of(request)

    def look(desk: Desk) -> desk_answers.Facts | None:
        there = desk_answers.consumer(desk, name, sees_of(parts))
        return None if there is None else desk_answers.facts(desk, name)

    at, facts = await ask_desk(parts, query, look)
    tag = tag_of(request, parts, at)
    if facts is not None and has_answer(request, tag):
        return not_modified(at, tag)

    def explained() -> Explanation:
        told: desk_answers.Facts = needed(facts, "consumer", "name", name)
        last = told.glimpse.last_trigger
        return explanation(told, None if last is None else parts.reader.trigger(last[0], at), at)

    return found(await parts.ask(explained), at, tag)


@read("/v1/consumers/{name:str}/queue", Listed, Page[TriggerEvent], tag=TAG, problems=(400, 404, 503))
async def list_queue(request: Plain, query: Listed) -> Answer:
    """What waits for a consumer, in the order in which it came."""
    parts, name = parts_of(request), name_of(request)
    at, cursor = await part_of(parts, query)
    after = read_cursor(cursor, int) or START

    def look(desk: Desk) -> list[Waiting] | None:
        there = desk_answers.consumer(desk, name, sees_of(parts))
        return None if there is None else desk_answers.waiting(desk, name, after, query.limit + 1)

    first = query.cursor is None and query.as_of is None
    at, waiting = await (ask_now(parts, look) if first else ask_at(parts, at, look))

    def page() -> Page[TriggerEvent]:
        rows: list[Waiting] = needed(waiting, "consumer", "name", name)
        shown = rows[: query.limit]
        following = f"{format_position(at)}_{write_cursor(shown[-1][0])}" if len(rows) > query.limit else None
        return Page(items=parts.reader.events_at(at, shown), next=following, position=format_position(at))

    return await listed(request, at, page)


@remove(
    "/v1/consumers/{name:str}/queue",
    Spec(TAG, Selecting, QueueDeletion, problems=(400, 404, 503), scopes=SCOPES),
)
async def delete_queue(request: Plain, query: Selecting) -> Answer:
    """Delete what waits for a consumer, or some of it: it is recorded as taken by a trigger that runs nothing."""
    parts, name = parts_of(request), name_of(request)
    before = None if query.before is None else await _before(parts, query.before)
    selection = Selection(before, canonical_key(query.asset) if query.asset else None, query.partition)
    fired = TriggerFired(consumer=name, by=asker(parts), dropped=DROPPED)
    dropped: list[Trigger] = []
    async with parts.deciding:
        for _ in range(DROP_TRIES):
            at, firings = await _firings(parts, name, selection, fired)
            taken = [await _drop(request, each) for each in firings]
            dropped += [trigger for trigger in taken if trigger.state == "cancelled"]
            if all(trigger.state == "cancelled" for trigger in taken):
                at = max(at, parts.projector.position)
                return written(_deletion(parts, name, dropped, at), at)
    raise Unavailable(
        "The events fired while they were being deleted.",
        code="queue-busy",
        hint="Pause the consumer, then delete its queue.",
    )


async def _before(parts: Parts, text: str) -> int:
    """A position as it is; for a time the first position after it."""
    at = await as_of(parts, text, "before")
    return at + 1 if ":" in text else at


async def _firings(
    parts: Parts, name: str, selection: Selection, fired: TriggerFired
) -> tuple[int, list[TriggerFired]]:
    def look(desk: Desk) -> list[TriggerFired] | None:
        there = desk_answers.consumer(desk, name, sees_of(parts))
        return None if there is None else firings_that_drop(desk, name, selection, fired)

    at, firings = await ask_now(parts, look)
    selected: list[TriggerFired] = needed(firings, "consumer", "name", name)
    return at, selected


async def _drop(request: Plain, fired: TriggerFired) -> Trigger:
    """Take what is to be deleted: a trigger that is cancelled as it fires, or void where something had fired before."""
    whole = whole_parts(request)
    trigger_id = new_id()
    position = await tell(parts_of(request), "trigger.fired", trigger_id, fired)
    trigger = await whole.ask(whole.reader.trigger, trigger_id, position)
    assert trigger is not None  # it is folded
    return trigger


def _deletion(parts: Parts, name: str, dropped: list[Trigger], at: int) -> QueueDeletion:
    events = [event for trigger in dropped for event in trigger.events]
    events.sort(key=lambda event: parse_position(event.position))
    for event in events:  # an alias of a key below the prefix may lie outside
        if parts.prefixes and event.key is not None and not event.key.startswith(parts.prefixes):
            event.key = None
    return QueueDeletion(
        consumer=name,
        count=sum(trigger.count for trigger in dropped),
        events=events[:MOST_EVENTS],
        triggers=[trigger.id for trigger in dropped],
        position=format_position(at),
    )


HANDLERS: list[HTTPRouteHandler] = [explain_consumer, list_queue, delete_queue]
