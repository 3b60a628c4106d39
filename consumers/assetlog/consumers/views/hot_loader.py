"""Reading assets from the projection into memory, with all that is needed to extend them."""

from __future__ import annotations

from collections.abc import Mapping

from assetlog.consumers.fold.fold import Bodies, Fold
from assetlog.consumers.fold.hot import HotAsset
from assetlog.consumers.views.access import Access
from assetlog.consumers.views.answers import AssetState
from assetlog.consumers.views.assets_reader import last_events
from assetlog.consumers.views.state_reader import Checks, checks_of, partitions_of, states
from assetlog.schemas.codec import Event


class HotLoader:
    """Reads whole assets for `HotAssets`; what their events say comes from the log."""

    def __init__(self, bodies: Bodies) -> None:
        self._bodies = bodies

    def __call__(self, fold: Fold, wanted: list[int] | None, limit: int) -> list[HotAsset]:
        """The assets of these numbers, or the `limit` most recent ones, the most recent last."""
        access = Access(lambda: fold.store.reader, self._bodies, known=lambda: fold.known)
        at = fold.position
        if wanted is None:
            wanted = [aid for (aid,) in access.rows("asset_recent", p=at, limit=limit)]
        if not wanted:
            return []
        known = access.known_at(at)
        found = states(access, wanted, at)
        checks = checks_of(access, known, wanted, at)
        partitions = partitions_of(access, known, wanted, at)
        events = last_events(access, found)
        return [_hot(state, checks[state.aid], partitions[state.aid], events) for state in found]


def _hot(state: AssetState, checks: Checks, partitions: set[str], events: Mapping[int, Event]) -> HotAsset:
    counts = state.counts
    return HotAsset(
        aid=state.aid,
        **counts._asdict(),
        told=state.told,
        checks=checks,
        partitions=partitions,
        last_materialization=events.get(counts.materialized),
        last_failure=events.get(counts.failed),
    )
