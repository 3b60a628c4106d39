"""Drawing lineage: nodes and edges from what is known of each asset.

In a file of its own because it is a hot path: a graph has thousands of nodes and edges, so each edge is looked up
once, for the state of its downstream and for itself, and nothing is made that the answer does not show.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import cache
from typing import NamedTuple, Protocol

from msgspec import Raw

from assetlog.consumers.fold.judging import judge
from assetlog.consumers.fold.known import KnownAt, Link
from assetlog.consumers.fold.rank import rank_text
from assetlog.consumers.views.answers import Told
from assetlog.schemas.positions import format_position, position_time_text
from assetlog.schemas.shapes import NULL, ColumnEdge, Lineage, LineageEdge, LineageNode

Checks = Mapping[tuple[str, str | None], bool]
"""(name, partition) -> whether its last result spoils the asset."""


class Drawable(Protocol):
    """What must be known of an asset to draw it: `hot.HotAsset`, or `Facts` from the projection."""

    @property
    def materialized(self) -> int: ...
    @property
    def failed(self) -> int: ...
    @property
    def overdue(self) -> int: ...
    @property
    def told(self) -> Told: ...
    @property
    def checks(self) -> Checks: ...


class Facts(NamedTuple):
    """What is known of an asset; ranks and positions are 0 for none."""

    materialized: int = 0
    failed: int = 0
    overdue: int = 0
    told: Told = Told()
    checks: Checks = {}


class Drawing(NamedTuple):
    """What is to be drawn: assets with their steps from the root, what they are, and their links upstream.

    `ranks` has the last materialization of the assets and of all that is upstream of them.
    """

    depths: Mapping[int, int]
    links: Mapping[int, list[Link]]
    facts: Sequence[Drawable]
    ranks: Mapping[int, int]
    root: int | None
    truncated: bool


def draw(
    known: KnownAt, drawing: Drawing, at: int, *, columns: bool = False, column_edges: Sequence[ColumnEdge] = ()
) -> Lineage:
    """The answer about some assets, in their order, with the edges between them by number."""
    links = drawing.links
    nodes = {
        aid: _node(known.key(aid), fact, _newest(links[aid], drawing.ranks), depth, columns=columns)
        for (aid, depth), fact in zip(drawing.depths.items(), drawing.facts, strict=True)
    }
    return Lineage(
        root=None if drawing.root is None else known.key(drawing.root),
        nodes=list(nodes.values()),
        edges=_edges(nodes, links),
        column_edges=list(column_edges),
        truncated=drawing.truncated or known.hidden,  # asked last: the links tell
        position=format_position(at),
    )


def _newest(links: Sequence[Link], ranks: Mapping[int, int]) -> int:
    """The rank of the newest of what is upstream."""
    return max([ranks.get(link.other, 0) for link in links]) if links else 0


def _node(key: str, fact: Drawable, newest: int, depth: int, *, columns: bool) -> LineageNode:
    told, materialized, checks = fact.told, fact.materialized, fact.checks
    failing = [name for (name, _), spoils in checks.items() if spoils] if checks else ()
    return LineageNode(
        key=key,
        name=told.name,
        group=told.grp,
        state=judge(materialized, fact.failed, fact.overdue, failing, (newest, ""))[0],
        last_materialization=rank_text(materialized) if materialized else None,
        depth=depth,
        columns=Raw((told.columns or "[]").encode()) if columns else NULL,
    )


def _edges(nodes: Mapping[int, LineageNode], links: Mapping[int, list[Link]]) -> list[LineageEdge]:
    """The edges between the assets that are drawn: by the downstream's number, each one's as they were met."""
    edges: list[LineageEdge] = []
    text_of = cache(position_time_text)  # an asset's first event brings most of its edges
    for down in sorted(nodes):
        node, own = nodes[down], links[down]
        by_up = {up: (first_pos, [] if job is None else [job]) for up, job, first_pos in own}
        if len(by_up) < len(own):
            by_up = {up: _merged([link for link in own if link.other == up]) for up in by_up}
        edges += [
            LineageEdge(
                upstream=nodes[up].key,
                downstream=node.key,
                jobs=jobs,
                first_seen=text_of(first_pos),
                last_seen=node.last_materialization,
            )
            for up, (first_pos, jobs) in by_up.items()
            if up in nodes
        ]
    return edges


def _merged(links: Sequence[Link]) -> tuple[int, list[str]]:
    """The first position and the jobs of the links between two assets."""
    return min(link.first_pos for link in links), sorted({link.job for link in links if link.job is not None})
