"""List the triggers, the latest first: which consumers fired, and what became of it.

list         every trigger, or those that the filters let through
show ID      one trigger, with the events it consumed
retry ID     try one once more that was given up or cancelled
cancel ID    call one off; what is running is not interrupted
"""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING

from assetlog.catalog.cli import context, output
from assetlog.catalog.cli.moments import duration
from assetlog.catalog.cli.output import Cell, Column
from assetlog.schemas.errors import Invalid

if TYPE_CHECKING:
    from assetlog.schemas.scheduling_shapes import Trigger
    from assetlog.schemas.shapes import Page

ACTIONS = ("list", "show", "retry", "cancel")
COLUMNS = (
    Column("state", keep=True),
    Column("consumer"),
    Column("fired", keep=True),
    Column("took", right=True),
    Column("events", right=True),
    Column("partition"),
    Column("attempt", right=True, from_width=110),
    Column("trigger", from_width=110, keep=True),
    Column("error", from_width=160),
)


def configure(parser: argparse.ArgumentParser) -> None:
    """The command's options."""
    parser.add_argument("action", nargs="?", choices=ACTIONS, default="list", help="what to do; see above")
    parser.add_argument("id", nargs="?", metavar="ID", help="the trigger's id")
    parser.add_argument("--consumer", metavar="NAME", help="only triggers of this consumer")
    parser.add_argument("--state", help="fired, started, succeeded, failed, exhausted, cancelled or void")
    parser.add_argument("--asset", metavar="KEY", help="only triggers that consumed an event of this asset")
    parser.add_argument("--after", metavar="POSITION", help="show: the events behind this position")
    parser.add_argument("--reason", help="cancel: why")
    context.add_list_options(parser)
    context.add_reading_options(parser)


def run(args: argparse.Namespace) -> int:
    """Answer once."""
    if args.action != "list" and not args.id:
        raise Invalid(f"`assetlog triggers {args.action}` needs the trigger's id.", code="invalid-usage")
    return {"list": _list, "show": _show, "retry": _retry, "cancel": _cancel}[args.action](args)


def _list(args: argparse.Namespace) -> int:
    from assetlog.schemas.scheduling_shapes import Trigger
    from assetlog.schemas.shapes import Page

    def render(page: Page[Trigger]) -> None:
        if page.items or not output.on_terminal():
            output.table(COLUMNS, map(_row, page.items))
        else:
            output.say("No triggers. `assetlog consumers explain NAME` says what a consumer waits for.")
        context.footer(args, page.position, page.next)

    filters = {name: getattr(args, name) for name in ("consumer", "state", "asset", "limit", "cursor")}
    return context.answer(args, "/v1/triggers", Page[Trigger], render, **filters)


def _show(args: argparse.Namespace) -> int:
    from assetlog.catalog.cli.trigger_show import show_trigger
    from assetlog.catalog.client.asking import acting_on
    from assetlog.schemas.scheduling_shapes import Trigger

    return context.answer(args, acting_on("triggers", args.id), Trigger, show_trigger, after=args.after)


def _retry(args: argparse.Namespace) -> int:
    with context.open_client(args) as client:
        retried = client.retry_trigger(args.id, by=context.user())
    return output.said(args, retried, f"{retried.consumer} tries the trigger {retried.id} again.")


def _cancel(args: argparse.Namespace) -> int:
    with context.open_client(args) as client:
        cancelled = client.cancel_trigger(args.id, args.reason, by=context.user())
    return output.said(args, cancelled, f"The trigger {cancelled.id} of {cancelled.consumer} is called off.")


def _row(trigger: Trigger) -> list[Cell]:
    return [
        output.state(trigger.state),
        trigger.consumer,
        output.when(trigger.fired),
        duration(trigger.duration),
        str(trigger.count),
        trigger.partition or "",
        str(trigger.attempt or ""),
        trigger.id,
        trigger.error or "",
    ]
