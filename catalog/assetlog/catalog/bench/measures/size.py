"""Bytes per event on disk: projection and stream of the large catalog, once its node was stopped."""

from __future__ import annotations

from collections.abc import Iterator

from assetlog.catalog.bench.figures import Figure
from assetlog.catalog.bench.stage import Stage

RAW = "the event's JSON"


def measure(stage: Stage) -> Iterator[Figure]:
    """What the files weigh; the raw limit is what was sent."""
    large, events = stage.large, stage.options.events
    body = large.bytes_appended / events
    yield Figure(name="size-projection", value=large.projection_bytes / events, raw=body, raw_what=RAW)
    yield Figure(name="size-stream", value=large.stream_bytes / events, raw=body, raw_what=RAW)
