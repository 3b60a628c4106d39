"""A reader for somebody who may see only the assets below some prefixes. All of it happens here, in two places.

Every view runs unchanged, but on tables that hold only what may be seen: each table it names is shadowed by a common
table of the same name (limited/<table>.sql). The graph in memory is filtered in the same way. What events say is
answered without the keys outside. So a question that is added later is limited without knowing of it; a table that
is added later is not readable until it has a file here.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from functools import cache
from importlib import resources
from typing import Any

import msgspec
from msgspec import Raw

from assetlog.consumers.fold.known import Direction, Known, KnownAt, Link
from assetlog.consumers.views.access import FetchesBodies, Row
from assetlog.consumers.views.landmarks import Landmarks
from assetlog.consumers.views.reader import Reader
from assetlog.consumers.views.sql import Statement, names, statement
from assetlog.schemas.codec import Event, decode
from assetlog.schemas.errors import Invalid
from assetlog.schemas.keys import canonical_key

TABLES = "assetlog.consumers.views.limited"
POSITIONS_ONLY = frozenset({"head", "position_at", "position_before", "snapshots"})
"""Views that answer with a position and nothing else: positions are the same for everyone."""
SHADOWED_FIRST = ("keys", "artifacts")
"""Tables that others are limited by."""

Prefixes = tuple[str, ...]

_LEADING_WITH = re.compile(r"with(\s+recursive)?\s+")


class LimitedReader(Reader):
    """Answers as if there were no assets but those below the prefixes.

    Args:
        whole: the reader that sees everything; its connections are used.
        prefixes: beginnings of keys.
    """

    def __init__(self, whole: Reader, prefixes: Prefixes) -> None:
        super().__init__(lambda: whole.cursor, LimitedBodies(whole.bodies, prefixes))
        self._whole = whole
        self._prefixes = prefixes

    @property
    def cursor(self) -> Any:
        """The whole reader's connection of this thread."""
        return self._whole.cursor

    @property
    def landmarks(self) -> Landmarks:
        """The whole reader's: positions are the same for everyone."""
        return self._whole.landmarks

    def is_empty(self, begin: str, at: int) -> bool:
        """Whether a table has no rows up to a position, for anyone."""
        return self._whole.is_empty(begin, at)

    def rows(self, view: str, **values: Any) -> list[Row]:
        """All rows of a view, on the tables that may be seen."""
        return limited(view).run(self.cursor, {**values, "prefixes": list(self._prefixes)}).fetchall()

    def row(self, view: str, **values: Any) -> Row | None:
        """The first row of a view, on the tables that may be seen."""
        return limited(view).row(self.cursor, {**values, "prefixes": list(self._prefixes)})

    def known_at(self, at: int) -> KnownAt:
        """The part of the graph that may be seen."""
        return LimitedKnown(self._whole.known(), at, self._prefixes)


class LimitedKnown(KnownAt):
    """The graph as of a position, without the assets outside the prefixes."""

    def __init__(self, known: Known, position: int, prefixes: Prefixes) -> None:
        super().__init__(known, position)
        self._prefixes = prefixes
        self.hidden = False
        aliases = self._roots.items()
        self._roots = {member: root for member, root in aliases if self._sees(member) and self._sees(root)}
        self._members.clear()
        for member, root in self._roots.items():
            self._members[root].append(member)

    def number(self, key: str) -> int | None:
        """The asset that a canonical key names, if it may be seen."""
        return super().number(key) if key.startswith(self._prefixes) else None

    def links(self, direction: Direction, root: int) -> list[Link]:
        """The asset's edges to others that may be seen."""
        everything = super().links(direction, root)
        seen = [link for link in everything if self._sees(link.other)]
        self.hidden |= len(seen) < len(everything)
        return seen

    def consumers(self, role: str, members: Iterable[int]) -> set[str]:
        """None: what else they name may lie outside; `/v1/consumers` lists those that may be seen."""
        del role, members
        return set()

    def roots_in_order(self, prefix: str = "", after: str = "") -> Iterator[int]:
        """Every asset that may be seen, by its key."""
        for aid in super().roots_in_order(prefix, after):
            if self._sees(aid):
                yield aid
            else:
                self.hidden = True

    def _sees(self, aid: int) -> bool:
        return self.key(aid).startswith(self._prefixes)


