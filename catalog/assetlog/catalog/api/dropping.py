"""Deleting from a consumer's queue: a firing that runs nothing takes what is deleted, so nothing vanishes silently."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import NamedTuple

import msgspec

from assetlog.consumers.schedule.consumer_state import ConsumerState
from assetlog.consumers.schedule.deciding import consumed
from assetlog.consumers.schedule.desk import Desk
from assetlog.consumers.schedule.queues import Chosen, Range, Source, singles
from assetlog.schemas.events.trigger import TriggerFired
from assetlog.schemas.positions import format_position

MOST_RANGES = 500
"""Ranges that one event takes: their keys are up to 1,500 characters long, and an event has a mebibyte."""
MOST_POSITIONS = 20_000
"""Single positions that one event takes."""


class Selection(NamedTuple):
    """Which of what waits for a consumer."""

    before: int | None = None
    """Only what came before this position."""
    asset: str | None = None
    """Only events of the asset that this canonical key names."""
    partition: str | None = None
    """Only events of this partition of their asset."""


def firings_that_drop(desk: Desk, name: str, selection: Selection, fired: TriggerFired) -> list[TriggerFired]:
    """What to write to delete a selection from a queue; nothing where nothing is selected.

    Args:
        desk: where it waits.
        name: the consumer's.
        selection: which part of it.
        fired: what the events say beside what they take.
    """
    state = desk.consumers[name]
    leaves = [leaf.id for leaf in state.definition.leaves]
    selected = _selector(desk, selection)
    firings: list[TriggerFired] = []
    gone: set[int] = set()
    for partition in state.queues.partitions():
        waits = state.queues.waiting(partition, leaves)
        chosen = {at: source for at, source in waits.items() if at not in gone and selected(at, source)}
        gone.update(at for at, source in chosen.items() if source is not None)  # a tick waits in every partition
        firings += _taking(desk, _ranges(state, chosen), msgspec.structs.replace(fired, partition=partition))
    return firings


def _selector(desk: Desk, selection: Selection) -> Callable[[int, Source | None], bool]:
    members: list[int] | None = None
    if selection.asset is not None:
        aid = desk.known.aids.get(selection.asset)
        members = [] if aid is None else desk.known.members(desk.known.root(aid))

    def selected(at: int, source: Source | None) -> bool:
        if selection.before is not None and at >= selection.before:
            return False
        aid, part = source or (None, None)
        if members is not None and aid not in members:
            return False
        return selection.partition is None or part == selection.partition

    return selected


def _ranges(state: ConsumerState, chosen: Chosen) -> list[Range]:
    """What is chosen, as ranges of each asset and partition where these say exactly what waits."""
    if not state.exact:
        return singles(chosen)
    by_source: dict[Source, list[int]] = {}
    for position, source in chosen.items():
        if source is not None:
            by_source.setdefault(source, []).append(position)
    ticks = singles({position: source for position, source in chosen.items() if source is None})
    return [*ticks, *(Range(*source, at[0] - 1, at[-1], len(at)) for source, at in by_source.items())]


def _taking(desk: Desk, taken: list[Range], fired: TriggerFired) -> Iterator[TriggerFired]:
    """The events that take some ranges, each of a size that the log takes."""
    keys = desk.known.keys
    single = tuple(format_position(one.up_to) for one in taken if one.events == 1)
    several = tuple(consumed(keys[one.aid], one) for one in taken if one.aid is not None and one.events > 1)
    for start in range(0, len(single), MOST_POSITIONS):
        yield msgspec.structs.replace(fired, positions=single[start : start + MOST_POSITIONS])
    for start in range(0, len(several), MOST_RANGES):
        yield msgspec.structs.replace(fired, consumed=several[start : start + MOST_RANGES])
