"""Show the settings in force, and where each comes from: a flag, the environment or the default."""

from __future__ import annotations

import argparse
import json
from typing import TYPE_CHECKING

from assetlog.catalog.cli import output
from assetlog.catalog.cli.flags import COUNTED, add_settings, read_settings
from assetlog.catalog.cli.output import Cell, Column, Styled

if TYPE_CHECKING:
    from assetlog.catalog.settings import Explained

COLUMNS = (Column("setting", keep=True), Column("value"), Column("from"), Column("meaning", from_width=100))


def configure(parser: argparse.ArgumentParser) -> None:
    """The command's options: the flags of a node, to see what they would do."""
    add_settings(parser)


def run(args: argparse.Namespace) -> int:
    """Answer once; secrets are masked."""
    explained = read_settings(args).explain()
    if args.json:
        output.answer(json.dumps({"items": [row._asdict() for row in explained]}).encode())
        return 0
    output.table(COLUMNS, (_row(row) for row in explained))
    return 0


def _row(row: Explained) -> list[Cell]:
    origin = Styled(row.origin, "dim" if row.origin == "default" else "cyan")
    return [row.name, _value(row.value, row.unit), origin, row.help]


def _value(value: str, unit: str) -> str:
    return f"{value} {COUNTED[unit]}" if unit in COUNTED else value or "none"
