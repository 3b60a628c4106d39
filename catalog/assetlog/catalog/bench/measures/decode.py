"""How long the one decoder takes for an event: the API and the fold pay it for each."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import msgspec
from msgspec import Raw, Struct

from assetlog.catalog.bench.figures import Figure, timing
from assetlog.catalog.bench.stage import Stage
from assetlog.schemas.codec import decode


class Bare(Struct):
    """An event's parts, unchecked."""

    id: str
    source: str
    type: str
    subject: str
    time: str
    data: Raw


def measure(stage: Stage) -> Iterator[Figure]:
    """Rounds over the lake's events; the raw limit is msgspec with a bare Struct."""
    events = stage.lake.take(1_000)
    bare = msgspec.json.Decoder(Bare).decode
    rounds = stage.options.count(100, 10)
    ours, raw = ([_seconds(function, events) for _ in range(rounds)] for function in (decode, bare))
    yield timing("decode", ours, raw, "msgspec decode into a bare Struct", bytes=sum(map(len, events)) // len(events))


def _seconds(function: Callable[[bytes], Any], events: Sequence[bytes]) -> float:
    """Seconds an event."""
    began = time.perf_counter()
    for event in events:
        function(event)
    return (time.perf_counter() - began) / len(events)
