"""Which of two materializations is the later one: one number that orders by (effective time, position).

The effective time is the producer's, at most five minutes after the log recorded it: a late delivery does not
take the state back, and a fast clock does not pin it. SQL computes the same number (views/asset_rows.sql).
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from assetlog.schemas.positions import SEQ_BITS
from assetlog.schemas.times import format_microseconds

AHEAD_MICROSECONDS = 300_000_000
_OFFSET = 1 << 56  # makes times before 1970 positive; year 1 is -6.2e16
_POSITION_MASK = (1 << 63) - 1
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)


def rank(time: datetime | None, position: int) -> int:
    """The rank of an event by its UTC time, the recorded one where it says none, and its position."""
    recorded = (position >> SEQ_BITS) * 1000
    effective = recorded if time is None else min((time - _EPOCH) // _MICROSECOND, recorded + AHEAD_MICROSECONDS)
    return (effective + _OFFSET) << 63 | position


def breach_rank(time: datetime | None, position: int) -> int:
    """The rank of a breach of freshness, which orders by (position, effective time): the last one told counts."""
    of = rank(time, position)
    return position << 63 | of >> 63


def breach_as_event(breach: int) -> int:
    """The rank that an event of a breach's time and position has."""
    return (breach & _POSITION_MASK) << 63 | breach >> 63


def rank_position(of: int) -> int:
    """The position inside a rank."""
    return of & _POSITION_MASK


def rank_time(of: int) -> datetime:
    """The effective time inside a rank, in UTC."""
    return _EPOCH + timedelta(microseconds=(of >> 63) - _OFFSET)


def rank_text(of: int) -> str:
    """The effective time inside a rank, as answers write it.

    >>> rank_text(rank(None, 1500 << 20))
    '1970-01-01T00:00:01.500000Z'
    """
    return format_microseconds((of >> 63) - _OFFSET)
