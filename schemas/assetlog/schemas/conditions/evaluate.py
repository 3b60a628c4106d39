"""Whether a condition fires on what is queued, what it then consumes, and what it still waits for. Pure.

A leaf is true when something is queued for it. A firing consumes what is queued in the branches that made the condition
true and leaves the rest. An event that several leaves match is the same position on each: it counts once, and who
consumes it takes it from all. A deadline is true when it came due and something arrived before it in what it is joined
to by `|`: then it consumes all of that, complete or not.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping

from msgspec import Struct

from assetlog.schemas.conditions.schedule import Deadline
from assetlog.schemas.conditions.tree import AllOf, AnyOf, Condition, Leaf, all_leaves, all_of, any_of, leaves


class Queued(Struct, frozen=True, omit_defaults=True):
    """An event that waits on a leaf."""

    position: int
    partition: str | None = None


News = Mapping[str, tuple[Queued, ...]]
"""By a leaf's id: what is queued for it, in the order of positions."""


class Verdict(Struct, frozen=True, omit_defaults=True, kw_only=True):
    """What is so of a condition, or of a part of it."""

    node: str
    """`all`, `any`, or a leaf's id."""
    true: bool
    consumes: tuple[int, ...] = ()
    """Positions that a firing consumes for it, in order; none while it is false."""
    queued: tuple[int, ...] = ()
    """Positions that are queued for it, in order, consumed or not."""
    missing: tuple[str, ...] = ()
    """Ids of leaves that wait for news, while it is false: all of them under `all`, one is enough under `any`."""
    lapsed: tuple[int, ...] = ()
    """Positions of deadlines that came before anything arrived: they are spent and fire nothing."""
    branches: tuple[Verdict, ...] = ()


def evaluate(condition: Condition, news: News, partition: str | None = None) -> Verdict:
    """What is so of a condition for one partition, or for the events without one. Ticks of the clock count for any.

    >>> from assetlog.schemas.asset import Asset
    >>> orders, users = Asset("s3://orders"), Asset("s3://users")
    >>> evaluate(orders & users, {"asset:s3://orders": (Queued(7), Queued(9))}).missing
    ('asset:s3://users',)
    >>> evaluate(orders | users, {"asset:s3://orders": (Queued(7), Queued(9))}).consumes
    (7, 9)
    """
    found = by_partition(condition, news)
    return _verdict(condition, found[partition] if partition in found else _ticks(leaves(condition), news))


def evaluate_each(condition: Condition, news: News) -> dict[str | None, Verdict]:
    """What is so for each partition that has an event queued; `None` stands for the events without one.

    >>> from assetlog.schemas.asset import Asset
    >>> both = Asset("s3://a") & Asset("s3://b")
    >>> queued = {"asset:s3://a": (Queued(1, "mon"), Queued(2, "tue")), "asset:s3://b": (Queued(3, "tue"),)}
    >>> [(partition, verdict.consumes) for partition, verdict in evaluate_each(both, queued).items()]
    [('mon', ()), ('tue', (2, 3))]
    """
    return {partition: _verdict(condition, queues) for partition, queues in by_partition(condition, news).items()}


def left_over(news: News, consumed: Iterable[int]) -> dict[str, tuple[Queued, ...]]:
    """What is still queued after a firing: a consumed event is gone from every leaf.

    >>> left_over({"a": (Queued(1), Queued(2)), "b": (Queued(1),)}, [1])
    {'a': (Queued(position=2, partition=None),)}
    """
    gone = consumed if isinstance(consumed, set | frozenset) else set(consumed)
    kept = {leaf: tuple(one for one in queue if one.position not in gone) for leaf, queue in news.items()}
    return {leaf: queue for leaf, queue in kept.items() if queue}


def remaining(condition: Condition, verdict: Verdict) -> Condition | None:
    """The condition on what is yet to come: what is true already is left out; None when all of it is true.

    >>> from assetlog.schemas.asset import Asset
    >>> a, b, c = Asset("s3://a"), Asset("s3://b"), Asset("s3://c")
    >>> condition = a & (b | c)
    >>> remaining(condition, evaluate(condition, {"asset:s3://a": (Queued(1),)})) == b | c
    True
    """
    if verdict.true:
        return None
    if not isinstance(condition, AllOf | AnyOf):
        return condition
    pairs = zip(condition.conditions, verdict.branches, strict=True)
    rest = [part for part in (remaining(child, of_child) for child, of_child in pairs) if part is not None]
    return all_of(*rest) if isinstance(condition, AllOf) else any_of(*rest)


