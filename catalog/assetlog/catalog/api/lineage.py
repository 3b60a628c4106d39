"""What was made from what."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from litestar.handlers import HTTPRouteHandler
from msgspec import Meta

from assetlog.catalog.api.answer import Answer
from assetlog.catalog.api.assets import Key
from assetlog.catalog.api.parts import Plain, parts_of
from assetlog.catalog.api.query import AsOf
from assetlog.catalog.api.reading import answer
from assetlog.catalog.api.route import read
from assetlog.consumers.views.memory import Memory
from assetlog.schemas.keys import canonical_key
from assetlog.schemas.shapes import Lineage

TAG = "lineage"


class Around(AsOf, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Which lineage."""

    key: Key
    direction: Annotated[
        Literal["up", "down", "both"], Meta(description="What it was made from, what was made from it, or both.")
    ] = "both"
    depth: Annotated[int, Meta(ge=1, le=100, description="Most steps away.")] = 10
    columns: Annotated[bool, Meta(description="Columns, and from which column each was made.")] = False
    max_nodes: Annotated[int, Meta(ge=1, le=10_000, description="Most assets to answer; more are truncated.")] = 1000


class Whole(AsOf, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Which part of the graph."""

    limit: Annotated[int, Meta(ge=1, le=100_000, description="Most assets to answer; more are truncated.")] = 10_000


@read("/v1/lineage", Around, Lineage, tag=TAG, problems=(400, 404, 503))
async def get_lineage(request: Plain, query: Around) -> Answer:
    """The assets around one asset."""
    key = canonical_key(query.key)
    around: dict[str, Any] = {"direction": query.direction, "depth": query.depth, "max_nodes": query.max_nodes}

    def at_hand(memory: Memory) -> Lineage | None:
        return None if query.columns else memory.lineage(key, **around)

    question = parts_of(request).reader.lineage
    return await answer(request, query, question, at_hand, key=key, columns=query.columns, **around)


@read("/v1/graph", Whole, Lineage, tag=TAG)
async def get_graph(request: Plain, query: Whole) -> Answer:
    """The whole graph of assets."""

    def at_hand(memory: Memory) -> Lineage | None:
        return memory.graph(limit=query.limit)

    return await answer(request, query, parts_of(request).reader.graph, at_hand, limit=query.limit)


HANDLERS: list[HTTPRouteHandler] = [get_lineage, get_graph]
