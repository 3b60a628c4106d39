"""Show what an asset was made from, and what was made from it."""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING

from assetlog.catalog.cli import context, output
from assetlog.catalog.cli.output import Cell, Styled

if TYPE_CHECKING:
    from assetlog.schemas.shapes import Lineage

FORMATS = ("tree", "mermaid", "dot", "json")
DEFAULT_DEPTH = 10


def configure(parser: argparse.ArgumentParser) -> None:
    """The command's options."""
    parser.add_argument("key", help="the asset's key")
    parser.add_argument("--direction", choices=("up", "down", "both"), default="both", help="default: both")
    parser.add_argument(
        "--depth", type=int, default=DEFAULT_DEPTH, metavar="N", help=f"how many steps away (default: {DEFAULT_DEPTH})"
    )
    parser.add_argument("--format", choices=FORMATS, default="tree", help="default: tree; json is the same as --json")
    context.add_reading_options(parser)


def run(args: argparse.Namespace) -> int:
    """Answer once."""
    from assetlog.schemas.shapes import Lineage

    args.json = args.json or args.format == "json"

    def render(graph: Lineage) -> None:
        show_lineage(graph, args.direction, args.format)
        if args.format == "tree":
            context.footer(args, graph.position)

    params = {"key": args.key, "direction": args.direction, "depth": args.depth}
    return context.answer(args, "/v1/lineage", Lineage, render, **params)


def show_lineage(graph: Lineage, direction: str = "both", format_: str = "tree") -> None:
    """The graph around an asset."""
    from assetlog.catalog.cli.graphs import dot, mermaid

    if format_ == "tree":
        _show_trees(graph, direction)
    else:
        output.say({"mermaid": mermaid, "dot": dot}[format_](graph))


def _show_trees(graph: Lineage, direction: str) -> None:
    from assetlog.catalog.cli.graphs import print_branches, walk

    root = graph.root or ""
    labels = _labels(graph)
    output.say(Styled(root, "bold"), *labels.get(root, ()))
    for side, title in (("up", "made from"), ("down", "used by")):
        if direction in {side, "both"}:
            branches = walk(root, graph.edges, side)
            output.say(Styled(title, "cyan"), "" if branches else Styled(" nothing", "dim"))
            print_branches(branches, labels)
    if graph.truncated:
        output.say(Styled("The graph goes on; --depth shows more.", "yellow"))


def _labels(graph: Lineage) -> dict[str, list[Cell]]:
    labels: dict[str, list[Cell]] = {}
    for node in graph.nodes:
        last = f"  {output.when(node.last_materialization)}" if node.last_materialization else ""
        labels[node.key] = ["  ", output.state(node.state), Styled(last, "dim")]
    return labels
