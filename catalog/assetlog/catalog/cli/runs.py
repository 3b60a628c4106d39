"""List the runs, newest first; with an id show one run and what came of it."""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING

from assetlog.catalog.cli import context, output
from assetlog.catalog.cli.moments import duration
from assetlog.catalog.cli.output import Cell, Column, Styled

if TYPE_CHECKING:
    from assetlog.schemas.shapes import Page, RunShape

COLUMNS = (
    Column("state", keep=True),
    Column("job"),
    Column("started", keep=True),
    Column("took", right=True),
    Column("assets", right=True),
    Column("run", from_width=110, keep=True),
    Column("error", from_width=160),
)


def configure(parser: argparse.ArgumentParser) -> None:
    """The command's options."""
    parser.add_argument("id", nargs="?", help="show this run")
    parser.add_argument("--job", help="only runs of this job")
    parser.add_argument("--state", help="running, succeeded, failed, skipped or unknown")
    parser.add_argument("--asset", metavar="KEY", help="only runs that made this asset")
    context.add_list_options(parser)
    context.add_reading_options(parser)


def run(args: argparse.Namespace) -> int:
    """Answer once."""
    from assetlog.schemas.shapes import Page, RunShape

    if args.id:
        return context.answer(args, "/v1/run", RunShape, show_run, id=args.id)

    def render(page: Page[RunShape]) -> None:
        show_runs(page)
        context.footer(args, page.position, page.next)

    filters = {name: getattr(args, name) for name in ("job", "state", "asset", "limit", "cursor")}
    return context.answer(args, "/v1/runs", Page[RunShape], render, **filters)


def show_runs(page: Page[RunShape]) -> None:
    """Runs as a table."""
    output.table(COLUMNS, (_row(run) for run in page.items))


def show_run(run: RunShape) -> None:
    """One run as a card."""
    output.say(Styled(run.job or run.id, "bold"), "  ", output.state(run.state))
    output.pairs(
        [
            ("run", run.id),
            ("parent", run.parent or ""),
            ("started", output.when(run.started) if run.started else ""),
            ("ended", output.when(run.ended) if run.ended else ""),
            ("took", duration(run.duration)),
            ("error", Styled(run.error or "", "red")),
            ("materialized", list[Cell](run.produced)),
            ("failed", list[Cell](run.failed)),
            ("started runs", list[Cell](run.children)),
        ]
    )


def _row(run: RunShape) -> list[Cell]:
    assets = str(len(run.produced)) + (f" (+{len(run.failed)} failed)" if run.failed else "")
    started = output.when(run.started or run.ended)
    return [output.state(run.state), run.job or "", started, duration(run.duration), assets, run.id, run.error or ""]
