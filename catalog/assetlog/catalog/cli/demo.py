"""Run a small real pipeline: a shop exports CSV files, and all that follows is set off by its assets.

Tables are cleaned, a mart is worked out, a report is written, each by a consumer that runs when its data is there. One
day is damaged: a trigger fails, is tried again and given up, until the shop repairs its export. The demo ends by asking
the catalog what a person wants to know: what fired and why, how things are, what happened, what changed.

It starts a node of its own in a temporary directory unless --url names one.
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
    parser.add_argument("--log", metavar="URL", help="the log server of that node, unless it is of this machine")


def run(args: argparse.Namespace) -> int:
    """Run the pipeline, show what came of it; then wait for Ctrl-C unless told otherwise."""
    from assetlog.catalog.cli.work import log_of
    from assetlog.catalog.client import Client
    from assetlog.catalog.demo.stage import at_work, own_node
    from assetlog.catalog.demo.tour import ask, check, show

    for number in (signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, signal.default_int_handler)
    with ExitStack() as stack:
        folder = Path(stack.enter_context(TemporaryDirectory(prefix="assetlog-demo-")))
        home = None if args.url else folder / "home"
        url = args.url or stack.enter_context(own_node(folder / "home"))
        client = stack.enter_context(Client(url))
        stage = stack.enter_context(at_work(client, folder / "shop", log_of(client, home=home, log=args.log)))
        tour = ask(client, stage.play())
        check(tour)
        if args.once:
            show(tour, as_json=args.json)
            return 0
        with suppress(KeyboardInterrupt):  # whoever reads the first line may end it at once
            show(tour, as_json=args.json)
            _wait(args, url)
    return 0


def _wait(args: argparse.Namespace, url: str) -> None:
    from assetlog.catalog.demo.assets import ORDERS_CSV
    from assetlog.catalog.demo.shop import DAYS

    if not args.json:
        output.say()
        output.say(Styled("Node and worker go on until Ctrl-C.", "bold"), " From another shell:")
        output.say()
        output.say(f"  export ASSETLOG_URL={url}")
        output.say("  assetlog triggers")
        output.say(f"  assetlog emit asset.materialized {ORDERS_CSV.key} --partition {DAYS[0]}")
        output.say("  assetlog consumers explain revenue")
    sys.stdout.flush()
    threading.Event().wait()
