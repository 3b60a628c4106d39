"""What is asked of the desk: consumers, what waits for them, what they wait for.

Each is a short look in its owner's thread. What comes back holds nothing of the desk that changes.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Callable, Iterator
from typing import NamedTuple

from assetlog.consumers.schedule.consumer_state import ConsumerState
from assetlog.consumers.schedule.definition import Definition
from assetlog.consumers.schedule.desk import Desk
from assetlog.consumers.schedule.queues import Source
from assetlog.schemas.conditions import KeyPattern
from assetlog.schemas.conditions.patterns import matcher
from assetlog.schemas.keys import canonical_key

MOST_PARTITIONS = 100
"""Partitions that one explanation tells of, those that wait longest."""

Sees = Callable[[Definition], bool]
"""Whether whoever asks may see a consumer."""
Waiting = tuple[int, int | None, str | None]
"""Something queued: its position, the number of its asset (None for a tick), its partition."""


class Glimpse(NamedTuple):
    """A consumer at one moment."""

    definition: Definition
    paused: bool
    paused_reason: str | None
    queued: int
    active: int
    last_trigger: tuple[str, int] | None
    released: tuple[int, ...]


class LeafNews(NamedTuple):
    """What waits on a leaf in one partition."""

    queued: int
    first: int
    ready: bool
    """Whether that is enough for the leaf to be true."""


class PartitionNews(NamedTuple):
    """What waits in one partition of a consumer, by leaf."""

    partition: str | None
    leaves: dict[str, LeafNews]
    within: bool
    """Whether all that is needed came within the consumer's window, if it has one."""


class Facts(NamedTuple):
    """All that an explanation needs."""

    glimpse: Glimpse
    news: list[PartitionNews]
    """Those of the partitions that wait longest."""
    partitions: int
    """How many there are."""


class Filter(NamedTuple):
    """Which consumers."""

    q: str | None = None
    asset: str | None = None
    """A canonical key: they wait for the asset, read it or make it."""
    paused: bool | None = None
    module: str | None = None


def consumer(desk: Desk, name: str, sees: Sees) -> Glimpse | None:
    """One consumer; None for one that is not there, or not to be seen."""
    state = desk.consumers.get(name)
    return None if state is None or not sees(state.definition) else glimpse(state)


def consumers(desk: Desk, wanted: Filter, sees: Sees, after: str, most: int) -> list[Glimpse]:
    """The first consumers behind a name that pass a filter, by name."""
    about = None if wanted.asset is None else about_asset(desk, wanted.asset)
    found: list[Glimpse] = []
    names = sorted(desk.consumers)
    for name in names[bisect_right(names, after) :]:
        state = desk.consumers[name]
        if (about is None or name in about) and _passes(state, wanted) and sees(state.definition):
            found.append(glimpse(state))
            if len(found) == most:
                break
    return found


def glimpse(state: ConsumerState) -> Glimpse:
    """What is so of a consumer now."""
    return Glimpse(
        state.definition,
        state.paused,
        state.paused_reason,
        state.queued,
        len(state.active),
        state.last_trigger,
        state.released,
    )


def about_asset(desk: Desk, key: str) -> set[str]:
    """The names of the consumers that wait for an asset, read it or make it."""
    aid = desk.known.aids.get(key)
    patterns = aid is None and not desk.interests.only_keys
    if aid is None:
        keys, found = [key], set(desk.interests.readers([key]))
    else:
        keys = [desk.known.keys[member] for member in desk.known.members(desk.known.root(aid))]
        interests = (*desk.interests.of(aid, keys), *desk.interests.of_overdue(keys))
        found = {interest.consumer for interest in interests}
    for name, state in desk.consumers.items():
        data = state.definition.data
        named = any(each in data.inlets or each in data.outlets for each in keys)
        if named or (patterns and _awaits(state.definition, key)):
            found.add(name)
    return found


def producers(desk: Desk, key: str, sees: Sees) -> list[str]:
    """The names of the consumers that make an asset, whatever key names it."""
    aid = desk.known.aids.get(key)
    members = [] if aid is None else desk.known.members(desk.known.root(aid))
    keys = {key, *(desk.known.keys[member] for member in members)}
    return sorted(
        name
        for name, state in desk.consumers.items()
        if not keys.isdisjoint(map(canonical_key, state.definition.data.outlets)) and sees(state.definition)
    )


def waiting(desk: Desk, name: str, after: int, most: int) -> list[Waiting]:
    """The first things behind a position that wait for a consumer, in order, each once."""
    queues = desk.consumers[name].queues
    found: dict[int, Source | None] = {}
    for queue in queues.by_partition.values():
        for sources in queue.values():
            for source, positions in sources.items():
                begin = bisect_right(positions, after)
                found.update(dict.fromkeys(positions[begin : begin + most], source))
    found.update(dict.fromkeys((at for at in _ticks(desk.consumers[name]) if at > after), None))
    return [(at, *(source or (None, None))) for at, source in sorted(found.items())[:most]]


def facts(desk: Desk, name: str) -> Facts:
    """What an explanation of a consumer needs."""
    state = desk.consumers[name]
    partitions = state.queues.partitions()
    if len(partitions) > MOST_PARTITIONS:
        partitions.sort(key=lambda each: min(state.queues.firsts(each).values(), default=0))
    news = [_partition_news(state, each) for each in partitions[:MOST_PARTITIONS]]
    return Facts(glimpse(state), news, len(partitions))


def _partition_news(state: ConsumerState, partition: str | None) -> PartitionNews:
    firsts, ready = state.ready(partition)
    queue = state.queues.by_partition.get(partition, {})
    counts = {leaf: sum(map(len, queue[leaf].values())) if leaf in queue else 1 for leaf in firsts}
    leaves = {leaf: LeafNews(counts[leaf], first, leaf in ready) for leaf, first in firsts.items()}
    return PartitionNews(partition, leaves, state.definition.data.within is None or partition in state.complete)


def _ticks(state: ConsumerState) -> Iterator[int]:
    """Ticks that some partition has not consumed."""
    queues = state.queues
    for leaf, position in queues.ticks.items():
        if any(queues.used.get((leaf, partition), 0) < position for partition in queues.partitions()):
            yield position


def _passes(state: ConsumerState, wanted: Filter) -> bool:
    definition = state.definition
    if wanted.paused is not None and wanted.paused != state.paused:
        return False
    if wanted.module is not None and wanted.module != definition.data.module:
        return False
    text = f"{definition.name}\n{definition.data.description or ''}".casefold()
    return wanted.q is None or wanted.q.casefold() in text


def _awaits(definition: Definition, key: str) -> bool:
    """Whether a pattern waits for an asset that nobody has heard of yet."""
    return any(isinstance(leaf, KeyPattern) and matcher(leaf.pattern).matches(key) for leaf in definition.leaves)
