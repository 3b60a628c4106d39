"""Which of two materializations is the later one: one number that orders by (effective time, position).

The effective time is the producer's, at most five minutes after the log recorded it: a late delivery does not
take the state back, and a fast clock does not pin it. SQL computes the same number (views/asset_rows.sql).
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from assetlog.schemas.positions import SEQ_BITS

AHEAD_MICROSECONDS = 300_000_000
_OFFSET = 1 << 56  # makes times before 1970 positive; year 1 is -6.2e16
_POSITION_MASK = (1 << 63) - 1
_EPOCH = datetime(1970, 1, 1)  # noqa: DTZ001 - the projection's times are naive UTC


def rank(time: datetime, position: int) -> int:
    """The rank of an event by its naive UTC time and its position."""
    elapsed = time - _EPOCH
    microseconds = (elapsed.days * 86_400 + elapsed.seconds) * 1_000_000 + elapsed.microseconds
    recorded = (position >> SEQ_BITS) * 1000
    return (min(microseconds, recorded + AHEAD_MICROSECONDS) + _OFFSET) << 63 | position


def rank_position(of: int) -> int:
    """The position inside a rank."""
    return of & _POSITION_MASK


def rank_time(of: int) -> datetime:
    """The effective time inside a rank, in UTC."""
    return datetime.fromtimestamp(0, UTC) + timedelta(microseconds=(of >> 63) - _OFFSET)
