"""The data directory: kept private, used by one node at a time, and its socket's short path."""

from __future__ import annotations

import fcntl
import hashlib
import os
import platform
import stat
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from types import TracebackType

from assetlog.schemas.errors import Broken, Conflict

LOCK_NAME = "node.lock"
SOCKET_NAME = "log.sock"
SOCKET_PATH_LIMIT = 103
"""Bytes a unix socket's path may have: 107 on Linux, 103 on macOS."""


INHERITED_FOR = 2.0
"""Seconds for which a killed node's lock may outlive it, in a child that it was about to start."""


class FileLock:
    """An exclusive lock on a file, held until `release()` or the end of the process (and of heirs of its descriptor).

    >>> from tempfile import mkdtemp
    >>> lock = FileLock(Path(mkdtemp()) / "lock")
    >>> lock.try_acquire(), FileLock(lock.path).held_elsewhere()
    (True, True)
    >>> lock.release()
    >>> FileLock(lock.path).held_elsewhere()
    False
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self._descriptor: int | None = None

    @property
    def descriptor(self) -> int | None:
        """The locked file's descriptor while we hold the lock; a child that inherits it holds the lock too."""
        return self._descriptor

    def try_acquire(self) -> bool:
        """Take the lock if it is free; True when we hold it."""
        if self._descriptor is not None:
            return True
        descriptor = os.open(self.path, os.O_RDWR | os.O_CREAT, 0o600)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            os.close(descriptor)
            return False
        self._descriptor = descriptor
        return True

    def release(self) -> None:
        """Close our descriptor; the lock lives on in a child that inherited it."""
        if self._descriptor is not None:
            os.close(self._descriptor)
            self._descriptor = None

    def held_elsewhere(self) -> bool:
        """Whether another holder has it: another process, or a child that inherited our descriptor."""
        if self._descriptor is not None or not self.path.exists():
            return False
        free = self.try_acquire()
        self.release()
        return not free


def place_of(home: Path) -> str:
    """Names a data directory among those of all machines; a copy of it is another place."""
    directory = home.stat()
    return f"{platform.node() or 'localhost'}:{directory.st_dev:x}:{directory.st_ino:x}"


class HomeLock:
    """One node per data directory: a lock on `node.lock`, which names the node's process.

    Example:
        ``with HomeLock(home): ...``

    Raises (on entering):
        Conflict: another node runs on this data directory; the detail names its process.
    """

    def __init__(self, home: Path) -> None:
        self.home = home
        self._lock = FileLock(home / LOCK_NAME)

    @property
    def held(self) -> bool:
        """Whether this object holds the lock."""
        return self._lock.descriptor is not None

    def acquire(self) -> None:
        """Take the lock and write our process id into it; creates the directory when it is missing."""
        make_private(self.home)
        give_up = time.monotonic() + INHERITED_FOR
        while not self._lock.try_acquire():
            pid = holder_pid(self.home)
            if (pid is not None and process_exists(pid)) or time.monotonic() > give_up:
                raise _home_in_use(self.home)
            time.sleep(0.01)
        descriptor = self._lock.descriptor
        assert descriptor is not None
        os.ftruncate(descriptor, 0)
        os.pwrite(descriptor, f"{os.getpid()}\n".encode(), 0)

    def release(self) -> None:
        """Let the next node in. The file stays: removing it would let two nodes lock two files of one name."""
        self._lock.release()

    def __enter__(self) -> HomeLock:
        self.acquire()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self.release()


def holder_pid(home: Path) -> int | None:
    """The process id written in a data directory's lock, whether or not that process still runs."""
    try:
        return int((home / LOCK_NAME).read_text())
    except (OSError, ValueError):
        return None


def process_exists(pid: int) -> bool:
    """Whether there is a process of that id, ours or not."""
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True


def make_private(directory: Path) -> None:
    """Create a directory that only its user may enter; one that exists keeps its mode (doctor looks at it).

    Raises:
        Broken: it cannot be created.
    """
    try:
        directory.mkdir(mode=0o700, parents=True, exist_ok=True)
    except OSError as error:
        raise Broken(
            f"The directory {directory} cannot be created: {error.strerror}.",
            code="home-unusable",
            field="data-dir",
            value=directory,
            rule="the data directory can be created and written by the user that runs the node",
            hint="Choose another with --data-dir or ASSETLOG_HOME, or mend its permissions.",
        ) from error


def socket_path(home: Path, runtime_dir: Path | None = None) -> Path:
    """Where the log's socket of a data directory goes: a private directory, short enough for the kernel.

    Args:
        runtime_dir: where to put it; unless given the user's runtime directory, the temporary one, then the home.
    """
    label = "assetlog-" + hashlib.sha256(os.fsencode(home.resolve())).hexdigest()[:12]
    for parent in [runtime_dir] if runtime_dir else _runtime_dirs():
        path = parent / label / SOCKET_NAME
        if len(os.fsencode(path)) <= SOCKET_PATH_LIMIT and _own_private(path.parent):
            return path
    path = home.resolve() / "log" / SOCKET_NAME
    if len(os.fsencode(path)) <= SOCKET_PATH_LIMIT:
        return path
    raise Broken(
        f"No place for the log's socket: {path} is longer than {SOCKET_PATH_LIMIT} bytes and no runtime directory "
        "is ours alone.",
        code="no-socket-path",
        field="data-dir",
        value=home,
        rule=f"a socket's path has at most {SOCKET_PATH_LIMIT} bytes and lies in a directory only its user may enter",
        hint="Choose a data directory with a shorter path (--data-dir).",
    )


def _runtime_dirs() -> Iterator[Path]:
    yield Path("/run/user") / str(os.getuid())
    yield Path(tempfile.gettempdir()).resolve()
    yield Path("/tmp")  # noqa: S108 - the directory made below it is checked to be ours and private


def _own_private(directory: Path) -> bool:
    """Make the directory if its parent exists; whether it is a real one of ours that nobody else may enter."""
    try:
        directory.mkdir(mode=0o700, exist_ok=True)
        status = directory.lstat()
    except OSError:
        return False
    return stat.S_ISDIR(status.st_mode) and status.st_uid == os.getuid() and not status.st_mode & 0o077


def _home_in_use(home: Path) -> Conflict:
    pid = holder_pid(home)
    who = f"process {pid}" if pid else "another process"
    return Conflict(
        f"A node already runs on {home}: {who}.",
        code="home-in-use",
        field="data-dir",
        value=home,
        rule="one node per data directory",
        hint="Stop that node first, or start this one with another --data-dir.",
    )
