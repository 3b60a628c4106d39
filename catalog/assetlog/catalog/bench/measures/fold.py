"""Folding: live, while a producer appends as fast as the log takes it; and what waits in the log at the start."""

from __future__ import annotations

import tempfile
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

import duckdb
import msgspec

from assetlog.catalog.bench.figures import Figure, rate
from assetlog.catalog.bench.measures.decode import Bare
from assetlog.catalog.bench.processes import Server
from assetlog.catalog.bench.stage import Stage, append
from assetlog.schemas.errors import Broken

RAW = "msgspec decode + DuckDB bulk insert, one transaction per 2,000"
BATCH = 2_000
WITHIN = 300.0


class Inserted(NamedTuple):
    """What a bulk insert came to."""

    rate: float
    """Events a second."""
    bytes: float
    """Of the file, per event."""


def measure(stage: Stage) -> Iterator[Figure]:
    """Rounds of a burst; then the large catalog's first fold."""
    count = stage.options.count(300_000, 20_000)
    node = stage.intake()
    ours, raw = [], []
    for _ in range(stage.options.rounds):
        events = stage.lake.take(count)
        ours.append(count / _fold_live(node, events))
        raw.append(insert(events).rate)
    yield rate("fold-live", ours, raw, RAW, events=count)
    appended = stage.large.appended.rate
    yield rate("fold-backlog", [stage.large.backlog_rate], raw, RAW, events=stage.options.events, append_rate=appended)


def _fold_live(node: Server, events: Sequence[bytes]) -> float:
    """Seconds from the first append to the fold of the last event."""
    outcome = append(node.log, events)
    await_folded(node, outcome.last.decode())
    return time.time() - outcome.began_at


def await_folded(node: Server, position: str) -> None:
    """Wait until a position is folded and visible.

    Raises:
        Broken: it takes too long.
    """
    give_up = time.monotonic() + WITHIN
    while time.monotonic() < give_up:
        status, _ = node.ask("GET", f"/v1/assets?limit=1&min_position={position}")  # waits for five seconds
        if status == 200:
            return
    raise Broken(f"The position {position} was not folded within {WITHIN:g} s.", code="bench-load")


def insert(events: Sequence[bytes]) -> Inserted:
    """Decode events and put them into a DuckDB file, and nothing else."""
    decode = msgspec.json.Decoder(Bare).decode
    with tempfile.TemporaryDirectory() as directory:
        path = Path(directory) / "raw.duckdb"
        with duckdb.connect(str(path)) as connection:
            connection.execute("create table log(pos bigint, id uuid, type varchar, subject varchar, time timestamp)")
            appender = connection.appender("log")
            began = time.perf_counter()
            for start in range(0, len(events), BATCH):
                decoded = map(decode, events[start : start + BATCH])
                connection.begin()
                appender.append_rows([(start, event.id, event.type, event.subject, event.time) for event in decoded])
                appender.flush()
                connection.commit()
            seconds = time.perf_counter() - began
        return Inserted(len(events) / seconds, path.stat().st_size / len(events))
