"""Many events by HTTP: 100 in a request, and NDJSON of thousands."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from assetlog.catalog.bench.figures import Figure, rate
from assetlog.catalog.bench.load import Outcome
from assetlog.catalog.bench.measures.event import ON_DISK
from assetlog.catalog.bench.processes import Server
from assetlog.catalog.bench.stage import Stage, append, request, send

NDJSON = "application/x-ndjson"
BULK = 5_000


def measure(stage: Stage) -> Iterator[Figure]:
    """Rounds at the node and straight at the log in turn; the plain route, too."""
    yield _figure(stage, "batch-100", 100, stage.options.count(60_000, 5_000), clients=4)
    yield _figure(stage, "batch-ndjson", BULK, stage.options.count(150_000, 15_000), clients=2)


def _figure(stage: Stage, name: str, size: int, count: int, clients: int) -> Figure:
    node, plain = stage.intake(), stage.plain
    ours, raw, routes = [], [], []
    for _ in range(stage.options.rounds):
        events = stage.lake.take(count)
        ours.append(count / _post(node, "/v1/events", events, size, clients, as_array=name == "batch-100").seconds)
        raw.append(count / append(plain.log, events).seconds)
        routes.append(count / _post(plain, "/append-lines", events, size, clients, as_array=False).seconds)
    facts = {"a_request": size, "clients": clients, "plain_route": max(routes)}
    return rate(name, ours, raw, "pipelined XADD, AOF always", **facts)


def _post(server: Server, path: str, events: Sequence[bytes], size: int, clients: int, *, as_array: bool) -> Outcome:
    batches = [events[start : start + size] for start in range(0, len(events), size)]
    if as_array:
        requests = [request(server, "POST", path, b"[" + b",".join(batch) + b"]") for batch in batches]
    else:
        requests = [request(server, "POST", path, b"\n".join(batch), NDJSON) for batch in batches]
    return send(server, requests, status=201, contains=ON_DISK, clients=clients)
