"""Is it still the same log? Compares the server's log with the last entry a projection has folded."""

from __future__ import annotations

import hashlib
import time
from typing import Any, Final, Protocol

import redis
from msgspec import Struct

from assetlog.consumers.log.bodies import body_of
from assetlog.consumers.log.faults import explain
from assetlog.schemas.errors import Broken
from assetlog.schemas.positions import SEQ_BITS, format_position
from assetlog.schemas.stream import archive_key, stream_key

AHEAD_ALLOWED: Final = 300.0
"""Seconds the log's last position may be ahead of our clock."""

WAYS_OUT: Final = (
    "Either bring the right log back (the right URL, the right server, its files from a backup) and the node goes on "
    "by itself; or stop the node and run `assetlog rebuild`, which starts from what log and archive hold now, drops "
    "from the catalog what is in neither, and keeps the old catalog.duckdb beside the new one. Where the archive "
    "reaches further than the log, add --log-from-archive: the log then goes on where the archive ends."
)


class Sealed(Protocol):
    """The archive, as far as continuity is concerned."""

    @property
    def first(self) -> int | None:
        """The first sealed position."""

    @property
    def last(self) -> int | None:
        """The last sealed position."""

    def digest_at(self, position: int) -> bytes | None:
        """`entry_digest` of the sealed entry at a position."""


class Mark(Struct, frozen=True):
    """Where a projection stands: the last entry it has folded, and the server it read it from."""

    position: int
    entry_sha256: bytes
    """`entry_digest` of the bytes at the position."""
    server: str
    """The server's replication id; it changes at every restart, so it only helps to explain."""


class LogState(Struct, frozen=True, kw_only=True):
    """What the server's log looks like now; positions are None where there is none."""

    exists: bool
    length: int = 0
    first: int | None = None
    at_first: bytes | None = None
    """`entry_digest` of the first entry."""
    last_generated: int | None = None
    """The highest position ever given, also when its entry is gone."""
    removed: int | None = None
    """Entries ever added and no longer there; None when the server does not count (Redis before 7.0)."""
    deleted_up_to: int = 0
    """The highest position deleted one by one (XDEL)."""
    at_mark: bytes | None = None
    """`entry_digest` of the entry at the mark, None when there is none."""
    server: str = ""
    clock: float = 0.0
    """The server's time, in seconds since 1970."""
    trimmed: int = 0
    """Where our own trim last ended, as the server keeps it; 0 for never."""


def entry_digest(raw: bytes) -> bytes:
    """What a mark keeps of an entry: the SHA-256 of the event's bytes."""
    return hashlib.sha256(raw).digest()


def check(
    client: redis.Redis,
    catalog: str,
    mark: Mark | None,
    *,
    first: int | None = None,
    archive: Sealed | None = None,
    now: float | None = None,
) -> LogState:
    """Make sure the log is the one a projection was folded from, and goes on from there.

    Args:
        mark: where the projection stands; None for one that has folded nothing.
        first: the first entry the projection has folded: nobody may have trimmed it either, unless it is sealed.
        archive: what was sealed: the log may have been trimmed behind it, and only there.
        now: our clock, in seconds since 1970.

    Returns:
        What the log looks like.

    Raises:
        Broken: with code `log-empty` (nothing there), `log-behind` (an older copy of itself), `log-truncated`
            (trimmed or deleted behind our back), `log-replaced` (another log), `log-ahead` (its last position is
            in the future), or `archive-missing` (trimmed behind an archive that is not this one). Folding must stop.
        Unavailable: the server cannot be reached.
    """
    state = look(client, catalog, mark)
    if mark is None or (first is not None and state.trimmed > first):
        _check_archive(state, archive)
    if mark is not None:
        _check_mark(state, mark, archive)
        if first is not None:
            _check_head(state, mark, first, archive)
    _check_clock(state, time.time() if now is None else now)
    return state


def look(client: redis.Redis, catalog: str, mark: Mark | None = None) -> LogState:
    """The log as it is now, read at one moment.

    Raises:
        Unavailable: the server cannot be reached.
        Broken: the catalog's key is not a stream.
    """
    key = stream_key(catalog)
    pipeline = client.pipeline(transaction=True)
    pipeline.exists(key)
    pipeline.time()
    pipeline.xinfo_stream(key)
    at = format_position(mark.position) if mark else "0-0"
    pipeline.xrange(key, at, at)
    pipeline.hget(archive_key(catalog), "trimmed")
    try:
        exists, clock, about, at_mark, trimmed = pipeline.execute(raise_on_error=False)
        server = str(client.info("replication")["master_replid"])
        if exists:
            for answer in (about, at_mark):
                if isinstance(answer, Exception):
                    raise answer
    except (redis.RedisError, OSError) as error:
        raise explain(error) from error
    seconds = clock[0] + clock[1] / 1e6
    if not exists:
        return LogState(exists=False, server=server, clock=seconds)
    return _state(about, at_mark, server, seconds, _loose_position(trimmed) if isinstance(trimmed, bytes) else 0)


def _state(about: dict[str, Any], at_mark: list[Any], server: str, clock: float, trimmed: int) -> LogState:
    first = about["first-entry"]
    added = about.get("entries-added")
    return LogState(
        exists=True,
        length=about["length"],
        first=_loose_position(first[0]) if first else None,
        at_first=entry_digest(_first_body(first[1])) if first else None,
        last_generated=_loose_position(about["last-generated-id"]),
        removed=None if added is None else added - about["length"],
        deleted_up_to=_loose_position(about.get("max-deleted-entry-id", b"0-0")),
        at_mark=entry_digest(body_of(at_mark[0][1])) if at_mark else None,
        server=server,
        clock=clock,
        trimmed=trimmed,
    )


