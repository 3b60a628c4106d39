"""What is known of a consumer and of its triggers at a moment."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Literal, NamedTuple

from assetlog.consumers.schedule.definition import Definition
from assetlog.consumers.schedule.freshness import Policy, Standing
from assetlog.consumers.schedule.queues import Queues, Range, Source

Act = Literal["fired", "cancelled", "void"]


class Past:
    """What the desk asks of the events before those it is fed with. Here: there were none."""

    def materializations(self, after: int, before: int) -> Iterable[tuple[int, int, str | None]]:
        """Materializations between two positions: the position, the asset's number, the partition."""
        del after, before
        return ()

    def facts(self) -> Iterable[tuple[int, str | None, str | None]]:
        """The number, name and group of every asset that has one."""
        return ()

    def resolved(self) -> Iterable[tuple[int, str]]:
        """The number of every asset that a run-time alias stood for, with the alias."""
        return ()

    def positions(self, one: Range) -> Iterable[int]:
        """The events in a range."""
        del one
        return ()

    def policies(self, aids: Sequence[int] | None) -> Iterable[Policy]:
        """The freshness policies of some assets, or of all."""
        del aids
        return ()

    def standings(self, aids: Sequence[int]) -> Iterable[Standing]:
        """What was last heard of some assets."""
        del aids
        return ()

    def firing(self, trigger: str) -> Firing | None:
        """A trigger that was accepted."""
        del trigger
        return None


@dataclass(slots=True)
class Firing:
    """A trigger that was accepted and has not ended."""

    id: str
    definition: Definition
    position: int
    partition: str | None
    ranges: tuple[Range, ...]
    depth: int = 1
    state: Literal["fired", "started"] = "fired"
    events: tuple[tuple[int, Source | None], ...] = ()
    """What it consumed, if that is at hand: positions with their sources, None for a tick."""
    asked: int = 0
    """Where a person asked to have it tried anew; 0 for nowhere."""


@dataclass(slots=True)
class ConsumerState:
    """A consumer, and all that is so of it now."""

    definition: Definition
    exact: bool
    """Whether a range of an asset's events says exactly which of them wait."""
    paused: bool = False
    paused_reason: str | None = None
    queues: Queues = field(default_factory=Queues)
    complete: set[str | None] = field(default_factory=set)
    """With `within`: partitions in which all that is needed came within the window."""
    active: dict[str, int] = field(default_factory=dict)
    """Triggers that have not ended, each with its position."""
    last_trigger: tuple[str, int] | None = None
    depth: int = 0
    """The greatest depth of a trigger that emitted something of what waits."""
    released: tuple[int, ...] = ()
    """What no longer waits since the condition was changed last."""

    @property
    def queued(self) -> int:
        """How many events wait."""
        return self.queues.count

    def ready(self, partition: str | None) -> tuple[dict[str, int], set[str]]:
        """The leaves with something queued in a partition, with its first position; and those that count as true."""
        return self.ready_in(self.queues, partition)

    def ready_in(self, queues: Queues, partition: str | None) -> tuple[dict[str, int], set[str]]:
        """The same of other queues: of those that a firing would leave."""
        firsts = queues.firsts(partition)
        return firsts, {leaf for leaf in firsts if self._is_complete(queues, leaf, partition)}

    def _is_complete(self, queues: Queues, leaf: str, partition: str | None) -> bool:
        mapper = self.definition.mapper(leaf)
        if mapper.of is None or partition is None:
            return True
        return mapper.complete(partition, (part for _, part in queues.by_partition[partition].get(leaf, {})))


class Accepted(NamedTuple):
    """What the desk says of a firing."""

    act: Act
    reason: str | None = None
    ranges: tuple[Range, ...] = ()
