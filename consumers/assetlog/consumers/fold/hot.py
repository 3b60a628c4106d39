"""Assets in memory as of the fold's position, kept up to date after each commit: the answer to most reads.

Kept is what an asset's own events add up to; its links come from the graph in memory (known.py), and the answer is
put together when it is asked for. Bounded: what has not been written or read for longest falls out and is answered
by SQL. Both say the same; a law in the tests compares them. Used on one event loop.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Iterable, Mapping, Sequence
from sys import intern
from typing import Any, cast

import msgspec
from msgspec import Struct

from assetlog.consumers.fold.fold import Commit, Fold
from assetlog.consumers.fold.judging import judge
from assetlog.consumers.fold.known import Known, KnownAt
from assetlog.consumers.views.answers import AssetState, Counts, Told, asset_answer
from assetlog.schemas.codec import Event, decode
from assetlog.schemas.events.common import NOTHING
from assetlog.schemas.keys import canonical_key
from assetlog.schemas.shapes import Asset

DEFAULT_LIMIT = 10_000
MAX_PARTITIONS = 1_000
"""An asset with more is answered by SQL."""


class HotAsset(Struct, kw_only=True):
    """What an asset's own events, and those of its aliases, add up to."""

    aid: int
    materializations: int = 0
    failures: int = 0
    observations: int = 0
    materialized: int = 0
    """The rank of the last materialization, 0 for none; so for failures and breaches of freshness."""
    failed: int = 0
    overdue: int = 0
    retired_pos: int = 0
    active_pos: int = 0
    told: Told = Told()
    checks: dict[tuple[str, str | None], bool] = {}
    """(name, partition) -> whether its last result spoils the asset."""
    partitions: set[str] = set()
    last_materialization: Event | bytes | None = None
    """Bytes are decoded when they are asked for: an event is two dozen objects, and most are overtaken unread."""
    last_failure: Event | bytes | None = None

    def counts(self) -> Counts:
        """The numbers, as the views have them."""
        return Counts(
            self.materializations,
            self.failures,
            self.observations,
            self.materialized,
            self.failed,
            self.overdue,
            self.retired_pos,
            self.active_pos,
        )


class HotAssets:
    """The assets in memory.

    Args:
        load: reads the whole of some assets, or of the most recent ones, from the projection.
        limit: how many assets to keep.
    """

    def __init__(
        self, load: Callable[[Fold, list[int] | None, int], list[HotAsset]], limit: int = DEFAULT_LIMIT
    ) -> None:
        self._load = load
        self._limit = limit
        self._assets: OrderedDict[int, HotAsset] = OrderedDict()
        self._known = Known()
        self._born = 0
        self.position = 0
        """As of which position the assets are."""
        self._wanted: dict[int, None] = {}
        self._unread: list[int] = []
        """Assets that were not read at the start, the youngest last."""
        self._ranks: dict[int, int] = {}
        """The last materialization's rank of every asset that has one: tells staleness of what is downstream."""

    def load(self, fold: Fold) -> None:
        """Begin anew with the assets of a projection."""
        self._known = fold.known
        self._born = len(fold.known.keys)
        self.position = fold.position
        self._assets.clear()
        self._ranks = fold.last_ranks()
        self.admit(self._load(fold, None, self._limit))
        self._unread = [aid for aid in range(self._born) if aid not in self._assets and aid not in self._known.roots]

    def admit(self, assets: Iterable[HotAsset]) -> None:
        """Take assets in, as of the present position."""
        for asset in assets:
            if len(asset.partitions) <= MAX_PARTITIONS:
                self._assets[asset.aid] = asset
        self._evict()

    def asset(self, key: str) -> Asset | None:
        """The asset that a key or an alias names; None if it is not in memory (it may still exist)."""
        known = self.known()
        aid = known.number(canonical_key(key))
        if aid is None:
            return None
        hot = self._assets.get(aid)
        if hot is None:
            self._wanted[aid] = None
            return None
        self._assets.move_to_end(aid)
        events = {hot.materialized: _event(hot.last_materialization), hot.failed: _event(hot.last_failure)}
        return asset_answer(self._state(hot, known), known, len(hot.partitions), events)

    def known(self) -> KnownAt:
        """The graph as of the present position."""
        return self._known.at(self.position)

    def those(self, roots: Sequence[int]) -> list[HotAsset] | None:
        """Some assets, in their order; None if one of them is not in memory."""
        found = [self._assets.get(root) for root in roots]
        if None in found:
            self._wanted.update((root, None) for root, hot in zip(roots, found, strict=True) if hot is None)
            return None
        return cast("list[HotAsset]", found)

    @property
    def ranks(self) -> Mapping[int, int]:
        """The rank of the last materialization of every asset that has one, in memory or not."""
        return self._ranks

    def _state(self, hot: HotAsset, known: KnownAt) -> AssetState:
        aid = hot.aid
        newest = max(((self._ranks.get(up, 0), known.key(up)) for up in known.neighbours("up", aid)), default=(0, ""))
        failing = [name for (name, _), spoils in hot.checks.items() if spoils] if hot.checks else ()
        state, reason = judge(hot.materialized, hot.failed, hot.overdue, failing, newest, hot.told.freshness)
        return AssetState(aid, known.key(aid), known.first_position(aid), hot.told, hot.counts(), state, reason)

    def take_wanted(self, most: int, *, spare_time: bool) -> list[int]:
        """The numbers of assets to read: those that were asked for and not found; with time to spare, others too."""
        wanted = list(self._wanted)[:most]
        for aid in wanted:
            del self._wanted[aid]
        room = min(most, self._limit - len(self._assets)) - len(wanted) if spare_time else 0
        while self._unread and room > 0:
            aid = self._unread.pop()
            if aid not in self._assets and aid not in self._known.roots:
                wanted.append(aid)
                room -= 1
        return wanted

    def reload(self, fold: Fold, wanted: list[int]) -> list[HotAsset]:
        """Read assets from the projection; runs on the writer's thread, `admit` takes them in."""
        return self._load(fold, wanted, len(wanted))

    def apply(self, commit: Commit) -> None:
        """Extend the assets by what was folded; what they have already changes nothing."""
        if commit.position <= self.position:  # they were loaded after that commit
            return
        roots, ranks = self._known.roots, self._ranks
        for position, kind, aid, of, what, raw in commit.folded:
            extend = _RULES.get(kind)
            if extend is None or aid is None:
                continue
            root = roots.get(aid, aid) if roots else aid
            hot = self._asset(root, aid)
            if hot is not None:
                extend(hot, position, what, of, raw)
            if kind == "asset.materialized":
                if of > ranks.get(root, 0):
                    ranks[root] = of
            elif kind == "asset.aliased":
                self._forget_all()
                ranks = self._ranks
        self._take_in_new()
        self.position = commit.position
        self._evict()

    def _take_in_new(self) -> None:
        """Assets that were only named so far: they have no events, so nothing needs to be read."""
        known = self._known
        for aid in range(self._born, len(known.keys)):
            if aid not in self._assets and aid not in known.roots:
                self._assets[aid] = HotAsset(aid=aid)
        self._born = len(known.keys)

    def _asset(self, root: int, aid: int) -> HotAsset | None:
        """An asset that an event is about, by way of a number, if it is in memory; a new one if it was met just now."""
        hot = self._assets.get(root)
        if hot is None:
            if root == aid and aid >= self._born:
                hot = self._assets[aid] = HotAsset(aid=aid)
        elif len(self._assets) >= self._limit:  # else nothing falls out, and no order is needed
            self._assets.move_to_end(root)
        return hot

    def _forget_all(self) -> None:
        """Let everything go: an alias changed which events add up to which asset."""
        self._assets.clear()
        self._born = len(self._known.keys)  # what the rest of the commit mentions is not new: it is not in memory
        ranks: dict[int, int] = {}
        for aid, of in self._ranks.items():
            root = self._known.root(aid)
            ranks[root] = max(of, ranks.get(root, 0))
        self._ranks = ranks

    def _evict(self) -> None:
        while len(self._assets) > self._limit:
            self._assets.popitem(last=False)


