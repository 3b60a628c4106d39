"""What changed between two positions."""

from __future__ import annotations

from assetlog.consumers.views.access import Access, Row
from assetlog.consumers.views.paging import DEFAULT_LIMIT, check_limit, page, read_cursor
from assetlog.schemas.errors import Invalid
from assetlog.schemas.positions import format_position
from assetlog.schemas.shapes import AssetChange, Diff


def diff(access: Access, from_: int, to: int, *, limit: int = DEFAULT_LIMIT, cursor: str | None = None) -> Diff:
    """What changed after `from_` up to `to`: assets by key, and how much happened.

    `added` assets were unknown or retired before, `removed` ones are retired now. `runs` had an event in between.

    Raises:
        Invalid: `to` is before `from_`, or a limit or cursor is not one.
    """
    _check_order(from_, to)
    rows = access.rows(
        "diff",
        s0=access.snapshot_before(from_),
        p0=from_,
        s1=access.snapshot_before(to),
        p1=to,
        aids=None,
        after=read_cursor(cursor, str) or "",
        limit=check_limit(limit) + 1,
    )
    changes = page(rows, limit, to, lambda row: row[0], lambda shown: list(map(_change, shown)))
    [(events, artifacts, runs)] = access.rows("diff_totals", p0=from_, p1=to)
    return Diff(
        items=changes.items,
        next=changes.next,
        from_=format_position(from_),
        to=format_position(to),
        events=events,
        artifacts=artifacts,
        runs=runs,
        position=changes.position,
    )


def _change(row: Row) -> AssetChange:
    key, change, before, after, materializations, failures, upstream = row
    return AssetChange(
        key=key,
        change=change,
        state_before=before,
        state_after=after,
        materializations=materializations,
        failures=failures,
        upstream_added=upstream or [],
    )


def _check_order(from_: int, to: int) -> None:
    if from_ > to:
        raise Invalid(
            f"from {format_position(from_)} is after to {format_position(to)}.",
            code="invalid-range",
            field="from",
            value=format_position(from_),
            rule="from is at or before to",
            hint="Swap the two.",
        )
