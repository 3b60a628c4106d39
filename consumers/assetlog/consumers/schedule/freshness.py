"""Which assets are not as fresh as they have to be: when each is overdue, and what has to be told.

Policies and last materializations are read when somebody first asks; from then on events keep them up to date. A heap
has the moment of each asset that may be overdue next. A materialization leaves it as it is, for it only puts the moment
off: what comes to the top too early is put back.
"""

from __future__ import annotations

import heapq
from collections.abc import Iterable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import NamedTuple, Protocol

import msgspec

from assetlog.consumers.fold.judging import is_overdue
from assetlog.consumers.fold.known import Known
from assetlog.consumers.fold.rank import breach_rank, rank, rank_time
from assetlog.consumers.schedule.ticks import next_tick
from assetlog.schemas.conditions import cron
from assetlog.schemas.errors import Invalid
from assetlog.schemas.events.common import Freshness
from assetlog.schemas.positions import position_time

MOST_AT_ONCE = 500
"""Breaches that are told at a time."""
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)

_policy = msgspec.json.Decoder(Freshness)


class Policy(NamedTuple):
    """What is told of an asset's freshness, by the number of its key."""

    aid: int
    freshness: str
    """JSON."""
    since: int
    """Position from which on it says so."""
    told: int
    """Position where it was said last."""


class Standing(NamedTuple):
    """What the events of a key add up to; ranks and positions are 0 for none."""

    aid: int
    materialized: int
    overdue: int
    retired_pos: int
    active_pos: int


class Facts(Protocol):
    """Where policies and materializations are read."""

    def policies(self, aids: Sequence[int] | None) -> Iterable[Policy]:
        """The policies of these keys, or of all."""

    def standings(self, aids: Sequence[int]) -> Iterable[Standing]:
        """What the events of these keys add up to."""


class Breach(NamedTuple):
    """A policy that is breached."""

    aid: int
    due: datetime
    """When a materialization was due."""
    reason: str
    after: int
    """The rank of the last materialization, 0 for none."""


@dataclass(slots=True)
class Watched:
    """An asset that has a policy."""

    aid: int
    freshness: Freshness
    since: int
    materialized: int = 0
    overdue: int = 0
    """Ranks of the last ones, 0 for none."""
    retired_pos: int = 0
    active_pos: int = 0
    armed: datetime | None = None
    """Its moment in the heap."""
    told: int = -1
    """The materialization, by rank, after which a breach was told; the event may be on its way."""


