"""List the consumers: what is scheduled on assets. With an action and a name, look at one or act on it.

list            every consumer, or those that the filters let through
show NAME       one consumer: what it waits for, what it runs, how its last triggers went
explain NAME    why it fired, or what it waits for: what has come and what is missing
queue NAME      what waits for it; with --delete, delete that (--before, --asset, --partition: a part of it)
pause NAME      let it no longer fire; resume NAME lets it fire again
trigger NAME    run it now, by hand, whatever it waits for
remove NAME     remove it, with what waits for it
apply FILE      declare the consumers of a TOML file
"""

from __future__ import annotations

import argparse
from collections.abc import Callable
from typing import TYPE_CHECKING

from assetlog.catalog.cli import context, output
from assetlog.catalog.cli.output import Cell, Column, Styled
from assetlog.schemas.errors import Invalid

if TYPE_CHECKING:
    from assetlog.schemas.scheduling_shapes import Consumer
    from assetlog.schemas.shapes import Page

ACTIONS = ("list", "show", "explain", "queue", "pause", "resume", "trigger", "remove", "apply")
COLUMNS = (
    Column("state", keep=True),
    Column("name"),
    Column("waits for"),
    Column("queued", right=True),
    Column("last trigger", keep=True),
    Column("runs", from_width=110),
    Column("module", from_width=140),
)


def configure(parser: argparse.ArgumentParser) -> None:
    """The command's options."""
    parser.add_argument("action", nargs="?", choices=ACTIONS, default="list", help="what to do; see above")
    parser.add_argument("name", nargs="?", metavar="NAME", help="the consumer's name; apply: the file")
    filters = parser.add_argument_group("list")
    filters.add_argument("--q", help="a word in name or description")
    filters.add_argument("--module", help="only consumers that this Python module declares")
    filters.add_argument("--paused", action=argparse.BooleanOptionalAction, help="only those that are paused, or not")
    acts = parser.add_argument_group("actions")
    acts.add_argument("--delete", action="store_true", help="queue: delete what waits")
    acts.add_argument("--before", metavar="MOMENT", help="queue --delete: only what came before")
    acts.add_argument("--partition", help="queue --delete: only this partition; trigger: run it for this one")
    acts.add_argument("--reason", help="pause: why")
    acts.add_argument("--replace", action="store_true", help="apply: take names over from other modules")
    parser.add_argument("--asset", metavar="KEY", help="list, queue --delete: only what has to do with this asset")
    context.add_list_options(parser)
    context.add_reading_options(parser)


def run(args: argparse.Namespace) -> int:
    """Answer once."""
    if args.action == "list":
        return _list(args)
    if not args.name:
        what = "a file" if args.action == "apply" else "the consumer's name"
        raise Invalid(f"`assetlog consumers {args.action}` needs {what}.", code="invalid-usage")
    return _actions()[args.action](args)


def _actions() -> dict[str, Callable[[argparse.Namespace], int]]:
    from assetlog.catalog.cli import consumer_acts, consumer_explain, consumer_queue, consumer_show

    return {
        "show": consumer_show.show,
        "explain": consumer_explain.explain,
        "queue": consumer_queue.queue,
        "pause": consumer_acts.pause,
        "resume": consumer_acts.resume,
        "trigger": consumer_acts.trigger,
        "remove": consumer_acts.remove,
        "apply": consumer_acts.apply,
    }


def _list(args: argparse.Namespace) -> int:
    from assetlog.catalog.cli.consumer_show import state_of, target_text
    from assetlog.schemas.scheduling_shapes import Consumer
    from assetlog.schemas.shapes import Page

    def row(consumer: Consumer) -> list[Cell]:
        last = consumer.last_trigger
        return [
            output.state(state_of(consumer)),
            consumer.name,
            consumer.condition_text,
            str(consumer.queued),
            Styled("-", "dim") if last is None else f"{last.state}, {_plain(output.when(last.fired))}",
            target_text(consumer.target),
            consumer.module or "",
        ]

    def render(page: Page[Consumer]) -> None:
        if page.items or not output.on_terminal():
            output.table(COLUMNS, map(row, page.items))
        else:
            output.say("No consumers. `assetlog consumers apply FILE` or `assetlog work MODULE` declares some.")
        context.footer(args, page.position, page.next)

    filters = {name: getattr(args, name) for name in ("q", "asset", "module", "limit", "cursor")}
    paused = None if args.paused is None else str(args.paused).lower()
    return context.answer(args, "/v1/consumers", Page[Consumer], render, paused=paused, **filters)


def _plain(cell: Cell) -> str:
    return cell.text if isinstance(cell, Styled) else cell
