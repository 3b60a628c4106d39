"""A node's own files of bodies, one a segment: made from the archive, believed by checksum, bounded, disposable."""

from __future__ import annotations

import errno
import logging
import shutil
import threading
from collections import OrderedDict
from collections.abc import Iterable, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Final

from assetlog.consumers.archive.body_file import BodyFile, DamagedError, Entry, write_bodies
from assetlog.consumers.archive.manifest import Segment

logger = logging.getLogger("assetlog.archive")

FOLDER: Final = "bodies"
"""The folder in the data directory, with one folder a catalog."""
SUFFIX: Final = ".bodies"
OPEN: Final = 128
"""Files whose small parts are in memory, about 220 KB each for segments of 100,000 events."""
RESERVE: Final = 512 * 1024 * 1024
"""Bytes of the disk that are left to the log and the projection."""


class BodyIndex:
    """Files of bodies. Usable from several threads; one of them makes files.

    Args:
        directory: theirs alone; need not exist.
        most_bytes: what they may take together; 0 for no files. Those of the oldest segments go first.

    Example:
        ``index.find(segment, [position])`` is ``{position: b"{…}"}``, or ``{}`` if the segment has no file.
    """

    def __init__(self, directory: Path, most_bytes: int) -> None:
        self.directory = directory
        self.most_bytes = most_bytes
        self._sizes = {path.name: path.stat().st_size for path in directory.glob(f"*{SUFFIX}")}
        self._open: OrderedDict[str, BodyFile] = OrderedDict()
        self._lock = threading.Lock()
        self._floor = 0
        """Segments up to this position have no room."""

    def find(self, segment: Segment, positions: Sequence[int]) -> dict[int, bytes]:
        """The bytes at those of the ascending positions that are found.

        Others may be in the segment all the same: what is missing or damaged is not asked.
        """
        name = name_of(segment)
        if name not in self._sizes:
            return {}
        try:
            return self._file(name, segment).find(positions)
        except DamagedError as error:
            self.drop(segment, str(error))
        except OSError as error:  # deleted, or the disk fails: it is made again, and the archive answers
            logger.warning("a file of bodies cannot be read: %s", error, extra={"file": name})
            self._forget(name)
        return {}

    def drop(self, segment: Segment, why: str) -> None:
        """Delete a file that cannot be trusted; it is made again."""
        name = name_of(segment)
        logger.warning("a file of bodies is dropped: %s", why, extra={"file": name})
        self._remove(name)

    def missing(self, segments: Sequence[Segment], without: Iterable[str] = ()) -> Segment | None:
        """The newest segment that should have a file and has none; None if all are there.

        Args:
            segments: all of the archive, oldest first.
            without: names of segments' files that are left out.
        """
        if not self.most_bytes:
            return None
        left_out = set(without)
        for segment in reversed(segments):
            if name_of(segment) not in self._sizes and segment.file not in left_out:
                return segment if segment.end > self._floor else None
        return None

    def make(self, segment: Segment, batches: Iterable[Sequence[Entry]]) -> int:
        """Write a segment's file, with all its entries; returns its size.

        Raises:
            OSError: the disk is full, nearly full, or refuses.
        """
        self.directory.mkdir(parents=True, exist_ok=True)
        if shutil.disk_usage(self.directory).free < RESERVE:
            raise OSError(errno.ENOSPC, f"less than {RESERVE >> 20} MB of the disk are free", str(self.directory))
        name = name_of(segment)
        written = self.directory / f"{name}.tmp"
        written.unlink(missing_ok=True)
        try:
            size = write_bodies(written, segment.sha256, batches)
            written.replace(self.directory / name)
        finally:
            written.unlink(missing_ok=True)
        with self._lock:
            self._open.pop(name, None)
            self._sizes[name] = size
        return size

    def tidy(self, segments: Sequence[Segment]) -> None:
        """Delete what belongs to no segment, and the oldest segments' files until the others fit."""
        names = {name_of(segment) for segment in segments}
        for path in list(self.directory.glob("*")):
            if path.name not in names:
                self._remove(path.name)
        excess = sum(self._sizes.values()) - self.most_bytes
        for segment in segments:
            if excess <= 0:
                break
            excess -= self._sizes.get(name_of(segment), 0)
            self._remove(name_of(segment))
            self._floor = segment.end

    def _file(self, name: str, segment: Segment) -> BodyFile:
        with self._lock:
            file = self._open.get(name)
            if file is not None:
                self._open.move_to_end(name)
                return file
        file = BodyFile(self.directory / name, segment.sha256)
        with self._lock:
            self._open[name] = file
            while len(self._open) > OPEN:
                self._open.popitem(last=False)
        return file

    def _forget(self, name: str) -> None:
        with self._lock:
            self._open.pop(name, None)
            self._sizes.pop(name, None)

    def _remove(self, name: str) -> None:
        self._forget(name)
        with suppress(OSError):
            (self.directory / name).unlink(missing_ok=True)


def name_of(segment: Segment) -> str:
    """The name of a segment's file of bodies."""
    return segment.file.removesuffix(".parquet") + SUFFIX
