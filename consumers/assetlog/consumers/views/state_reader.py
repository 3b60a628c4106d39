"""The state of some assets as of a position: a few narrow statements, put together by the rules of the fold.

A statement's planning costs more than its work, so this beats asset_state.sql up to some thousand assets;
whole-catalog lists use that. A law in the tests compares the two.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from sys import intern
from typing import Any

from assetlog.consumers.fold.judging import judge
from assetlog.consumers.fold.known import KnownAt, Link
from assetlog.consumers.views.access import Access
from assetlog.consumers.views.answers import AssetState, Counts, Told
from assetlog.consumers.views.drawing import Facts

Checks = dict[tuple[str, str | None], bool]
"""(name, partition) -> whether its last result spoils the asset."""

_LAST = ("asset.materialized", "asset.failed", "asset.overdue")
"""The types that `_last_events` tells of, in its order."""
NO_COUNTS = Counts()
NOTHING_TOLD = Told()
_TEXTS = 5
"""So many fields of `Told` are texts, which an empty text takes away."""


def states(access: Access, roots: Sequence[int], at: int) -> list[AssetState]:
    """The state of some assets, in their order. `roots` are no aliases."""
    known = access.known_at(at)
    upstream = {root: known.neighbours("up", root) for root in roots}
    judged = set(roots)
    everyone = judged.union(*upstream.values())
    counts = counts_of(access, known, everyone, at)
    told = told_of(access, known, judged, at)
    checks = checks_of(access, known, judged, at)
    found: list[AssetState] = []
    for root in roots:
        own = counts[root]
        newest = max(((counts[up].materialized, known.key(up)) for up in upstream[root]), default=(0, ""))
        failing = (name for (name, _), spoils in checks[root].items() if spoils)
        state, reason = judge(own.materialized, own.failed, own.overdue, failing, newest, told[root].freshness)
        first = known.first_position(root)
        found.append(AssetState(root, known.key(root), first, told[root], own, state, reason))
    return found


def facts_of(
    access: Access, known: KnownAt, links: Mapping[int, list[Link]], at: int
) -> tuple[list[Facts], dict[int, int]]:
    """What drawing some assets takes, in their order, and the ranks that tell whether they are stale.

    Args:
        links: the assets, each with its links upstream.
    """
    everyone = {link.other for own in links.values() for link in own}.union(links)
    materialized, failed, overdue = _last_events(access, known, everyone, at)
    told = told_of(access, known, links, at)
    checks = checks_of(access, known, links, at)
    facts = [
        Facts(materialized.get(root, 0), failed.get(root, 0), overdue.get(root, 0), told[root], checks[root])
        for root in links
    ]
    return facts, materialized


def _last_events(
    access: Access, known: KnownAt, roots: Iterable[int], at: int
) -> tuple[dict[int, int], dict[int, int], dict[int, int]]:
    """The ranks of the last materializations, failures and breaches of freshness."""
    root_of = _members(known, roots)
    values = {"p": at, "s": access.snapshot_before(at), "aids": list(root_of)}
    last: tuple[dict[int, int], ...] = ({}, {}, {})

    def note(place: int, aid: int, time: int, position: int) -> None:
        root, value = root_of[aid], time << 63 | position
        if value > last[place].get(root, 0):
            last[place][root] = value

    for aid, *parts in access.rows("node_snap", **values):
        for place in range(len(last)):
            time, position = parts[2 * place : 2 * place + 2]
            if time is not None:
                note(place, aid, time, position)
    for aid, kind, time, position in access.rows("node_tail", **values):
        note(_LAST.index(kind), aid, time, position)
    materialized, failed, overdue = last
    return materialized, failed, overdue


def counts_of(access: Access, known: KnownAt, roots: Iterable[int], at: int) -> dict[int, Counts]:
    """What each asset's events and those of its aliases add up to."""
    root_of = _members(known, roots)
    values = {"p": at, "s": access.snapshot_before(at), "aids": list(root_of)}
    counts = dict.fromkeys(root_of.values(), NO_COUNTS)
    for aid, *row in access.rows("snap_rows", **values):
        root = root_of[aid]
        counts[root] = _sum(counts[root], Counts._make([value or 0 for value in row]))
    for aid, *row in access.rows("tail_rows", **values):
        root = root_of[aid]
        counts[root] = _sum(counts[root], _counts(*row))
    return counts


