"""The partitions of an asset."""

from __future__ import annotations

from assetlog.consumers.views.access import Access, Row
from assetlog.consumers.views.paging import DEFAULT_LIMIT, check_limit, page, read_cursor
from assetlog.consumers.views.parts import seen
from assetlog.consumers.views.subjects import find_numbers
from assetlog.schemas.shapes import Page, Partition


def partitions(
    access: Access, key: str, at: int, *, limit: int = DEFAULT_LIMIT, cursor: str | None = None
) -> Page[Partition]:
    """An asset's partitions by name, the last name first: most are dates. None for a key not known yet."""
    rows = access.rows(
        "partitions",
        aids=find_numbers(access, key, at),
        p=at,
        before=read_cursor(cursor, str),
        limit=check_limit(limit) + 1,
    )
    return page(rows, limit, at, lambda row: row[0], lambda shown: list(map(_partition, shown)))


def _partition(row: Row) -> Partition:
    name, materializations, failures, materialized, failed = row
    return Partition(
        partition=name,
        state="failed" if (failed or 0) > (materialized or 0) else "materialized",
        materializations=materializations,
        failures=failures,
        last_materialization=seen(materialized),
        last_failure=seen(failed),
    )
