"""Lineage ten steps down from assets of the first layer, on the large catalog."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import msgspec

from assetlog.catalog.bench.figures import Figure, timing
from assetlog.catalog.bench.reads import asset_numbers, narrow, read
from assetlog.catalog.bench.stage import Stage
from assetlog.schemas.shapes import Lineage

EVERYTHING = {"direction": "down", "depth": 10, "max_nodes": 10_000}
RAW = "recursive query of DuckDB"
ROOTS = 50


def measure(stage: Stage) -> Iterator[Figure]:
    """Every asset below, none left out; the raw limit is the recursive query that finds their numbers."""
    node, large = stage.large_node(), stage.large
    roots = large.lake.keys[:ROOTS]
    rounds = stage.options.count(10, 1)
    ours = read(node, "/v1/lineage", [{"key": root, **EVERYTHING} for root in roots] * rounds, b'"truncated":false')
    numbers = asset_numbers(large.copy)
    values: list[dict[str, Any]] = [{"a": numbers[root], "p": 1 << 62} for root in roots]
    raw = narrow(large.copy, "lineage", values)
    sizes = [len(_ask(node.get, root).nodes) for root in roots]
    facts = {"nodes_least": min(sizes), "nodes_mean": sum(sizes) / len(sizes), "nodes_most": max(sizes)}
    yield timing("lineage", ours.times, raw, RAW, **facts, bytes=len(ours.last))


def _ask(get: Any, root: str) -> Lineage:
    answer = get(f"/v1/lineage?key={root}&direction=down&depth=10&max_nodes=10000")
    return msgspec.json.decode(answer, type=Lineage)
