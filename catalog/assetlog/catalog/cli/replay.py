"""Fold the log up to a moment into a DuckDB file of its own, with tables for people in its schema `answers`."""

from __future__ import annotations

import argparse
import json
from pathlib import Path

from assetlog.catalog.cli import context, output
from assetlog.catalog.cli.flags import add_settings, read_settings
from assetlog.catalog.cli.moments import AS_OF_HELP, position_of
from assetlog.catalog.cli.output import Styled
from assetlog.catalog.cli.rebuild import SETTINGS, events
from assetlog.schemas.positions import format_position, parse_position


def configure(parser: argparse.ArgumentParser) -> None:
    """The command's options: up to when, into which file, and where the data is."""
    context.accept_ages(parser)
    parser.add_argument("--as-of", metavar="MOMENT", default="now", help=f"{AS_OF_HELP}; now unless given")
    parser.add_argument("--into", type=Path, required=True, metavar="FILE", help="the DuckDB file to write")
    parser.add_argument("--no-bodies", action="store_true", help="leave the events' bytes out: a smaller file")
    add_settings(parser, only=SETTINGS)


def run(args: argparse.Namespace) -> int:
    """Replay; a running node goes on undisturbed."""
    from assetlog.catalog.cli.whole_log import log_to_read, progress
    from assetlog.consumers.fold.rebuild import replay

    settings = read_settings(args)
    up_to = parse_position(position_of(args.as_of))
    with log_to_read(settings) as log, progress(log, "Folding", quiet=args.json) as bar:
        position, entries, digest = replay(
            args.into, settings.catalog, log, up_to=up_to, bodies=not args.no_bodies, on_progress=bar
        )
    if args.json:
        facts = {"file": str(args.into), "position": format_position(position), "entries": entries, "digest": digest}
        output.answer(json.dumps(facts).encode())
        return 0
    output.say(f"Folded {events(entries)} up to {format_position(position)} into {args.into}.")
    output.say(Styled(f"state digest {digest}", "dim"))
    output.say(f"Look inside: duckdb {args.into} 'from answers.assets'")
    return 0
