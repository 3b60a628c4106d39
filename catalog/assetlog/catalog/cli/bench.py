"""Measure a node on this machine against its bars, and against the raw limits of the same run.

Each figure stands beside the same work without the catalog (a plain route, a pipelined XADD, a narrow query), and
their ratio. Nodes are started on directories of their own; nothing of yours is touched.
"""

from __future__ import annotations

import argparse
import json
import signal
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

from assetlog.catalog.bench.bars import BARS, MEASURES, check_names
from assetlog.catalog.cli import output
from assetlog.catalog.cli.output import Cell, Column, Styled

if TYPE_CHECKING:
    from assetlog.catalog.bench.figures import Figure
    from assetlog.catalog.bench.stage import Options

QUICK_EVENTS, QUICK_ASSETS = 30_000, 2_000
EVENTS, ASSETS = 1_000_000, 10_000
COLUMNS = (
    Column("measure"),
    Column("measured", right=True, keep=True),
    Column("raw limit", right=True, keep=True),
    Column("of it", right=True, keep=True),
    Column("bar", right=True, keep=True),
    Column("reached", keep=True),
    Column("raw limit is", from_width=120),
)


def configure(parser: argparse.ArgumentParser) -> None:
    """The command's options: which measures, and how much."""
    parser.add_argument("measures", nargs="*", metavar="MEASURE", help=f"only these of: {', '.join(MEASURES)}")
    parser.add_argument("--list", action="store_true", help="say what each measure is, and stop")
    parser.add_argument("--quick", action="store_true", help="all in about a minute: to look at, not to believe")
    parser.add_argument("--events", type=int, help=f"events of the large catalog (default: {EVENTS}; quick: 30000)")
    parser.add_argument("--assets", type=int, help=f"assets of the large catalog (default: {ASSETS}; quick: 2000)")
    parser.add_argument("--seed", type=int, default=1, help="seed of the workload (default: 1)")
    parser.add_argument("--keep", type=Path, metavar="DIR", help="keep the data in this new directory")
    parser.add_argument("--write", type=Path, metavar="FILE", help="write the table as Markdown, too")


def run(args: argparse.Namespace) -> int:
    """Measure; 0 whether the bars are reached or not."""
    if args.list:
        output.table((Column("measure", keep=True), Column("what")), [[name, text] for name, text in MEASURES.items()])
        return 0
    check_names(args.measures)
    from assetlog.catalog.bench.run import about

    signal.signal(signal.SIGTERM, signal.default_int_handler)  # either way the servers are ended
    options = _options(args)
    facts = about(options)
    figures = list(_measured(args, options))
    if args.json:
        output.answer(json.dumps({**facts, "figures": [figure.as_dict() for figure in figures]}).encode())
    else:
        _show(facts, figures)
    if args.write:
        from assetlog.catalog.bench.markdown import page

        args.write.write_text(page(facts, figures), encoding="utf-8")
    return 0


def _options(args: argparse.Namespace) -> Options:
    from assetlog.catalog.bench.stage import Options

    events = args.events or (QUICK_EVENTS if args.quick else EVENTS)
    assets = args.assets or (QUICK_ASSETS if args.quick else ASSETS)
    return Options(quick=args.quick, seed=args.seed, events=events, assets=assets)


def _measured(args: argparse.Namespace, options: Options) -> Iterator[Figure]:
    """The figures, while standard error tells which measure runs."""
    from rich.console import Console

    from assetlog.catalog.bench.run import run_measures

    with Console(stderr=True).status("Measuring ...") as status:
        yield from run_measures(
            args.measures, options, args.keep, lambda name: status.update(f"Measuring: {MEASURES[name]} ...")
        )


def _show(facts: dict[str, Any], figures: list[Figure]) -> None:
    output.table(COLUMNS, [_row(figure) for figure in figures])
    output.say()
    output.say(Styled(f"{facts['machine']}; Python {facts['python']}; {facts['date']}", "dim"))
    if facts["quick"]:
        output.say(Styled("Quick: too short to believe. The bars hold for the full run on a quiet machine.", "yellow"))


def _row(figure: Figure) -> list[Cell]:
    from assetlog.catalog.bench.markdown import goal_text, number, ratio_text, value_text

    verdicts: dict[bool | None, Cell] = {True: Styled("✔ yes", "green"), False: Styled("✖ no", "red"), None: "-"}
    raw = "-" if figure.raw is None else number(figure.raw)
    title = BARS[figure.name].title
    return [
        title,
        value_text(figure),
        raw,
        ratio_text(figure),
        goal_text(figure),
        verdicts[figure.reached],
        figure.raw_what,
    ]
