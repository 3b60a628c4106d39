"""The thread that makes files of bodies: the newest segment first, one at a time, and slower than it could."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable, Iterator
from typing import Final

from assetlog.consumers.archive.archive import Archive
from assetlog.consumers.archive.body_file import Entry
from assetlog.consumers.archive.body_index import BodyIndex
from assetlog.consumers.archive.manifest import Segment, broken_segment
from assetlog.schemas.errors import AssetlogError, Unavailable

logger = logging.getLogger("assetlog.archive")

IDLE_SECONDS: Final = 2.0
RETRY_SECONDS: Final = 300.0
PAUSE: Final = 2.0
"""Rest after each piece of work, in its length. A low priority would not do: who waits for the interpreter's lock
would wait for a thread that gets no processor."""


class StoppedError(Exception):
    """The node stops while a file is made."""


class BodyMaker:
    """Makes the files that an index lacks.

    Args:
        archive: where the events are.
        index: this node's own.
        may: whether the node has time for it.

    Example:
        ``maker.start()``, and ``maker.stop()`` before the archive closes.
    """

    def __init__(self, archive: Archive, index: BodyIndex, may: Callable[[], bool]) -> None:
        self._archive = archive
        self._index = index
        self._may = may
        self._stopping = threading.Event()
        self._thread: threading.Thread | None = None
        self._failed: dict[str, float] = {}
        self._told = False

    def start(self) -> None:
        """Begin."""
        self._thread = threading.Thread(target=self._run, name="assetlog-bodies", daemon=True)
        self._thread.start()

    def stop(self) -> None:
        """End at once; a file that is half made is made anew by the next start."""
        self._stopping.set()
        if self._thread is not None:
            self._thread.join()

    def step(self) -> Segment | None:
        """Make the file of one segment; None if none is missing.

        Raises:
            StoppedError: the node stops.
        """
        now, segments = time.monotonic(), self._archive.segments
        self._failed = {file: until for file, until in self._failed.items() if until > now}
        segment = self._index.missing(segments, self._failed)
        if segment is None:
            return None
        try:
            self._archive.trusted(segment)
            self._index.make(segment, self._batches(segment))
            self._index.tidy(segments)
            self._told = False
        except (AssetlogError, OSError) as error:
            self._failed[segment.file] = now + RETRY_SECONDS
            if isinstance(error, OSError | Unavailable):  # the next one would find disk and store no better
                self._failed.update(dict.fromkeys((each.file for each in segments), now + RETRY_SECONDS))
            self._tell(error)
        return segment

    def _batches(self, segment: Segment) -> Iterator[list[Entry]]:
        """A segment's entries, with rests between them."""
        count, last, began = 0, 0, time.perf_counter()
        for batch in self._archive.entries(segment):
            if batch[0][0] <= last:
                raise broken_segment(segment, "is not in order")
            count, last = count + len(batch), batch[-1][0]
            yield batch
            if self._stopping.wait((time.perf_counter() - began) * PAUSE):
                raise StoppedError
            began = time.perf_counter()
        if (count, last) != (segment.count, segment.end):
            raise broken_segment(segment, f"holds {count} events instead of {segment.count}")

    def _tell(self, error: Exception) -> None:
        if not self._told:
            logger.warning("no files of bodies are made, reading the archive is slower: %s", error)
        self._told = True

    def _run(self) -> None:
        tidied = False
        while not self._stopping.is_set():
            try:
                if self._may():
                    if not tidied:
                        self._index.tidy(self._archive.segments)
                        tidied = True
                    if self.step():
                        continue
            except StoppedError:
                return
            except Exception:  # nothing depends on these files
                logger.exception("making files of bodies met a bug")
            self._stopping.wait(IDLE_SECONDS)
