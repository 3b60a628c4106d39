"""Make an asset now: run the consumer that has it among its outlets."""

from __future__ import annotations

import argparse

from assetlog.catalog.cli import context, output


def configure(parser: argparse.ArgumentParser) -> None:
    """The command's options."""
    parser.add_argument("key", help="the asset's key, e.g. s3://lake/orders.parquet")
    parser.add_argument("--consumer", metavar="NAME", help="who makes it, where several consumers do")
    parser.add_argument("--partition", help="run it for this partition")
    context.add_node_options(parser)


def run(args: argparse.Namespace) -> int:
    """Run it."""
    with context.open_client(args) as client:
        fired = client.materialize_asset(args.key, args.consumer, args.partition, by=context.user())
    return output.said(args, fired, f"{fired.consumer} runs: trigger {fired.id}.")
