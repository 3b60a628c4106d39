"""The last 100 events of an asset, bodies and all, on the large catalog."""

from __future__ import annotations

import random
from collections.abc import Iterator

from assetlog.catalog.bench.figures import Figure, timing
from assetlog.catalog.bench.reads import asset_numbers, narrow, read
from assetlog.catalog.bench.stage import Stage


def measure(stage: Stage) -> Iterator[Figure]:
    """Random assets; the raw limit is the query of their positions."""
    node, large = stage.large_node(), stage.large
    chance = random.Random(stage.options.seed)  # noqa: S311 - the same assets each time
    keys = [chance.choice(large.lake.keys) for _ in range(stage.options.count(500, 50))]
    ours = read(node, "/v1/asset/events", [{"key": key, "limit": 100} for key in keys], b'"position"')
    numbers = asset_numbers(large.copy)
    raw = narrow(large.copy, "history", [{"a": numbers[key], "p": 1 << 62} for key in keys])
    a_key = stage.options.events / stage.options.assets
    yield timing("history", ours.times, raw, "query of 100 positions", events_an_asset=a_key, bytes=len(ours.last))
