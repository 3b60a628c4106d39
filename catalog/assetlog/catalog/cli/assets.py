"""List the assets: their state, when they were last materialized, how many upstreams they have."""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING

from assetlog.catalog.cli import context, output
from assetlog.catalog.cli.output import Cell, Column, Styled

if TYPE_CHECKING:
    from assetlog.schemas.shapes import Asset, Page

FILTERS = {
    "q": "a word in key, name or description",
    "prefix": "keys that begin so, e.g. s3://lake/",
    "group": "one group",
    "tag": "a tag: name or name:value",
    "owner": "an owner",
    "state": "fresh, stale, failed, checks-failing or unknown",
    "sort": "key, name, last (longest ago first) or -last (newest first)",
}
FIRST_STEP = "No assets yet. Emit one: assetlog emit asset.materialized s3://lake/orders.parquet"
COLUMNS = (
    Column("state", keep=True),
    Column("key"),
    Column("last materialized", keep=True),
    Column("count", right=True),
    Column("upstream", right=True),
    Column("group", from_width=110),
)


def configure(parser: argparse.ArgumentParser) -> None:
    """The command's options."""
    for name, text in FILTERS.items():
        parser.add_argument(f"--{name}", help=text)
    parser.add_argument("--retired", action="store_true", default=None, help="also assets that were retired")
    parser.add_argument("--tree", action="store_true", help="show them by scheme and path")
    context.add_list_options(parser)
    context.add_reading_options(parser)


def run(args: argparse.Namespace) -> int:
    """Answer once."""
    from assetlog.schemas.shapes import Asset, Page

    filters = {name: getattr(args, name) for name in (*FILTERS, "limit", "cursor")}
    if args.retired:
        filters["retired"] = "true"

    def render(page: Page[Asset]) -> None:
        if not page.items and output.on_terminal():
            narrowed = args.as_of or any(getattr(args, name) for name in FILTERS)
            output.say("No asset is like that." if narrowed else FIRST_STEP)
        elif args.tree:
            show_tree(page)
        else:
            show_assets(page)
        context.footer(args, page.position, page.next)

    return context.answer(args, "/v1/assets", Page[Asset], render, **filters)


def show_assets(page: Page[Asset]) -> None:
    """The assets as a table."""
    output.table(COLUMNS, (_row(asset) for asset in page.items))


def show_tree(page: Page[Asset]) -> None:
    """The assets by scheme and path."""
    from assetlog.catalog.cli.graphs import key_tree, print_forest

    assets = {asset.key: asset for asset in page.items}
    labels = {key: _label(asset) for key, asset in assets.items()}
    print_forest(key_tree(assets), labels)


def _label(asset: Asset) -> list[Cell]:
    last = asset.last_materialization
    return ["  ", output.state(asset.state), Styled(f"  {output.when(last.time)}" if last else "", "dim")]


def _row(asset: Asset) -> list[Cell]:
    last = asset.last_materialization
    return [
        output.state("retired" if asset.retired else asset.state),
        asset.key,
        output.when(last.time if last else None),
        str(asset.materializations),
        str(len(asset.upstream)),
        asset.group or "",
    ]
