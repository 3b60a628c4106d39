"""List the artifacts; `show KEY` draws one here; `versions`, `history` and `diff KEY` tell how it came to be."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import TYPE_CHECKING

from assetlog.catalog.cli import context, output
from assetlog.catalog.cli.output import Cell, Column, Styled
from assetlog.schemas.errors import Invalid

if TYPE_CHECKING:
    from assetlog.schemas.shapes import Artifact, Page

ACTIONS = ("list", "show", "versions", "history", "diff")
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
    parser.add_argument("action", nargs="?", choices=ACTIONS, default="list")
    parser.add_argument("key", nargs="?", help="the artifact's key, or its id")
    parser.add_argument("--version", type=int, metavar="N", help="show this version (default: the newest)")
    parser.add_argument("--from", dest="from_", type=int, metavar="N", help="diff: the earlier version")
    parser.add_argument("--to", type=int, metavar="N", help="diff: the later version (default: the newest)")
    parser.add_argument("--save", type=Path, metavar="FILE", help="show: write the image or text to a file")
    parser.add_argument("--q", help="a word in key or description")
    parser.add_argument("--type", help="markdown, table, link, image, progress or json")
    parser.add_argument("--asset", metavar="KEY", help="only artifacts about this asset")
    parser.add_argument("--run", metavar="ID", help="only artifacts of this run")
    context.add_list_options(parser)
    context.add_reading_options(parser)


def run(args: argparse.Namespace) -> int:
    """Answer once."""
    if args.action != "list" and not args.key:
        raise Invalid(f"`assetlog artifacts {args.action}` needs the artifact's key.", code="invalid-usage")
    tell = {"show": _show, "history": _history, "diff": _diff}.get(args.action, _list)
    return tell(args)


def _show(args: argparse.Namespace) -> int:
    from assetlog.catalog.cli.artifact_view import show_artifact
    from assetlog.schemas.shapes import Artifact

    if args.save is not None:
        from assetlog.catalog.cli.artifact_file import save

        return save(args, _named(args))
    return context.answer(args, "/v1/artifact", Artifact, show_artifact, **_named(args))


def _history(args: argparse.Namespace) -> int:
    from assetlog.catalog.cli.artifact_view import show_history
    from assetlog.schemas.artifact_shapes import ArtifactChange
    from assetlog.schemas.shapes import Page

    def render(page: Page[ArtifactChange]) -> None:
        show_history(page.items)
        context.footer(args, page.position, page.next)

    params = {**_named(args), "limit": args.limit, "cursor": args.cursor}
    return context.answer(args, "/v1/artifact/history", Page[ArtifactChange], render, **params)


def _diff(args: argparse.Namespace) -> int:
    from assetlog.catalog.cli.artifact_view import show_diff
    from assetlog.schemas.artifact_shapes import ArtifactDiff

    params = {"key": args.key, "from": args.from_, "to": args.to}
    return context.answer(args, "/v1/artifact/diff", ArtifactDiff, show_diff, **params)


def _list(args: argparse.Namespace) -> int:
    from assetlog.schemas.shapes import Artifact, Page

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