Queues = Mapping[str, tuple[int, ...]]


def by_partition(condition: Condition, news: News) -> dict[str | None, dict[str, tuple[int, ...]]]:
    """The positions queued for each partition, by leaf; ticks are in all. With no event there is `None` alone."""
    found: dict[str | None, dict[str, list[int]]] = {}
    known = leaves(condition)
    for leaf in (one.id for one in known if not one.timed):
        for queued in news.get(leaf, ()):
            found.setdefault(queued.partition, {}).setdefault(leaf, []).append(queued.position)
    ticks = _ticks(known, news)
    return {
        partition: {leaf: tuple(queue) for leaf, queue in queues.items()} | ticks
        for partition, queues in (found or {None: {}}).items()
    }


def _ticks(known: Iterable[Leaf], news: News) -> dict[str, tuple[int, ...]]:
    timed = (leaf.id for leaf in known if leaf.timed)
    return {leaf: tuple(one.position for one in news[leaf]) for leaf in timed if news.get(leaf)}


def _verdict(condition: Condition, queues: Queues) -> Verdict:
    if isinstance(condition, AllOf):
        return _of_all([_verdict(part, queues) for part in condition.conditions])
    if isinstance(condition, AnyOf):
        return _of_any(condition, queues)
    assert isinstance(condition, Leaf)
    leaf = condition.id
    return _of_leaf(leaf, queues.get(leaf, ()))


def _of_leaf(leaf: str, queue: tuple[int, ...]) -> Verdict:
    return Verdict(node=leaf, true=bool(queue), consumes=queue, queued=queue, missing=() if queue else (leaf,))


def _of_all(branches: list[Verdict]) -> Verdict:
    true = all(branch.true for branch in branches)
    return _joined("all", true, _union(branch.consumes for branch in branches) if true else (), branches)


def _of_any(condition: AnyOf, queues: Queues) -> Verdict:
    """What is so of alternatives; those that are deadlines are judged by what has arrived of the others."""
    deadlines = {place for place, part in enumerate(condition.conditions) if isinstance(part, Deadline)}
    branches = [_verdict(part, queues) for part in condition.conditions]
    first = _first_event(condition, queues) if deadlines else None
    for place in deadlines:
        branches[place] = _of_deadline(branches[place], first)
    if any(branches[place].true for place in deadlines):
        taken = (one.consumes if place in deadlines else one.queued for place, one in enumerate(branches))
        return _joined("any", True, _union(taken), branches)
    true = any(branch.true for branch in branches)
    return _joined("any", true, _union(branch.consumes for branch in branches), branches)


def _first_event(condition: Condition, queues: Queues) -> int | None:
    """The first position queued below that is not a tick of the clock."""
    return min(
        (queues[one.id][0] for one in all_leaves(condition) if not one.timed and queues.get(one.id)), default=None
    )


def _of_deadline(due: Verdict, first: int | None) -> Verdict:
    """A deadline beside alternatives: ticks before anything arrived lapse, later ones are true."""
    kept = tuple(tick for tick in due.queued if first is not None and first < tick)
    lapsed = tuple(tick for tick in due.queued if tick not in kept)
    missing = () if kept else (due.node,)
    return Verdict(node=due.node, true=bool(kept), consumes=kept, queued=due.queued, missing=missing, lapsed=lapsed)


def _joined(node: str, true: bool, consumes: tuple[int, ...], branches: Collection[Verdict]) -> Verdict:
    return Verdict(
        node=node,
        true=true,
        consumes=consumes,
        queued=_union(branch.queued for branch in branches),
        missing=() if true else tuple(dict.fromkeys(leaf for branch in branches for leaf in branch.missing)),
        lapsed=_union(branch.lapsed for branch in branches),
        branches=tuple(branches),
    )


def _union(positions: Iterable[tuple[int, ...]]) -> tuple[int, ...]:
    some = [one for one in positions if one]
    if len(some) < 2:
        return some[0] if some else ()
    return tuple(sorted(set().union(*some)))
