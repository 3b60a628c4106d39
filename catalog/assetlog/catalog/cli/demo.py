"""Run a small real pipeline: CSV files, DuckDB tables, a report; one day is damaged, fails, and is repaired.

It starts a node of its own in a temporary directory unless --url names one, and ends by asking the catalog what a
person wants to know: how things are, what was made from what, what happened, how it was before, what changed.
"""

from __future__ import annotations

import argparse
import signal
import sys
import threading
from contextlib import ExitStack, suppress
from pathlib import Path
from tempfile import TemporaryDirectory

from assetlog.catalog.cli import output
from assetlog.catalog.cli.output import Styled


def configure(parser: argparse.ArgumentParser) -> None:
    """The command's options."""
    parser.add_argument("--once", action="store_true", help="stop after showing what came of it")
    parser.add_argument("--url", help="run it against this node instead of one of its own")


def run(args: argparse.Namespace) -> int:
    """Run the pipeline, show what came of it; then wait for Ctrl-C unless told otherwise."""
    from assetlog.catalog.client import Client
    from assetlog.catalog.demo.stage import own_node, play
    from assetlog.catalog.demo.tour import ask, check, show

    for number in (signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, signal.default_int_handler)
    with ExitStack() as stack:
        folder = Path(stack.enter_context(TemporaryDirectory(prefix="assetlog-demo-")))
        url = args.url or stack.enter_context(own_node(folder / "home"))
        client = stack.enter_context(Client(url))
        tour = ask(client, play(client, folder / "shop"))
        check(tour)
        show(tour, as_json=args.json)
        if not args.once:
            _wait(args, url)
    return 0


def _wait(args: argparse.Namespace, url: str) -> None:
    if not args.json:
        output.say()
        output.say(Styled("The node goes on until Ctrl-C.", "bold"), " From another shell:")
        output.say()
        output.say(f"  export ASSETLOG_URL={url}")
        output.say("  assetlog assets")
    sys.stdout.flush()
    with suppress(KeyboardInterrupt):
        threading.Event().wait()
