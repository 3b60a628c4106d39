"""One asset, a hundred assets and lineage as of positions all over the large catalog's log."""

from __future__ import annotations

import random
from collections.abc import Iterator
from typing import Any

from assetlog.catalog.bench.figures import Figure, timing
from assetlog.catalog.bench.measures.lineage import EVERYTHING, ROOTS
from assetlog.catalog.bench.measures.lineage import RAW as LINEAGE_RAW
from assetlog.catalog.bench.reads import asset_numbers, narrow, read
from assetlog.catalog.bench.stage import Stage
from assetlog.schemas.positions import format_position, parse_position

COUNTS_RAW = "query of counts, snapshot + tail"


def measure(stage: Stage) -> Iterator[Figure]:
    """Random assets at random positions."""
    node, large, count = stage.large_node(), stage.large, stage.options.count(500, 50)
    chance = random.Random(stage.options.seed)  # noqa: S311 - the same moments each time
    numbers = asset_numbers(large.copy)
    keys = [chance.choice(large.lake.keys) for _ in range(count)]
    moments = [_moment(chance, large.appended.positions) for _ in range(count)]
    texts = [format_position(moment) for moment in moments]

    def values(names: list[str]) -> list[dict[str, Any]]:
        return [{"a": numbers[name], "p": moment} for name, moment in zip(names, moments, strict=True)]

    one = [{"key": key, "as_of": text} for key, text in zip(keys, texts, strict=True)]
    ours = read(node, "/v1/asset", one, b'"first_seen"')
    yield timing("as-of-asset", ours.times, narrow(large.copy, "asset", values(keys)), COUNTS_RAW)

    ours = read(node, "/v1/assets", [{"limit": 100, "as_of": text} for text in texts], b'"items"')
    yield timing("as-of-assets", ours.times, narrow(large.copy, "assets", values(keys)), COUNTS_RAW)

    roots = [large.lake.keys[n % ROOTS] for n in range(count)]
    below = [{"key": root, **EVERYTHING, "as_of": text} for root, text in zip(roots, texts, strict=True)]
    ours = read(node, "/v1/lineage", below, b'"truncated":false')
    yield timing("as-of-lineage", ours.times, narrow(large.copy, "lineage", values(roots)), LINEAGE_RAW)


def _moment(chance: random.Random, positions: list[str]) -> int:
    """A position between two that are known, or the first known one: the assets all exist there."""
    known = [parse_position(position) for position in positions]
    first, last = known[0], known[-1]
    return chance.randint(first, last)
