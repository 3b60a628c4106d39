"""List the events the fold could not take, and why."""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING

from assetlog.catalog.cli import context, output
from assetlog.catalog.cli.output import Cell, Column, Styled

if TYPE_CHECKING:
    from assetlog.schemas.shapes import Page, Quarantined

SHOWN_BYTES = 200
COLUMNS = (
    Column("time", keep=True),
    Column("reason", keep=True),
    Column("field"),
    Column("detail"),
    Column("position", keep=True, from_width=110),
    Column("event", from_width=140),
)


def configure(parser: argparse.ArgumentParser) -> None:
    """The command's options."""
    context.add_list_options(parser)
    context.add_reading_options(parser)


def run(args: argparse.Namespace) -> int:
    """Answer once."""
    from assetlog.schemas.shapes import Page, Quarantined

    def render(page: Page[Quarantined]) -> None:
        if page.items or not output.on_terminal():
            output.table(COLUMNS, (_row(item) for item in page.items))
        else:
            output.say("Nothing is quarantined.")
        context.footer(args, page.position, page.next)

    return context.answer(args, "/v1/quarantine", Page[Quarantined], render, limit=args.limit, cursor=args.cursor)


def _row(item: Quarantined) -> list[Cell]:
    event = item.event if len(item.event) <= SHOWN_BYTES else item.event[:SHOWN_BYTES] + "…"
    return [output.when(item.time), Styled(item.code, "red"), item.field or "", item.detail, item.position, event]
