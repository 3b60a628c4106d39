"""Bytes per event of the large catalog: its projection, the stream in memory, the log on disk."""

from __future__ import annotations

from collections.abc import Iterator

from assetlog.catalog.bench.figures import Figure
from assetlog.catalog.bench.measures.fold import insert
from assetlog.catalog.bench.stage import Stage

INSERTED = "DuckDB file of id, type, key, time"
JSON = "the event's JSON"


def measure(stage: Stage) -> Iterator[Figure]:
    """What the files weigh; the raw limits are a bulk insert of as many such events, and what was sent."""
    large, events = stage.large, stage.options.events
    inserted = insert(large.lake.take(min(events, 200_000))).bytes
    sent = large.appended.event_bytes / events
    yield Figure(name="size-projection", value=large.projection_bytes / events, raw=inserted, raw_what=INSERTED)
    yield Figure(name="size-stream", value=large.appended.stream_bytes / events, raw=sent, raw_what=JSON)
    yield Figure(name="size-log", value=large.log_bytes / events, raw=sent, raw_what=JSON)
