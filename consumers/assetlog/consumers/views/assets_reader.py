"""Assets as of a position: one, or a page of them."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from typing import Any, NamedTuple, TypedDict, Unpack

import msgspec
from msgspec import Raw

from assetlog.consumers.fold.rank import rank_position
from assetlog.consumers.views.access import Access
from assetlog.consumers.views.occurrences import occurrence
from assetlog.consumers.views.paging import DEFAULT_LIMIT, check_limit, page, read_cursor
from assetlog.schemas.codec import Event, decode
from assetlog.schemas.errors import Invalid
from assetlog.schemas.keys import canonical_key
from assetlog.schemas.positions import format_position, position_time
from assetlog.schemas.shapes import Asset, Page, Seen
from assetlog.schemas.times import format_time

SORTS = ("key", "last_materialization", "materializations", "failures", "first_seen")
STATES = ("fresh", "stale", "failed", "checks-failing", "unknown")


class Filters(NamedTuple):
    """Which assets a list shows. `tag` is a tag's name, or `name=value`."""

    q: str | None = None
    prefix: str | None = None
    scheme: str | None = None
    group: str | None = None
    tag: str | None = None
    owner: str | None = None
    state: str | None = None
    sort: str = "key"
    retired: bool = False

    @property
    def by_key_only(self) -> bool:
        """Whether the keys alone decide which assets come next."""
        return self.sort == "key" and not (self.q or self.group or self.tag or self.owner or self.state)


class Chosen(TypedDict, total=False):
    """Filters as keyword arguments."""

    q: str | None
    prefix: str | None
    scheme: str | None
    group: str | None
    tag: str | None
    owner: str | None
    state: str | None
    sort: str
    retired: bool


class StateRow(NamedTuple):
    """One row of asset_state.sql, in its order."""

    aid: int
    key: str
    first_pos: int
    name: str | None
    grp: str | None
    kind: str | None
    description: str | None
    url: str | None
    owners: str | None
    tags: str | None
    columns: str | None
    extra: str | None
    freshness: str | None
    materializations: int
    failures: int
    observations: int
    materialized: int | None
    failed: int | None
    overdue_pos: int | None
    retired_pos: int | None
    active_pos: int | None
    failing_checks: str | None
    state: Any
    state_reason: str | None
    retired: bool


def asset_number(access: Access, key: str, at: int) -> int | None:
    """The number of the asset that a key names as of a position, an alias resolved."""
    row = access.row("asset_number", key=canonical_key(key), p=at)
    return None if row is None else int(row[0])


def asset(access: Access, key: str, at: int) -> Asset | None:
    """The asset that a key or an alias names as of a position."""
    number = asset_number(access, key, at)
    if number is None:
        return None
    (found,) = shapes(access, state_rows(access, [number], at), at)
    return found


def assets(
    access: Access,
    at: int,
    *,
    limit: int = DEFAULT_LIMIT,
    cursor: str | None = None,
    **chosen: Unpack[Chosen],
) -> Page[Asset]:
    """A page of the assets that pass the filters, as of a position."""
    filters = Filters(**chosen)
    check_limit(limit)
    _check_choice("sort", filters.sort, SORTS)
    if filters.state is not None:
        _check_choice("state", filters.state, STATES)
    after = read_cursor(cursor, tuple[str, str])
    if filters.by_key_only:
        rows = _rows_by_key(access, at, filters, limit, after[1] if after else None)
        ranks = ["0"] * len(rows)
    else:
        found = _rows_by_filter(access, at, filters, limit, after)
        rows, ranks = [StateRow._make(row[:-1]) for row in found], [str(row[-1]) for row in found]
    ranked = list(zip(rows, ranks, strict=True))
    return page(
        ranked,
        limit,
        at,
        lambda item: (item[1], item[0].key),
        lambda shown: shapes(access, [row for row, _ in shown], at),
    )


def state_rows(access: Access, roots: Sequence[int], at: int) -> list[StateRow]:
    """The state of some assets, in their order. `roots` are no aliases."""
    values: dict[str, Any] = {"p": at, "s": access.snapshot_before(at), "roots": list(roots)}
    values["aids"] = [aid for (aid,) in access.rows("asset_scope", **values)]
    found = {row[0]: StateRow._make(row) for row in access.rows("asset_state", **values)}
    return [found[root] for root in roots]