class FreshnessWatch:
    """The freshness of all assets that have a policy. Its owner is one thread.

    Args:
        known: which keys name one asset.
        facts: where it begins from.
    """

    def __init__(self, known: Known, facts: Facts) -> None:
        self.watched: dict[int, Watched] = {}
        """By every key's number; empty until somebody asks. Never replaced: who feeds it looks here first."""
        self.news = False
        """Whether `next` may say an earlier moment than the last time."""
        self._known = known
        self._facts = facts
        self._is_read = False
        self._unread: set[int] = set()
        self._heap: list[tuple[datetime, int]] = []

    def describe(self, aid: int, freshness: Freshness) -> None:
        """An asset has a policy."""
        if self._is_read:
            watched = self.watched.get(aid)
            if watched is None or watched.freshness != freshness:
                self._unread.add(aid)
                self.news = True

    def alias(self, aids: Iterable[int]) -> None:
        """These numbers are of one asset now."""
        numbers = set(aids)
        if not self.watched.keys().isdisjoint(numbers):
            self._unread |= numbers
            self.news = True

    def heard(self, kind: str, position: int, aid: int, time: datetime | None) -> None:
        """An event of an asset, if it is watched."""
        watched = self.watched.get(aid)
        if watched is None or not kind.startswith("asset."):
            return
        first = not watched.materialized
        if kind == "asset.overdue":
            watched.overdue = max(watched.overdue, breach_rank(time, position))
        elif kind == "asset.retired":
            watched.retired_pos = position
        else:
            watched.active_pos = position
        if kind == "asset.materialized":
            watched.materialized = max(watched.materialized, rank(time, position))
        if watched.armed is None or first:
            self._arm(watched)

    def due(self, now: datetime, most: int = MOST_AT_ONCE) -> list[Breach]:
        """Breaches to tell now, of each asset one; they count as told from now on."""
        self._read()
        found: list[Breach] = []
        while self._heap and self._heap[0][0] <= now and len(found) < most:
            at, aid = heapq.heappop(self._heap)
            watched = self.watched.get(aid)
            if watched is None or watched.armed != at:
                continue
            watched.armed = None
            breach = _next_breach(watched)
            if breach is None or breach.due > now:
                self._arm(watched)
            else:
                watched.told = watched.materialized
                found.append(breach)
        self.news = False
        return found

    def next(self) -> datetime | None:
        """When to look again; None: not before there are news."""
        self._read()
        self.news = False
        return self._heap[0][0] if self._heap else None

    def forget(self) -> None:
        """Begin anew when somebody asks again, with nothing told but what is recorded."""
        self.news = self._is_read
        self._is_read = False
        self.watched.clear()
        self._unread.clear()
        self._heap.clear()

    def _read(self) -> None:
        """Read all policies, or those that are new."""
        if self._is_read and not self._unread:
            return
        root_of, members = self._known.root, _members(self._known)
        aids: list[int] | None = None
        if self._is_read:
            roots = {root_of(aid) for aid in self._unread}
            aids = [member for root in roots for member in members.get(root, (root,))]
        latest: dict[int, Policy] = {}
        for policy in self._facts.policies(aids):
            root = root_of(policy.aid)
            if root not in latest or latest[root].told < policy.told:
                latest[root] = policy
        self._watch(latest, members)
        self._unread.clear()
        self._is_read = True

    def _watch(self, policies: dict[int, Policy], members: dict[int, list[int]]) -> None:
        changed: dict[int, Watched] = {}
        for root, policy in policies.items():
            before = self.watched.get(root)
            watched = Watched(root, _policy.decode(policy.freshness), policy.since)
            watched.told = -1 if before is None else before.told
            changed.update(dict.fromkeys(members.get(root, (root,)), watched))
        for standing in self._facts.standings(list(changed)) if changed else ():
            _add(changed[standing.aid], standing)
        for aid, watched in changed.items():
            self.watched[aid] = watched
            if _coming(watched) is None:  # nothing can be told of such a policy
                del self.watched[aid]
            elif aid == watched.aid:
                self._arm(watched)

    def _arm(self, watched: Watched) -> None:
        breach = _next_breach(watched)
        if breach is not None and (watched.armed is None or breach.due < watched.armed):
            watched.armed = breach.due
            heapq.heappush(self._heap, (breach.due, watched.aid))
            self.news = self.news or self._heap[0][0] == breach.due


def _members(known: Known) -> dict[int, list[int]]:
    """The numbers that stand for each asset that has aliases."""
    members: dict[int, list[int]] = {}
    for member, root in known.roots.items():
        members.setdefault(root, [root]).append(member)
    return members


def _add(watched: Watched, standing: Standing) -> None:
    watched.materialized = max(watched.materialized, standing.materialized)
    watched.overdue = max(watched.overdue, standing.overdue)
    watched.retired_pos = max(watched.retired_pos, standing.retired_pos)
    watched.active_pos = max(watched.active_pos, standing.active_pos)


def _next_breach(watched: Watched) -> Breach | None:
    """When the asset is overdue unless it is materialized before; None if that was told, or is of no interest."""
    materialized = watched.materialized
    if watched.told == materialized or is_overdue(watched.overdue, materialized):
        return None
    return None if watched.retired_pos > watched.active_pos else _coming(watched)


def _coming(watched: Watched) -> Breach | None:
    """The breach that comes if the asset is not materialized again; None for never."""
    materialized = watched.materialized
    base = rank_time(materialized) if materialized else position_time(watched.since)
    found = [breach for breach in (_too_old(watched, base), _missed(watched, base)) if breach is not None]
    return min(found, key=lambda breach: breach.due, default=None)


def _too_old(watched: Watched, base: datetime) -> Breach | None:
    """When the last materialization is older than `max_age`."""
    age = watched.freshness.max_age
    if age is None:
        return None
    with suppress(OverflowError):  # longer than there are times: never
        due = max(base, _EPOCH) + timedelta(seconds=age)
        return Breach(watched.aid, due, f"not materialized for {age:g} seconds", watched.materialized)
    return None


def _missed(watched: Watched, base: datetime) -> Breach | None:
    """The second tick after the last materialization: there was none from one tick to the next."""
    freshness = watched.freshness
    if freshness.cron is None:
        return None
    with suppress(Invalid, OverflowError):  # no such expression or zone: another node may know it
        leaf = cron(freshness.cron, freshness.time_zone or "UTC")
        due = max(base, _EPOCH)
        for _ in range(2):
            due = next_tick(leaf.expression, leaf.time_zone, due)
        reason = f"not materialized from one tick of {leaf.target} to the next"
        return Breach(watched.aid, due, reason, watched.materialized)
    return None