def _first_body(fields: Any) -> bytes:
    """The event in XINFO's first entry, whose fields come as a flat list from some clients."""
    return body_of(fields if isinstance(fields, dict) else dict(zip(fields[::2], fields[1::2], strict=True)))


def _loose_position(entry_id: bytes) -> int:
    """A position that may lie beyond the range of positions: still comparable, only not storable."""
    ms, _, seq = entry_id.partition(b"-")
    return int(ms) << SEQ_BITS | min(int(seq), (1 << SEQ_BITS) - 1)


def _check_archive(state: LogState, archive: Sealed | None) -> None:
    """A log that we trimmed is whole only together with the archive it was trimmed behind."""
    if state.trimmed <= ((archive.last if archive else None) or 0):
        return
    raise Broken(
        f"The log was trimmed up to {format_position(state.trimmed)} behind an archive that this node does not have.",
        code="archive-missing",
        field="archive_url",
        rule="a node that was not there for all of the log reads the beginning from the archive",
        hint="Give the node the catalog's ASSETLOG_ARCHIVE_URL (the same for all nodes), or restore the archive.",
    )


def _overlap(state: LogState, archive: Sealed) -> bool:
    """Whether the log begins before the archive ends: then together they have no gap."""
    return archive.last is not None and state.first is not None and state.first <= archive.last


def _bridges(state: LogState, mark: Mark, archive: Sealed) -> bool:
    """Whether the archive is of the projection's log and of this one: it holds the mark, and where the log begins."""
    at_first = None if state.first is None else archive.digest_at(state.first)
    return archive.digest_at(mark.position) == mark.entry_sha256 and at_first == state.at_first


def _check_mark(state: LogState, mark: Mark, archive: Sealed | None) -> None:
    if state.at_mark == mark.entry_sha256:
        return
    last = state.last_generated or 0
    if not state.exists or last == 0:
        raise _gap(mark, "log-empty", "The log server holds no log of this catalog: it is empty, or another server.")
    if state.at_mark is not None:
        raise _gap(mark, "log-replaced", "The entry there is another one: this log took another way (or is another).")
    if last < mark.position:
        raise _gap(
            mark,
            "log-behind",
            f"The log ends before it, at {format_position(last)}: it is an older copy of itself "
            "(a restored backup, a failover to a lagging replica, a lost end of the file).",
        )
    if archive is not None and _overlap(state, archive) and _bridges(state, mark, archive):
        return
    raise _missing(state, mark)


def _check_head(state: LogState, mark: Mark, first: int, archive: Sealed | None) -> None:
    """The log, or the archive that it continues, still begins where the projection began."""
    if archive is not None and archive.first is not None and archive.first <= first and _overlap(state, archive):
        return
    if state.first is not None and state.first > first:
        raise _gap(
            mark,
            "log-truncated",
            f"The log begins at {format_position(state.first)}, but events from {format_position(first)} on were "
            "folded: it was trimmed behind our back (XTRIM, XADD MAXLEN or MINID), and with it the bodies of those "
            "events.",
            lost="all events that were folded, up to",
        )


def _missing(state: LogState, mark: Mark) -> Broken:
    """The log reaches past the mark, but the entry at the mark is not there: why?"""
    if state.first is None or (state.first > mark.position and _was_trimmed(state, mark)):
        begins = "holds no entry any more" if state.first is None else f"begins at {format_position(state.first)}"
        return _gap(
            mark,
            "log-truncated",
            f"The log {begins}: it was trimmed behind our back (XTRIM, XADD MAXLEN or MINID), "
            "and events between the two may never have been folded.",
        )
    if state.first > mark.position:
        return _gap(mark, "log-replaced", "The log begins after it and nothing was ever removed: it is a new log.")
    if state.deleted_up_to >= mark.position:
        return _gap(mark, "log-truncated", "The entry was deleted from the log (XDEL), and others may have been.")
    return _gap(
        mark,
        "log-replaced",
        "The log goes on past it without that entry: it is a copy that took another way after an older point "
        "(a failover that lost entries, a restored backup that was written to).",
    )


def _was_trimmed(state: LogState, mark: Mark) -> bool:
    # Redis 6.2 does not count what was added; there a changed server id is the only hint at another log.
    return state.removed > 0 if state.removed is not None else state.server == mark.server


def _check_clock(state: LogState, now: float) -> None:
    if state.last_generated is None:
        return
    ahead = (state.last_generated >> SEQ_BITS) / 1000 - now
    if ahead <= AHEAD_ALLOWED:
        return
    skew = state.clock - now
    cause = (
        f"The server's clock is {skew:.0f} s ahead of this machine's: set both."
        if skew > AHEAD_ALLOWED / 2
        else "An entry with a made-up ID was added (XADD with an explicit ID); every later one gets an ID after it."
    )
    raise Broken(
        f"The log's last position is {ahead:.0f} s in the future. {cause}",
        code="log-ahead",
        field="position",
        value=str(state.last_generated >> SEQ_BITS),
        rule=f"the log's last position is at most {AHEAD_ALLOWED:.0f} s ahead of this machine's clock",
        hint="Correct the clock and wait, or delete the entry (XDEL) and set the last ID back (XSETID), "
        "then start again.",
    )


def _gap(mark: Mark, code: str, what: str, *, lost: str = "the last folded event, at") -> Broken:
    return Broken(
        f"The log no longer holds {lost} {format_position(mark.position)}. {what}",
        code=code,
        field="position",
        value=format_position(mark.position),
        rule="the entry at the last folded position is still in the log, unchanged",
        hint=WAYS_OUT,
    )
