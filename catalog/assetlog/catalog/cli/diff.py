"""Show what changed in the catalog between two moments."""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING

from assetlog.catalog.cli import context, output
from assetlog.catalog.cli.moments import AS_OF_HELP, moment
from assetlog.catalog.cli.output import Cell, Column, Styled

if TYPE_CHECKING:
    from assetlog.schemas.shapes import AssetChange, Diff

MARKS = {"added": ("+ added", "green"), "changed": ("~ changed", "yellow"), "removed": ("- removed", "red")}
COLUMNS = (
    Column("change", keep=True),
    Column("asset"),
    Column("state"),
    Column("materialized", right=True),
    Column("failed", right=True),
    Column("new upstreams", from_width=110),
)


def configure(parser: argparse.ArgumentParser) -> None:
    """The command's options."""
    context.accept_ages(parser)
    parser.add_argument("from_", metavar="FROM", help=AS_OF_HELP)
    parser.add_argument("to", metavar="TO", nargs="?", default="now", help="the same; now unless given")
    context.add_list_options(parser)
    context.add_node_options(parser)


def run(args: argparse.Namespace) -> int:
    """Answer once."""
    from assetlog.schemas.shapes import Diff

    args.as_of = None
    params = {"from": moment(args.from_), "to": moment(args.to), "limit": args.limit, "cursor": args.cursor}

    def render(diff: Diff) -> None:
        show_diff(diff)
        context.footer(args, diff.position, diff.next)

    return context.answer(args, "/v1/diff", Diff, render, **params)


def show_diff(diff: Diff) -> None:
    """A sentence, then a row for each asset that changed."""
    counts = ((diff.events, "event"), (diff.artifacts, "artifact version"), (diff.runs, "run"))
    words = ", ".join(f"{count} {noun}{'' if count == 1 else 's'}" for count, noun in counts)
    output.say(Styled(f"{diff.from_} → {diff.to}", "dim"), f"  {words}")
    if diff.items:
        output.table(COLUMNS, (_row(change) for change in diff.items))
    else:
        output.say("No asset changed.")


def _row(change: AssetChange) -> list[Cell]:
    return [
        Styled(*MARKS[change.change]),
        change.key,
        f"{change.state_before or 'none'} → {change.state_after or 'none'}"
        if change.state_before != change.state_after
        else str(change.state_after or ""),
        _plus(change.materializations),
        _plus(change.failures),
        "\n".join(change.upstream_added),
    ]


def _plus(count: int) -> str:
    return f"+{count}" if count else ""
