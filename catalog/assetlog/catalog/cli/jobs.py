"""List the jobs: what is executed, how it went last, what it makes and reads."""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING

from assetlog.catalog.cli import context, output
from assetlog.catalog.cli.output import Cell, Column

if TYPE_CHECKING:
    from assetlog.schemas.shapes import Job, Page

COLUMNS = (
    Column("last run", keep=True),
    Column("job"),
    Column("runs", right=True),
    Column("makes"),
    Column("reads", from_width=110),
)


def configure(parser: argparse.ArgumentParser) -> None:
    """The command's options."""
    context.add_list_options(parser)
    context.add_reading_options(parser)


def run(args: argparse.Namespace) -> int:
    """Answer once."""
    from assetlog.schemas.shapes import Job, Page

    def render(page: Page[Job]) -> None:
        output.table(COLUMNS, (_row(job) for job in page.items))
        context.footer(args, page.position, page.next)

    return context.answer(args, "/v1/jobs", Page[Job], render, limit=args.limit, cursor=args.cursor)


def _row(job: Job) -> list[Cell]:
    return [output.state(job.last_state), job.name, str(job.runs), "\n".join(job.produces), "\n".join(job.consumes)]
