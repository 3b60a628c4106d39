"""What the reading commands share: their options, the node they ask, the moment they mean."""

from __future__ import annotations

import argparse
import re
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

from assetlog.catalog.cli.moments import AS_OF_HELP, full_local, moment, recorded
from assetlog.schemas.positions import parse_position

if TYPE_CHECKING:
    from assetlog.catalog.client import Client

Shape = TypeVar("Shape")
DEFAULT_LIMIT = 100


def add_node_options(parser: argparse.ArgumentParser) -> None:
    """`--url` and `--data-dir`: which node is asked."""
    group = parser.add_argument_group("which node")
    group.add_argument("--url", help="the node's URL; ASSETLOG_URL, else the node of this machine, unless given")
    group.add_argument("--data-dir", type=Path, help="the data directory whose node is asked (default: ~/.assetlog)")


def add_reading_options(parser: argparse.ArgumentParser) -> None:
    """`--as-of`, and which node is asked."""
    accept_ages(parser)
    parser.add_argument("--as-of", metavar="MOMENT", help=f"answer as of {AS_OF_HELP}")
    add_node_options(parser)


def add_list_options(parser: argparse.ArgumentParser, limit: int = DEFAULT_LIMIT) -> None:
    """`--limit` and `--cursor` of a list."""
    parser.add_argument("--limit", type=int, default=limit, metavar="N", help=f"at most so many (default: {limit})")
    parser.add_argument("--cursor", help="go on where the last list ended")


def accept_ages(parser: argparse.ArgumentParser) -> None:
    """Let `-10m` be a value and not an option, as Python 3.14 does by itself."""
    parser._negative_number_matcher = re.compile(r"-\.?\d")  # noqa: SLF001


def open_client(args: argparse.Namespace) -> Client:
    """The client for the node that the options name."""
    from assetlog.catalog.client import Client

    return Client(args.url, home=args.data_dir)


def user() -> str | None:
    """Who sits at this machine, for the log of a node that asks nobody for a token."""
    import getpass

    try:
        return getpass.getuser()
    except (KeyError, OSError):  # a container's user may have no name
        return None


def as_of(args: argparse.Namespace) -> str | None:
    """The moment of `--as-of` as the API takes it."""
    return moment(args.as_of) if args.as_of else None


def answer(
    args: argparse.Namespace,
    path: str,
    shape: type[Shape],
    render: Callable[[Shape], None],
    **params: object,
) -> int:
    """Ask the node once; print its JSON untouched with `--json`, else what `render` makes of it."""
    if args.json:
        return print_raw(args, path, **params)
    with open_client(args) as client:
        render(client.read(path, shape, as_of=as_of(args), **params))
    return 0


def print_raw(args: argparse.Namespace, path: str, **params: object) -> int:
    """Ask the node once and print its JSON untouched."""
    from assetlog.catalog.cli import output

    with open_client(args) as client:
        output.answer(client.fetch(path, as_of=as_of(args), **params))
    return 0


def footer(args: argparse.Namespace, position: str, cursor: str | None = None) -> None:
    """Below a list on a terminal: the moment it shows, and how to see more."""
    from assetlog.catalog.cli import output

    if not output.on_terminal():
        return
    parts = []
    if args.as_of and parse_position(position):
        parts.append(f"as of {full_local(recorded(position))} (position {position})")
    if cursor:
        parts.append(f"more: --cursor {cursor}")
    if parts:
        output.say()
        output.say(output.Styled(" · ".join(parts), "dim"))
