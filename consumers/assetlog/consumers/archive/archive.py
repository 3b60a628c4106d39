"""An archive as readers see it: the stored bytes of sealed entries, by position or in order."""

from __future__ import annotations

import hashlib
import threading
from bisect import bisect_left
from collections import OrderedDict
from collections.abc import Iterable, Iterator, Sequence
from itertools import groupby
from pathlib import Path

import duckdb

from assetlog.consumers.archive.manifest import (
    NO_HASH,
    Segment,
    SegmentHash,
    broken_segment,
    decode_manifest,
    encode_manifest,
)
from assetlog.consumers.archive.places import TEMPORARY, Place
from assetlog.consumers.views.sql import Statement, statement
from assetlog.schemas.errors import Broken, Unavailable

ARCHIVE_SQL = "assetlog.consumers.archive.sql"
BATCH = 1_000
"""Entries in memory at once where a whole segment is read."""
CACHED_BYTES = 8 * 1024 * 1024
"""Events read one by one stay in memory so far."""
_CONFIG: dict[str, str | bool | int | float | list[str]] = {
    "autoinstall_known_extensions": "false",
    "autoload_known_extensions": "false",
    "enable_external_file_cache": "false",  # it would keep segments in memory that are read once
    "threads": 2,
    "memory_limit": "512MB",
}