class LimitedBodies:
    """Events' bytes without the keys outside the prefixes; nothing where they cannot be left out."""

    def __init__(self, whole: FetchesBodies, prefixes: Prefixes) -> None:
        self._whole = whole
        self._prefixes = prefixes

    def fetch(self, positions: Sequence[int]) -> list[bytes | None]:
        """The bytes at each position; None where they are gone or may not be seen."""
        bodies = self._whole.fetch(positions)
        return [None if body is None else without_outside(body, self._prefixes) for body in bodies]


@cache
def limited(view: str) -> Statement:
    """A view's statement on shadowed tables: those it names are the limited ones.

    >>> limited("events").text.startswith("with keys as (")
    True
    """
    whole = statement(view)
    if view in POSITIONS_ONLY:
        return whole
    named = [table for table in names(TABLES) if re.search(rf"\b{table}\b", whole.text)]
    tables = dict.fromkeys((*SHADOWED_FIRST, *named))
    parts = [f"{table} as (\n{_table(table)}\n)" for table in tables]
    leading = _LEADING_WITH.match(whole.text)
    recursive = "recursive " if leading and leading[1] else ""
    rest = f",\n{whole.text[leading.end() :]}" if leading else f"\n{whole.text}"
    text = f"with {recursive}{', '.join(parts)}{rest}"
    return Statement(text, whole.parameters | {"prefixes"})


def _table(table: str) -> str:
    text = resources.files(TABLES).joinpath(f"{table}.sql").read_text(encoding="utf-8")
    return re.sub(r"^--[^\n]*\n", "", text, flags=re.MULTILINE).strip()


def without_outside(raw: bytes, prefixes: Prefixes) -> bytes | None:
    """An event's bytes without upstream keys outside the prefixes; None if it names such a key elsewhere.

    >>> raw = (b'{"specversion":"1.0","id":"1","source":"doc","type":"asset.materialized","subject":"s3://a/x",'
    ...        b'"data":{"upstream":["s3://a/y","s3://b/z"]}}')
    >>> without_outside(raw, ("s3://a/",))[-33:]
    b'"data":{"upstream":["s3://a/y"]}}'
    """
    try:
        event = decode(raw)
    except Invalid:
        return None
    if event.data is None or not _names_seen(event, prefixes):
        return None
    columns = getattr(event.data, "column_lineage", {})
    refs = [canonical_key(ref.asset) for column in columns.values() for ref in column]
    if all(key.startswith(prefixes) for key in (*event.upstream, *refs)):
        return raw
    envelope = msgspec.json.decode(raw, type=dict[str, Raw])
    data = msgspec.json.decode(envelope["data"], type=dict[str, Raw])
    if "upstream" in data:
        data["upstream"] = _upstream(data["upstream"], prefixes)
    if "column_lineage" in data:
        data["column_lineage"] = _columns(data["column_lineage"], prefixes)
    envelope["data"] = Raw(msgspec.json.encode(data))
    return msgspec.json.encode(envelope)


def _names_seen(event: Event, prefixes: Prefixes) -> bool:
    """Whether the keys that cannot be left out may be seen. An artifact's later events name none: its table does."""
    keys = [event.subject or ""] if event.type.startswith("asset.") else []
    keys += [] if event.other is None else [event.other]
    return all(key.startswith(prefixes) for key in keys) and bool(keys or event.type.startswith("artifact."))


def _upstream(raw: Raw, prefixes: Prefixes) -> Raw:
    keys = msgspec.json.decode(raw, type=list[str])
    return Raw(msgspec.json.encode([key for key in keys if canonical_key(key).startswith(prefixes)]))


def _columns(raw: Raw, prefixes: Prefixes) -> Raw:
    columns = msgspec.json.decode(raw, type=dict[str, list[dict[str, Any]]])
    seen = {
        name: [ref for ref in refs if canonical_key(ref["asset"]).startswith(prefixes)]
        for name, refs in columns.items()
    }
    return Raw(msgspec.json.encode(seen))
