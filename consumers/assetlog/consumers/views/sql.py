"""Loads named SQL files, and puts the views that a file builds on before its statement.

A line ``-- with asset_rows`` makes the view ``asset_rows.sql`` the common table expression ``asset_rows``.
``-- with asset_state as before($s0, $p0)`` does so under another name and with other parameters (`$s0` for the
view's `$s`), so that one statement can look at two positions.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import cache
from importlib import resources
from typing import Any, NamedTuple

import duckdb

VIEWS = "assetlog.consumers.views"

_WITH = re.compile(r"^-- with (?P<view>\w+)(?: as (?P<alias>\w+)(?:\((?P<parameters>[^)]*)\))?)?$", re.MULTILINE)
_COMMENT = re.compile(r"\s*--[^\n]*")
_PARAMETER = re.compile(r"\$([a-z_][a-z0-9_]*)")
_IN_JOIN = re.compile(r"([\w.]*\baid) in \(select unnest\(\$aids::integer\[\]\)\)")
_IN_LIST = r"list_contains($aids::integer[], \1)"
_LEADING_WITH = re.compile(r"with(\s+recursive)?\s+")


class Statement(NamedTuple):
    """A SQL text, and the names of the parameters it takes."""

    text: str
    parameters: frozenset[str]

    def run(self, connection: duckdb.DuckDBPyConnection, values: Mapping[str, Any]) -> duckdb.DuckDBPyConnection:
        """Execute it with those of the values that it names; one that is missing is a KeyError."""
        return connection.execute(self.text, {name: values[name] for name in self.parameters})

    def row(self, connection: duckdb.DuckDBPyConnection, values: Mapping[str, Any]) -> tuple[Any, ...] | None:
        """Its first row, None without one. Reads to the end: a result left open holds an old transaction open."""
        rows = self.run(connection, values).fetchall()
        return rows[0] if rows else None


@cache
def statement(name: str, package: str = VIEWS, *, few: bool = False) -> Statement:
    """The statement in `<name>.sql` of a package, read once. The views it builds on are found in this folder.

    With `few`, assets are looked for by a list instead of a join: half the planning, but each row is compared with
    each of the numbers.

    >>> sorted(statement("asset_rows").parameters)
    ['aids', 'p', 's']
    """
    text = _composed(name, package)
    if few:
        text = _IN_JOIN.sub(_IN_LIST, text)
    return Statement(text, frozenset(_PARAMETER.findall(text)))


def names(package: str = VIEWS) -> list[str]:
    """The names of a package's statements, sorted."""
    files = (entry.name for entry in resources.files(package).iterdir())
    return sorted(file.removesuffix(".sql") for file in files if file.endswith(".sql"))


def _composed(name: str, package: str = VIEWS) -> str:
    source = resources.files(package).joinpath(f"{name}.sql").read_text(encoding="utf-8")
    parts = [_common_table(match) for match in _WITH.finditer(source)]
    body = _COMMENT.sub("", source).strip().removesuffix(";")
    if not parts:
        return body
    leading = _LEADING_WITH.match(body)
    recursive = "recursive " if leading and leading[1] else ""
    rest = f",\n{body[leading.end() :]}" if leading else f"\n{body}"
    return f"with {recursive}{', '.join(parts)}{rest}"


def _common_table(match: re.Match[str]) -> str:
    text = _composed(match["view"])
    for new in _PARAMETER.findall(match["parameters"] or ""):
        old = max((old for old in _PARAMETER.findall(text) if new.startswith(old)), key=len)
        text = re.sub(rf"\${old}\b", f"${new}", text)
    return f"{match['alias'] or match['view']} as (\n{text}\n)"
