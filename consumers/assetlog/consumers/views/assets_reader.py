"""Assets as of a position: one, or a page of them."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import islice
from typing import NamedTuple, TypedDict, Unpack

from assetlog.consumers.fold.rank import rank_position
from assetlog.consumers.views.access import Access
from assetlog.consumers.views.answers import AssetState, asset_answer
from assetlog.consumers.views.paging import DEFAULT_LIMIT, check_limit, page, read_cursor
from assetlog.consumers.views.state_reader import partition_counts, states
from assetlog.schemas.codec import Event, decode
from assetlog.schemas.errors import Invalid
from assetlog.schemas.keys import canonical_key
from assetlog.schemas.shapes import Asset, Page

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


def asset(access: Access, key: str, at: int) -> Asset | None:
    """The asset that a key or an alias names as of a position."""
    root = access.known_at(at).number(canonical_key(key))
    if root is None:
        return None
    (found,) = shapes(access, states(access, [root], at), at)
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
        ranked = _by_key(access, at, filters, limit, after[1] if after else "")
    else:
        ranked = _by_filter(access, at, filters, limit, after)
    return page(
        ranked,
        limit,
        at,
        lambda item: (item[1], item[0].key),
        lambda shown: shapes(access, [row for row, _ in shown], at),
    )


Ranked = list[tuple[AssetState, str]]
"""Assets with the rank they are sorted by, as text."""


def _by_key(access: Access, at: int, filters: Filters, limit: int, after: str) -> Ranked:
    """One asset more than the limit, as far as there are so many: retired ones make room for the next."""
    known = access.known_at(at)
    starts = (filters.prefix or "", f"{filters.scheme}://" if filters.scheme else "")
    start = max(starts, key=len)
    if not all(map(start.startswith, starts)):
        return []
    numbers = known.roots_in_order(start, after)
    found: list[AssetState] = []
    while len(found) <= limit and (some := list(islice(numbers, limit + 1))):
        found += [state for state in states(access, some, at) if filters.retired or not state.retired]
    return [(state, "0") for state in found[: limit + 1]]


def _by_filter(access: Access, at: int, filters: Filters, limit: int, after: tuple[str, str] | None) -> Ranked:
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
    chosen = access.rows("assets", **values)
    found = states(access, [aid for aid, _ in chosen], at)
    return [(state, str(rank)) for state, (_, rank) in zip(found, chosen, strict=True)]


def shapes(access: Access, found: Sequence[AssetState], at: int) -> list[Asset]:
    """The answers about assets from their state."""
    known = access.known_at(at)
    partitions = partition_counts(access, known, [state.aid for state in found], at)
    events = last_events(access, found)
    return [asset_answer(state, known, partitions.get(state.aid, 0), events) for state in found]


def last_events(access: Access, found: Sequence[AssetState]) -> dict[int, Event]:
    """The events of the last materializations and failures, by rank."""
    ranks = [rank for state in found for rank in (state.counts.materialized, state.counts.failed) if rank]
    raws = access.bodies.fetch([rank_position(rank) for rank in ranks])
    return {rank: decode(raw) for rank, raw in zip(ranks, raws, strict=True) if raw is not None}


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
