"""From emitting an event to seeing it in the API: while nothing else happens, and beside 10,000 events a second."""

from __future__ import annotations

from collections.abc import Iterator
from urllib.parse import quote

from assetlog.catalog.bench.figures import Figure, timing
from assetlog.catalog.bench.load import Delivered, Outcome, Visible
from assetlog.catalog.bench.processes import Server, run_load
from assetlog.catalog.bench.stage import Stage, begin_append, request
from assetlog.catalog.bench.workload import Lake, id_of
from assetlog.schemas.errors import Broken
from assetlog.schemas.stream import DEFAULT_CATALOG

PAUSE = 0.02
"""Seconds between two probes: about 45 a second."""
BATCH = 50
BUSY_RATE = 10_000
RAW = "XADD -> a blocking XREAD has it"
PROBED = 60


def measure(stage: Stage) -> Iterator[Figure]:
    """Probes: POST an event, then ask for its asset until it shows it."""
    probes = Lake(PROBED, stage.options.seed, scheme="gs")  # assets that nobody else writes
    count = stage.options.count(500, 100)
    node = stage.intake()
    _look(node, probes, PROBED)  # each asset's first event is another case: it must be there before
    raw = _delivered(stage, probes, count)
    idle = _look(node, probes, count)
    yield timing("visible-idle", idle.times, raw.times, RAW)
    load = begin_append(node.log, stage.lake.take(_events_for(count)), batch=BATCH, interval=BATCH / BUSY_RATE)
    try:
        busy = _look(node, probes, count)
    except Broken:
        load.cancel()
        raise
    took = load.outcome()
    times = _while_loaded(busy, took)
    yield timing("visible-busy", times, raw.times, f"{RAW}, idle", appended_a_second=_events_for(count) / took.seconds)


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


def _delivered(stage: Stage, probes: Lake, count: int) -> Outcome:
    """At the plain server's log: nobody else reads there."""
    return run_load(Delivered(log=stage.plain.log, catalog=DEFAULT_CATALOG, events=probes.take(count)))


def _look(node: Server, lake: Lake, count: int) -> Outcome:
    host, port = node.address
    probes = [_probe(node, lake, n % PROBED) for n in range(count)]
    return run_load(Visible(host=host, port=port, probes=probes, pause=PAUSE))


def _probe(node: Server, lake: Lake, asset: int) -> tuple[bytes, bytes, bytes]:
    event = lake.event_of(asset)
    path = f"/v1/asset?key={quote(lake.keys[asset], safe='')}"
    return request(node, "POST", "/v1/events", event), request(node, "GET", path), id_of(event).encode()
