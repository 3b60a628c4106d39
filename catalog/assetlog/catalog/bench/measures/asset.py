"""One asset's state by HTTP, among 1,000 assets."""

from __future__ import annotations

import random
from collections.abc import Iterator

from assetlog.catalog.bench.figures import Figure, timing
from assetlog.catalog.bench.reads import plain_read, read
from assetlog.catalog.bench.stage import Stage


def measure(stage: Stage) -> Iterator[Figure]:
    """Random assets, from one client; the raw limit is the same bytes from a plain route."""
    node, count = stage.shelf(), stage.options.count(5_000, 500)
    chance = random.Random(stage.options.seed)  # noqa: S311 - the same assets each time
    queries = [{"key": chance.choice(stage.shelf_lake.keys)} for _ in range(count)]
    ours = read(node, "/v1/asset", queries, b'"last_materialization":{')
    raw = plain_read(stage, ours.last, count)
    yield timing("asset", ours.times, raw, "plain route, the same bytes", bytes=len(ours.last))
