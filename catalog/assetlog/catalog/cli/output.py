"""What a terminal and a pipe get to see. Rich is loaded at the first use.

On a terminal: colours, relative times, columns that fit its width. In a pipe: plain text, whole values, whole
times, every column, so that `grep`, `awk` and `diff` see the same on every machine.
"""

from __future__ import annotations

import argparse
import re
import sys
from collections.abc import Iterable, Sequence
from functools import cache
from typing import TYPE_CHECKING, NamedTuple

from assetlog.catalog.cli.moments import ago, full_local, local

if TYPE_CHECKING:
    from rich.console import Console, RenderableType
    from rich.text import Text

GLYPHS = {
    "fresh": ("●", "green"),
    "stale": ("◐", "yellow"),
    "failed": ("✖", "red"),
    "checks-failing": ("▲", "red"),
    "unknown": ("○", "dim"),
    "running": ("◌", "cyan"),
    "succeeded": ("●", "green"),
    "skipped": ("○", "dim"),
    "materialized": ("●", "green"),
    "fired": ("◌", "cyan"),
    "started": ("◌", "cyan"),
    "exhausted": ("✖", "red"),
    "cancelled": ("○", "dim"),
    "void": ("○", "dim"),
    "waiting": ("○", "dim"),
    "paused": ("◐", "yellow"),
}
"""For each state a glyph and a colour; the state's word is never left out."""

_CONTROL = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069]")


class Styled(NamedTuple):
    """A text and how it looks on a terminal."""

    text: str
    style: str


Cell = str | Styled


class Column(NamedTuple):
    """A column of a table."""

    title: str
    right: bool = False
    """Numbers stand at the right."""
    from_width: int = 0
    """A narrower terminal leaves the column out."""
    keep: bool = False
    """The column never breaks its lines."""


def clean(text: str) -> str:
    r"""A text without terminal control sequences: what others wrote must not steer this terminal.

    >>> clean("\x1b[31mred")
    '�[31mred'
    """
    return _CONTROL.sub("�", text)


@cache
def console() -> Console:
    """Standard output."""
    from rich.console import Console

    if hasattr(sys.stdout, "reconfigure"):
        sys.stdout.reconfigure(errors="replace")
    return Console(highlight=False, markup=False, emoji=False, soft_wrap=False)


def on_terminal() -> bool:
    """Whether a person looks at standard output."""
    return console().is_terminal


def say(*parts: Cell) -> None:
    """Print one line (or a text of several) made of parts."""
    if on_terminal():
        console().print(_joined(parts))
    else:
        print("".join(_plain(part) for part in parts).rstrip())


def heading(text: str) -> None:
    """A blank line and a title."""
    say()
    say(Styled(text, "bold"))


def state(word: str) -> Styled:
    """A state with its glyph."""
    glyph, style = GLYPHS.get(word, ("·", ""))
    return Styled(f"{glyph} {word}", style)


def when(time: str | None) -> Cell:
    """A time: clock and age on a terminal, whole in a pipe."""
    if time is None:
        return Styled("-", "dim")
    return f"{local(time)} · {ago(time)}" if on_terminal() else full_local(time)


def table(columns: Sequence[Column], rows: Iterable[Sequence[Cell]], indent: int = 0) -> None:
    """Print a table. Keys and texts break over lines where the terminal is narrow; nothing is cut off."""
    if on_terminal():
        console().print(_rich_table(columns, rows, indent), no_wrap=False)
        return
    lines = [[column.title.upper() for column in columns]]
    lines += [[_one_line(_plain(cell)) for cell in row] for row in rows]
    widths = [max(map(len, column)) for column in zip(*lines, strict=True)]
    for line in lines:
        cells = (
            text.rjust(width) if column.right else text.ljust(width)
            for text, width, column in zip(line, widths, columns, strict=True)
        )
        print((" " * indent + "  ".join(cells)).rstrip())


def pairs(rows: Iterable[tuple[str, Cell | list[Cell]]], indent: int = 2) -> None:
    """Print names and their values; a list takes a line for each item, an empty one is left out."""
    full = [(name, value if isinstance(value, list) else [value]) for name, value in rows]
    full = [(name, [value for value in values if _plain(value)]) for name, values in full]
    width = max((len(name) for name, values in full if values), default=0)
    for name, values in full:
        for number, value in enumerate(values):
            label = name.ljust(width) if number == 0 else " " * width
            _indented(Styled(f"{label}  ", "dim"), value, indent)


def answer(raw: bytes) -> None:
    """Print a node's JSON as it is; spread out and coloured where a person looks."""
    if not on_terminal():
        sys.stdout.buffer.write(raw + b"\n")
        sys.stdout.buffer.flush()
        return
    from rich.json import JSON

    console().print(JSON(clean(raw.decode(errors="replace")), indent=2))


def said(args: argparse.Namespace, answer: object, text: str) -> int:
    """Say what was done: in a sentence, or as JSON. The exit code."""
    if args.json:
        shape(answer)
    else:
        say(text)
    return 0


def shape(shape: object) -> None:
    """Print a shape, or an object of them, as JSON."""
    import msgspec

    answer(msgspec.json.encode(shape))


def show(renderable: RenderableType) -> None:
    """Print anything rich can draw."""
    console().print(renderable)


def text_of(*parts: Cell) -> Text:
    """Parts as one rich text."""
    return _joined(parts)


def _indented(label: Styled, value: Cell, indent: int) -> None:
    if not on_terminal():
        say(" " * indent, label, value)
        return
    if " " not in _plain(value):  # a key or a URL stays in one piece, to be copied
        console().print(_joined((" " * indent, label, value)), soft_wrap=True)
        return
    from rich.table import Table

    grid = Table.grid(padding=(0, 0))
    grid.add_column(no_wrap=True)
    grid.add_column(overflow="fold")
    grid.add_row(_joined((" " * indent, label)), _joined((value,)))
    console().print(grid)


def _rich_table(columns: Sequence[Column], rows: Iterable[Sequence[Cell]], indent: int) -> RenderableType:
    from rich.padding import Padding
    from rich.table import Table

    shown = [place for place, column in enumerate(columns) if console().width >= column.from_width]
    drawn = Table(box=None, pad_edge=False, header_style="dim", padding=(0, 2, 0, 0))
    for place in shown:
        column = columns[place]
        drawn.add_column(
            column.title,
            justify="right" if column.right else "left",
            no_wrap=column.keep or column.right,
            overflow="fold",
        )
    for row in rows:
        drawn.add_row(*(_joined((row[place],)) for place in shown))
    return Padding(drawn, (0, 0, 0, indent))


def _joined(parts: Iterable[Cell]) -> Text:
    from rich.text import Text

    whole = Text()
    for part in parts:
        if isinstance(part, Styled):
            whole.append(clean(part.text), part.style)
        else:
            whole.append(clean(part))
    return whole


def _plain(cell: Cell) -> str:
    return clean(cell.text if isinstance(cell, Styled) else cell)


def _one_line(text: str) -> str:
    return text.replace("\n", " ↵ ").replace("\t", " ")
