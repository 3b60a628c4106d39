"""The fold: a batch of the log's entries becomes rows of the projection in one transaction, each event once.

However the log is split into batches, the tables are equal: nothing here looks at a clock or at the batch.
"""

from __future__ import annotations

import contextlib
import time
from collections.abc import Callable, Iterator, Sequence
from hashlib import sha256
from pathlib import Path
from typing import NamedTuple, Protocol

import duckdb

from assetlog.consumers.crash_points import passing
from assetlog.consumers.fold.changes import Change, change_of
from assetlog.consumers.fold.identity import Identity, identity
from assetlog.consumers.fold.known import Known
from assetlog.consumers.fold.progress import (
    Mark,
    Totals,
    keys_at,
    latest_snapshot,
    load_first,
    load_mark,
    load_position,
    statement,
)
from assetlog.consumers.fold.refusals import id_conflict, no_event_field
from assetlog.consumers.fold.rows import Rows
from assetlog.consumers.fold.store import (
    Store,
    open_store,
    put_aside_damaged,
    refuse_unless_damaged,
    set_aside,
)
from assetlog.consumers.fold.version import fold_version
from assetlog.consumers.fold.window import WINDOW_SIZE, Seen
from assetlog.consumers.fold.window_loading import load_window
from assetlog.consumers.schedule.desk import Desk
from assetlog.consumers.schedule.loading import keep, load_desk
from assetlog.consumers.schedule.past import FoldedPast
from assetlog.schemas.codec import Event, decode
from assetlog.schemas.errors import Broken, Invalid

SNAPSHOT_EVERY = 100_000
SNAPSHOT_PER_ASSET = 10
PROGRESS_EVERY = 1.0
"""Seconds between two rows of progress while commits are small."""
MOST_EXPECTED = 10_000
"""Events that are kept decoded between their acceptance and their folding."""
PROGRESS_BATCH = 1_000
"""A commit of so many entries writes its progress in any case: beside them a row costs nothing."""

Entry = tuple[int, bytes]
"""A position and the entry's bytes."""


OnFed = Callable[[Desk, int], object]
"""Takes the desk, and the position up to which it was fed."""


class Bodies(Protocol):
    """Where accepted bytes are found again."""

    def fetch(self, positions: Sequence[int]) -> list[bytes | None]:
        """The bytes at positions; None for those that are gone."""


class Commit(NamedTuple):
    """What a batch came to."""

    position: int
    folded: list[Change]
    duplicates: dict[int, int]
    """Position -> position of the first event."""
    quarantined: dict[int, Invalid]


