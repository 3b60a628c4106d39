"""Images on their way to a node: files of the spool, each named by the SHA-256 of its bytes.

An image is on disk before the event that names it is queued, and is delivered before any event is: no event reaches a
node before its image, whatever dies in between. Only a node that takes events but can keep no image for now (its disk
is full, its object store is away) gets the events first: the log must not wait for pictures. Delivering twice is
delivering once.
"""

from __future__ import annotations

import os
import secrets
import time
from collections.abc import Callable
from pathlib import Path

from assetlog.producers.files import write_whole
from assetlog.producers.notices import warn
from assetlog.producers.spool import SPOOL_BYTES
from assetlog.schemas.errors import Broken, Invalid, Unavailable
from assetlog.schemas.images import blob_name, is_blob_name

FOLDER = "blobs"
PAUSE_SECONDS = 30.0
"""Between two tries to bring an image to a node that answers but can keep none."""
UNREACHABLE = "node-unavailable"
"""The code of an error where nobody answered."""


class WaitingImages:
    """One destination's waiting images. Safe for threads, processes and forks.

    Args:
        directory: where they are; made with the first.
        rejected: where those go that the node refuses.
        limit: bytes of all together.
    """

    def __init__(self, directory: Path, rejected: Path, limit: int = SPOOL_BYTES) -> None:
        self.directory = directory
        self.rejected = rejected
        self.limit = limit
        self.again_at: float = 0.0
        """When (monotonic) a node that could keep none is asked again."""

    def keep(self, content: bytes) -> None:
        """Keep an image, on disk when this returns.

        Raises:
            Broken: the disk, or the room for images, is full.
        """
        try:
            self._check_room(len(content))
            self.directory.mkdir(parents=True, exist_ok=True, mode=0o700)
            written = self.directory / f"{secrets.token_hex(8)}.tmp"
            try:
                _write(written, content)
                written.replace(self.directory / blob_name(content))
            finally:
                written.unlink(missing_ok=True)
            _sync(self.directory)
        except OSError as error:
            raise Broken(
                f"The image can't be kept in {self.directory}: {error.strerror or error}.",
                code="spool-unwritable",
                hint="Check the directory, its permissions and the free space.",
            ) from error

    def deliver(self, upload: Callable[[bytes], None]) -> None:
        """Bring the images to the node; one that it refuses is set aside.

        Raises:
            Unavailable: the node can't be reached; what is not delivered still waits.
            Forbidden: the node takes nothing from this caller.
        """
        for path in self.waiting():
            try:
                upload(path.read_bytes())
            except FileNotFoundError:  # delivered by another process meanwhile
                continue
            except Invalid as error:
                self._set_aside(path, error)
            except Unavailable as error:
                if error.code == UNREACHABLE:
                    raise
                self.again_at = time.monotonic() + PAUSE_SECONDS
                warn("Images wait in %s. %s", self.directory, error)
                return
            path.unlink(missing_ok=True)

    def due(self) -> bool:
        """Whether images wait and may be delivered now."""
        return time.monotonic() >= self.again_at and bool(self.waiting())

    def waiting(self) -> list[Path]:
        """Their files."""
        try:
            names = os.listdir(self.directory)  # noqa: PTH208 - asked before every batch of events
        except OSError:  # not made yet
            return []
        return [self.directory / name for name in names if is_blob_name(name)]

    def _check_room(self, more: int) -> None:
        used = sum(path.stat().st_size for path in self.waiting() if path.exists())
        if used + more > self.limit:
            raise Broken(
                f"The room for images in {self.directory} is full: {used:,} of {self.limit:,} bytes.",
                code="spool-full",
                hint="Bring the node back and run `assetlog emit --drain`.",
            )

    def _set_aside(self, path: Path, error: Invalid) -> None:
        self.rejected.mkdir(parents=True, exist_ok=True, mode=0o700)
        path.replace(self.rejected / path.name)
        warn("An image was refused (%s), see %s. %s", error.code, self.rejected / path.name, error)


def _write(path: Path, content: bytes) -> None:
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    try:
        write_whole(descriptor, content)
    finally:
        os.close(descriptor)


def _sync(directory: Path) -> None:
    descriptor = os.open(directory, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
