"""Look at the archive of the log, seal what waits, or hash every sealed event again."""

from __future__ import annotations

import argparse
import json
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from assetlog.catalog.cli import output
from assetlog.catalog.cli.flags import add_settings, read_settings
from assetlog.catalog.cli.output import Styled
from assetlog.schemas.positions import format_position

if TYPE_CHECKING:
    from assetlog.catalog.settings import Settings
    from assetlog.consumers.archive.archive import Archive

SETTINGS = ("home", "redis_url", "catalog", "archive_url", "archive_every", "archive_keep_in_log")


def configure(parser: argparse.ArgumentParser) -> None:
    """The command's options: what to do, and where the data is."""
    parser.add_argument(
        "action",
        choices=tuple(ACTIONS),
        help="status: how far it reaches, and who waits for what; seal: seal all that is folded and trim, while no "
        "node runs; verify-hashes: read and hash every sealed event",
    )
    add_settings(parser, only=SETTINGS)


def run(args: argparse.Namespace) -> int:
    """Do it."""
    return ACTIONS[args.action](read_settings(args), args.json)


def status(settings: Settings, as_json: bool) -> int:
    """How far the archive reaches and how large it is; what the log server knows of it, if one runs."""
    from contextlib import closing

    from assetlog.catalog.event_log import open_archive

    with closing(open_archive(settings)) as archive:
        facts = _facts(archive) | _server_facts(settings)
    if as_json:
        output.answer(json.dumps(facts).encode())
        return 0
    size = f"{facts['bytes']:,} bytes, {facts['bytes'] / max(1, facts['events']):.0f} an event"
    output.pairs(
        [
            ("archive", facts["url"]),
            ("segments", f"{facts['segments']:,}"),
            ("events", f"{facts['events']:,} ({size})"),
            ("reaches", f"{facts['first']} to {facts['last']}" if facts["events"] else "nowhere yet"),
            ("trimmed", facts.get("trimmed") or "nothing"),
            *((f"node {node['name']}", _node_text(node)) for node in facts.get("nodes", ())),
        ]
    )
    return 0


def seal(settings: Settings, as_json: bool) -> int:
    """Fold to the end of the log, seal all of it, trim."""
    from assetlog.catalog.cli.whole_log import log_of_stopped_node
    from assetlog.catalog.projection import PROJECTION
    from assetlog.consumers.archive.archiver import Archiver, Rules
    from assetlog.consumers.archive.stopped import StoppedProjection
    from assetlog.consumers.fold.fold import open_fold
    from assetlog.consumers.fold.progress import MAX_POSITION
    from assetlog.consumers.fold.rebuild import extend
    from assetlog.consumers.log.home import place_of

    with log_of_stopped_node(settings) as log:
        fold, _ = open_fold(settings.home / PROJECTION, settings.catalog, log)
        try:
            extend(fold, log, MAX_POSITION, lambda *_: None)
            rules = Rules(settings.archive_every, settings.archive_keep_in_log)
            place, projection = place_of(settings.home), StoppedProjection(fold)
            archiver = Archiver(log.stream.client, settings.catalog, place, log.archive, projection, rules)
            segments = archiver.seal_all()
            archiver.stop()
            facts = {"sealed": sum(segment.count for segment in segments)} | _facts(log.archive)
        finally:
            fold.close()
    if as_json:
        output.answer(json.dumps(facts).encode())
    else:
        output.say(f"Sealed {facts['sealed']:,} events; the archive reaches {facts['last'] or 'nowhere yet'}.")
    return 0


def verify_hashes(settings: Settings, as_json: bool) -> int:
    """Hash everything that is sealed; the first segment that is not what it was is an error."""
    from contextlib import closing

    from assetlog.catalog.event_log import open_archive

    with closing(open_archive(settings)) as archive:
        events = sum(segment.count for segment in archive.verify())
        facts = _facts(archive)
    if as_json:
        output.answer(json.dumps(facts | {"verified": events}).encode())
        return 0
    output.say(Styled(f"{events:,} events in {facts['segments']:,} segments are as they were sealed.", "green"))
    output.say(Styled(f"hash {facts['sha256']}", "dim"))
    return 0


ACTIONS: dict[str, Callable[[Settings, bool], int]] = {
    "status": status,
    "seal": seal,
    "verify-hashes": verify_hashes,
}


def _facts(archive: Archive) -> dict[str, Any]:
    from assetlog.catalog.settings import without_password

    first, last = archive.first, archive.last
    return {
        "url": without_password(archive.place.url),
        "segments": len(archive.segments),
        "events": archive.count,
        "bytes": sum(segment.size for segment in archive.segments),
        "first": None if first is None else format_position(first),
        "last": None if last is None else format_position(last),
        "sha256": archive.head,
    }


def _server_facts(settings: Settings) -> dict[str, Any]:
    """What the log server knows; nothing while none runs."""
    from assetlog.consumers.log.connection import connect_sync
    from assetlog.consumers.log.trim import nodes, read_record
    from assetlog.schemas.node_file import read_node_file

    node = read_node_file(settings.home)
    url = settings.redis_url or (node.log if node else None)
    if url is None:
        return {}
    with connect_sync(url) as client:
        record = read_record(client, settings.catalog)
        found = nodes(client, settings.catalog)
    return {
        "trimmed": format_position(record.trimmed) if record and record.trimmed else None,
        "nodes": [
            {
                "name": each.name,
                "position": format_position(each.position),
                "archived": format_position(each.archived),
                "silent": each.silent,
            }
            for each in found
        ],
    }


def _node_text(node: dict[str, Any]) -> str:
    return f"at {node['position']}, {node['silent']:.0f} s ago"