class Fold:
    """One projection and what must be in memory to extend it. Not thread-safe: its owner is one thread.

    Args:
        store: the projection's file.
        bodies: tells equal ids with other bytes apart once the window has let go of them.
        server: the log server's replication id, kept with the position.
        window: so many of the last ids are in memory; whatever it is, the projection is the same.
    """

    def __init__(
        self,
        store: Store,
        bodies: Bodies,
        *,
        server: str = "",
        snapshot_every: int = SNAPSHOT_EVERY,
        window: int = WINDOW_SIZE,
    ) -> None:
        self.store = store
        self.server = server
        self._bodies = bodies
        self._snapshot_every = snapshot_every
        self._window_size = window
        self.on_fed: OnFed = lambda _desk, _position: None
        """Called with the desk after each batch and before its commit: what it was fed with is in the log."""
        self._rows: Rows | None = None
        self._expected: dict[bytes, tuple[Event, Identity]] = {}
        self.reload()
        self._progress_due = 0.0

    def reload(self) -> None:
        """Take what is in memory from the file again."""
        store = self.store
        self.known = Known.load(store.reader)
        self._rows = None
        self.window = load_window(store, self._window_size)
        self.mark = load_mark(store)
        self.position, self.totals, self._unsnapped = load_position(store)
        self.first = load_first(store)
        """The first entry that was folded; None before it."""
        self.desk = load_desk(store.reader, self.position, self.known, FoldedPast(store.reader, self._uncommitted))
        """What is scheduled, and what waits for it."""

    def _uncommitted(self) -> Sequence[tuple[object, ...]]:
        return () if self._rows is None else self._rows.tables["log"]

    def expect(self, raw: bytes, event: Event, of: Identity) -> None:
        """These bytes say this, as the one decoder found: they need not be decoded again. May come from any thread."""
        if len(self._expected) >= MOST_EXPECTED:
            self._expected.clear()  # of events that never came, or of a flood that is better decoded again
        self._expected[raw] = event, of

    def fold(self, entries: Sequence[Entry]) -> Commit:
        """Fold entries in log order; all of them are committed when it returns.

        Raises:
            duckdb.Error: the outcome is unknown; open the file again and read its position.
        """
        commit = Commit(entries[-1][0], [], {}, {})
        rows = self._rows = Rows(self.known, self.desk)
        decoded, doubtful = self._decode(entries, rows, commit)
        first = self._first_positions(doubtful) if doubtful else {}
        find, remember, add, folded = self.window.find, self.window.add, rows.add, commit.folded
        for position, raw, event, of in decoded:
            seen = find(of)
            if seen is None and of.digest in first:
                seen = Seen(first[of.digest], None)
            if seen is not None:
                self._repeated(position, raw, event, seen, rows, commit)
                continue
            try:
                aid = add(position, event, of)
            except Invalid as error:
                self._quarantine(position, error, rows, commit)
                continue
            remember(of, Seen(position, hash(raw)))
            folded.append(change_of(position, event, aid, raw))
        if self.desk:
            self.on_fed(self.desk, entries[-1][0])
        self._finish(entries, rows, commit)
        self.window.shrink()
        return commit

    def close(self) -> None:
        """Close the file, its write-ahead log moved into it."""
        self.store.checkpoint()
        self.store.close()

    def _decode(
        self, entries: Sequence[Entry], rows: Rows, commit: Commit
    ) -> tuple[list[tuple[int, bytes, Event, Identity]], set[Identity]]:
        """The events among entries, and the identities that only the file can decide; rubbish is quarantined."""
        decoded: list[tuple[int, bytes, Event, Identity]] = []
        doubtful: set[Identity] = set()
        is_new, find, expected = self.window.is_new, self.window.find, self._expected
        for position, raw in entries:
            known = expected.pop(raw, None) if expected else None
            if known is None:
                try:
                    event = decode(raw) if raw else no_event_field()
                except Invalid as error:
                    self._quarantine(position, error, rows, commit)
                    continue
                of = identity(event.source, event.id)
            else:
                event, of = known
            decoded.append((position, raw, event, of))
            if not is_new(of) and find(of) is None:
                doubtful.add(of)
        return decoded, doubtful

    def _first_positions(self, doubtful: set[Identity]) -> dict[bytes, int]:
        """The exact check: where the file holds these identities."""
        found: dict[bytes, int] = {}
        for timed, name in ((True, "known_tids"), (False, "known_hids")):
            digests = sorted(of.digest.hex() for of in doubtful if of.timed == timed)
            if digests:
                sql = statement(name)
                values = {"ids": digests, "least": digests[0], "greatest": digests[-1]}
                found.update((key.bytes, pos) for key, pos in sql.run(self.store.reader, values).fetchall())
        return found

    def _repeated(self, position: int, raw: bytes, event: Event, seen: Seen, rows: Rows, commit: Commit) -> None:
        if self.same_bytes(seen, raw):
            commit.duplicates[position] = seen.position
        else:
            self._quarantine(position, id_conflict(event), rows, commit)

    def same_bytes(self, seen: Seen, raw: bytes) -> bool:
        """Whether an event that was seen has these bytes. One whose bytes are gone counts as the same."""
        if seen.body_hash is not None:
            return seen.body_hash == hash(raw)
        (body,) = self._bodies.fetch([seen.position])
        return body is None or body == raw

    def last_ranks(self) -> dict[int, int]:
        """The rank of each asset's last materialization, aliases' counted for what they stand for."""
        values = {"p": self.position, "s": latest_snapshot(self.store.reader), "aids": None}
        ranks: dict[int, int] = {}
        for aid, rank in statement("last_ranks").run(self.store.reader, values).fetchall():
            root = self.known.root(aid)
            ranks[root] = max(rank, ranks.get(root, 0))
        return ranks

    def entry_like_row_at(self, position: int) -> bytes | None:
        """The log's entry at a position, None if there is none or another event than the projection has there."""
        (raw,) = self._bodies.fetch([position])
        row = statement("identity_at").row(self.store.reader, {"p": position})
        if raw is None or row is None:
            return None
        with contextlib.suppress(Invalid):
            event = decode(raw)
            if identity(event.source, event.id).digest == row[0].bytes:
                return raw
        return None

    def _quarantine(self, position: int, error: Invalid, rows: Rows, commit: Commit) -> None:
        rows.tables["quarantine"].append((position, error.code, error.field, error.detail))
        commit.quarantined[position] = error

    def _finish(self, entries: Sequence[Entry], rows: Rows, commit: Commit) -> None:
        position, raw = entries[-1]
        skipped = len(rows.tables["skipped"])
        totals = Totals(
            self.totals.folded + len(commit.folded) - skipped,
            self.totals.duplicates + len(commit.duplicates),
            self.totals.quarantined + len(commit.quarantined),
            self.totals.skipped + skipped,
        )
        mark = Mark(position, sha256(raw).digest(), self.server)
        unsnapped = self._unsnapped + len(commit.folded)
        snap = self._needs_snapshot(unsnapped, len(self.known.keys))
        if snap or self._needs_progress(entries, commit):
            rows.tables["progress"].append((*mark, *totals))
        rows.tables["quarantine"].sort()
        if snap:
            with self.store.transaction() as connection:
                self.store.append(rows.tables)
                self._snapshot(connection, position)
                self.keep_desk(position)
        else:
            self.store.commit(rows.tables)
        self.position, self.mark, self.totals = position, mark, totals
        self.first = self.first or entries[0][0]
        self._unsnapped = 0 if snap else unsnapped
        self._rows = None

    @contextlib.contextmanager
    def adopting(
        self, mark: Mark, totals: Totals, ends: Sequence[tuple[int, int]]
    ) -> Iterator[duckdb.DuckDBPyConnection]:
        """A transaction to insert rows that a fold of the same rules made, up to a mark; `reload` when all are in.

        Args:
            mark: where the rows end.
            totals: what the log came to up to there.
            ends: positions where a snapshot may be taken, the last where the rows end, each with the number of events
                since the one before.
        """
        unsnapped = self._unsnapped
        with self.store.transaction() as connection:
            with self.store.optimized():
                yield connection
            self.store.append({"progress": [(*mark, *totals)]})
            for position, events in ends:
                unsnapped += events
                if self._needs_snapshot(unsnapped, keys_at(connection, position)):
                    self._snapshot(connection, position)
                    unsnapped = 0
        self.store.inserted(sum(events for _, events in ends))
        self.position, self.mark, self.totals = mark.position, mark, totals
        self._unsnapped = unsnapped

    def _needs_snapshot(self, unsnapped: int, assets: int) -> bool:
        return unsnapped >= max(self._snapshot_every, SNAPSHOT_PER_ASSET * assets)

    def _snapshot(self, connection: duckdb.DuckDBPyConnection, position: int) -> None:
        passing("snapshot.before")
        with self.store.optimized():
            values = {"p": position, "s": latest_snapshot(connection), "aids": None}
            statement("snapshot").run(connection, values)
            statement("snapshot_parts").run(connection, values)
            statement("forget_progress").run(connection, {"p": position})
        passing("snapshot.after")

    def keep_desk(self, position: int) -> None:
        """Keep the desk as it is at a position: the next start goes on from there."""
        if self.desk.consumers or self.desk.firings:
            self.store.append({"snap_queues": [(position, keep(self.desk))]})

    def _needs_progress(self, entries: Sequence[Entry], commit: Commit) -> bool:
        """Whether this commit must say how far it got: where it ends with no event, else once a second."""
        now = time.monotonic()
        if len(entries) < PROGRESS_BATCH and now < self._progress_due and not (commit.duplicates or commit.quarantined):
            return False
        self._progress_due = now + PROGRESS_EVERY
        return True


