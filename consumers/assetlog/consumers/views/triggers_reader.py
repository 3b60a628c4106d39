"""Triggers: which consumers fired, what came of it, and with which events."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, get_args

import msgspec
from msgspec import Struct

from assetlog.consumers.fold.known import KnownAt
from assetlog.consumers.views.access import Access, Row
from assetlog.consumers.views.paging import DEFAULT_LIMIT, check_limit, page, read_cursor
from assetlog.consumers.views.subjects import find_numbers
from assetlog.schemas.errors import Invalid
from assetlog.schemas.positions import START, format_position, position_time_text
from assetlog.schemas.scheduling_shapes import Trigger, TriggerBrief, TriggerEvent, TriggerState
from assetlog.schemas.shapes import Page

MOST_EVENTS = 1000
"""Events that one answer about a trigger lists."""


def triggers(
    access: Access,
    at: int,
    *,
    consumer: str | None = None,
    state: str | None = None,
    asset: str | None = None,
    consumers: Sequence[str] | None = None,
    limit: int = DEFAULT_LIMIT,
    cursor: str | None = None,
) -> Page[Trigger]:
    """Triggers without their events, the one that fired last first.

    Args:
        consumer: only triggers of the consumer of this name.
        state: only triggers in this state.
        asset: only triggers that consumed an event of the asset with this key, or of an alias of it.
        consumers: only triggers of the consumers of these names.

    Raises:
        Invalid: a limit, cursor, key or state that is not one.
    """
    edge = read_cursor(cursor, int)
    high = at if edge is None else edge - 1
    values: dict[str, Any] = {"p": at, "high": high, "consumer": consumer, "limit": check_limit(limit) + 1}
    values["consumers"] = None if consumers is None else list(consumers)
    if state is None and asset is None:
        rows = access.rows("latest_triggers", **values)
    else:
        aids = None if asset is None else find_numbers(access, asset, at)
        wanted = {"ids": None, "id": None, "aids": aids, "state": _check_state(state)}
        rows = access.rows("filtered_triggers", **wanted, **values)
    return page(rows, limit, at, lambda row: row[1], lambda shown: _triggers(access, at, [name for name, _ in shown]))


def trigger(access: Access, trigger_id: str, at: int, *, after: int = START) -> Trigger | None:
    """One trigger with the first thousand of its events behind a position; None for an id not known yet."""
    found = _triggers(access, at, [trigger_id])
    if not found:
        return None
    found[0].events = trigger_events(access, found[0], at, after=after)
    return found[0]


def trigger_events(access: Access, of: Trigger, at: int, *, after: int = START) -> list[TriggerEvent]:
    """The first thousand events behind a position that a trigger consumed, in order."""
    span = access.row("trigger_span", id=of.id, p=at)
    if span is None or span[0] is None:
        return []
    low, high = span
    values = {"low": low, "high": high, "after": after, "limit": MOST_EVENTS}
    rows = access.rows("trigger_events", id=of.id, consumer=of.consumer, p=at, **values)
    return events_at(access, at, rows)


def events_at(access: Access, at: int, rows: Sequence[Row]) -> list[TriggerEvent]:
    """Events by position, number of their asset (None for a tick) and partition; with the ids their bytes tell."""
    known = access.known_at(at)
    bodies = access.bodies.fetch([position for position, _, _ in rows])
    return [
        TriggerEvent(
            position=format_position(position),
            id=None if body is None else _identified.decode(body).id,
            key=None if aid is None else _shown_key(known, aid),
            partition=partition,
        )
        for (position, aid, partition), body in zip(rows, bodies, strict=True)
    ]


def _shown_key(known: KnownAt, aid: int) -> str | None:
    """An asset's key, if it may be seen: what an alias stands for may lie elsewhere than the alias."""
    key = known.key(aid)
    return None if known.number(key) is None else key


def trigger_briefs(access: Access, ids: Sequence[str], at: int) -> dict[str, TriggerBrief]:
    """The state of some triggers, by id."""
    found = _triggers(access, at, ids)
    return {each.id: TriggerBrief(id=each.id, state=each.state, fired=each.fired) for each in found}


def _triggers(access: Access, at: int, ids: Sequence[str]) -> list[Trigger]:
    if not ids:
        return []
    rows = access.rows("trigger_rows", ids=list(ids), id=ids[0] if len(ids) == 1 else None, p=at)
    return list(map(_trigger, rows))


def _trigger(row: Row) -> Trigger:
    name, consumer, state, fired, started, ended, attempt, part, count, actor, error, duration, worker, depth = row
    return Trigger(
        id=name,
        consumer=consumer,
        state=state,
        position=format_position(fired),
        fired=position_time_text(fired),
        started=None if started is None else position_time_text(started),
        ended=None if ended is None else position_time_text(ended),
        attempt=attempt or 0,
        partition=part,
        count=count,
        by=actor,
        error=None if state == "succeeded" else error,
        duration=duration,
        worker=worker,
        depth=depth or 1,
    )


def _check_state(state: str | None) -> str | None:
    states = get_args(TriggerState)
    if state is None or state in states:
        return state
    raise Invalid(
        f"{state[:60]!r} is not a trigger's state.",
        code="invalid-state",
        field="state",
        value=state,
        rule=f"a trigger's state is one of {', '.join(states)}",
    )


class _Identified(Struct):
    id: str


_identified = msgspec.json.Decoder(_Identified)
