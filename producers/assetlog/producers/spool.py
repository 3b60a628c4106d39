"""The spool: where events wait on this machine's disk until the log can be reached.

A directory of segments, `<nanoseconds>-<pid>-<n>.ndjson`, one event a line, synced before `append` returns. Each
process appends to a segment of its own; names sort by age. Whoever drains holds `drain.lock`, seals a segment by
renaming it (its writer then begins another), delivers it, and deletes it. A crash at any point loses nothing: at
worst events are delivered twice, with the same ids.
"""

from __future__ import annotations

import fcntl
import os
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec
from msgspec import Struct

from assetlog.producers.files import append_lines, write_whole
from assetlog.producers.transports import batches
from assetlog.producers.transports.verdicts import rejection
from assetlog.schemas import codec
from assetlog.schemas.errors import Broken, Invalid, Unavailable
from assetlog.schemas.times import now_text

if TYPE_CHECKING:
    from assetlog.schemas.shapes import Receipt, Rejected

OPEN = ".ndjson"
SEALED = ".sealed"
DONE = ".done"
"""How many bytes of a sealed segment are delivered; beside it."""
SEGMENT_BYTES = 4 << 20
SPOOL_BYTES = 1 << 30
"""A spool takes no more than this; nothing is ever deleted to make room."""


class Drained(Struct):
    """What a drain brought about."""

    delivered: int = 0
    duplicates: int = 0
    """How many of them the log had already, as far as it says."""
    rejected: int = 0
    left: int = 0
    """How many still wait."""


class _Aside(Struct):
    """A line of `rejected/`: an event that was not taken, and why."""

    time: str
    code: str
    detail: str
    field: str | None
    value: str | None
    rule: str | None
    hint: str | None
    event: str
    """Its bytes as text."""


