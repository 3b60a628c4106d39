"""Appending to a file that several processes share, on disk when it returns."""

from __future__ import annotations

import fcntl
import os
from collections.abc import Sequence
from pathlib import Path


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
