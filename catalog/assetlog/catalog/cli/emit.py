"""Emit one event, a file of events, or what waits in the spool.

assetlog emit asset.materialized s3://lake/orders --upstream postgres://shop/orders --meta rows=1024
assetlog emit --file events.ndjson
assetlog emit --drain
"""

from __future__ import annotations

import argparse
import logging
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from assetlog.schemas.errors import Conflict, Invalid, Unavailable

if TYPE_CHECKING:
    from assetlog.producers.emitter import Emitter
    from assetlog.producers.outbox import Emission

WAIT_SECONDS = 30.0


def configure(parser: argparse.ArgumentParser) -> None:
    """Declare the options."""
    parser.add_argument("type", nargs="?", metavar="TYPE", help="the event's type, e.g. asset.materialized")
    parser.add_argument("subject", nargs="?", metavar="KEY", help="the asset's key; an artifact's key, a run's id")
    event = parser.add_argument_group("the event")
    event.add_argument("--upstream", action="append", default=[], metavar="KEY", help="an asset it was made from")
    event.add_argument("--meta", action="append", default=[], metavar="K=V", help="metadata; V is JSON or else text")
    event.add_argument("--partition", help="the part that was written, e.g. 2026-11-21")
    event.add_argument("--by", help="the tool that did it, e.g. dbt")
    event.add_argument("--data", metavar="JSON", help="the event's whole data as JSON; the options above go on top")
    event.add_argument("--id", help="the event's id, for a safe repetition (default: a fresh UUIDv7)")
    event.add_argument("--time", help="when it happened, RFC 3339 (default: now)")
    event.add_argument("--source", help="who says so (default: ASSETLOG_SOURCE or python://<host>/assetlog)")
    many = parser.add_argument_group("many events")
    many.add_argument(
        "--file",
        metavar="NDJSON",
        help="send a file of CloudEvents, one a line; - is standard input. A line without specversion, id, source or "
        "time gets one (the id a fresh UUIDv7); lines with an id may be sent again",
    )
    many.add_argument("--drain", action="store_true", help="send what waits in this machine's spool")
    where = parser.add_argument_group("where to")
    where.add_argument("--url", help="a node or a log server; ASSETLOG_URL, else the node of this machine")
    where.add_argument("--data-dir", type=Path, help="the data directory (default: ~/.assetlog)")
    where.add_argument("--catalog", help="the catalog, where the URL is a log server")
    where.add_argument("--strict", action="store_true", help="fail (5) instead of keeping events in the spool")


def run(args: argparse.Namespace) -> int:
    """Do what the options ask for."""
    if (args.type is not None) + (args.file is not None) + args.drain != 1:
        raise _usage("Name one of: an event's TYPE, --file, --drain.")
    if args.file is not None:
        from assetlog.catalog.cli.emit_file import emit_file

        return emit_file(args)
    with quiet(), open_emitter(args) as emitter:
        return _drain(args, emitter) if args.drain else _emit(args, emitter)


@contextmanager
def quiet() -> Iterator[None]:
    """Without the SDK's warnings: the command says itself what became of each event."""
    logger = logging.getLogger("assetlog")
    before = logger.level
    logger.setLevel(logging.CRITICAL)
    try:
        yield
    finally:
        logger.setLevel(before)


def open_emitter(args: argparse.Namespace) -> Emitter:
    """The emitter that the options name. It is not strict: this command reports what became of each event itself."""
    from assetlog.producers.emitter import Emitter

    source = getattr(args, "source", None)
    return Emitter(args.url, source=source, catalog=args.catalog, home=args.data_dir, strict=False)


def _emit(args: argparse.Namespace, emitter: Emitter) -> int:
    data = _data(args)
    emission = emitter.emit(
        args.type, args.subject, data, event_id=args.id, time=args.time, wait=True, timeout=WAIT_SECONDS
    )
    return _report(args, emission)


def _report(args: argparse.Namespace, emission: Emission) -> int:
    if args.json:
        import msgspec

        print(msgspec.json.encode(emission).decode())
    elif emission.position or emission.ack in {"disk", "memory", "unknown"}:
        again = " (the log had it already)" if emission.duplicate else ""
        print(f"{emission.position or 'written'}  {emission.id}  ack: {emission.ack}{again}")
    if emission.redacted and not args.json:
        from assetlog.catalog.cli.emit_file import REDACTED_NOTICE

        print(REDACTED_NOTICE.format(emission.redacted), file=sys.stderr)
    if emission.ack == "refused":
        code, _, detail = (emission.reason or "").partition(": ")
        raise (Conflict if code == "id-conflict" else Invalid)(detail, code=code)
    if emission.ack in {"lost", "pending"} or (emission.ack == "spool" and args.strict):
        raise Unavailable(emission.reason, code="not-in-log", hint=_WHERE[emission.ack])
    if emission.ack == "spool" and not args.json:
        print(f"{emission.id}  kept in the spool: {emission.reason}", file=sys.stderr)
    return 0


_WHERE = {
    "lost": "The event is kept nowhere.",
    "pending": "It may be in the log; send it again with the same --id.",
    "spool": "It is kept in the spool and delivered later.",
}


def _drain(args: argparse.Namespace, emitter: Emitter) -> int:
    drained = emitter.drain()
    if args.json:
        import msgspec

        print(msgspec.json.encode(drained).decode())
        return 0
    print(
        f"{drained.delivered:,} events delivered ({drained.duplicates:,} duplicates), "
        f"{drained.rejected:,} set aside, {drained.left:,} left"
    )
    return 0


def _data(args: argparse.Namespace) -> dict[str, Any]:
    data = _json_object(args.data) if args.data else {}
    metadata = dict(map(pair, args.meta))
    if metadata:
        data["metadata"] = {**data.get("metadata", {}), **metadata}
    given = {"upstream": args.upstream, "partition": args.partition, "by": args.by}
    return data | {name: value for name, value in given.items() if value}


def _json_object(text: str) -> dict[str, Any]:
    import msgspec

    try:
        return msgspec.json.decode(text, type=dict[str, Any])
    except msgspec.MsgspecError as error:
        raise _usage(f"--data is not a JSON object: {error}.") from None


def pair(text: str) -> tuple[str, Any]:
    """One `--meta`.

    >>> pair("rows=1024"), pair("note=as text")
    (('rows', 1024), ('note', 'as text'))
    """
    import msgspec

    name, equals, value = text.partition("=")
    if not name or not equals:
        raise _usage(f"--meta {text!r} is not K=V.")
    try:
        return name, msgspec.json.decode(value)
    except msgspec.MsgspecError:
        return name, value


def _usage(detail: str) -> Invalid:
    return Invalid(detail, code="usage", hint="`assetlog emit --help` shows the options.")
