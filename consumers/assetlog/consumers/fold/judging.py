"""An asset's state, and the reason in words: the same rules as views/asset_state.sql."""

from __future__ import annotations

from collections.abc import Iterable

from assetlog.consumers.fold.rank import breach_as_event, rank_position, rank_text
from assetlog.schemas.shapes import AssetHealth

_NO_MARKS = str.maketrans("", "", '{"}')


def judge(
    materialized: int,
    failed: int,
    overdue: int,
    failing: Iterable[str],
    newest_upstream: tuple[int, str],
    freshness: str | None = None,
) -> tuple[AssetHealth, str | None]:
    """The state of an asset.

    Args:
        materialized: the rank of its last materialization, 0 for none.
        failed: the rank of its last failure, 0 for none.
        overdue: the rank of its last breach of freshness, 0 for none.
        failing: names of its checks whose last result is a failure of severity `error`.
        newest_upstream: rank and key of the upstream that was materialized last, (0, "") for none.
        freshness: its policy, as JSON.

    >>> judge(2, 1, 0, [], (0, ""))
    ('fresh', None)
    """
    if failed > materialized:
        return "failed", "the last materialization failed"
    names = sorted(set(failing))
    if names:
        return "checks-failing", "failing checks: " + ", ".join(names)
    if is_overdue(overdue, materialized):
        return "stale", _overdue_text(overdue, freshness)
    if not materialized:
        return "unknown", "never materialized"
    rank, key = newest_upstream
    return ("stale", f"newer upstream: {key}") if rank > materialized else ("fresh", None)


def is_overdue(overdue: int, materialized: int) -> bool:
    """Whether the last breach of freshness (its rank) stands: nothing was made after it was due, or came after it.

    What was recorded before whoever told the breach saw it counts by when it was made; what was made before and came
    late, by when it came.
    """
    breach = breach_as_event(overdue)
    return breach > materialized and rank_position(breach) > rank_position(materialized)


def _overdue_text(overdue: int, freshness: str | None) -> str:
    """Since when, and by which policy.

    >>> _overdue_text(1 << 56, '{"max_age":60.0,"time_zone":"UTC"}')
    'overdue since 1970-01-01T00:00:00Z (max_age 60.0, time_zone UTC)'
    """
    since = f"overdue since {rank_text(breach_as_event(overdue))[:19]}Z"
    policy = (freshness or "").replace(',"', ", ").replace('":', " ").translate(_NO_MARKS)
    return f"{since} ({policy})" if policy else since