class Spool:
    """One destination's waiting events. Safe for threads, processes and forks.

    Args:
        directory: where the segments are; made at the first append.
        rejected: the file for what is refused.
        limit: bytes; see `SPOOL_BYTES`.
    """

    def __init__(self, directory: Path, rejected: Path, limit: int = SPOOL_BYTES) -> None:
        self.directory = directory
        self.rejected = rejected
        self.limit = limit
        self._lock = threading.Lock()
        self._descriptor: int | None = None
        self._drain_lock: int | None = None
        self._segment = directory
        self._last_stamp = 0
        self._segments_made = 0

    def stamp(self) -> int:
        """A number that orders this process's events: see `append`."""
        with self._lock:
            return self._next_stamp()

    def append(self, events: Sequence[bytes], stamp: int | None = None, *, apart: bool = False) -> None:
        """Keep events, on disk when this returns.

        Args:
            stamp: when the events were emitted: they stand before all that was set apart since.
            apart: begin a segment, so that older events may still be put before these.

        Raises:
            Broken: the spool is full, or the disk is.
        """
        content = b"".join(event + b"\n" for event in events)
        try:
            with self._lock:
                self._check_room(len(content))
                if apart:
                    self.close()
                if stamp is not None and self._descriptor is not None and stamp < _stamp_of(self._segment.name):
                    self._write_apart(content, stamp)
                else:
                    self._write(content, stamp)
        except OSError as error:
            raise Broken(
                f"The spool {self.directory} can't be written: {error.strerror or error}.",
                code="spool-unwritable",
                hint="Check the directory, its permissions and the free space.",
            ) from error

    def reject(self, events: Sequence[bytes], rejected: Sequence[Rejected]) -> None:
        """Keep what was refused, with the reasons. `index` points into `events`."""
        if not rejected:
            return
        self.rejected.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        lines = [_aside(events[refused.index], refused) for refused in rejected]
        append_lines(self.rejected, [msgspec.json.encode(line) for line in lines])

    def pending(self, before: int | None = None) -> bool:
        """Whether events wait here, of this process or another; with a stamp, only older ones count."""
        return next(self._segments(before), None) is not None

    def count(self) -> int:
        """How many events wait here."""
        return sum(path.read_bytes().count(b"\n") for path in self._segments())

    def drain(self, send: Callable[[Sequence[bytes]], Receipt], before: int | None = None) -> Drained | None:
        """Deliver what waits (older than a stamp), oldest first, until nothing is left.

        Returns:
            What was delivered; None if another process is at it.

        Raises:
            AssetlogError: `send` failed; what is not delivered still waits.
        """
        drained = Drained()
        with self._exclusive() as ours:
            if not ours:
                return None
            while path := next(self._segments(before), None):
                self._deliver(self._seal(path), send, drained)
        return drained

    def forget(self) -> None:
        """In a forked child: the open segment and the drain are the parent's."""
        self._lock = threading.Lock()
        self.close()
        descriptor, self._drain_lock = self._drain_lock, None
        if descriptor is not None:
            os.close(descriptor)

    def close(self) -> None:
        """Close the open segment; the next append begins another."""
        descriptor, self._descriptor = self._descriptor, None
        if descriptor is not None:
            os.close(descriptor)

    def _next_stamp(self) -> int:
        self._last_stamp = max(time.time_ns(), self._last_stamp + 1)
        return self._last_stamp

    def _segments(self, before: int | None = None) -> Iterator[Path]:
        """The segments (older than a stamp), oldest first."""
        try:
            names = sorted(name for name in os.listdir(self.directory) if name.endswith((OPEN, SEALED)))  # noqa: PTH208 - names sort faster than paths
        except OSError:  # not made yet, or not ours to read
            return
        for name in names:
            if before is None or _stamp_of(name) < before:
                yield self.directory / name

    def _check_room(self, more: int) -> None:
        used = sum(_size(path) for path in self._segments())
        if used + more > self.limit:
            raise Broken(
                f"The spool {self.directory} is full: {used:,} of {self.limit:,} bytes.",
                code="spool-full",
                hint="Bring the log back and run `assetlog emit --drain`; new events are not kept until then.",
            )

    def _write(self, content: bytes, stamp: int | None) -> None:
        while not _write_unless_sealed(self._opened(stamp), self._segment, content):
            self.close()

    def _write_apart(self, content: bytes, stamp: int) -> None:
        written = False
        while not written:
            descriptor, path = self._create(stamp)
            try:
                written = _write_unless_sealed(descriptor, path, content)
            finally:
                os.close(descriptor)

    def _opened(self, stamp: int | None) -> int:
        if self._descriptor is not None and os.fstat(self._descriptor).st_size >= SEGMENT_BYTES:
            self.close()
        if self._descriptor is None:
            self._descriptor, self._segment = self._create(stamp or self._next_stamp())
        return self._descriptor

    def _create(self, stamp: int) -> tuple[int, Path]:
        self.directory.mkdir(parents=True, exist_ok=True, mode=0o700)
        self._segments_made += 1
        path = self.directory / f"{stamp:020d}-{os.getpid()}-{self._segments_made:06d}{OPEN}"
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_APPEND, 0o600)
        _sync_directory(self.directory)
        return descriptor, path

    @contextmanager
    def _exclusive(self) -> Iterator[bool]:
        """Hold the drain lock, if nobody else does."""
        if not self.directory.exists():
            yield True
            return
        descriptor = self._drain_lock = os.open(self.directory / "drain.lock", os.O_RDWR | os.O_CREAT, 0o600)
        ours = _lock_at_once(descriptor)
        try:
            yield ours
        finally:
            self._drain_lock = None
            if ours:
                fcntl.flock(descriptor, fcntl.LOCK_UN)
            os.close(descriptor)

    def _seal(self, path: Path) -> Path:
        """Take a segment from its writer, who may be at work elsewhere."""
        if path.suffix == SEALED:
            return path
        sealed = path.with_suffix(SEALED)
        descriptor = os.open(path, os.O_RDWR)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX)
            path.rename(sealed)
            fcntl.flock(descriptor, fcntl.LOCK_UN)
        finally:
            os.close(descriptor)
        return sealed

    def _deliver(self, sealed: Path, send: Callable[[Sequence[bytes]], Receipt], drained: Drained) -> None:
        """Deliver a sealed segment from where the last attempt ended, and delete it."""
        done = sealed.with_suffix(DONE)
        offset = int(done.read_text()) if done.exists() else 0
        events, torn = _lines(sealed.read_bytes()[offset:])
        for batch in batches(events):
            good = self._without_damaged(batch, drained)
            receipt = send(good) if good else None
            if receipt is not None:
                self.reject(good, receipt.rejected)
                drained.delivered += len(receipt.accepted)
                drained.duplicates += sum(accepted.duplicate for accepted in receipt.accepted)
                drained.rejected += len(receipt.rejected)
            offset += sum(len(event) + 1 for event in batch)
            done.write_text(str(offset))
        if torn:
            self._set_aside_torn(torn, drained)
        sealed.unlink()
        done.unlink(missing_ok=True)

    def _without_damaged(self, batch: Sequence[bytes], drained: Drained) -> list[bytes]:
        """The events that are what their producer wrote; a disk's damage is set aside, not sent."""
        good = []
        for event in batch:
            try:
                codec.decode(event)
            except Invalid as error:
                self.reject([event], [rejection(0, error)])
                drained.rejected += 1
            else:
                good.append(event)
        return good

    def _set_aside_torn(self, torn: bytes, drained: Drained) -> None:
        error = Unavailable("The line ends in the middle: its process died while it wrote.", code="torn-line")
        self.reject([torn], [rejection(0, error)])
        drained.rejected += 1


def _write_unless_sealed(descriptor: int, path: Path, content: bytes) -> bool:
    """Append under the segment's lock: who seals it does so before or after, never amid. False if sealed."""
    fcntl.flock(descriptor, fcntl.LOCK_EX)
    try:
        if not path.exists():
            return False
        write_whole(descriptor, content)
        return True
    finally:
        fcntl.flock(descriptor, fcntl.LOCK_UN)


def _lock_at_once(descriptor: int) -> bool:
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def _lines(content: bytes) -> tuple[list[bytes], bytes]:
    """The whole lines, and what stands after the last line's end."""
    *whole, torn = content.split(b"\n")
    return whole, torn


def _stamp_of(name: str) -> int:
    return int(name.partition("-")[0])


def _size(path: Path) -> int:
    try:
        return path.stat().st_size
    except FileNotFoundError:  # delivered meanwhile
        return 0


def _sync_directory(directory: Path) -> None:
    descriptor = os.open(directory, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _aside(event: bytes, refused: Rejected) -> _Aside:
    return _Aside(
        time=now_text(),
        code=refused.code,
        detail=refused.detail,
        field=refused.field,
        value=refused.value,
        rule=refused.rule,
        hint=refused.hint,
        event=event.decode(errors="replace"),
    )