def _event(of: Event | bytes | None) -> Event | None:
    return decode(of) if isinstance(of, bytes) else of


def _materialized(hot: HotAsset, position: int, partition: str | None, of: int, raw: bytes) -> None:
    hot.active_pos = position
    hot.materializations += 1
    if partition is not None:
        hot.partitions.add(intern(partition))  # thousands of assets have the same days
    if of > hot.materialized:
        hot.materialized, hot.last_materialization = of, raw


def _failed(hot: HotAsset, position: int, partition: str | None, of: int, raw: bytes) -> None:
    hot.active_pos = position
    hot.failures += 1
    if partition is not None:
        hot.partitions.add(intern(partition))  # thousands of assets have the same days
    if of > hot.failed:
        hot.failed, hot.last_failure = of, raw


def _observed(hot: HotAsset, position: int, _what: Any, _of: int, _raw: bytes) -> None:
    hot.active_pos = position
    hot.observations += 1


def _active(hot: HotAsset, position: int, _what: Any, _of: int, _raw: bytes) -> None:
    hot.active_pos = position


def _checked(hot: HotAsset, position: int, data: Any, _of: int, _raw: bytes) -> None:
    hot.active_pos = position
    hot.checks[data.check, data.partition] = not data.passed and data.severity == "error"


def _described(hot: HotAsset, position: int, data: Any, _of: int, _raw: bytes) -> None:
    hot.active_pos = position
    texts = {"name": data.name, "grp": data.group, "kind": data.kind, "description": data.description, "url": data.url}
    parts = {"owners": data.owners, "tags": data.tags, "columns": data.columns, "freshness": data.freshness}
    if data.extra != NOTHING:
        parts["extra"] = data.extra
    told = {field: text or None for field, text in texts.items() if text is not None}  # empty text takes one away
    told |= {field: msgspec.json.encode(part).decode() for field, part in parts.items() if part is not None}
    hot.told = hot.told._replace(**told)


def _overdue(hot: HotAsset, _position: int, _what: Any, of: int, _raw: bytes) -> None:
    hot.overdue = max(of, hot.overdue)


def _retired(hot: HotAsset, position: int, _what: Any, _of: int, _raw: bytes) -> None:
    hot.retired_pos = position


_RULES: dict[str, Callable[[HotAsset, int, Any, int, bytes], None]] = {
    "asset.materialized": _materialized,
    "asset.failed": _failed,
    "asset.observed": _observed,
    "asset.referenced": _active,
    "asset.checked": _checked,
    "asset.overdue": _overdue,
    "asset.described": _described,
    "asset.retired": _retired,
    "asset.aliased": _active,
}
"""What each event type changes in its asset: the same rules as the rows and asset_state.sql."""
