"""`file:///path/events.ndjson` appends events to a file, one a line, on disk before it answers."""

from __future__ import annotations

import fcntl
import os
from collections.abc import Sequence
from pathlib import Path
from urllib.parse import unquote, urlsplit

from assetlog.producers.transports.verdicts import event_id
from assetlog.schemas.errors import Invalid, Unavailable
from assetlog.schemas.shapes import Accepted, Receipt


class FileTransport:
    """Appends lines under a lock, so that several processes may share a file."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def send(self, batch: Sequence[bytes]) -> Receipt:
        """Append the batch and sync it."""
        try:
            append_lines(self.path, batch)
        except OSError as error:
            raise Unavailable(
                f"{self.path} can't be written: {error.strerror or error}.",
                code="file-unwritable",
                hint="Check the directory, its permissions and the free space.",
            ) from error
        return Receipt(accepted=[Accepted(id=event_id(raw), position="") for raw in batch], ack="disk")

    def close(self) -> None:
        """Nothing to let go of: the file is open only while it is written."""


def append_lines(path: Path, lines: Sequence[bytes]) -> None:
    """Append lines to a file, all or none, and sync them; safe for several processes."""
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        write_whole(descriptor, b"".join(line + b"\n" for line in lines))
    finally:
        fcntl.flock(descriptor, fcntl.LOCK_UN)  # a child forked meanwhile would keep a merely closed lock
        os.close(descriptor)


def write_whole(descriptor: int, content: bytes) -> None:
    """Write and sync at the end of a locked file; what was half written on an error is taken back."""
    before = os.fstat(descriptor).st_size
    try:
        view = memoryview(content)
        while view:
            view = view[os.write(descriptor, view) :]
        os.fsync(descriptor)
    except OSError:
        os.ftruncate(descriptor, before)
        raise


def open_transport(url: str, catalog: str, token: str | None) -> FileTransport:  # noqa: ARG001 - one shape for all
    """The transport of a `file://` URL."""
    parts = urlsplit(url)
    if parts.netloc not in {"", "localhost"} or not parts.path or parts.path.endswith("/"):
        raise Invalid(
            "The URL names no file of this machine.",
            code="invalid-url",
            field="url",
            value=url,
            rule="a file URL has an absolute path: file:///var/log/events.ndjson",
            hint="Write three slashes before the path.",
        )
    return FileTransport(Path(unquote(parts.path)))