def _rows_by_key(access: Access, at: int, filters: Filters, limit: int, after: str | None) -> list[StateRow]:
    """One row more than the limit, as far as there are so many: retired ones make room for the next."""
    rows: list[StateRow] = []
    while len(rows) <= limit:
        values = {"p": at, "after": after, "prefix": filters.prefix, "scheme": filters.scheme, "limit": limit + 1}
        numbered = access.rows("asset_page", **values)
        if numbered:
            after = numbered[-1][1]
            states = state_rows(access, [aid for aid, _ in numbered], at)
            rows += [row for row in states if filters.retired or not row.retired]
        if len(numbered) <= limit:
            break
    return rows[: limit + 1]


def _rows_by_filter(
    access: Access, at: int, filters: Filters, limit: int, after: tuple[str, str] | None
) -> list[tuple[Any, ...]]:
    tag, _, tag_value = (filters.tag or "").partition("=")
    values = {
        **filters._asdict(),
        "tag": tag or None,
        "tag_value": tag_value or None,
        "p": at,
        "s": access.snapshot_before(at),
        "aids": None,
        "after_rank": after[0] if after else None,
        "after": after[1] if after else None,
        "limit": limit + 1,
    }
    return access.rows("assets", **values)


def shapes(access: Access, rows: Sequence[StateRow], at: int) -> list[Asset]:
    """The answers about assets from their state."""
    if not rows:
        return []
    roots = [row.aid for row in rows]
    links = _links(access, roots, at)
    partitions = _partitions(access, roots, at)
    events = _events(access, rows)
    return [_shape(row, links, partitions.get(row.aid, 0), events) for row in rows]


def _links(access: Access, roots: Sequence[int], at: int) -> dict[tuple[int, str], list[str]]:
    links: dict[tuple[int, str], list[str]] = defaultdict(list)
    for aid, kind, value in access.rows("asset_links", roots=list(roots), p=at):
        links[aid, kind].append(value)
    return links


def _partitions(access: Access, roots: Sequence[int], at: int) -> dict[int, int]:
    members = access.rows("asset_members", roots=list(roots), p=at)
    values = {"aids": [aid for (aid,) in members], "p": at}
    return dict(access.rows("asset_partitions", **values))


def _events(access: Access, rows: Sequence[StateRow]) -> dict[int, Event]:
    """The events of the last materializations and failures, by rank."""
    ranks = [rank for row in rows for rank in (row.materialized, row.failed) if rank is not None]
    raws = access.bodies.fetch([rank_position(rank) for rank in ranks])
    return {rank: decode(raw) for rank, raw in zip(ranks, raws, strict=True) if raw is not None}


def _shape(row: StateRow, links: dict[tuple[int, str], list[str]], partitions: int, events: dict[int, Event]) -> Asset:
    return Asset(
        key=row.key,
        name=row.name,
        group=row.grp,
        kind=row.kind,
        description=row.description,
        owners=[] if row.owners is None else msgspec.json.decode(row.owners),
        tags={} if row.tags is None else msgspec.json.decode(row.tags),
        url=row.url,
        columns=Raw(b"[]" if row.columns is None else row.columns.encode()),
        extra=Raw(b"{}" if row.extra is None else row.extra.encode()),
        freshness=None if row.freshness is None else Raw(row.freshness.encode()),
        state=row.state,
        state_reason=row.state_reason,
        retired=row.retired,
        first_seen=seen(row.first_pos),
        last_materialization=_occurrence(row.materialized, events),
        last_failure=_occurrence(row.failed, events),
        materializations=row.materializations,
        failures=row.failures,
        observations=row.observations,
        upstream=links.get((row.aid, "up"), []),
        downstream=links.get((row.aid, "down"), []),
        produced_by=links.get((row.aid, "makes"), []),
        consumed_by=links.get((row.aid, "reads"), []),
        partitions=partitions,
        aliases=links.get((row.aid, "alias"), []),
    )


def _occurrence(rank: int | None, events: dict[int, Event]) -> Any:
    return None if rank is None else occurrence(rank, events.get(rank))


def seen(position: int) -> Seen:
    """A position and when the log recorded it."""
    return Seen(position=format_position(position), time=format_time(position_time(position)))


def _check_choice(field: str, value: str, choices: Sequence[str]) -> None:
    if value not in choices:
        raise Invalid(
            f"{value!r} is no {field} of assets.",
            code=f"invalid-{field}",
            field=field,
            value=value,
            rule=f"{field} is one of {', '.join(choices)}",
            hint="Use one of them.",
        )
