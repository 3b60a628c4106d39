"""Loads the named SQL files of this folder, and puts the views that a file builds on before its statement.

A line ``-- with asset_rows`` makes the text of ``asset_rows.sql`` the common table expression ``asset_rows``.
``-- with asset_state as before($s: $s0, $p: $p0)`` does so under another name and with other parameters, so one
statement can look at two positions.
"""

from __future__ import annotations

import re
from functools import cache
from pathlib import Path
from typing import Any, NamedTuple

import duckdb

FOLDER = Path(__file__).parent

_WITH = re.compile(r"^-- with (?P<view>\w+)(?: as (?P<alias>\w+)(?:\((?P<renames>[^)]*)\))?)?$", re.MULTILINE)
_COMMENT = re.compile(r"\s*--[^\n]*")
_PARAMETER = re.compile(r"\$([a-z_][a-z0-9_]*)")
_LEADING_WITH = re.compile(r"\s*with(\s+recursive)?\s+", re.IGNORECASE)


class Statement(NamedTuple):
    """A view's SQL, and the names of the parameters it takes."""

    text: str
    parameters: frozenset[str]

    def rows(self, cursor: duckdb.DuckDBPyConnection, **values: Any) -> list[tuple[Any, ...]]:
        """All rows of the view. Only the values that the text names are passed on; a missing one is a KeyError."""
        return cursor.execute(self.text, {name: values[name] for name in self.parameters}).fetchall()


@cache
def statement(name: str) -> Statement:
    """The statement of the view `name`, read from `<name>.sql` once.

    >>> sorted(statement("asset_rows").parameters)
    ['p', 's']
    """
    text = _composed(name)
    return Statement(text, frozenset(_PARAMETER.findall(text)))


def names() -> list[str]:
    """The names of all views, sorted."""
    return sorted(path.stem for path in FOLDER.glob("*.sql"))


def _composed(name: str) -> str:
    source = (FOLDER / f"{name}.sql").read_text(encoding="utf-8")
    parts = [_common_table(match) for match in _WITH.finditer(source)]
    body = _COMMENT.sub("", source).strip().removesuffix(";")
    if not parts:
        return body
    leading = _LEADING_WITH.match(body)
    recursive = "recursive " if leading and leading[1] else ""
    rest = f",\n{body[leading.end() :]}" if leading else f"\n{body}"
    return f"with {recursive}{', '.join(parts)}{rest}"


def _common_table(match: re.Match[str]) -> str:
    text = _renamed(_composed(match["view"]), match["renames"] or "")
    return f"{match['alias'] or match['view']} as (\n{text}\n)"


def _renamed(text: str, renames: str) -> str:
    """The text with its parameters renamed, e.g. by ``$s: $s0, $p: $p0``."""
    pairs = (pair.split(":") for pair in renames.split(",") if pair.strip())
    new = {old.strip(" $"): name.strip(" $") for old, name in pairs}
    return _PARAMETER.sub(lambda match: f"${new.get(match[1], match[1])}", text)