def _counts(kind: str, events: int, position: int, rank: int) -> Counts:
    """What some events of one type add up to."""
    match kind:
        case "asset.materialized":
            return Counts(materializations=events, materialized=rank, active_pos=position)
        case "asset.failed":
            return Counts(failures=events, failed=rank, active_pos=position)
        case "asset.observed":
            return Counts(observations=events, active_pos=position)
        case "asset.overdue":
            return Counts(overdue=rank)
        case "asset.retired":
            return Counts(retired_pos=position)
    return Counts(active_pos=position) if kind.startswith("asset.") else NO_COUNTS


def told_of(access: Access, known: KnownAt, roots: Iterable[int], at: int) -> dict[int, Told]:
    """What is told of each asset: the newest word on each field."""
    root_of = _members(known, roots)
    if access.is_empty("told_begin", at):
        return dict.fromkeys(root_of.values(), NOTHING_TOLD)
    told: dict[int, list[Any]] = {root: list(NOTHING_TOLD) for root in root_of.values()}
    for aid, *row in access.rows("told_rows", p=at, aids=list(root_of)):
        known_so_far = told[root_of[aid]]
        for place, value in enumerate(row):
            if value is not None:
                known_so_far[place] = (value or None) if place < _TEXTS else value
    return {root: Told._make(row) for root, row in told.items()}


def checks_of(access: Access, known: KnownAt, roots: Iterable[int], at: int) -> dict[int, Checks]:
    """The last result of each check of each asset."""
    root_of = _members(known, roots)
    checks: dict[int, Checks] = {root: {} for root in root_of.values()}
    rows = [] if access.is_empty("checks_begin", at) else access.rows("asset_checks", p=at, aids=list(root_of))
    for aid, name, part, spoils in rows:
        checks[root_of[aid]][name, part] = spoils
    return checks


def partitions_of(access: Access, known: KnownAt, roots: Iterable[int], at: int) -> dict[int, set[str]]:
    """The names of each asset's partitions."""
    root_of = _members(known, roots)
    partitions: dict[int, set[str]] = {root: set() for root in root_of.values()}
    for aid, part in access.rows("asset_parts", p=at, s=access.snapshot_before(at), aids=list(root_of)):
        partitions[root_of[aid]].add(intern(part))
    return partitions


def partition_counts(access: Access, known: KnownAt, roots: Iterable[int], at: int) -> dict[int, int]:
    """How many partitions each asset has."""
    root_of = _members(known, roots)
    if any(aid != root for aid, root in root_of.items()):  # an alias may share a partition's name
        return {root: len(names) for root, names in partitions_of(access, known, root_of.values(), at).items()}
    view = "snapped_partitions" if access.is_snapped(at) else "asset_partitions"
    return dict(access.rows(view, p=at, s=access.snapshot_before(at), aids=list(root_of)))


def _members(known: KnownAt, roots: Iterable[int]) -> dict[int, int]:
    """Every number that stands for one of the assets, with the asset it stands for."""
    if not known.has_aliases:
        return {root: root for root in roots}
    return {member: root for root in dict.fromkeys(roots) for member in known.members(root)}


def _sum(one: Counts, other: Counts) -> Counts:
    if one is NO_COUNTS:
        return other
    materializations, failures, observations, materialized, failed, overdue, retired_pos, active_pos = other
    return Counts(
        one.materializations + materializations,
        one.failures + failures,
        one.observations + observations,
        max(one.materialized, materialized),
        max(one.failed, failed),
        max(one.overdue, overdue),
        max(one.retired_pos, retired_pos),
        max(one.active_pos, active_pos),
    )
