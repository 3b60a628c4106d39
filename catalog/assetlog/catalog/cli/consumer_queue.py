"""What waits for a consumer, and deleting it."""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING

from assetlog.catalog.cli import context, output
from assetlog.catalog.cli.moments import moment, recorded
from assetlog.catalog.cli.output import Cell, Column, Styled

if TYPE_CHECKING:
    from assetlog.schemas.scheduling_shapes import TriggerEvent
    from assetlog.schemas.shapes import Page

COLUMNS = (
    Column("came", keep=True),
    Column("asset"),
    Column("partition"),
    Column("position", keep=True),
    Column("event", keep=True, from_width=140),
)


def queue(args: argparse.Namespace) -> int:
    """List what waits, or delete it."""
    return _delete(args) if args.delete else _list(args)


def _list(args: argparse.Namespace) -> int:
    from assetlog.catalog.client.asking import acting_on
    from assetlog.schemas.scheduling_shapes import TriggerEvent
    from assetlog.schemas.shapes import Page

    def render(page: Page[TriggerEvent]) -> None:
        if page.items or not output.on_terminal():
            output.table(COLUMNS, map(_row, page.items))
        else:
            output.say("Nothing waits.")
        context.footer(args, page.position, page.next)

    path = acting_on("consumers", args.name, "queue")
    return context.answer(args, path, Page[TriggerEvent], render, limit=args.limit, cursor=args.cursor)


def _delete(args: argparse.Namespace) -> int:
    before = moment(args.before) if args.before else None
    with context.open_client(args) as client:
        deleted = client.delete_queue(args.name, before=before, asset=args.asset, partition=args.partition)
    if args.json:
        output.shape(deleted)
        return 0
    events = f"{deleted.count:,} {'event' if deleted.count == 1 else 'events'}"
    output.say(f"{events} deleted from the queue of {args.name}.")
    for trigger in deleted.triggers:
        output.say(Styled(f"`assetlog triggers retry {trigger}` runs it with them after all.", "dim"))
    return 0


def _row(event: TriggerEvent) -> list[Cell]:
    asset = event.key or Styled("a tick of the clock", "dim")
    return [output.when(recorded(event.position)), asset, event.partition or "", event.position, event.id or ""]
