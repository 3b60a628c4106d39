"""Conversions that several answers share."""

from __future__ import annotations

from datetime import UTC, datetime

from assetlog.consumers.fold.rank import rank_position, rank_time
from assetlog.schemas.positions import format_position
from assetlog.schemas.shapes import Seen
from assetlog.schemas.times import format_time


def time_text(naive: datetime) -> str:
    """A time of the projection (UTC without a zone) as answers write it."""
    return format_time(naive.replace(tzinfo=UTC))


def seen(rank: int | None) -> Seen | None:
    """The position and the effective time inside a rank."""
    if rank is None:
        return None
    return Seen(position=format_position(rank_position(rank)), time=format_time(rank_time(rank)))
