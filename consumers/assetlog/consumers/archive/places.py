"""Where an archive's files are: a local directory, or an object store by URL."""

from __future__ import annotations

import contextlib
import fcntl
import os
import secrets
from collections.abc import Iterator
from pathlib import Path
from typing import Protocol
from urllib.parse import unquote, urlsplit

from assetlog.consumers.archive.manifest import MANIFEST
from assetlog.consumers.crash_points import passing
from assetlog.schemas.errors import Conflict

TEMPORARY = ".tmp"
LOCK = "manifest.lock"
DIRECTORY = "archive"
"""The folder in the data directory that holds the archive, or the downloaded part of one elsewhere."""


class Place(Protocol):
    """Files that are written whole and never changed, and one manifest that is exchanged whole."""

    url: str
    """Names the place in messages and to other nodes."""

    def read_manifest(self) -> bytes:
        """The manifest's bytes, empty if there is none."""

    def exchange_manifest(self, expected: bytes, new: bytes) -> None:
        """Put a new manifest in the place of the expected one, durably.

        Raises:
            Conflict: it is another one: somebody else sealed.
        """

    def new_file(self) -> Path:
        """A local path to write a segment to."""

    def store(self, written: Path, name: str) -> None:
        """Make a written file durable under a name, which must be new."""

    def local(self, name: str) -> Path:
        """A local path to read a file from.

        Raises:
            FileNotFoundError: there is none.
        """

    def tidy(self) -> None:
        """Remove what an interrupted seal left behind."""


class LocalPlace:
    """A directory. A write is: write beside, fsync, rename, fsync the directory."""

    def __init__(self, directory: Path) -> None:
        self.directory = directory
        self.url = directory.as_uri()

    def read_manifest(self) -> bytes:
        """See `Place`."""
        try:
            return (self.directory / MANIFEST).read_bytes()
        except FileNotFoundError:
            return b""

    def exchange_manifest(self, expected: bytes, new: bytes) -> None:
        """See `Place`; a lock on a file beside it lets one process at a time compare and exchange."""
        with self._locked():
            if self.read_manifest() != expected:
                raise manifest_moved()
            written = self.new_file()
            written.write_bytes(new)
            self.store(written, MANIFEST)

    def new_file(self) -> Path:
        """See `Place`."""
        make_directory(self.directory)
        return self.directory / f"{secrets.token_hex(8)}{TEMPORARY}"

    def store(self, written: Path, name: str) -> None:
        """See `Place`."""
        sync(written)
        passing("archive.written")
        written.replace(self.directory / name)
        sync(self.directory)
        passing("archive.renamed")

    def local(self, name: str) -> Path:
        """See `Place`."""
        path = self.directory / name
        path.stat()
        return path

    def tidy(self) -> None:
        """See `Place`."""
        for left in self.directory.glob(f"*{TEMPORARY}"):
            left.unlink(missing_ok=True)

    @contextlib.contextmanager
    def _locked(self) -> Iterator[None]:
        self.directory.mkdir(parents=True, exist_ok=True)
        with (self.directory / LOCK).open("ab") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            yield


def open_place(url: str | None, home: Path, catalog: str) -> Place:
    """The place of a catalog's archive: below a URL, or in the data directory if there is none.

    Raises:
        Broken: an object store's URL, and the extra that reads it is not installed.
        Invalid: the URL names no store.
    """
    parts = urlsplit(url or "")
    if not url:
        return LocalPlace(home / DIRECTORY / catalog)
    if parts.scheme in {"", "file"}:
        return LocalPlace(Path(unquote(parts.path)).expanduser().absolute() / catalog)
    from assetlog.consumers.archive.object_place import ObjectPlace

    return ObjectPlace(f"{url.rstrip('/')}/{catalog}", home / f"{DIRECTORY}-cache" / catalog)


def manifest_moved() -> Conflict:
    """Somebody else sealed a segment since the manifest was read."""
    return Conflict("Another node has written the archive's manifest meanwhile.", code="archive-moved")


def make_directory(directory: Path) -> None:
    """Have a directory, and its name in those above it, on the disk."""
    new = [each for each in (directory, *directory.parents) if not each.exists()]
    directory.mkdir(parents=True, exist_ok=True)
    for each in new:
        sync(each.parent)


def sync(path: Path) -> None:
    """Have a file, or a directory's names, on the disk."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
