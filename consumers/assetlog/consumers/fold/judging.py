"""An asset's state, and the reason in words: the same rules as views/asset_state.sql."""

from __future__ import annotations

from collections.abc import Iterable

from assetlog.consumers.fold.rank import rank_position
from assetlog.schemas.shapes import AssetHealth


def judge(
    materialized: int, failed: int, overdue_pos: int, failing: Iterable[str], newest_upstream: tuple[int, str]
) -> tuple[AssetHealth, str | None]:
    """The state of an asset.

    Args:
        materialized: the rank of its last materialization, 0 for none.
        failed: the rank of its last failure, 0 for none.
        overdue_pos: the position of its last breach of freshness, 0 for none.
        failing: names of its checks whose last result is a failure of severity `error`.
        newest_upstream: rank and key of the upstream that was materialized last, (0, "") for none.

    >>> judge(2, 1, 0, [], (0, ""))
    ('fresh', None)
    """
    if failed > materialized:
        return "failed", "the last materialization failed"
    names = sorted(set(failing))
    if names:
        return "checks-failing", "failing checks: " + ", ".join(names)
    if not materialized:
        return "unknown", "never materialized"
    if overdue_pos > rank_position(materialized):
        return "stale", "overdue"
    rank, key = newest_upstream
    return ("stale", f"newer upstream: {key}") if rank > materialized else ("fresh", None)
