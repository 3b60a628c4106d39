"""Events the fold could not take."""

from __future__ import annotations

from collections.abc import Sequence

from assetlog.consumers.views.access import Access, Row
from assetlog.consumers.views.paging import DEFAULT_LIMIT, check_limit, page, read_cursor
from assetlog.schemas.positions import format_position, position_time
from assetlog.schemas.shapes import Page, Quarantined
from assetlog.schemas.times import format_time


def quarantine(access: Access, at: int, *, limit: int = DEFAULT_LIMIT, cursor: str | None = None) -> Page[Quarantined]:
    """What the fold could not take and why, newest first. Bytes that the log no longer holds are empty text."""
    edge = read_cursor(cursor, int)
    before = at + 1 if edge is None else edge
    rows = access.rows("quarantine", p=at, before=before, limit=check_limit(limit) + 1)
    return page(rows, limit, at, lambda row: row[0], lambda shown: _quarantined(access, shown))


def _quarantined(access: Access, rows: Sequence[Row]) -> list[Quarantined]:
    bodies = access.bodies.fetch([row[0] for row in rows])
    return [
        Quarantined(
            position=format_position(position),
            time=format_time(position_time(position)),
            code=code,
            field=field,
            detail=detail,
            event=(body or b"").decode(errors="backslashreplace"),
        )
        for (position, code, field, detail), body in zip(rows, bodies, strict=True)
    ]
