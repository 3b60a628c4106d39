"""The log: events as they were accepted, each once."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

from msgspec import Raw

from assetlog.consumers.views.access import Access, Row
from assetlog.consumers.views.paging import DEFAULT_LIMIT, check_limit, page, read_cursor
from assetlog.consumers.views.subjects import find_numbers
from assetlog.schemas.errors import Invalid, Unavailable
from assetlog.schemas.events import EVENT_TYPES
from assetlog.schemas.positions import START, format_position
from assetlog.schemas.shapes import EventShape, Page

GONE = Raw(b"null")
"""Stands for the bytes of an event that the log no longer holds."""
_VIEWS = {"desc": "events", "asc": "events_ascending"}


def events(
    access: Access,
    at: int,
    *,
    after: int = START,
    before: int | None = None,
    type: str | None = None,  # noqa: A002 - the parameter's public name
    asset: str | None = None,
    run: str | None = None,
    order: Literal["asc", "desc"] = "desc",
    limit: int = DEFAULT_LIMIT,
    cursor: str | None = None,
) -> Page[EventShape]:
    """Events between two positions. An event whose bytes the log no longer holds is `null`.

    Args:
        at: the last position that is looked at.
        after: only events after this position.
        before: only events before this position.
        type: a type (`asset.failed`) or a family (`asset.` or `asset.*`).
        asset: only events of the asset with this key, or with one of its aliases.
        run: only events of the run with this id.
        order: `asc` is oldest first.

    Raises:
        Invalid: a limit, cursor, key, type or order that is not one.
    """
    last = at if before is None else min(at, before - 1)
    edge = read_cursor(cursor, int)
    if edge is not None:
        after, last = (max(after, edge), last) if order == "asc" else (after, min(last, edge - 1))
    exact, family = _type_filter(type)
    rows = access.rows(
        _view(order),
        after=after,
        p=last,
        type=exact,
        family=family,
        aids=None if asset is None else find_numbers(access, asset, at),
        run=run,
        limit=check_limit(limit) + 1,
    )
    return page(rows, limit, at, lambda row: row[0], lambda shown: _events(access, shown))


def event(access: Access, position: int) -> EventShape | None:
    """The event at a position, None if there is none.

    Raises:
        Unavailable: the log no longer holds its bytes.
    """
    if not access.one("event", pos=position):
        return None
    [body] = access.bodies.fetch([position])
    if body is None:
        raise Unavailable(
            f"The log no longer holds the event at {format_position(position)}.",
            code="event-trimmed",
            field="position",
            value=format_position(position),
            hint="It was trimmed from the stream; look for it in the archive.",
        )
    return EventShape(position=format_position(position), event=Raw(body))


def _events(access: Access, rows: Sequence[Row]) -> list[EventShape]:
    positions = [position for (position,) in rows]
    bodies = access.bodies.fetch(positions)
    return [
        EventShape(position=format_position(position), event=GONE if body is None else Raw(body))
        for position, body in zip(positions, bodies, strict=True)
    ]


def _type_filter(type_name: str | None) -> tuple[str | None, str | None]:
    """A type or the beginning of a family's types; one of the two is None."""
    if type_name is None or type_name in EVENT_TYPES:
        return type_name, None
    family = type_name.removesuffix("*")
    if family.endswith(".") and any(name.startswith(family) for name in EVENT_TYPES):
        return None, family
    raise Invalid(
        f"{type_name[:60]!r} is neither an event type nor a family of types.",
        code="invalid-type",
        field="type",
        value=type_name,
        rule="a type is one that events have, e.g. asset.materialized; a family ends with a dot, e.g. asset.",
        hint="See the list of event types in the API's description.",
    )


def _view(order: str) -> str:
    if order in _VIEWS:
        return _VIEWS[order]
    raise Invalid(
        f"{order[:60]!r} is not an order.",
        code="invalid-order",
        field="order",
        value=order,
        rule="an order is asc or desc",
    )
