"""Lineage as of a position: around one asset, or of all of them."""

from __future__ import annotations

from collections.abc import Sequence

from msgspec import Raw

from assetlog.consumers.fold.rank import rank_time
from assetlog.consumers.views.access import Access
from assetlog.consumers.views.assets_reader import StateRow, asset_number, state_rows
from assetlog.schemas.errors import Invalid, NotFound
from assetlog.schemas.positions import format_position, position_time
from assetlog.schemas.shapes import ColumnEdge, Lineage, LineageEdge, LineageNode
from assetlog.schemas.times import format_time

MAX_DEPTH = 1000
MAX_NODES = 10_000
_STATEMENTS = {"up": ("lineage_up",), "down": ("lineage_down",), "both": ("lineage_up", "lineage_down")}


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
    _check(direction, depth)
    root = asset_number(access, key, at)
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
    for name in _STATEMENTS[direction]:
        values = {"root": root, "depth": depth, "p": at, "limit": max_nodes + 1}
        rows = access.rows(name, **values)
        truncated |= len(rows) > max_nodes
        sign = -1 if name == "lineage_up" else 1
        for aid, steps in rows[:max_nodes]:
            depths.setdefault(aid, sign * steps)
    return _graph(access, depths, root, at, columns=columns, truncated=truncated)


def graph(access: Access, at: int, *, limit: int = MAX_NODES, columns: bool = False) -> Lineage:
    """The lineage of all assets, in the order of their keys; truncated beyond the limit."""
    values = {"p": at, "after": None, "prefix": None, "scheme": None, "limit": limit + 1}
    rows = access.rows("asset_page", **values)
    depths = {aid: 0 for aid, _ in rows[:limit]}
    return _graph(access, depths, None, at, columns=columns, truncated=len(rows) > limit)


def _graph(
    access: Access,
    depths: dict[int, int],
    root: int | None,
    at: int,
    *,
    columns: bool,
    truncated: bool,
) -> Lineage:
    states = {row.aid: row for row in state_rows(access, list(depths), at)}
    return Lineage(
        root=None if root is None else states[root].key,
        nodes=[_node(row, depths[aid], columns) for aid, row in states.items()],
        edges=_edges(access, states, at),
        column_edges=_column_edges(access, states, at) if columns else [],
        truncated=truncated,
        position=format_position(at),
    )


def _node(row: StateRow, depth: int, columns: bool) -> LineageNode:
    return LineageNode(
        key=row.key,
        name=row.name,
        group=row.grp,
        state=row.state,
        last_materialization=_materialized(row),
        depth=depth,
        columns=Raw((row.columns or "[]").encode()) if columns else None,
    )


def _materialized(row: StateRow) -> str | None:
    return None if row.materialized is None else format_time(rank_time(row.materialized))


def _edges(access: Access, states: dict[int, StateRow], at: int) -> list[LineageEdge]:
    values = {"p": at, "roots": list(states)}
    return [
        LineageEdge(
            upstream=states[up].key,
            downstream=states[down].key,
            jobs=jobs,
            first_seen=format_time(position_time(first_pos)),
            last_seen=_materialized(states[down]),
        )
        for up, down, jobs, first_pos in access.rows("lineage_edges", **values)
    ]


def _column_edges(access: Access, states: dict[int, StateRow], at: int) -> list[ColumnEdge]:
    values = {"p": at, "roots": list(states)}
    return [
        ColumnEdge(
            upstream=states[up].key,
            upstream_column=up_column,
            downstream=states[down].key,
            downstream_column=down_column,
            first_seen=format_time(position_time(first_pos)),
        )
        for up, up_column, down, down_column, first_pos in access.rows("lineage_columns", **values)
    ]


def _check(direction: str, depth: int) -> None:
    choices: Sequence[str] = tuple(_STATEMENTS)
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
