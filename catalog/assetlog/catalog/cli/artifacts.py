"""List the artifacts; `artifacts show KEY` draws one here, `artifacts versions KEY` lists its versions."""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING

from assetlog.catalog.cli import context, output
from assetlog.catalog.cli.output import Cell, Column, Styled
from assetlog.schemas.errors import Invalid

if TYPE_CHECKING:
    from assetlog.schemas.shapes import Artifact, Page

COLUMNS = (
    Column("type", keep=True),
    Column("key"),
    Column("version", right=True),
    Column("created", keep=True),
    Column("description", from_width=70),
    Column("asset", from_width=110),
)


def configure(parser: argparse.ArgumentParser) -> None:
    """The command's options."""
    parser.add_argument("action", nargs="?", choices=("list", "show", "versions"), default="list")
    parser.add_argument("key", nargs="?", help="the artifact's key, or its id")
    parser.add_argument("--version", type=int, metavar="N", help="show this version (default: the newest)")
    parser.add_argument("--q", help="a word in key or description")
    parser.add_argument("--type", help="markdown, table, link, image, progress or json")
    parser.add_argument("--asset", metavar="KEY", help="only artifacts about this asset")
    parser.add_argument("--run", metavar="ID", help="only artifacts of this run")
    context.add_list_options(parser)
    context.add_reading_options(parser)


def run(args: argparse.Namespace) -> int:
    """Answer once."""
    from assetlog.schemas.shapes import Artifact, Page

    if args.action != "list" and not args.key:
        raise Invalid(f"`assetlog artifacts {args.action}` needs the artifact's key.", code="invalid-usage")
    if args.action == "show":
        from assetlog.catalog.cli.artifact_view import show_artifact

        return context.answer(args, "/v1/artifact", Artifact, show_artifact, **_named(args))

    def render(page: Page[Artifact]) -> None:
        output.table(COLUMNS, (_row(artifact) for artifact in page.items))
        context.footer(args, page.position, page.next)

    if args.action == "versions":
        params = {name: getattr(args, name) for name in ("key", "limit", "cursor")}
        return context.answer(args, "/v1/artifact/versions", Page[Artifact], render, **params)
    filters = {name: getattr(args, name) for name in ("q", "type", "asset", "run", "limit", "cursor")}
    return context.answer(args, "/v1/artifacts", Page[Artifact], render, **filters)


def _named(args: argparse.Namespace) -> dict[str, object]:
    """An artifact without a key is named by its id, which holds more than a key may: digits first, a UUID's form."""
    from uuid import UUID

    try:
        UUID(args.key)
    except ValueError:
        return {"key": args.key, "version": args.version}
    return {"id": args.key}


def _row(artifact: Artifact) -> list[Cell]:
    return [
        artifact.type,
        artifact.key or Styled(artifact.id, "dim"),
        f"v{artifact.version}",
        output.when(artifact.created),
        artifact.description or "",
        artifact.asset or "",
    ]
