"""One artifact by HTTP: a Markdown report about an asset."""

from __future__ import annotations

from collections.abc import Iterator

import msgspec

from assetlog.catalog.bench.figures import Figure, quantile, rate
from assetlog.catalog.bench.measures.event import ON_DISK, WARM_UP
from assetlog.catalog.bench.stage import Stage, request, send


def measure(stage: Stage) -> Iterator[Figure]:
    """Rounds at the node and at the plain server in turn."""
    node, plain = stage.intake(), stage.plain
    count = stage.options.count(5_000, 500)
    bodies = [_artifact(n, stage.lake.keys[n % 1000]) for n in range(count + WARM_UP)]
    ours, raw, times = [], [], []
    for _ in range(stage.options.rounds):
        posts = [request(node, "POST", "/v1/artifacts", body) for body in bodies]
        outcome = send(node, posts, status=201, contains=ON_DISK, warm_up=WARM_UP)
        ours.append(count / outcome.seconds)
        times += outcome.times
        posts = [request(plain, "POST", "/append", body) for body in bodies]
        raw.append(count / send(plain, posts, status=201, contains=ON_DISK, warm_up=WARM_UP).seconds)
    p50, p99 = (quantile(times, share) * 1e3 for share in (0.5, 0.99))
    what = "plain route + XADD, fsynced"
    yield rate("artifact", ours, raw, what, requests=count, p50_ms=p50, p99_ms=p99)


def _artifact(n: int, asset: str) -> bytes:
    text = f"# Report {n}\n\n" + "| day | rows |\n| --- | ---: |\n" + "| 2026-11-21 | 1024 |\n" * 10
    return msgspec.json.encode({"key": f"report-{n % 100}", "type": "markdown", "data": text, "asset": asset})
