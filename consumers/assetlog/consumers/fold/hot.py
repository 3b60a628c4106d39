"""Assets in memory as of the fold's position, kept up to date after each commit: the answer to most reads.

Bounded: what has not been written or read for longest falls out and is answered by SQL (views/asset_state.sql).
Both say the same; a law in the tests compares them. Used on one event loop.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Iterable

from msgspec import Struct

from assetlog.consumers.fold.fold import Commit, Fold
from assetlog.consumers.fold.hot_rules import RULES
from assetlog.consumers.fold.judging import judge
from assetlog.consumers.fold.known import Known
from assetlog.schemas.codec import Event
from assetlog.schemas.keys import canonical_key
from assetlog.schemas.positions import format_position, position_time
from assetlog.schemas.shapes import Asset, Seen
from assetlog.schemas.times import format_time

DEFAULT_LIMIT = 10_000
MAX_PARTITIONS = 1_000
"""An asset with more is answered by SQL."""


class HotAsset(Struct, kw_only=True):
    """An asset's answer, and what is needed to extend it."""

    aid: int
    shape: Asset
    materialized: int = 0
    """The rank of the last materialization, 0 for none."""
    failed: int = 0
    overdue_pos: int = 0
    retired_pos: int = 0
    active_pos: int = 0
    checks: dict[tuple[str, str | None], bool] = {}
    """(name, partition) -> whether its last result spoils the asset."""
    partitions: set[str] = set()
    upstream: dict[str, int] = {}
    """Key -> number."""


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
        self._wanted: dict[int, None] = {}
        self.ranks: dict[int, int] = {}
        """The last materialization's rank of every asset that has one: tells staleness of what is downstream."""

    def load(self, fold: Fold) -> None:
        """Begin anew with the assets of a projection."""
        self._known = fold.known
        self._born = len(fold.known.keys)
        self._assets.clear()
        self.ranks = fold.last_ranks()
        self.admit(self._load(fold, None, self._limit))

    def admit(self, assets: Iterable[HotAsset]) -> None:
        """Take assets in, as of the present position."""
        for asset in assets:
            if len(asset.partitions) <= MAX_PARTITIONS:
                self._assets[asset.aid] = asset
        self._evict()

    def asset(self, key: str) -> Asset | None:
        """The asset that a key or an alias names; None if it is not in memory (it may still exist)."""
        aid = self._known.aids.get(canonical_key(key))
        if aid is None or aid >= self._born:
            return None
        aid = self._known.root(aid)
        hot = self._assets.get(aid)
        if hot is None:
            self._wanted[aid] = None
            return None
        self._assets.move_to_end(aid)
        self._judge(hot)
        return hot.shape

    def take_wanted(self, most: int = 100) -> list[int]:
        """The numbers of assets that were asked for and not found."""
        wanted = list(self._wanted)[:most]
        for aid in wanted:
            del self._wanted[aid]
        return wanted

    def reload(self, fold: Fold, wanted: list[int]) -> list[HotAsset]:
        """Read assets from the projection; runs on the writer's thread, `admit` takes them in."""
        return self._load(fold, wanted, len(wanted))

    def apply(self, commit: Commit) -> None:
        """Extend the assets by what was folded."""
        for position, event, _ in commit.folded:
            if event.data is not None:
                self._apply_one(position, event)
        self._born = len(self._known.keys)
        self._evict()

    def find(self, key: str, position: int) -> HotAsset | None:
        """The asset in memory that a canonical key of an event names; a new one if the event made it."""
        aid = self._known.aids[key]
        root = self._known.root(aid)
        hot = self._assets.get(root)
        if hot is None and aid >= self._born and root == aid and aid not in self._assets:
            hot = self._assets[aid] = HotAsset(aid=aid, shape=Asset(key=key, first_seen=_seen(position)))
        if hot is not None:
            self._assets.move_to_end(root)
        return hot

    def root_key(self, key: str) -> str:
        """The key of the asset that a key stands for."""
        known = self._known
        return known.keys[known.root(known.aids[key])]

    def note_rank(self, key: str, rank: int) -> None:
        """A materialization of an asset, in memory or not."""
        root = self._known.root(self._known.aids[key])
        self.ranks[root] = max(rank, self.ranks.get(root, 0))

    def number(self, key: str) -> int:
        """The number of a root's key."""
        return self._known.aids[key]

    def forget_all(self) -> None:
        """Let everything go: an alias changed which events add up to which asset."""
        self._assets.clear()
        self._born = len(self._known.keys)  # what the rest of the commit mentions is not new: it is not in memory
        ranks: dict[int, int] = {}
        for aid, rank in self.ranks.items():
            root = self._known.root(aid)
            ranks[root] = max(rank, ranks.get(root, 0))
        self.ranks = ranks

    def _apply_one(self, position: int, event: Event) -> None:
        rule = RULES.get(event.type)
        if rule is not None:
            rule(self, position, event)

    def _evict(self) -> None:
        while len(self._assets) > self._limit:
            self._assets.popitem(last=False)

    def _judge(self, hot: HotAsset) -> None:
        shape = hot.shape
        newest = max(((self.ranks.get(aid, 0), key) for key, aid in hot.upstream.items()), default=(0, ""))
        failing = (name for (name, _), spoils in hot.checks.items() if spoils)
        shape.state, shape.state_reason = judge(hot.materialized, hot.failed, hot.overdue_pos, failing, newest)
        shape.retired = hot.retired_pos > hot.active_pos
        shape.partitions = len(hot.partitions)


def _seen(position: int) -> Seen:
    return Seen(position=format_position(position), time=format_time(position_time(position)))