def open_fold(
    path: Path, catalog: str, bodies: Bodies, *, server: str = "", snapshot_every: int = SNAPSHOT_EVERY
) -> tuple[Fold, str | None]:
    """The fold of a catalog on a file, and what was wrong with a file that had to be set aside.

    Raises:
        Broken: another process holds the file, or it is another catalog's.
        Unavailable: the file cannot be read or written now.
    """
    try:
        return _open_fold(path, catalog, bodies, server, snapshot_every)
    except duckdb.Error as error:  # it opened, and turned out bad when it was read
        refuse_unless_damaged(path, error)
        damage = put_aside_damaged(path, error)
    return _open_fold(path, catalog, bodies, server, snapshot_every)[0], damage


def _open_fold(path: Path, catalog: str, bodies: Bodies, server: str, snapshot_every: int) -> tuple[Fold, str | None]:
    meta = {"fold_version": fold_version(), "catalog": catalog}
    store, damage = open_store(path, meta)
    found = store.meta()
    if found.get("catalog") != catalog:
        store.close()
        raise Broken(
            f"{path.name} holds the catalog {found.get('catalog')!r}, not {catalog!r}.",
            code="other-catalog",
            hint="Give every catalog a data directory of its own.",
        )
    if found.get("fold_version") != fold_version():
        store.close()
        aside = set_aside(path, "outdated")
        store, damage = Store(path, meta), f"{path.name} was folded by other rules and is now {aside.name}"
    try:
        return Fold(store, bodies, server=server, snapshot_every=snapshot_every), damage
    except duckdb.Error:
        store.close()
        raise
