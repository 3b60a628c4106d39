"""One event by HTTP, on disk when acknowledged: from one client, and from sixteen at once."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from assetlog.catalog.bench.figures import Figure, quantile, rate
from assetlog.catalog.bench.load import Outcome
from assetlog.catalog.bench.processes import Server
from assetlog.catalog.bench.stage import Stage, request, send

ON_DISK = b'"ack":"disk"'
WARM_UP = 100


def measure(stage: Stage) -> Iterator[Figure]:
    """Rounds at the node and at the plain server in turn."""
    for clients, count in ((1, stage.options.count(5_000, 500)), (16, stage.options.count(20_000, 2_000))):
        node, plain, options = stage.intake(), stage.plain, stage.options
        ours, raw, times = [], [], []
        for _ in range(options.rounds):
            outcome = _post(node, "/v1/events", stage.lake.take(count + WARM_UP), clients)
            ours.append(count / outcome.seconds)
            times += outcome.times
            raw.append(count / _post(plain, "/append", stage.lake.take(count + WARM_UP), clients).seconds)
        p50, p99 = (quantile(times, share) * 1e3 for share in (0.5, 0.99))
        what = "plain route + XADD, fsynced"
        yield rate(f"event-{clients}", ours, raw, what, requests=count, p50_ms=p50, p99_ms=p99)


def _post(server: Server, path: str, events: Sequence[bytes], clients: int) -> Outcome:
    requests = [request(server, "POST", path, event) for event in events]
    return send(server, requests, status=201, contains=ON_DISK, clients=clients, warm_up=WARM_UP)
