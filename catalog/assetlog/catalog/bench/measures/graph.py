"""The whole graph of 1,000 assets by HTTP."""

from __future__ import annotations

from collections.abc import Iterator

import msgspec

from assetlog.catalog.bench.figures import Figure, timing
from assetlog.catalog.bench.reads import plain_read, read
from assetlog.catalog.bench.stage import SHELF_ASSETS, Stage
from assetlog.schemas.errors import Broken
from assetlog.schemas.shapes import Lineage


def measure(stage: Stage) -> Iterator[Figure]:
    """The same request again and again; an ETag is not sent, so each is answered in full."""
    node, count = stage.shelf(), stage.options.count(300, 30)
    ours = read(node, "/v1/graph", [{}] * count, b'"truncated":false')
    graph = msgspec.json.decode(ours.last, type=Lineage)
    if len(graph.nodes) != SHELF_ASSETS:
        raise Broken(f"The graph has {len(graph.nodes)} nodes, not {SHELF_ASSETS}.", code="bench-load")
    raw = plain_read(stage, ours.last, count)
    facts = {"nodes": len(graph.nodes), "edges": len(graph.edges), "bytes": len(ours.last)}
    yield timing("graph", ours.times, raw, "plain route, the same bytes", **facts)
