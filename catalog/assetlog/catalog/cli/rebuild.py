"""Fold the log again from its start, beside the live file; compare the two; put the new one in its place."""

from __future__ import annotations

import argparse
import json

from assetlog.catalog.cli import output
from assetlog.catalog.cli.flags import add_settings, read_settings
from assetlog.catalog.cli.output import Styled

SETTINGS = ("home", "redis_url", "catalog", "archive_url")


def configure(parser: argparse.ArgumentParser) -> None:
    """The command's options: where the data is."""
    parser.add_argument(
        "--log-from-archive",
        action="store_true",
        help="first let a log that was lost, or restored from an older backup, go on where its archive ends",
    )
    add_settings(parser, only=SETTINGS)


def run(args: argparse.Namespace) -> int:
    """Rebuild; refused while a node runs on the data directory."""
    from assetlog.catalog.cli.whole_log import log_of_stopped_node, progress
    from assetlog.catalog.projection import PROJECTION
    from assetlog.catalog.settings import crash_at
    from assetlog.consumers.crash_points import arm
    from assetlog.consumers.fold.rebuild import rebuild

    settings = read_settings(args)
    arm(crash_at())
    with (
        log_of_stopped_node(settings, from_archive=args.log_from_archive) as log,
        progress(log, "Folding", quiet=args.json) as bar,
    ):
        result = rebuild(settings.home / PROJECTION, settings.catalog, log, bar)
    if args.json:
        facts = result._asdict() | {"equal": result.equal, "position": _text(result.position)}
        output.answer(json.dumps(facts, default=str).encode())
        return 0
    output.say(f"Folded {events(result.entries)} in {result.seconds:.2f} s, up to {_text(result.position)}.")
    output.say(Styled(f"state digest {result.digest}", "dim"))
    if result.equal:
        output.say(Styled("It equals what was there: replay equals live.", "green"))
    elif result.set_aside:
        output.say(Styled(f"It differs from what was there; the old file is kept as {result.set_aside}.", "yellow"))
    return 0


def events(count: int) -> str:
    """A number of events.

    >>> events(1), events(1200)
    ('1 event', '1,200 events')
    """
    return f"{count:,} event{'' if count == 1 else 's'}"


def _text(position: int) -> str:
    from assetlog.schemas.positions import format_position

    return format_position(position)
