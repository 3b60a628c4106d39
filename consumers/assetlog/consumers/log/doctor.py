"""What `assetlog doctor` looks at: the data directory, the log server, and whether the log is still the same."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Final

import redis
from msgspec import Struct

from assetlog.consumers.log.binary import OLDEST_EMBEDDED
from assetlog.consumers.log.connection import (
    OLDEST_EXTERNAL,
    ServerFacts,
    connect_sync,
    inspect_sync,
    public_url,
    refuse_unfit,
)
from assetlog.consumers.log.continuity import LogState, Mark, Sealed, check, look
from assetlog.consumers.log.doctor_home import examine_home
from assetlog.consumers.log.finding import Finding, from_error, size_text
from assetlog.consumers.log.server import running_server
from assetlog.schemas.errors import AssetlogError
from assetlog.schemas.positions import SEQ_BITS, format_position
from assetlog.schemas.stream import DEFAULT_CATALOG

MEMORY_WARN, MEMORY_FAIL = 0.7, 0.95
"""Shares of the memory limit (or of the machine's memory, without one)."""
SKEW_WARN, SKEW_FAIL = 2.0, 300.0
"""Seconds between the server's clock and ours."""
LAG_WARN: Final = 60.0
"""Seconds of log between the last folded event and the log's end."""


class Standing(Struct, frozen=True):
    """Where a catalog's projection stands, to compare the log with."""

    mark: Mark | None = None
    """None for one that has folded nothing, or that cannot be looked into."""
    first: int | None = None
    """The first entry it has folded."""
    archive: Sealed | None = None
    """What was sealed of its log."""


UNKNOWN = Standing()


def examine(
    home: Path, *, url: str | None = None, catalog: str = DEFAULT_CATALOG, standing: Standing = UNKNOWN
) -> list[Finding]:
    """Everything doctor can find out about a data directory and its log. Changes nothing, starts nothing.

    Args:
        home: the data directory.
        url: an external log server; the embedded one of the data directory unless given.
        catalog: the catalog's name.
        standing: where the catalog's projection stands, if it could be read.

    Example:
        ``worst = max(findings, key=lambda finding: ("ok", "warn", "fail").index(finding.status))``
    """
    findings = examine_home(home)
    where = url or running_server(home)
    if where is None:
        remedy = "Run `assetlog up` to look at it too."
        return [*findings, Finding("log-server", "ok", "The embedded log server is not running.", remedy=remedy)]
    oldest = OLDEST_EXTERNAL if url else OLDEST_EMBEDDED
    return findings + examine_server(where, catalog, standing, oldest=oldest)


def examine_server(
    url: str, catalog: str, standing: Standing = UNKNOWN, *, oldest: tuple[int, ...] = OLDEST_EXTERNAL
) -> list[Finding]:
    """What a log server says of itself and of a catalog's log; `oldest` is the oldest Redis that will do."""
    try:
        with connect_sync(url) as client:
            facts = inspect_sync(client, catalog)
            skew = facts.clock - time.time()
            findings = [server(facts, url, oldest), receipts(facts), eviction(facts), memory(facts), persistence(facts)]
            return [*findings, clock(skew), *examine_log(client, catalog, standing)]
    except AssetlogError as error:
        return [from_error("log-server", error)]


def examine_log(client: redis.Redis, catalog: str, standing: Standing = UNKNOWN) -> list[Finding]:
    """What a catalog's log holds, whether it is the one that was folded, and how far behind the fold is."""
    mark = standing.mark
    try:
        state = look(client, catalog, mark)
        return [contents(state), continuity(client, catalog, standing), *([lag(state, mark)] if mark else [])]
    except AssetlogError as error:
        return [from_error("log", error)]


def server(facts: ServerFacts, url: str, oldest: tuple[int, ...] = OLDEST_EXTERNAL) -> Finding:
    """Kind, version, role; refused for the same reasons as by a node."""
    try:
        refuse_unfit(facts, oldest=oldest)
    except AssetlogError as error:
        return from_error("log-server", error)
    return Finding("log-server", "ok", f"{facts.version_text} at {public_url(url)}.")


def receipts(facts: ServerFacts) -> Finding:
    """What a receipt's `ack` is worth, and why it is not `disk`."""
    if facts.ack == "disk":
        return Finding("receipts", "ok", "Every acknowledged event is on disk (appendonly yes, appendfsync always).")
    if facts.ack == "unknown":
        why = "nobody can say whether an acknowledged event survives a power cut"
        remedy = "Grant the log's user +config|get."
        return Finding("receipts", "warn", "The server does not tell its persistence settings.", why, remedy)
    why = "the last events before a power cut or crash may be lost though they were acknowledged"
    remedy = (
        "In the server's configuration set appendonly yes, appendfsync always, no-appendfsync-on-rewrite no "
        "(each also by CONFIG SET, then CONFIG REWRITE)."
    )
    return Finding("receipts", "warn", f"Receipts say `memory`: {_why_memory(facts)}.", why, remedy)


def eviction(facts: ServerFacts) -> Finding:
    """Nothing may push the log out of memory."""
    policy = facts.maxmemory_policy
    if policy == "noeviction":
        return Finding("eviction", "ok", "Nothing is evicted (maxmemory-policy noeviction).")
    why = "under memory pressure the server would delete the whole log"
    remedy = "Run CONFIG SET maxmemory-policy noeviction, then CONFIG REWRITE."
    if policy is None:
        return Finding("eviction", "warn", "The server does not tell its maxmemory-policy.", why, remedy)
    return Finding("eviction", "fail", f"maxmemory-policy is {policy}.", why, remedy)


def memory(facts: ServerFacts) -> Finding:
    """Room for the log in the server's memory, where all of it lives."""
    limit = facts.maxmemory or facts.total_memory
    what = "its limit" if facts.maxmemory else "the machine's memory"
    if not limit:
        return Finding("memory", "ok", f"The server uses {size_text(facts.used_memory)}.")
    share = facts.used_memory / limit
    found = f"The server uses {size_text(facts.used_memory)}, {share:.0%} of {what} ({size_text(limit)})."
    if share < MEMORY_WARN:
        return Finding("memory", "ok", found)
    why = "without room the server refuses new events"
    remedy = "Raise maxmemory." if facts.maxmemory else "Give the server a machine with more memory."
    return Finding("memory", "warn" if share < MEMORY_FAIL else "fail", found, why, remedy)


def persistence(facts: ServerFacts) -> Finding:
    """Whether the server's last writes to its disk went well."""
    if not facts.write_errors:
        return Finding("persistence", "ok", "The server's last writes to its disk went well.")
    why = "events may be refused, or the log's file grow without bound"
    remedy = "Read the server's log; most often its disk is full or its memory too small to fork."
    return Finding("persistence", "fail", f"The server reports {', '.join(facts.write_errors)}.", why, remedy)


def clock(skew: float) -> Finding:
    """The server's clock against ours: positions carry the server's time."""
    if abs(skew) < SKEW_WARN:
        return Finding("clock", "ok", "The server's clock agrees with this machine's.")
    side = "ahead of" if skew > 0 else "behind"
    found = f"The server's clock is {abs(skew):.1f} s {side} this machine's."
    why = "as-of times are read against the server's clock; far ahead, the fold stops"
    return Finding("clock", "warn" if abs(skew) < SKEW_FAIL else "fail", found, why, "Synchronise both (NTP).")


def contents(state: LogState) -> Finding:
    """How long the log is, and whether anything was removed from it."""
    if state.first is None or state.last_generated is None:
        return Finding("log", "ok", "The log is empty.")
    found = (
        f"The log holds {state.length} events, {format_position(state.first)} to "
        f"{format_position(state.last_generated)}."
    )
    if not state.removed:
        return Finding("log", "ok", found)
    if state.trimmed >= state.first:
        sealed = f"{found} {state.removed} older ones were sealed in the archive, then trimmed."
        return Finding("log", "ok", sealed, remedy="`assetlog archive verify-hashes` reads them all again.")
    why = "a rebuild can only fold what the log still holds"
    remedy = "Leave the log untrimmed: remove whatever runs XTRIM, XDEL or XADD MAXLEN on it."
    return Finding("log", "warn", f"{found} {state.removed} older ones were removed.", why, remedy)


def continuity(client: redis.Redis, catalog: str, standing: Standing) -> Finding:
    """Whether the log is the one the catalog was folded from."""
    mark = standing.mark
    try:
        check(client, catalog, mark, first=standing.first, archive=standing.archive)
    except AssetlogError as error:
        return Finding("continuity", "fail", error.detail, f"{error.code}: {error.rule}", error.hint)
    if mark is None:
        return Finding("continuity", "ok", "Nothing to compare the log with: no position of the catalog is known.")
    return Finding(
        "continuity", "ok", f"The log is the one the catalog was folded from ({format_position(mark.position)})."
    )


def lag(state: LogState, mark: Mark) -> Finding:
    """How much of the log's time the fold is behind its end."""
    behind = max(0, ((state.last_generated or 0) >> SEQ_BITS) - (mark.position >> SEQ_BITS)) / 1000
    if behind < LAG_WARN:
        return Finding("fold-lag", "ok", f"The catalog is {behind:.1f} s of log behind its end.")
    why = "answers are that old"
    remedy = "Start the node; if it runs, look at /health/ready and its log."
    return Finding("fold-lag", "warn", f"The catalog is {behind:.0f} s of log behind its end.", why, remedy)


def _why_memory(facts: ServerFacts) -> str:
    reasons = [
        (facts.aof_enabled is False, "appendonly is no"),
        (facts.first_aof_pending, "its append-only file was just switched on and is not complete yet"),
        (facts.appendfsync not in ("always", None), f"appendfsync is {facts.appendfsync}"),
        (facts.no_appendfsync_on_rewrite is not False, "it does not sync while it rewrites its file"),
        (bool(facts.write_errors), ", ".join(facts.write_errors)),
    ]
    return " and ".join(text for holds, text in reasons if holds)
