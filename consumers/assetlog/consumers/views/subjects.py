"""Which asset a key names: its own, or the one it is an alias of."""

from __future__ import annotations

from typing import NamedTuple

from assetlog.consumers.views.access import Access
from assetlog.consumers.views.paging import DEFAULT_LIMIT, check_limit, page, read_cursor
from assetlog.schemas.keys import canonical_key
from assetlog.schemas.positions import format_position
from assetlog.schemas.shapes import Alias, Page


class Subject(NamedTuple):
    """An asset as a key names it."""

    key: str
    """The asset's own key: another one where the name was an alias."""
    numbers: list[int]
    """Its number in the projection, then those of its aliases."""


def find_subject(access: Access, key: str, at: int) -> Subject | None:
    """The asset that a key names as of a position, aliases followed; None for a key not known yet.

    Raises:
        Invalid: it is not a key.
    """
    known = access.known_at(at)
    root = known.number(canonical_key(key))
    return None if root is None else Subject(known.key(root), known.members(root))


def resolve_key(access: Access, key: str, at: int) -> str:
    """The canonical key of the asset that a key names as of a position; itself, canonical, where it is not known."""
    subject = find_subject(access, key, at)
    return canonical_key(key) if subject is None else subject.key


def find_numbers(access: Access, key: str, at: int) -> list[int]:
    """The numbers of the asset that a key names and of all its aliases; none for a key not known yet."""
    subject = find_subject(access, key, at)
    return [] if subject is None else subject.numbers


def aliases(access: Access, at: int, *, limit: int = DEFAULT_LIMIT, cursor: str | None = None) -> Page[Alias]:
    """Run-time aliases by name, each with the keys of the assets it stood for."""
    after = read_cursor(cursor, str) or ""
    rows = access.rows("aliases", p=at, after=after, limit=check_limit(limit) + 1)
    return page(rows, limit, at, lambda row: row[0], lambda shown: [_alias(*row) for row in shown])


def _alias(name: str, keys: list[str], position: int) -> Alias:
    return Alias(name=name, assets=keys, position=format_position(position))