class Archive:
    """The sealed part of a catalog's log. Usable from several threads.

    Args:
        place: where its files are.
        remembered: a local copy of the manifest, to begin with while the place cannot be reached.

    Raises:
        Broken: the manifest is damaged, or a segment is missing or of another size.
        Unavailable: an object store does not answer, and no copy of its manifest is there.

    Example:
        ``Archive(open_place(None, home, "default")).last`` is the last sealed position, None for an empty archive.
    """

    def __init__(self, place: Place, remembered: Path | None = None) -> None:
        self.place = place
        self._remembered = remembered
        self.segments: list[Segment] = []
        self.count = 0
        """Entries in all segments."""
        self._manifest = b""
        self._ends: list[int] = []
        self._checked: set[str] = set()
        self._lock = threading.Lock()
        self._database: duckdb.DuckDBPyConnection | None = None
        self._cache: OrderedDict[int, bytes] = OrderedDict()
        self._cached = 0
        try:
            self.refresh()
        except Unavailable:
            if not self._recall():
                raise

    @property
    def first(self) -> int | None:
        """The first sealed position."""
        return self.segments[0].start if self.segments else None

    @property
    def last(self) -> int | None:
        """The last sealed position."""
        return self._ends[-1] if self._ends else None

    @property
    def head(self) -> str:
        """The hash of the last segment, which stands for all of them."""
        return self.segments[-1].sha256 if self.segments else NO_HASH

    def refresh(self) -> bool:
        """Look for segments that were sealed meanwhile; whether there are any.

        Raises:
            Broken: the manifest is damaged, or no longer begins with what was there.
            Unavailable: an object store does not answer.
        """
        raw = self.place.read_manifest()
        with self._lock:
            if raw == self._manifest:
                return False
            self._take(raw, decode_manifest(raw))
            return True

    def append(self, segment: Segment) -> None:
        """List a stored segment as the newest.

        Raises:
            Conflict: another node sealed meanwhile; `refresh` and begin again.
        """
        segments = [*self.segments, segment]
        raw = encode_manifest(segments)
        self.place.exchange_manifest(self._manifest, raw)
        with self._lock:
            self._take(raw, segments)

    def fetch(self, positions: Sequence[int]) -> list[bytes | None]:
        """The stored bytes at each position, in the order asked for; None where none is sealed.

        Raises:
            Broken: a segment is missing or damaged.
        """
        found = self._from_cache(positions)
        for segment, group in self.segments_of(set(positions) - found.keys()):
            found.update(self._read(segment, group))
        return [found.get(position) for position in positions]

    def segments_of(self, positions: Iterable[int]) -> Iterator[tuple[Segment, list[int]]]:
        """The segments that positions lie in, each with its positions in order; without those in none."""
        for number, group in groupby(sorted(positions), self._number):
            if number is not None:
                yield self.segments[number], list(group)

    def fetch_range(self, after: int, limit: int) -> list[tuple[int, bytes]]:
        """The next sealed entries after a position, in order; fewer than `limit` at the end of a segment."""
        number = bisect_left(self._ends, after + 1)
        if number >= len(self.segments):
            return []
        return self._rows(self.segments[number], "bodies_after", after=after, limit=limit)

    def entries(self, segment: Segment) -> Iterator[list[tuple[int, bytes]]]:
        """All entries of a segment, in order, some at a time.

        Raises:
            Broken: it is missing or damaged.
        """
        file, cursor = str(self.path(segment)), self._cursor()
        try:
            rows = sql("bodies").run(cursor, {"file": file})
            while batch := rows.fetchmany(BATCH):
                yield batch
        except duckdb.Error as error:
            raise unreadable(segment, error) from error
        finally:
            cursor.close()

    def digest_at(self, position: int) -> bytes | None:
        """SHA-256 of the entry at a position; None if it is not sealed."""
        (raw,) = self.fetch([position])
        return None if raw is None else hashlib.sha256(raw).digest()

    def after(self, position: int) -> list[Segment]:
        """The segments that hold anything after a position."""
        return self.segments[bisect_left(self._ends, position + 1) :]

    def path(self, segment: Segment) -> Path:
        """A local file of a segment, of the right size.

        Raises:
            Broken: there is none.
        """
        try:
            path = self.place.local(segment.file)
            size = path.stat().st_size
        except FileNotFoundError as error:
            raise broken_segment(segment, "is missing") from error
        if size != segment.size:
            raise broken_segment(segment, f"has {size} bytes instead of {segment.size}")
        return path

    def trusted(self, segment: Segment) -> Path:
        """A local file of a segment that is byte for byte what was sealed; it is hashed once.

        Raises:
            Broken: it is missing or was changed.
        """
        path = self.path(segment)
        if segment.file not in self._checked:
            with path.open("rb") as file:
                if hashlib.file_digest(file, "sha256").hexdigest() != segment.file_sha256:
                    raise broken_segment(segment, "was changed after it was sealed")
            self._checked.add(segment.file)
        return path

    def verify(self) -> Iterator[Segment]:
        """Hash every stored byte again; yields each segment that holds.

        Raises:
            Broken: the first that does not.
        """
        for segment in self.segments:
            self._checked.discard(segment.file)
            self.trusted(segment)
            chain, position = SegmentHash(segment.previous), 0
            for entries in self.entries(segment):
                for position, raw in entries:
                    chain.add(position, raw)
            if (chain.hexdigest(), chain.count, position) != (segment.sha256, segment.count, segment.end):
                raise broken_segment(segment, "holds other events than were sealed")
            yield segment

    def close(self) -> None:
        """Close what reading opened."""
        if self._database is not None:
            self._database.close()
            self._database = None

    def _take(self, raw: bytes, segments: list[Segment]) -> None:
        known = len(self.segments)
        if segments[:known] != self.segments:
            raise Broken(
                f"The archive at {self.place.url} is not the one it was: segments that were sealed are not listed.",
                code="archive-replaced",
                rule="segments are only ever added",
                hint="Bring the right archive back, then start the node again.",
            )
        for segment in segments[known:]:
            self._look_at(segment)
        self.segments, self._manifest = segments, raw
        self._ends = [segment.end for segment in segments]
        self.count = sum(segment.count for segment in segments)
        if self._remembered is not None:
            remember(self._remembered, raw)

    def _recall(self) -> bool:
        """Begin with the remembered manifest, if there is one: what it lists was sealed, and stays."""
        try:
            raw = self._remembered.read_bytes() if self._remembered else b""
            segments = decode_manifest(raw)
        except (FileNotFoundError, Broken):
            return False
        with self._lock:
            self._take(raw, segments)
        return bool(segments)

    def _look_at(self, segment: Segment) -> None:
        # a segment elsewhere is looked at when it is read: listing thousands would cost seconds
        if self.place.url.startswith("file:"):
            self.path(segment)

    def _number(self, position: int) -> int | None:
        number = bisect_left(self._ends, position)
        inside = number < len(self.segments) and self.segments[number].start <= position
        return number if inside else None

    def _read(self, segment: Segment, positions: list[int]) -> dict[int, bytes]:
        values = {"positions": positions, "least": positions[0], "greatest": positions[-1]}
        found = dict(self._rows(segment, "bodies_at", **values))
        self._keep(found)
        return found

    def _rows(self, segment: Segment, name: str, **values: object) -> list[tuple[int, bytes]]:
        file = str(self.path(segment))
        cursor = self._cursor()
        try:
            return sql(name).run(cursor, {"file": file, **values}).fetchall()
        except duckdb.Error as error:
            raise unreadable(segment, error) from error
        finally:
            cursor.close()

    def _cursor(self) -> duckdb.DuckDBPyConnection:
        with self._lock:
            if self._database is None:
                self._database = duckdb.connect(":memory:", config=_CONFIG)
                sql("reading").run(self._database, {})
            return self._database.cursor()

    def _from_cache(self, positions: Sequence[int]) -> dict[int, bytes]:
        with self._lock:
            return {position: self._cache[position] for position in positions if position in self._cache}

    def _keep(self, found: dict[int, bytes]) -> None:
        with self._lock:
            for position, raw in found.items():
                if position not in self._cache:
                    self._cached += len(raw)
                self._cache[position] = raw
            while self._cached > CACHED_BYTES:
                _, raw = self._cache.popitem(last=False)
                self._cached -= len(raw)


def remember(copy: Path, raw: bytes) -> None:
    """Keep a local copy of a manifest. One that a power cut spoils is as good as none."""
    copy.parent.mkdir(parents=True, exist_ok=True)
    fresh = copy.with_suffix(TEMPORARY)
    fresh.write_bytes(raw)
    fresh.replace(copy)


def sql(name: str) -> Statement:
    """One of the archive's own statements."""
    return statement(name, ARCHIVE_SQL)


def unreadable(segment: Segment, error: duckdb.Error) -> Broken:
    """A segment is no Parquet file that DuckDB can read."""
    return broken_segment(segment, f"cannot be read ({str(error).splitlines()[0]})")
