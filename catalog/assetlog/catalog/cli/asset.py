"""Show one asset: what it is, how it is, what it was made from, what happened to it."""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING

from assetlog.catalog.cli import context, output

if TYPE_CHECKING:
    from assetlog.catalog.client import Client

CARD_EVENTS = 5
HISTORY_EVENTS = 100


def configure(parser: argparse.ArgumentParser) -> None:
    """The command's options."""
    parser.add_argument("key", help="the asset's key, e.g. s3://lake/orders.parquet")
    parser.add_argument("--history", action="store_true", help="what happened to it, newest first")
    parser.add_argument(
        "--limit",
        type=int,
        default=HISTORY_EVENTS,
        metavar="N",
        help=f"length of the history (default: {HISTORY_EVENTS})",
    )
    context.add_reading_options(parser)


def run(args: argparse.Namespace) -> int:
    """Answer once."""
    if args.json and args.history:
        return context.print_raw(args, "/v1/asset/events", key=args.key, limit=args.limit)
    if args.json:
        return context.print_raw(args, "/v1/asset", key=args.key)
    with context.open_client(args) as client:
        # The parts of the card are of one moment, whatever is emitted meanwhile.
        moment = client.position(context.as_of(args))
        if args.history:
            show_history(client, args.key, moment, args.limit)
        else:
            show_card(client, args.key, moment)
        context.footer(args, moment)
    return 0


def show_card(client: Client, key: str, moment: str) -> None:
    """Everything about an asset on one screen."""
    from assetlog.catalog.cli.asset_card import print_asset, print_checks, print_partitions

    asset = client.asset(key, moment)
    print_asset(asset)
    print_checks(client.checks(asset.key, moment).items)
    if asset.partitions:
        print_partitions(client.partitions(asset.key, moment, limit=10).items, asset.partitions)
    output.heading("history")
    show_history(client, asset.key, moment, CARD_EVENTS)


def show_history(client: Client, key: str, moment: str, limit: int) -> None:
    """The asset's events, newest first."""
    from assetlog.catalog.cli.history import print_history

    print_history(client.asset_events(key, moment, limit=limit).items)
