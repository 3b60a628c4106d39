"""One materialization or failure of an asset, from its event."""

from __future__ import annotations

from typing import Any

from assetlog.consumers.fold.rank import rank_position, rank_time
from assetlog.schemas.codec import Event
from assetlog.schemas.events.common import EMPTY
from assetlog.schemas.positions import format_position
from assetlog.schemas.shapes import Occurrence, Run
from assetlog.schemas.times import format_time


def occurrence(rank: int, event: Event | None) -> Occurrence:
    """What an answer says about the event at a rank; its place and time only where the event is gone."""
    position, time = format_position(rank_position(rank)), format_time(rank_time(rank))
    if event is None:
        return Occurrence(event_id="", position=position, time=time)
    data: Any = event.data
    return Occurrence(
        event_id=event.id,
        position=position,
        time=time,
        run=None if data.run is None else Run(id=data.run.id, job=data.run.job),
        partition=data.partition,
        metadata=EMPTY if data.metadata is EMPTY else data.metadata.copy(),
        by=data.by,
        code_version=data.code_version,
        duration=data.duration,
        error=getattr(data, "error", None),
    )
