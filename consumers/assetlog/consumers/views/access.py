"""What the functions that answer questions work with: views by name on this thread's cursor, bodies by position."""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from typing import Any, Protocol

import duckdb

from assetlog.consumers.fold.known import Known, KnownAt
from assetlog.consumers.views.landmarks import Landmarks
from assetlog.consumers.views.sql import statement

Row = tuple[Any, ...]

FEW = 20
"""Up to so many numbers are looked for by a list."""


class FetchesBodies(Protocol):
    """Where the accepted bytes are: the log, and behind it the archive."""

    def fetch(self, positions: Sequence[int]) -> list[bytes | None]:
        """The bytes at each position, in the order asked for; None where they are gone."""
        ...


class Access:
    """The projection and the bodies, for any number of threads.

    Args:
        cursor_factory: makes a connection for a thread, e.g. `Store.cursor`. Each thread gets its own, once an epoch.
        bodies: where events' bytes are fetched from.
        known: the graph in memory; read from the projection at each question unless given.
        epoch: changes whenever the projection was opened again, which ends all connections to it.
    """

    def __init__(
        self,
        cursor_factory: Callable[[], duckdb.DuckDBPyConnection],
        bodies: FetchesBodies,
        epoch: Callable[[], int] = lambda: 0,
        known: Callable[[], Known] | None = None,
    ) -> None:
        self.bodies = bodies
        self._cursor_factory = cursor_factory
        self._epoch = epoch
        self._known = known
        self._local = threading.local()

    @property
    def cursor(self) -> duckdb.DuckDBPyConnection:
        """This thread's connection."""
        epoch = self._epoch()
        if getattr(self._local, "epoch", None) != epoch:
            self._local.cursor, self._local.epoch = self._cursor_factory(), epoch
            self._local.landmarks = Landmarks()
        cursor: duckdb.DuckDBPyConnection = self._local.cursor
        return cursor

    @property
    def landmarks(self) -> Landmarks:
        """What this thread's connection remembers."""
        _ = self.cursor  # a new one has new landmarks
        landmarks: Landmarks = self._local.landmarks
        return landmarks

    def rows(self, view: str, **values: Any) -> list[Row]:
        """All rows of a view; values that it does not name are left out."""
        numbers = values.get("aids")
        few = numbers is not None and len(numbers) <= FEW
        return statement(view, few=few).run(self.cursor, values).fetchall()

    def row(self, view: str, **values: Any) -> Row | None:
        """The first row of a view, None if it has none."""
        return statement(view).row(self.cursor, values)

    def one(self, view: str, **values: Any) -> Any:
        """The one value of a view that always has one, such as a count."""
        row = self.row(view, **values)
        assert row is not None  # an aggregate over no rows is still a row
        return row[0]

    def known(self) -> Known:
        """The graph of assets."""
        return Known.load(self.cursor) if self._known is None else self._known()

    def known_at(self, at: int) -> KnownAt:
        """The graph of assets as of a position."""
        return self.known().at(at)

    def snapshot_before(self, at: int) -> int:
        """The `$s` that belongs to `$p` = `at`: the position of the last snapshot up to it, 0 for none."""
        return self.landmarks.snapshot_before(self.one, at)

    def is_snapped(self, at: int) -> bool:
        """Whether a snapshot stands at or after a position: then what snapshots leave is complete up to there."""
        return self.landmarks.is_snapped(self.one, at)

    def is_empty(self, begin: str, at: int) -> bool:
        """Whether a table has no rows up to a position; `begin` is the view that tells where it begins."""
        return self.landmarks.is_empty(self.one, begin, at)
