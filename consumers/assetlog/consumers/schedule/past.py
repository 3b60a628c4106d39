"""Earlier events, from the projection: what the desk asks when a consumer starts in the past."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import Any

import duckdb
import msgspec

from assetlog.consumers.fold.store import FOLD_SQL
from assetlog.consumers.schedule.consumer_state import Firing, Past
from assetlog.consumers.schedule.definition import Definition, definition_of
from assetlog.consumers.schedule.freshness import Policy, Standing
from assetlog.consumers.schedule.queues import Range
from assetlog.consumers.views.sql import Statement, statement
from assetlog.schemas.events.consumer import ConsumerRegistered
from assetlog.schemas.positions import MAX_MS, SEQ_BITS

SQL = "assetlog.consumers.schedule.sql"

MAX_POSITION = (MAX_MS + 1 << SEQ_BITS) - 1

_declaration = msgspec.json.Decoder(ConsumerRegistered)

LogRow = Sequence[Any]
"""A row of the table `log`."""


class FoldedPast(Past):
    """What was folded, and the rows that wait for their commit.

    Args:
        connection: reads the projection.
        uncommitted: rows of the table `log` that follow.
    """

    def __init__(
        self, connection: duckdb.DuckDBPyConnection, uncommitted: Callable[[], Sequence[LogRow]] = tuple
    ) -> None:
        self.position = MAX_POSITION
        """As of where assets are named: earlier than the end while older events are fed."""
        self._connection = connection
        self._uncommitted = uncommitted

    def materializations(self, after: int, before: int) -> Iterable[tuple[int, int, str | None]]:
        """Materializations between two positions: the position, the asset's number, the partition."""
        yield from sql("materializations").run(self._connection, {"after": after, "before": before}).fetchall()
        for row in self._uncommitted():
            position, kind, aid, part = row[0], row[3], row[4], row[8]
            if kind == "asset.materialized" and after < position < before:
                yield position, aid, part

    def facts(self) -> Iterable[tuple[int, str | None, str | None]]:
        """The number, name and group of every asset that has one."""
        return sql("asset_facts").run(self._connection, {"p": self.position}).fetchall()

    def resolved(self) -> Iterable[tuple[int, str]]:
        """The number of every asset that a run-time alias stood for, with the alias."""
        rows = sql("alias_facts").run(self._connection, {"after": 0, "p": self.position}).fetchall()
        return [(aid, alias) for _, aid, alias in rows]

    def positions(self, one: Range) -> Iterable[int]:
        """The events in a range."""
        values = {"aid": one.aid, "part": one.part, "after": one.after, "up_to": one.up_to}
        return [position for (position,) in sql("range_positions").run(self._connection, values).fetchall()]

    def policies(self, aids: Sequence[int] | None) -> Iterable[Policy]:
        """The freshness policies of some assets, or of all."""
        rows = sql("policies").run(self._connection, {"p": self.position, "aids": aids}).fetchall()
        return map(Policy._make, rows)

    def standings(self, aids: Sequence[int]) -> Iterable[Standing]:
        """What was last heard of some assets."""
        snapshot = statement("latest_snapshot", FOLD_SQL).row(self._connection, {"p": self.position})
        values = {"p": self.position, "s": snapshot[0] if snapshot else 0, "aids": aids}
        return map(Standing._make, sql("standings").run(self._connection, values).fetchall())

    def firing(self, trigger: str) -> Firing | None:
        """A trigger that was accepted."""
        connection = self._connection
        row = sql("firing").row(connection, {"trigger": trigger})
        if row is None:
            return None
        position, _, partition, depth, declared = row
        ranges = tuple(map(Range._make, sql("firing_ranges").run(connection, {"trigger": trigger}).fetchall()))
        definition = definitions(connection, [declared])[declared]
        return Firing(trigger, definition, position, partition, ranges, depth or 1)


def definitions(connection: duckdb.DuckDBPyConnection, positions: Sequence[int]) -> dict[int, Definition]:
    """The consumers that were declared at some positions."""
    rows = sql("declarations").run(connection, {"positions": list(positions)}).fetchall()
    return {position: definition_of(name, registered(data), position) for position, name, data in rows}


def registered(data: str) -> ConsumerRegistered:
    """What the table `consumers` keeps of a declaration."""
    return _declaration.decode(data)


def sql(name: str) -> Statement:
    """One of the schedule's statements."""
    return statement(name, SQL)
