"""How far a projection is: what its file says of its position, its totals and its snapshots."""

from __future__ import annotations

from typing import NamedTuple

import duckdb

from assetlog.consumers.fold.store import FOLD_SQL, Store
from assetlog.consumers.views.sql import Statement
from assetlog.consumers.views.sql import statement as _statement

MAX_POSITION = (1 << 63) - 1


class Totals(NamedTuple):
    """How many entries came to what, since the first."""

    folded: int = 0
    duplicates: int = 0
    quarantined: int = 0
    skipped: int = 0


class Mark(NamedTuple):
    """What the log looked like where the fold stood: it tells a log that was replaced."""

    position: int
    entry: bytes
    """SHA-256 of the entry's bytes."""
    server: str
    """The log server's replication id."""


def latest_snapshot(connection: duckdb.DuckDBPyConnection, at: int = MAX_POSITION) -> int:
    """The position of the last snapshot at or before a position, 0 if there is none."""
    row = statement("latest_snapshot").row(connection, {"p": at})
    return int(row[0]) if row else 0


def keys_at(connection: duckdb.DuckDBPyConnection, position: int) -> int:
    """How many assets were met up to a position."""
    row = statement("keys_at").row(connection, {"p": position})
    return int(row[0]) if row else 0


def load_mark(store: Store) -> Mark | None:
    """The last mark of a file, None for an empty one."""
    row = statement("mark").row(store.reader, {})
    return Mark(*row) if row else None


def load_first(store: Store) -> int | None:
    """The first entry a file has folded."""
    row = statement("first").row(store.reader, {})
    return row[0] if row else None


def load_position(store: Store) -> tuple[int, Totals, int]:
    """How far a file is: position, totals, and events since the last snapshot."""
    row = statement("position").row(store.reader, {})
    assert row is not None  # aggregates give one row
    position, folded, duplicates, quarantined, skipped, unsnapped = row
    return position, Totals(folded, duplicates, quarantined, skipped), unsnapped


def statement(name: str) -> Statement:
    """One of the fold's own statements."""
    return _statement(name, FOLD_SQL)
