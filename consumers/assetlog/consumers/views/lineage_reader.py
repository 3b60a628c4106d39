"""Lineage as of a position: around one asset, or of all of them."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import islice

from assetlog.consumers.fold.known import Direction, KnownAt
from assetlog.consumers.views.access import Access
from assetlog.consumers.views.drawing import Drawing, draw
from assetlog.consumers.views.state_reader import facts_of
from assetlog.schemas.errors import Invalid, NotFound
from assetlog.schemas.keys import canonical_key
from assetlog.schemas.positions import position_time_text
from assetlog.schemas.shapes import ColumnEdge, Lineage

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
    return _drawn(access, known, depths, at, root=root, truncated=truncated, columns=columns)


def graph(access: Access, at: int, *, limit: int = MAX_NODES, columns: bool = False) -> Lineage:
    """The lineage of all assets, in the order of their keys; truncated beyond the limit."""
    known = access.known_at(at)
    depths, truncated = everything(known, limit)
    return _drawn(access, known, depths, at, root=None, truncated=truncated, columns=columns)


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
    roots = list(islice(known.roots_in_order(), limit + 1))
    return dict.fromkeys(roots[:limit], 0), len(roots) > limit


def _drawn(
    access: Access, known: KnownAt, depths: dict[int, int], at: int, *, root: int | None, truncated: bool, columns: bool
) -> Lineage:
    links = known.links_up(depths)
    facts, ranks = facts_of(access, known, links, at)
    column_edges = _column_edges(access, known, list(depths), at) if columns else []
    drawing = Drawing(depths, links, facts, ranks, root, truncated)
    return draw(known, drawing, at, columns=columns, column_edges=column_edges)


def _column_edges(access: Access, known: KnownAt, roots: list[int], at: int) -> list[ColumnEdge]:
    return [
        ColumnEdge(
            upstream=known.key(up),
            upstream_column=up_column,
            downstream=known.key(down),
            downstream_column=down_column,
            first_seen=position_time_text(first_pos),
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
