"""Folding the log again: the whole of it beside the live file (rebuild), or up to a moment into a file (replay)."""

from __future__ import annotations

import contextlib
import gc
import os
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import NamedTuple, Protocol, runtime_checkable

import duckdb

from assetlog.consumers.crash_points import passing
from assetlog.consumers.fold.digest import state_digest
from assetlog.consumers.fold.fold import Fold, open_fold
from assetlog.consumers.fold.progress import MAX_POSITION, latest_snapshot, load_position
from assetlog.consumers.fold.store import FOLD_SQL, Store, set_aside, sql_text
from assetlog.consumers.fold.version import fold_version
from assetlog.consumers.views.sql import statement
from assetlog.schemas.errors import Conflict

BATCH = 5_000

OnProgress = Callable[[int, int], None]
"""Told how many entries are read, and the position they end at."""


class OrderedLog(Protocol):
    """The log as rebuild and replay read it."""

    def fetch(self, positions: Sequence[int]) -> list[bytes | None]:
        """The bytes at positions."""

    def fetch_range(self, after: int, limit: int) -> list[tuple[int, bytes]]:
        """The next entries after a position."""


@runtime_checkable
class Fills(Protocol):
    """A log whose older part fills a projection quicker than folding it entry by entry."""

    def fill(self, fold: Fold, up_to: int, on_progress: OnProgress) -> int:
        """Fold on as far as that part reaches, or to a position; returns how many entries that were."""


class Rebuilt(NamedTuple):
    """What a rebuild came to."""

    position: int
    entries: int
    seconds: float
    digest: str
    """Of the new projection, at the position of the old one where there was one."""
    digest_before: str | None
    """Of the old projection; None if there was none of this fold version."""
    set_aside: Path | None
    """Where the old file is now, if the new one differs from it."""

    @property
    def equal(self) -> bool | None:
        """Whether the new projection says what the old one said; None if there is nothing to compare."""
        return None if self.digest_before is None else self.digest == self.digest_before


def rebuild(path: Path, catalog: str, log: OrderedLog, on_progress: OnProgress = lambda *_: None) -> Rebuilt:
    """Fold the whole log into a new file, compare it with the old one, put it in its place.

    No node may have the file open. The old file is kept aside if the two differ.

    Raises:
        Broken: another process holds the projection.
        Unavailable: the log server cannot be reached; the old file is untouched.
    """
    began = time.monotonic()
    before, position = _digest_of(path, catalog)
    fresh = path.with_name(path.name + ".rebuilding")
    _remove(fresh)
    with _uncollected():
        fold, entries = fold_log(fresh, catalog, log, up_to=position or MAX_POSITION, on_progress=on_progress)
        digest = state_digest(fold.store.reader)
        entries += extend(fold, log, MAX_POSITION, on_progress, entries)
    result_position = fold.position
    fold.close()
    passing("rebuild.folded")
    aside = set_aside(path, "before-rebuild") if before not in {None, digest} else None
    passing("rebuild.set-aside")
    _swap(fresh, path)
    return Rebuilt(result_position, entries, time.monotonic() - began, digest, before, aside)


def replay(
    into: Path,
    catalog: str,
    log: OrderedLog,
    *,
    up_to: int = MAX_POSITION,
    bodies: bool = True,
    on_progress: OnProgress = lambda *_: None,
) -> tuple[int, int, str]:
    """Fold the log up to a position into a file of its own, with tables for people in the schema `answers`.

    Returns:
        The position reached, the number of entries, the state digest.

    Raises:
        Conflict: the file exists.
    """
    if into.exists():
        raise Conflict(
            f"{into} exists already.",
            code="file-exists",
            field="into",
            value=str(into),
            rule="a replay writes a new file",
            hint="Choose another name, or remove it first.",
        )
    unfinished = into.with_name(into.name + ".replaying")
    _remove(unfinished)
    with _uncollected():
        fold, entries = fold_log(unfinished, catalog, log, up_to=up_to, on_progress=on_progress)
    digest = state_digest(fold.store.reader)
    _tables_for_people(fold, log if bodies else None)
    position = fold.position
    fold.close()
    _swap(unfinished, into)
    return position, entries, digest


def fold_log(
    path: Path, catalog: str, log: OrderedLog, *, up_to: int, on_progress: OnProgress = lambda *_: None
) -> tuple[Fold, int]:
    """A new projection of the log up to a position, and how many entries it read."""
    fold, _ = open_fold(path, catalog, log)
    return fold, extend(fold, log, up_to, on_progress)


def extend(fold: Fold, log: OrderedLog, up_to: int, on_progress: OnProgress, already: int = 0) -> int:
    """Fold on to a position; returns how many entries it read."""
    read = log.fill(fold, up_to, on_progress) if isinstance(log, Fills) else 0
    while entries := log.fetch_range(fold.position, BATCH):
        wanted = [entry for entry in entries if entry[0] <= up_to]
        if wanted:
            fold.fold(wanted)
            read += len(wanted)
            on_progress(already + read, fold.position)
        if len(wanted) < len(entries):
            break
    return read


@contextlib.contextmanager
def _uncollected() -> Iterator[None]:
    """No garbage collection: a fold makes millions of objects and no cycles, looking for them costs a third."""
    was_on = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_on:
            gc.enable()


def _digest_of(path: Path, catalog: str) -> tuple[str | None, int]:
    """The digest and position of the present file, if it is one of this fold version."""
    if not path.exists():
        return None, 0
    with contextlib.suppress(duckdb.Error):
        store = Store(path, {})
        try:
            if store.meta() == {"fold_version": fold_version(), "catalog": catalog}:
                return state_digest(store.reader), load_position(store)[0]
        finally:
            store.close()
    return None, 0


def _tables_for_people(fold: Fold, log: OrderedLog | None) -> None:
    """What views say as of the end, as tables: whoever opens the file should not need our SQL."""
    with fold.store.transaction() as connection, fold.store.optimized():
        values = {"p": fold.position, "s": latest_snapshot(connection), "aids": None}
        connection.execute(sql_text("state_schema"))
        for name in ("assets", "lineage"):
            statement(f"state_{name}", FOLD_SQL).run(connection, values)
    if log is not None:
        _add_bodies(fold, log)


def _add_bodies(fold: Fold, log: OrderedLog) -> None:
    """The accepted bytes beside each event."""
    position = 0
    while entries := [entry for entry in log.fetch_range(position, BATCH) if entry[0] <= fold.position]:
        position = entries[-1][0]
        rows = [(at, raw.decode(errors="replace")) for at, raw in entries]
        with fold.store.transaction():
            fold.store.append({"answers.bodies": rows})


def _swap(fresh: Path, path: Path) -> None:
    """Put a closed file in a place; its directory is synced so that the name survives a power loss."""
    with contextlib.suppress(FileNotFoundError):
        path.with_name(path.name + ".wal").unlink()
    passing("rebuild.swapping")
    fresh.replace(path)
    passing("rebuild.swapped")
    directory = os.open(path.parent, os.O_RDONLY)
    try:
        os.fsync(directory)
    finally:
        os.close(directory)


def _remove(path: Path) -> None:
    for left in (path, path.with_name(path.name + ".wal")):
        left.unlink(missing_ok=True)
