"""From emitting an event to seeing it in the API: while nothing else happens, and beside 10,000 events a second."""

from __future__ import annotations

import http.client
import time
from collections.abc import Iterator
from datetime import UTC, datetime
from urllib.parse import quote

import duckdb

from assetlog.catalog.bench.figures import Figure, timing
from assetlog.catalog.bench.load import Outcome, Visible
from assetlog.catalog.bench.processes import Server, run_load
from assetlog.catalog.bench.stage import Stage, begin_append, request
from assetlog.catalog.bench.workload import Lake, id_of
from assetlog.schemas.errors import Broken

PAUSE = 0.02
"""Seconds between two probes: about 45 a second."""
BATCH = 50
BUSY_RATE = 10_000
RAW = "plain route + XADD, fsynced, then one row into DuckDB"
PROBED = 60


def measure(stage: Stage) -> Iterator[Figure]:
    """Probes: POST an event, then ask for its asset until it shows it."""
    probes = Lake(PROBED, stage.options.seed, scheme="gs")  # assets that nobody else writes
    count = stage.options.count(500, 100)
    node = stage.intake()
    _look(node, probes, PROBED)  # each asset's first event is another case: it must be there before
    idle = _look(node, probes, count)
    yield timing("visible-idle", idle.times, _floor(stage, probes, count, PAUSE), f"{RAW}, as seldom")
    load = begin_append(node.log, stage.lake.take(_events_for(count)), batch=BATCH, interval=BATCH / BUSY_RATE)
    try:
        busy = _look(node, probes, count)
    except Broken:
        load.cancel()
        raise
    took = load.outcome()
    times, floor = _while_loaded(busy, took), _floor(stage, probes, count, 0.0)
    yield timing("visible-busy", times, floor, RAW, appended_a_second=_events_for(count) / took.seconds)


def _events_for(probes: int) -> int:
    """Enough events that the load outlasts most probes."""
    return int(BUSY_RATE * (2 + probes * (PAUSE + 0.008)) / BATCH) * BATCH


def _while_loaded(probes: Outcome, load: Outcome) -> list[float]:
    """The times of probes that began and ended while the load ran, its first second aside."""
    first, last = load.began_at + 1, load.began_at + load.seconds
    sent = zip(probes.sent_at, probes.times, strict=True)
    times = [seconds for at, seconds in sent if at >= first and at + seconds <= last]
    if not times:
        raise Broken("The load ended before a probe was seen.", code="bench-load", hint="The machine is too busy.")
    return times


def _floor(stage: Stage, probes: Lake, count: int, pause: float) -> list[float]:
    """Seconds that the two writes take by themselves, one after the other: longer on a machine that was idle."""
    seconds = []
    connection = http.client.HTTPConnection(*stage.plain.address)
    with duckdb.connect(str(stage.empty_home() / "floor.duckdb")) as projection:
        projection.execute("create table log(pos bigint, id uuid, type varchar, subject varchar, time timestamp)")
        projection.execute("pragma disable_optimizer")
        for number, event in enumerate(probes.take(count)):
            began = time.perf_counter()
            connection.request("POST", "/append", event, {"content-type": "application/json"})
            connection.getresponse().read()
            row = [number, id_of(event), "asset.materialized", "gs://lake", datetime.now(UTC)]
            projection.execute("insert into log values (?, ?, ?, ?, ?)", row)
            seconds.append(time.perf_counter() - began)
            time.sleep(pause)
    connection.close()
    return seconds


def _look(node: Server, lake: Lake, count: int) -> Outcome:
    host, port = node.address
    probes = [_probe(node, lake, n % PROBED) for n in range(count)]
    return run_load(Visible(host=host, port=port, probes=probes, pause=PAUSE))


def _probe(node: Server, lake: Lake, asset: int) -> tuple[bytes, bytes, bytes]:
    event = lake.event_of(asset)
    path = f"/v1/asset?key={quote(lake.keys[asset], safe='')}"
    return request(node, "POST", "/v1/events", event), request(node, "GET", path), id_of(event).encode()
