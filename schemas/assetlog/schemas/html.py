"""Shapes as small HTML tables, for notebooks. Whatever comes from an event is escaped."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape
from typing import Any

import msgspec
from msgspec import Raw, Struct

MAX_ROWS = 50
MAX_TEXT = 120


def html_of(shape: Struct) -> str:
    """A shape as HTML: its lists of shapes as tables, everything else by name.

    >>> from assetlog.schemas.shapes import Group
    >>> html_of(Group(name="<b>", assets=1))
    '<table><tr><th>name</th><td>&lt;b&gt;</td></tr><tr><th>assets</th><td>1</td></tr></table>'
    """
    fields = {name: getattr(shape, name) for name in shape.__struct_fields__}
    tables = {name: value for name, value in fields.items() if _is_rows(value)}
    single = {name: value for name, value in fields.items() if name not in tables and not _is_empty(value)}
    parts = [_head(name, len(rows)) + _rows(rows) for name, rows in tables.items()]
    return "".join([_fields(single), *parts])


def _fields(fields: dict[str, Any]) -> str:
    rows = (f"<tr><th>{escape(name)}</th><td>{_cell(value)}</td></tr>" for name, value in fields.items())
    return f"<table>{''.join(rows)}</table>"


def _rows(rows: Sequence[Struct]) -> str:
    """A table without the columns in which nothing stands."""
    shown = rows[:MAX_ROWS]
    names = [name for name in shown[0].__struct_fields__ if not all(_is_empty(getattr(row, name)) for row in shown)]
    head = "".join(f"<th>{escape(name)}</th>" for name in names)
    body = ("".join(f"<td>{_cell(getattr(row, name))}</td>" for name in names) for row in shown)
    more = f"<p>… and {len(rows) - MAX_ROWS} more</p>" if len(rows) > MAX_ROWS else ""
    return f"<table><tr>{head}</tr>{''.join(f'<tr>{row}</tr>' for row in body)}</table>{more}"


def _head(name: str, count: int) -> str:
    return f"<p><b>{escape(name)}</b> ({count})</p>"


def _cell(value: Any) -> str:
    text = _text(value)
    return escape(text if len(text) <= MAX_TEXT else text[: MAX_TEXT - 1] + "…")


def _text(value: Any) -> str:
    if value is None:
        return ""
    if isinstance(value, Raw):
        return bytes(value).decode(errors="replace")
    if isinstance(value, Struct):
        told = {name: getattr(value, name) for name in value.__struct_fields__}
        return ", ".join(f"{name} {_text(each)}" for name, each in told.items() if not _is_empty(each))
    if isinstance(value, list):
        return ", ".join(map(_text, value))
    if isinstance(value, dict):
        return msgspec.json.encode(value).decode()
    return str(value)


def _is_rows(value: Any) -> bool:
    return isinstance(value, list) and bool(value) and isinstance(value[0], Struct)


def _is_empty(value: Any) -> bool:
    if isinstance(value, Raw):
        return bytes(value) in {b"{}", b"[]", b"null", b""}
    return value is None or value in ([], {})
