"""List the events of the log, newest first, or follow them as they come."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

from assetlog.catalog.cli import context, output
from assetlog.catalog.cli.moments import full_local, local, position_of, recorded
from assetlog.catalog.cli.output import Cell, Column
from assetlog.schemas.errors import Invalid

if TYPE_CHECKING:
    from assetlog.schemas.shapes import EventShape, Page

FILTERS = ("type", "asset", "run")
DEFAULT_LIMIT = 50
COLUMNS = (
    Column("time", keep=True),
    Column("type", keep=True),
    Column("subject"),
    Column("says"),
    Column("position", keep=True, from_width=140),
)


def configure(parser: argparse.ArgumentParser) -> None:
    """The command's options."""
    parser.add_argument("--follow", "-f", action="store_true", help="go on with what comes, until Ctrl-C")
    parser.add_argument("--type", help="only this type, e.g. asset.materialized")
    parser.add_argument("--asset", metavar="KEY", help="only events about this asset")
    parser.add_argument("--run", metavar="ID", help="only events of this run")
    parser.add_argument("--after", metavar="MOMENT", help="only events behind this moment, oldest first")
    parser.add_argument("--before", metavar="MOMENT", help="only events before this moment")
    parser.add_argument("--order", choices=("asc", "desc"), help="oldest or newest first (default: newest)")
    parser.add_argument("--raw", action="store_true", help="the events as they were accepted, one JSON a line")
    context.add_list_options(parser, DEFAULT_LIMIT)
    context.add_reading_options(parser)


def run(args: argparse.Namespace) -> int:
    """Answer once, or go on for ever with --follow."""
    filters: dict[str, Any] = {name: getattr(args, name) for name in FILTERS}
    if args.follow:
        return _follow(args, filters)
    filters |= _window(args)
    if args.raw:
        with context.open_client(args) as client:
            _print_raw(client.each_event(context.as_of(args), limit=args.limit, **filters))
        return 0
    from assetlog.schemas.shapes import EventShape, Page

    def render(page: Page[EventShape]) -> None:
        show_events(page.items)
        context.footer(args, page.position, page.next)

    return context.answer(args, "/v1/events", Page[EventShape], render, limit=args.limit, cursor=args.cursor, **filters)


def show_events(events: Iterable[EventShape], indent: int = 0) -> None:
    """Events as a table."""
    output.table(COLUMNS, (_row(event) for event in events), indent)


def _window(args: argparse.Namespace) -> dict[str, str | None]:
    after = position_of(args.after) if args.after else None
    before = position_of(args.before, behind=1) if args.before else None
    return {"after": after, "before": before, "order": args.order or ("asc" if after else "desc")}


def _follow(args: argparse.Namespace, filters: dict[str, Any]) -> int:
    if args.as_of or args.before:
        raise Invalid("--follow goes on into the future: it takes no --as-of and no --before.", code="invalid-usage")
    with context.open_client(args) as client:
        for event in client.follow(position_of(args.after) if args.after else None, **filters):
            if args.raw or args.json:
                _print_raw([event], whole=not args.raw)
            else:
                output.say(*_line(event))
            sys.stdout.flush()
    return 0


def _print_raw(events: Iterable[EventShape], *, whole: bool = False) -> None:
    import msgspec

    for event in events:
        sys.stdout.buffer.write((msgspec.json.encode(event) if whole else bytes(event.event)) + b"\n")
    sys.stdout.buffer.flush()


def _row(event: EventShape) -> list[Cell]:
    from assetlog.catalog.cli.event_text import summary, told, type_cell

    says = told(event.event)
    return [_recorded(event), type_cell(says), says.subject or "", summary(says), event.position]


def _line(event: EventShape) -> list[Cell]:
    from assetlog.catalog.cli.event_text import summary, told, type_cell

    says = told(event.event)
    parts: list[Cell] = [output.Styled(_recorded(event), "dim"), "  ", type_cell(says)]
    return [*parts, *(f"  {text}" for text in (says.subject, summary(says)) if text)]


def _recorded(event: EventShape) -> str:
    """When the log recorded it: the order of this list, whatever the producers' clocks said."""
    time = recorded(event.position)
    return local(time) if output.on_terminal() else full_local(time)
