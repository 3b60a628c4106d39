"""When the clock brings a consumer news: ticks of cron and deadlines that are due. Only recorded ticks count."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Literal, NamedTuple

from assetlog.consumers.schedule.consumer_state import ConsumerState
from assetlog.consumers.schedule.desk import Desk
from assetlog.consumers.schedule.ticks import latest_tick, next_tick
from assetlog.schemas.conditions import Cron, Deadline
from assetlog.schemas.errors import Invalid
from assetlog.schemas.positions import position_time

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


class Tick(NamedTuple):
    """A tick that has to be recorded."""

    consumer: str
    leaf: str
    kind: Literal["cron", "deadline"]
    due: datetime


@dataclass(slots=True)
class _Timed:
    """A timed leaf of a consumer."""

    consumer: str
    leaf: Cron | Deadline
    after: datetime
    """Ticks up to here are recorded, or came before the consumer did."""
    next: datetime


class Clock:
    """The ticks of all consumers that are not paused."""

    def __init__(self) -> None:
        self._version = -1
        self._timed: list[_Timed] = []

    def due(self, desk: Desk, now: datetime) -> list[Tick]:
        """Ticks that came due, of missed ones only the latest of each leaf. They count as recorded from now on."""
        if desk.version != self._version:
            self._timed, self._version = _timed_leaves(desk), desk.version
        return [tick for timed in self._timed if timed.next <= now for tick in _take(timed, now)]

    def next(self) -> datetime | None:
        """When the next tick is due; None for never."""
        return min((timed.next for timed in self._timed), default=None)

    def forget(self) -> None:
        """Ask the desk again which ticks are recorded."""
        self._version = -1


def _timed_leaves(desk: Desk) -> list[_Timed]:
    found = []
    for state in desk.consumers.values():
        if state.paused:
            continue
        for leaf in state.definition.leaves:
            if isinstance(leaf, Cron | Deadline):
                after = _recorded(state, leaf.id)
                try:
                    found.append(_Timed(state.definition.name, leaf, after, _next(leaf, after)))
                except Invalid:  # a zone that is not known here: another node may know it
                    continue
    return found


def _take(timed: _Timed, now: datetime) -> list[Tick]:
    leaf = timed.leaf
    tick = latest_tick(leaf.expression, leaf.time_zone, timed.after, now)
    timed.after = tick or now
    timed.next = _next(leaf, max(timed.after, now - timedelta(milliseconds=1)))
    kind: Literal["cron", "deadline"] = "cron" if isinstance(leaf, Cron) else "deadline"
    return [] if tick is None else [Tick(timed.consumer, leaf.id, kind, tick)]


def _next(leaf: Cron | Deadline, after: datetime) -> datetime:
    return next_tick(leaf.expression, leaf.time_zone, after)


def _recorded(state: ConsumerState, leaf: str) -> datetime:
    return position_time(max(state.definition.registered, state.queues.ticks.get(leaf, 0)))
