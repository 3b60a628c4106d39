"""Filling a projection from sealed segments: by their columns where they were folded by the present rules.

Columns are the very rows that the fold made, so they are inserted, not decided again; segments that other rules
folded are decoded from their bytes.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from hashlib import sha256
from itertools import groupby
from typing import Final

from assetlog.consumers.archive.archive import Archive, sql
from assetlog.consumers.archive.manifest import Segment
from assetlog.consumers.fold.fold import Fold
from assetlog.consumers.fold.progress import Mark, Totals
from assetlog.consumers.fold.rebuild import BATCH, OnProgress
from assetlog.consumers.fold.rows import Rows
from assetlog.consumers.fold.version import fold_version
from assetlog.schemas.errors import Broken
from assetlog.schemas.positions import format_position

GROUP: Final = 1_000_000
"""Entries a transaction: as many go into the file as they are, small ones by way of the write-ahead log."""
TABLES: Final = tuple(table for table in Rows.TABLES if table != "progress")
"""Each has its `refill_<table>.sql`."""


def refill(fold: Fold, archive: Archive, up_to: int, on_progress: OnProgress = lambda *_: None) -> int:
    """Fold on from the archive, as far as it reaches or to a position; returns how many entries that were.

    Raises:
        Broken: the projection is not of this log, or a segment is not what was sealed. What was filled before holds.
    """
    _refuse_other_log(fold, archive)
    wanted = [segment for segment in archive.after(fold.position) if segment.start <= up_to]
    read = 0
    for by_columns, segments in groupby(wanted, lambda segment: segment.fold_version == fold_version()):
        fill = _by_columns if by_columns else _by_decoding
        for group in _groups(segments):
            read += fill(fold, archive, group, up_to)
            on_progress(read, fold.position)
        if by_columns:
            fold.reload()
            with fold.store.transaction():
                fold.keep_desk(fold.position)
    return read


def _groups(segments: Iterable[Segment]) -> Iterator[list[Segment]]:
    """Segments in order, so many at once that a transaction is worth its commit and its checkpoint."""
    group: list[Segment] = []
    for segment in segments:
        group.append(segment)
        if sum(each.count for each in group) >= GROUP:
            yield group
            group = []
    if group:
        yield group


def _by_columns(fold: Fold, archive: Archive, segments: list[Segment], up_to: int) -> int:
    """Insert segments' rows in one transaction, with the mark and the snapshots that the fold would have left."""
    files = [str(archive.trusted(segment)) for segment in segments]
    values = {"files": files, "after": fold.position, "last": min(up_to, segments[-1].end)}
    rows = sql("verdicts").run(fold.store.reader, values).fetchall()
    if not rows:
        return 0
    position = rows[-1][0]
    (entry,) = archive.fetch([position])
    mark = Mark(position, sha256(entry or b"").digest(), fold.server)
    verdicts = [Totals(*row[1:]) for row in rows]
    totals = Totals(*(sum(counts) for counts in zip(fold.totals, *verdicts, strict=True)))
    ends = [(row[0], came.folded + came.skipped) for row, came in zip(rows, verdicts, strict=True)]
    with fold.adopting(mark, totals, ends) as connection:
        for table in TABLES:
            sql(f"refill_{table}").run(connection, values)
    return sum(sum(came) for came in verdicts)


def _by_decoding(fold: Fold, archive: Archive, segments: list[Segment], up_to: int) -> int:
    read = 0
    for segment in segments:
        archive.trusted(segment)
        while fold.position < segment.end:
            entries = [entry for entry in archive.fetch_range(fold.position, BATCH) if entry[0] <= up_to]
            if not entries:
                break
            fold.fold(entries)
            read += len(entries)
    return read


def _refuse_other_log(fold: Fold, archive: Archive) -> None:
    """A projection goes on from an archive only if the archive holds the entry it stands at, unchanged."""
    mark, last = fold.mark, archive.last
    if mark is None or last is None or mark.position > last:
        return
    if archive.digest_at(mark.position) == mark.entry:
        return
    raise Broken(
        f"The archive at {archive.place.url} is of another log than the one folded up to "
        f"{format_position(mark.position)}.",
        code="archive-of-other-log",
        field="archive_url",
        rule="the archive holds the last folded entry, unchanged",
        hint="Name the right archive, or move catalog.duckdb away to fold what this one holds.",
    )
