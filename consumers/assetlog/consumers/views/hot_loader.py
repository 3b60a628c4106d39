"""Reading assets from the projection into memory, with all that is needed to extend them."""

from __future__ import annotations

from assetlog.consumers.fold.fold import Bodies, Fold
from assetlog.consumers.fold.hot import HotAsset
from assetlog.consumers.views.access import Access
from assetlog.consumers.views.assets_reader import shapes
from assetlog.consumers.views.state_reader import AssetState, Checks, checks_of, partitions_of, states
from assetlog.schemas.shapes import Asset


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
        numbers = fold.known.aids
        return [
            _hot(
                state, answer, checks[state.aid], partitions[state.aid], {key: numbers[key] for key in answer.upstream}
            )
            for state, answer in zip(found, shapes(access, found, at), strict=True)
        ]


def _hot(state: AssetState, answer: Asset, checks: Checks, partitions: set[str], upstream: dict[str, int]) -> HotAsset:
    counts = state.counts
    return HotAsset(
        aid=state.aid,
        shape=answer,
        materialized=counts.materialized,
        failed=counts.failed,
        overdue_pos=counts.overdue_pos,
        retired_pos=counts.retired_pos,
        active_pos=counts.active_pos,
        checks=checks,
        partitions=partitions,
        upstream=upstream,
    )
