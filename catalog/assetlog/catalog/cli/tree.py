"""Walk the assets by scheme and path: how many there are below each step."""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING

from assetlog.catalog.cli import context, output
from assetlog.catalog.cli.output import Styled

if TYPE_CHECKING:
    from assetlog.catalog.client import Client

DEFAULT_DEPTH = 4


def configure(parser: argparse.ArgumentParser) -> None:
    """The command's options."""
    parser.add_argument("prefix", nargs="?", default="", help="begin below this, e.g. s3://lake/")
    parser.add_argument(
        "--depth", type=int, default=DEFAULT_DEPTH, metavar="N", help=f"how many steps down (default: {DEFAULT_DEPTH})"
    )
    context.add_reading_options(parser)


def run(args: argparse.Namespace) -> int:
    """Answer once; with --json the one step below the prefix."""
    if args.json:
        return context.print_raw(args, "/v1/tree", prefix=args.prefix or None)
    with context.open_client(args) as client:
        # All steps are of one moment, whatever is emitted meanwhile.
        moment = client.position(context.as_of(args))
        if args.prefix:
            output.say(Styled(args.prefix, "bold"))
        _descend(client, args.prefix, moment, args.depth, "")
    return 0


def _descend(client: Client, prefix: str, moment: str, depth: int, before: str) -> None:
    nodes = client.tree(prefix, as_of=moment)
    for number, node in enumerate(nodes):
        last = number == len(nodes) - 1
        lines = before + ("└─ " if last else "├─ ")
        count = "" if node.asset and node.assets == 1 else f"  {node.assets} asset{'s' if node.assets != 1 else ''}"
        output.say(Styled(lines, "dim"), node.name, Styled(count, "dim"))
        if depth > 1 and (not node.asset or node.assets > 1):
            _descend(client, node.prefix, moment, depth - 1, before + ("   " if last else "│  "))
