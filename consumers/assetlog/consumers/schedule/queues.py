"""What waits for one consumer: positions by partition, leaf and asset, in the order they came."""

from __future__ import annotations

import heapq
from array import array
from bisect import bisect_right
from collections.abc import Iterable, Iterator
from itertools import repeat
from operator import itemgetter
from typing import NamedTuple

from assetlog.schemas.positions import SEQ_BITS

Source = tuple[int, str | None]
"""An asset's number, and the partition its events bear."""
LeafQueue = dict[Source, "array[int]"]
PartitionQueue = dict[str, LeafQueue]
"""By a leaf's id."""


Chosen = dict[int, Source | None]
"""Positions in order, with their sources; None for a tick."""
NOWHERE: Source = (-1, None)
"""The source of what does not wait."""


class Range(NamedTuple):
    """Events that a trigger consumes: those of one asset and partition after a position, up to another."""

    aid: int | None
    """None for a tick of the clock."""
    part: str | None
    after: int
    up_to: int
    events: int


class Queues:
    """The queues of a consumer. An event that several leaves match waits on each, and counts once."""

    def __init__(self) -> None:
        self.by_partition: dict[str | None, PartitionQueue] = {}
        self.count = 0
        """How many events wait."""
        self.last = 0
        """The position of the last event that came; 0 before the first."""
        self.ticks: dict[str, int] = {}
        """By a timed leaf's id: its latest tick. A tick counts once for every partition."""
        self.used: dict[tuple[str, str | None], int] = {}
        """The last tick of a leaf that a partition consumed."""

    def add(self, target: str | None, leaf: str, source: Source, position: int) -> None:
        """An event begins to wait on a leaf."""
        positions = self.by_partition.setdefault(target, {}).setdefault(leaf, {}).setdefault(source, array("q"))
        if positions and positions[-1] == position:
            return
        positions.append(position)
        if position != self.last:
            self.count += 1
            self.last = position

    def tick(self, leaf: str, position: int) -> None:
        """The clock brought news; it takes the place of an earlier tick."""
        self.ticks[leaf] = position
        self.used = {key: used for key, used in self.used.items() if key[0] != leaf}

    def partitions(self) -> list[str | None]:
        """The partitions in which something waits; `None` alone where only ticks do."""
        return list(self.by_partition) or [None]

    def firsts(self, partition: str | None) -> dict[str, int]:
        """By leaf: the first position that waits in a partition."""
        found = {
            leaf: min(positions[0] for positions in sources.values())
            for leaf, sources in self.by_partition.get(partition, {}).items()
        }
        return found | {leaf: at for leaf, at in self.ticks.items() if self.used.get((leaf, partition), 0) < at}

    def lasts(self, partition: str | None) -> dict[str, int]:
        """By leaf: the last position that waits in a partition."""
        found = {
            leaf: max(positions[-1] for positions in sources.values())
            for leaf, sources in self.by_partition.get(partition, {}).items()
        }
        return {**found, **{leaf: at for leaf, at in self.firsts(partition).items() if leaf in self.ticks}}

    def waiting(self, partition: str | None, leaves: Iterable[str], most: int | None = None) -> Chosen:
        """The positions that wait on some leaves in a partition, in order, the first so many; with their sources."""
        queue = self.by_partition.get(partition, {})
        lines: list[Iterable[tuple[int, Source | None]]] = []
        for leaf in leaves:
            lines += [zip(at, repeat(source), strict=False) for source, at in queue.get(leaf, {}).items()]
            tick = self.ticks.get(leaf, 0)
            if tick and self.used.get((leaf, partition), 0) < tick:
                lines.append([(tick, None)])
        found: Chosen = {}
        for position, source in heapq.merge(*lines, key=itemgetter(0)):
            found[position] = source
            if len(found) == most:
                break
        return found

    def spans(self, partition: str | None, leaves: Iterable[str]) -> list[Range]:
        """All that waits on some leaves in a partition, one range an asset and partition: where ranges are exact."""
        spans: dict[Source, array[int]] = {}
        queue, found = self.by_partition.get(partition, {}), []
        for leaf in leaves:
            for source, positions in queue.get(leaf, {}).items():
                if len(positions) > len(spans.get(source, ())):
                    spans[source] = positions
            tick = self.ticks.get(leaf, 0)
            if tick and self.used.get((leaf, partition), 0) < tick:
                found.append(single(tick, None))
        return found + [Range(*source, at[0] - 1, at[-1], len(at)) for source, at in spans.items()]

    def all(self) -> Iterator[tuple[int, Source]]:
        """Every event that waits, in order, once."""
        found: dict[int, Source] = {}
        for queue in self.by_partition.values():
            for sources in queue.values():
                for source, positions in sources.items():
                    found.update(dict.fromkeys(positions, source))
        yield from sorted(found.items())

    def holds(self, partition: str | None, wanted: Range) -> bool:
        """Whether all that a range would consume waits in a partition."""
        if wanted.aid is None:
            return any(
                at == wanted.up_to and self.used.get((leaf, partition), 0) < at for leaf, at in self.ticks.items()
            )
        return len(self.within(partition, wanted)) == wanted.events

    def take(self, partition: str | None, wanted: Range) -> Chosen:
        """Take what a range consumes from every leaf; the positions that are gone, with their source."""
        if wanted.aid is None:
            for leaf, at in self.ticks.items():
                if at == wanted.up_to:
                    self.used[leaf, partition] = at
            return {wanted.up_to: None}
        gone: set[int] = set()
        source: Source = (wanted.aid, wanted.part)
        for target in list(self.by_partition):
            for leaf in list(self.by_partition[target]):
                gone.update(self._cut(target, leaf, source, wanted))
        self.count -= len(gone)
        return dict.fromkeys(gone, source)

    def drop_leaf(self, leaf: str) -> None:
        """A leaf is no longer part of the condition."""
        for target in list(self.by_partition):
            self.by_partition[target].pop(leaf, None)
            if not self.by_partition[target]:
                del self.by_partition[target]
        self.ticks.pop(leaf, None)
        self.recount()

    def recount(self) -> None:
        """Count anew what waits, after events came or went out of their order."""
        waiting = [position for position, _ in self.all()]
        self.count, self.last = len(waiting), max([self.last, *waiting[-1:]])

    def within(self, partition: str | None, wanted: Range) -> set[int]:
        """The events that wait in a partition and lie in a range."""
        if wanted.aid is None:
            return {wanted.up_to}
        source: Source = (wanted.aid, wanted.part)
        found: set[int] = set()
        for sources in self.by_partition.get(partition, {}).values():
            positions = sources.get(source)
            if positions is not None:
                found.update(positions[bisect_right(positions, wanted.after) : bisect_right(positions, wanted.up_to)])
        return found

    def _cut(self, target: str | None, leaf: str, source: Source, wanted: Range) -> list[int]:
        queue = self.by_partition[target]
        positions = queue[leaf].get(source)
        if positions is None:
            return []
        start, stop = bisect_right(positions, wanted.after), bisect_right(positions, wanted.up_to)
        gone = positions[start:stop].tolist()
        del positions[start:stop]
        if not positions:
            del queue[leaf][source]
            if not queue[leaf]:
                del queue[leaf]
            if not queue:
                del self.by_partition[target]
        return gone

    def copy(self, partition: str | None) -> Queues:
        """One partition's queues, to try what firing would leave."""
        other = Queues()
        queue = self.by_partition.get(partition)
        if queue is not None:
            copied = {leaf: {src: array("q", at) for src, at in sources.items()} for leaf, sources in queue.items()}
            other.by_partition[partition] = copied
        other.ticks, other.used = dict(self.ticks), dict(self.used)
        other.count, other.last = self.count, self.last
        return other


def singles(chosen: Chosen) -> list[Range]:
    """A range for each position."""
    return [single(position, source) for position, source in chosen.items()]


def milliseconds(position: int) -> int:
    """When the log recorded a position, in milliseconds since 1970."""
    return position >> SEQ_BITS


def single(position: int, source: Source | None) -> Range:
    """The range of one event, or of a tick."""
    aid, part = source or (None, None)
    return Range(aid, part, position - 1, position, 1)
