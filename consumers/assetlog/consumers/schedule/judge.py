"""Whether a condition is true of what is queued, told by leaves: truth is asked often, positions are rarely.

It says what `conditions.evaluate` says, without looking at a single event; a law in the tests compares them.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping

from assetlog.schemas.conditions import AllOf, AnyOf, Condition, Deadline, Leaf
from assetlog.schemas.conditions.tree import all_leaves

Firsts = Mapping[str, int]
"""By a leaf's id: the first position that is queued for it."""


def taken(condition: Condition, firsts: Firsts, ready: Collection[str]) -> set[str] | None:
    """The ids of the leaves whose news a firing consumes; None while the condition is not true.

    Args:
        firsts: leaves with something queued.
        ready: those of them that count as true: all but leaves that wait for more parts of a partition.

    >>> from assetlog.schemas.asset import Asset
    >>> either = Asset("s3://a") | Asset("s3://b")
    >>> taken(either, {"asset:s3://b": 7}, {"asset:s3://b"})
    {'asset:s3://b'}
    """
    if isinstance(condition, AllOf):
        return _of_all([taken(part, firsts, ready) for part in condition.conditions])
    if isinstance(condition, AnyOf):
        return _of_any(condition, firsts, ready)
    assert isinstance(condition, Leaf)
    return {condition.id} if condition.id in ready else None


def core(condition: Condition, firsts: Firsts, ready: Collection[str]) -> set[str] | None:
    """The ids of the leaves that make the condition true with the least: of alternatives the oldest news."""
    if isinstance(condition, AllOf):
        return _of_all([core(part, firsts, ready) for part in condition.conditions])
    if isinstance(condition, AnyOf):
        due = _deadlines(condition, firsts, ready)
        if due:
            return taken(condition, firsts, ready)
        found = [
            part
            for part in (
                core(child, firsts, ready) for child in condition.conditions if not isinstance(child, Deadline)
            )
            if part is not None
        ]
        return min(found, key=lambda leaves: min(firsts[leaf] for leaf in leaves), default=None)
    return taken(condition, firsts, ready)


def _of_all(parts: list[set[str] | None]) -> set[str] | None:
    found: set[str] = set()
    for part in parts:
        if part is None:
            return None
        found |= part
    return found


def _of_any(condition: AnyOf, firsts: Firsts, ready: Collection[str]) -> set[str] | None:
    due = _deadlines(condition, firsts, ready)
    if due:  # run with what arrived, complete or not
        early = {part.id for part in condition.conditions if isinstance(part, Deadline)} - due
        return {leaf.id for leaf in all_leaves(condition) if leaf.id in firsts} - early
    parts = [taken(part, firsts, ready) for part in condition.conditions if not isinstance(part, Deadline)]
    found = [part for part in parts if part is not None]
    return set().union(*found) if found else None


def _deadlines(condition: AnyOf, firsts: Firsts, ready: Collection[str]) -> set[str]:
    """Deadlines among alternatives that came after something of the others had arrived."""
    waiting = [part.id for part in condition.conditions if isinstance(part, Deadline) and part.id in ready]
    if not waiting:
        return set()
    first = min(
        (firsts[leaf.id] for leaf in all_leaves(condition) if not leaf.timed and leaf.id in firsts), default=None
    )
    return {leaf for leaf in waiting if first is not None and first < firsts[leaf]}
