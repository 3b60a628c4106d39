"""Sealing: the next entries of the log, as stored, and the rows they became, into one file that is never changed."""

from __future__ import annotations

import contextlib
import hashlib
import secrets
from collections.abc import Iterator
from contextlib import ExitStack, closing
from datetime import UTC, datetime
from pathlib import Path
from typing import Final, NamedTuple

import duckdb
import msgspec
from msgspec import Struct

from assetlog.consumers.archive.archive import Archive, sql
from assetlog.consumers.archive.manifest import Segment, SegmentHash
from assetlog.consumers.crash_points import passing
from assetlog.consumers.fold.rebuild import OrderedLog
from assetlog.consumers.fold.version import fold_version
from assetlog.schemas.errors import Broken
from assetlog.schemas.positions import format_position
from assetlog.schemas.times import format_time

PART: Final = 8_192
"""Entries that are in memory at once."""
READ: Final = 512
"""Entries a read: between two, other threads get the interpreter."""


_JOINING: Final[dict[str, str | bool | int | float | list[str]]] = {
    "autoinstall_known_extensions": "false",
    "autoload_known_extensions": "false",
    "enable_external_file_cache": "false",
    "threads": 1,
}


class Envelope(Struct, frozen=True):
    """What is kept of an entry's envelope, to find it by; None where the entry does not say."""

    source: str | None = None
    id: str | None = None
    subject: str | None = None


class _Part(NamedTuple):
    file: Path
    first: int
    last: int


def seal(
    cursor: duckdb.DuckDBPyConnection, stream: OrderedLog, archive: Archive, *, up_to: int, most: int
) -> Segment | None:
    """Seal the entries after the archive's end; None if there is none.

    Args:
        cursor: a connection to the projection, for this call alone.
        stream: the log server's part of the log.
        up_to: the last position to seal; the projection has committed it.
        most: entries in the segment.

    Raises:
        Broken: the log no longer holds what the projection folded from it (`log-truncated`).
        Conflict: another node sealed meanwhile (`archive-moved`).
        Unavailable: the log server or the archive's store cannot be reached.
        OSError: the disk is full or refuses; nothing of the archive was changed.
    """
    after, chain = archive.last or 0, SegmentHash(archive.head)
    with ExitStack() as written:
        parts: list[_Part] = []
        while chain.count < most:
            file = written.enter_context(_temporary(archive))
            part = _write_part(cursor, stream, chain, file, parts[-1].last if parts else after, up_to, most)
            if part is None:
                break
            parts.append(part)
        if not parts:
            return None
        file = written.enter_context(_temporary(archive))
        with closing(duckdb.connect(":memory:", config=_JOINING)) as joining:  # its memory goes with it
            sql("seal").run(joining, {"parts": [str(part.file) for part in parts], "file": str(file)})
        segment = _describe(file, parts[0].first, parts[-1].last, chain, archive.head)
        archive.place.store(file, segment.file)
    archive.append(segment)
    passing("archive.listed")
    return segment


def _write_part(
    cursor: duckdb.DuckDBPyConnection,
    stream: OrderedLog,
    chain: SegmentHash,
    file: Path,
    after: int,
    up_to: int,
    most: int,
) -> _Part | None:
    """Write a few thousand entries: a segment is put together from parts, so that memory does not grow with it."""
    sql("create_sealing").run(cursor, {})
    appender = cursor.appender("sealing")
    first, last, end = 0, after, min(most, chain.count + PART)
    while chain.count < end:
        entries = [entry for entry in stream.fetch_range(last, min(READ, end - chain.count)) if entry[0] <= up_to]
        if not entries:
            break
        for position, raw in entries:
            chain.add(position, raw)
        appender.append_rows([(position, raw, *_envelope(raw)) for position, raw in entries])
        first, last = first or entries[0][0], entries[-1][0]
    appender.flush()
    if not first:
        return None
    _refuse_gap(cursor, after, last)
    sql("seal_part").run(cursor, {"after": after, "last": last, "file": str(file)})
    sql("drop_sealing").run(cursor, {})
    return _Part(file, first, last)


_decode = msgspec.json.Decoder(Envelope).decode


def _envelope(raw: bytes) -> tuple[str | None, str | None, str | None]:
    try:
        envelope = _decode(raw)
    except (msgspec.DecodeError, UnicodeDecodeError):
        return None, None, None  # it is in the quarantine, which says why
    return envelope.source, envelope.id, envelope.subject


def _refuse_gap(cursor: duckdb.DuckDBPyConnection, after: int, last: int) -> None:
    """The log must still hold every entry that has a row in the projection."""
    row = sql("unmatched").row(cursor, {"after": after, "last": last})
    if row and row[0]:
        raise Broken(
            f"The log no longer holds {row[0]} of the events between {format_position(after)} and "
            f"{format_position(last)}, and they were not sealed yet: it was trimmed or deleted from behind our back.",
            code="log-truncated",
            field="position",
            value=format_position(after),
            rule="the log is trimmed only behind the archive",
            hint="Stop whatever runs XTRIM, XDEL or XADD MAXLEN on the log, and bring the log back from a backup.",
        )


@contextlib.contextmanager
def _temporary(archive: Archive) -> Iterator[Path]:
    file = archive.place.new_file()
    try:
        yield file
    finally:
        file.unlink(missing_ok=True)


def _describe(file: Path, first: int, last: int, chain: SegmentHash, previous: str) -> Segment:
    with file.open("rb") as opened:
        file_sha256 = hashlib.file_digest(opened, "sha256").hexdigest()
    return Segment(
        # a name of its own for every attempt: two that run at once never touch each other's file
        file=f"{format_position(first)}_{format_position(last)}_{secrets.token_hex(4)}.parquet",
        first=format_position(first),
        last=format_position(last),
        count=chain.count,
        sha256=chain.hexdigest(),
        previous=previous,
        file_sha256=file_sha256,
        size=file.stat().st_size,
        fold_version=fold_version(),
        created=format_time(datetime.now(UTC)),
    )
