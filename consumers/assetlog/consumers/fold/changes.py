"""What a folded event changes in its asset, without the event.

An event is two dozen objects. The writer's thread makes them and frees them while they are warm; the event loop,
on another core, gets one tuple with what it needs.
"""

from __future__ import annotations

from typing import Any

from assetlog.consumers.fold.rank import breach_rank, rank
from assetlog.schemas.codec import Event

Change = tuple[int, str, int | None, int, Any, bytes]
"""Position; type (empty where this assetlog does not know its version); the number of the asset it is about; rank of a
materialization, failure or breach of freshness, 0 for the rest; its partition, or the data of the rest; the entry's
bytes."""

_RANKED = {"asset.materialized": rank, "asset.failed": rank, "asset.overdue": breach_rank}


def change_of(position: int, event: Event, aid: int | None, raw: bytes) -> Change:
    """What an event changes in its asset."""
    kind, data = event.type, event.data
    if data is not None and kind in _RANKED:
        of = _RANKED[kind](event.time, position)
        return position, kind, aid, of, data.partition, raw  # type: ignore[attr-defined]
    return position, kind if data is not None else "", aid, 0, data, raw
