"""Lineage as of a position: around one asset, or of all of them."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence

from msgspec import Raw

from assetlog.consumers.fold.known import Direction, KnownAt, Link
from assetlog.consumers.fold.rank import rank_time
from assetlog.consumers.views.access import Access
from assetlog.consumers.views.answers import AssetState
from assetlog.consumers.views.state_reader import states
from assetlog.schemas.errors import Invalid, NotFound
from assetlog.schemas.keys import canonical_key
from assetlog.schemas.positions import format_position, position_time
from assetlog.schemas.shapes import ColumnEdge, Lineage, LineageEdge, LineageNode
from assetlog.schemas.times import format_time

MAX_DEPTH = 1000
MAX_NODES = 10_000
_WAYS: dict[str, tuple[tuple[Direction, int], ...]] = {
    "up": (("up", -1),),
    "down": (("down", 1),),
    "both": (("up", -1), ("down", 1)),
}


def lineage(
    access: Access,
    key: str,
    at: int,
    *,
    direction: str = "both",
    depth: int = 10,
    columns: bool = False,
    max_nodes: int = MAX_NODES,
) -> Lineage:
    """What an asset was made from, and what was made from it, up to so many steps away.

    Raises:
        NotFound: no asset has this key as of the position.
        Invalid: an unknown direction, or a depth outside 0 to 1,000.
    """
    known = access.known_at(at)
    root, depths, truncated = around(known, key, direction, depth, max_nodes)
    found = states(access, list(depths), at)
    column_edges = _column_edges(access, known, list(depths), at) if columns else []
    return drawn(known, found, depths, at, root=root, truncated=truncated, columns=columns, column_edges=column_edges)


def graph(access: Access, at: int, *, limit: int = MAX_NODES, columns: bool = False) -> Lineage:
    """The lineage of all assets, in the order of their keys; truncated beyond the limit."""
    known = access.known_at(at)
    depths, truncated = everything(known, limit)
    found = states(access, list(depths), at)
    column_edges = _column_edges(access, known, list(depths), at) if columns else []
    return drawn(known, found, depths, at, root=None, truncated=truncated, columns=columns, column_edges=column_edges)


def around(known: KnownAt, key: str, direction: str, depth: int, max_nodes: int) -> tuple[int, dict[int, int], bool]:
    """The asset a key names, the assets around it with their steps (negative upstream), and whether some are left out.

    Raises:
        NotFound, Invalid: as `lineage`.
    """
    _check(direction, depth)
    root = known.number(canonical_key(key))
    if root is None:
        raise NotFound(
            f"There is no asset {key!r} at that position.",
            code="asset-not-found",
            field="key",
            value=key,
            hint="See /v1/assets for the keys there are.",
        )
    depths: dict[int, int] = {}
    truncated = False
    for way, sign in _WAYS[direction]:
        reached = known.reach(way, root, depth, max_nodes)
        truncated |= len(reached) > max_nodes
        for aid, steps in list(reached.items())[:max_nodes]:
            depths.setdefault(aid, sign * steps)
    return root, depths, truncated


def everything(known: KnownAt, limit: int) -> tuple[dict[int, int], bool]:
    """All assets up to a limit, in the order of their keys, and whether some are left out."""
    roots = known.roots_in_order()
    return dict.fromkeys(roots[:limit], 0), len(roots) > limit


def drawn(
    known: KnownAt,
    states_found: Sequence[AssetState],
    depths: dict[int, int],
    at: int,
    *,
    root: int | None,
    truncated: bool,
    columns: bool = False,
    column_edges: Sequence[ColumnEdge] = (),
) -> Lineage:
    """The answer about the assets found, with the edges between them."""
    found = {state.aid: state for state in states_found}
    return Lineage(
        root=None if root is None else known.key(root),
        nodes=[_node(state, depths[aid], columns) for aid, state in found.items()],
        edges=_edges(known, found),
        column_edges=list(column_edges),
        truncated=truncated or known.hidden,  # asked last: the edges tell
        position=format_position(at),
    )


def _node(state: AssetState, depth: int, columns: bool) -> LineageNode:
    return LineageNode(
        key=state.key,
        name=state.told.name,
        group=state.told.grp,
        state=state.state,
        last_materialization=_materialized(state),
        depth=depth,
        columns=Raw((state.told.columns or "[]").encode()) if columns else None,
    )


def _materialized(state: AssetState) -> str | None:
    return format_time(rank_time(state.counts.materialized)) if state.counts.materialized else None


def _edges(known: KnownAt, found: dict[int, AssetState]) -> list[LineageEdge]:
    """The edges between the assets found, with the jobs that made them, by number."""
    edges: list[LineageEdge] = []
    for down in sorted(found):
        links: defaultdict[int, list[Link]] = defaultdict(list)
        for link in known.links("up", down):
            if link.other in found:
                links[link.other].append(link)
        edges += [_edge(found[up], found[down], links[up]) for up in sorted(links)]
    return edges


def _edge(up: AssetState, down: AssetState, links: list[Link]) -> LineageEdge:
    return LineageEdge(
        upstream=up.key,
        downstream=down.key,
        jobs=sorted({link.job for link in links if link.job is not None}),
        first_seen=format_time(position_time(min(link.first_pos for link in links))),
        last_seen=_materialized(down),
    )


def _column_edges(access: Access, known: KnownAt, roots: list[int], at: int) -> list[ColumnEdge]:
    return [
        ColumnEdge(
            upstream=known.key(up),
            upstream_column=up_column,
            downstream=known.key(down),
            downstream_column=down_column,
            first_seen=format_time(position_time(first_pos)),
        )
        for up, up_column, down, down_column, first_pos in access.rows("lineage_columns", p=at, roots=roots)
    ]


def _check(direction: str, depth: int) -> None:
    choices: Sequence[str] = tuple(_WAYS)
    if direction not in choices:
        raise Invalid(
            f"{direction!r} is no direction of lineage.",
            code="invalid-direction",
            field="direction",
            value=direction,
            rule="direction is one of up, down, both",
            hint="Use one of them.",
        )
    if not 0 <= depth <= MAX_DEPTH:
        raise Invalid(
            f"A depth of {depth} is not allowed.",
            code="invalid-depth",
            field="depth",
            value=depth,
            rule=f"depth is 0 to {MAX_DEPTH}",
            hint="Ask for fewer steps.",
        )
