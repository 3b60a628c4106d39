"""The checks of an asset."""

from __future__ import annotations

from collections.abc import Sequence

from msgspec import Raw

from assetlog.consumers.views.access import Access, Row
from assetlog.consumers.views.paging import DEFAULT_LIMIT, check_limit, page, read_cursor
from assetlog.consumers.views.parts import time_text
from assetlog.consumers.views.subjects import find_numbers
from assetlog.schemas.codec import decode
from assetlog.schemas.events.asset import AssetChecked
from assetlog.schemas.events.common import EMPTY
from assetlog.schemas.positions import format_position
from assetlog.schemas.shapes import Check, Page


def checks(access: Access, key: str, at: int, *, limit: int = DEFAULT_LIMIT, cursor: str | None = None) -> Page[Check]:
    """The newest result of each of an asset's checks, by name and partition.

    Description and metadata are empty where the log no longer holds the result's bytes.
    """
    after_name, after_part = read_cursor(cursor, tuple[str, str]) or ("", "")
    rows = access.rows(
        "checks",
        aids=find_numbers(access, key, at),
        p=at,
        after_name=after_name,
        after_part=after_part,
        limit=check_limit(limit) + 1,
    )
    return page(rows, limit, at, lambda row: (row[0], row[1] or ""), lambda shown: _checks(access, shown))


def _checks(access: Access, rows: Sequence[Row]) -> list[Check]:
    bodies = access.bodies.fetch([row[2] for row in rows])
    return [_check(row, body) for row, body in zip(rows, bodies, strict=True)]


def _check(row: Row, body: bytes | None) -> Check:
    name, partition, position, passed, severity, run, time, results, failed = row
    description, metadata = _said(body)
    return Check(
        name=name,
        passed=passed,
        severity=severity,
        partition=partition,
        position=format_position(position),
        time=time_text(time),
        run=run,
        description=description,
        metadata=metadata,
        results=results,
        failed=failed,
    )


def _said(body: bytes | None) -> tuple[str | None, Raw]:
    """Description and metadata of a result."""
    data = None if body is None else decode(body).data
    return (data.description, data.metadata) if isinstance(data, AssetChecked) else (None, EMPTY)
