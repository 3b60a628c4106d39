"""The embedded log server: a Valkey of our own, started, adopted after a crash, and ended with the node."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import threading
import time
from pathlib import Path
from types import TracebackType

import msgspec
import redis
from msgspec import Struct

from assetlog.consumers.crash_points import passing
from assetlog.consumers.log.binary import ServerBinary, find_server
from assetlog.consumers.log.connection import connect_sync, unix_url
from assetlog.consumers.log.home import FileLock, HomeLock, make_private, process_exists, socket_path
from assetlog.consumers.log.launch import LOGFILE, await_answer, failure, launch, tail
from assetlog.schemas.errors import Broken, Unavailable

LOCK_NAME = "server.lock"
RECORD_NAME = "server.json"
ENDS_WITHIN = 5.0
"""Seconds a server gets to shut down when asked, and again to follow a SIGTERM, before it is killed."""
_POLL = 0.01


class ServerRecord(Struct, frozen=True):
    """What `log/server.json` says about the server of a data directory, so that the next node finds it."""

    pid: int
    """0 while the server is being started: a node that is killed just then does not learn it."""
    socket: str
    version: tuple[int, int, int]


class LogServer:
    """The embedded log server of a data directory.

    The server holds a lock on `log/server.lock` through an inherited descriptor, so its end is known for sure,
    whoever started it. A server that a killed node left behind is adopted when it is of our version and settings,
    else replaced; either way nothing that was acknowledged is lost.

    Args:
        home: the data directory; the log lives in its `log/`.
        lock: the directory's lock, if the caller holds it already; else `start` takes it and `stop` releases it.
        runtime_dir: where to put the socket's directory; the user's runtime directory unless given.

    Example:
        >>> import tempfile
        >>> with LogServer(Path(tempfile.mkdtemp())) as server:
        ...     server.url.startswith("unix:///"), server.alive()
        (True, True)
    """

    def __init__(self, home: Path, *, lock: HomeLock | None = None, runtime_dir: Path | None = None) -> None:
        self.home = home
        self.directory = home.resolve() / "log"
        self.adopted = False
        self._own_lock = None if lock else HomeLock(home)
        self._lock = lock or self._own_lock
        self._runtime_dir = runtime_dir
        self._server_lock = FileLock(self.directory / LOCK_NAME)
        self._process: subprocess.Popen[bytes] | None = None
        self._record: ServerRecord | None = None
        self._binary: ServerBinary | None = None
        self._changing = threading.Lock()
        self.wanted = False
        """Whether it is meant to run: between `start` and `stop`."""

    @property
    def url(self) -> str:
        """The log's URL, `unix:///…`; once `start` has returned."""
        return unix_url(self.socket)

    @property
    def socket(self) -> Path:
        """The server's socket."""
        return Path(self._known().socket)

    @property
    def pid(self) -> int:
        """The server's process id."""
        return self._known().pid

    def start(self) -> str:
        """Start the server, or adopt the one a killed node left behind; the log's URL.

        Raises:
            Conflict: another node runs on this data directory.
            Broken: no server program, or it does not run on this log (the hint says what to do).
        """
        if self._own_lock:
            self._own_lock.acquire()
        try:
            with self._changing:
                self.wanted = True
                self._bring_up()
        except BaseException:
            self.wanted = False
            if self._own_lock:
                self._own_lock.release()
            raise
        return self.url

    def stop(self) -> None:
        """End the server: it is asked to, then told to, then killed; returns when it is gone."""
        self.wanted = False
        with self._changing:
            if self._record is not None:
                self._end(self._record)
                self._tidy_up(self._record)
        if self._own_lock:
            self._own_lock.release()

    def restart(self) -> bool:
        """Bring a dead or unreachable server back; False when `stop` was called meanwhile.

        Raises:
            Broken: it does not start.
        """
        with self._changing:
            if not self.wanted:
                return False
            if self._record is not None:
                self._end(self._record)
            self._bring_up()
            return True

    def reachable(self) -> bool:
        """Whether the server runs and its socket is still there for new connections."""
        return self.alive() and self.socket.is_socket()

    def alive(self) -> bool:
        """Whether the server's process runs; it may still be busy loading."""
        if self._process is not None and self._process.poll() is not None:
            return False
        return self._record is not None and self._server_lock.held_elsewhere()

    def __enter__(self) -> LogServer:
        self.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self.stop()

    def last_words(self) -> Broken:
        """Why the server ended, as its log tells."""
        return failure(self._known_binary(), self.directory, tail(self.directory / LOGFILE))

    def _bring_up(self) -> None:
        make_private(self.directory)
        if not self._server_lock.try_acquire():
            if self._adopt():
                return
            self._replace_left_over()
        self._launch()

    def _launch(self) -> None:
        """Start a server; it inherits the lock, of which we then close our own descriptor."""
        binary = self._known_binary()
        socket = socket_path(self.home, self._runtime_dir)
        descriptor = self._server_lock.descriptor
        assert descriptor is not None

        def note(pid: int) -> None:
            passing("log.launched")
            self._record = ServerRecord(pid, str(socket), binary.version)
            self._write_record(self._record)

        try:
            self._write_record(ServerRecord(0, str(socket), binary.version))
            self._process = launch(binary, self.directory, socket, descriptor, note)
        except BaseException:
            self._remove_socket(socket)
            raise
        finally:
            self._server_lock.release()
        self.adopted = False

    def _adopt(self) -> bool:
        """Take over a left-over server that is fit: ours by its directory, of our version, syncing every write."""
        record = read_record(self.directory)
        if record is not None and not record.pid:
            await_answer(self._server_lock.held_elsewhere, Path(record.socket))
        facts = ask(record, self.directory) if record else None
        if record is None or facts is None or record.version != self._known_binary().version or not facts.fit:
            return False
        self._process = None
        if not await_answer(self._server_lock.held_elsewhere, Path(record.socket)):
            return False
        self._record = ServerRecord(facts.pid, record.socket, record.version)
        self._write_record(self._record)
        self.adopted = True
        return True

    def _replace_left_over(self) -> None:
        record = read_record(self.directory)
        if record is not None:
            self._end(record)
        if not self._server_lock.try_acquire():
            raise _stranger(self.directory, record)

    def _end(self, record: ServerRecord) -> None:
        """End a server of this directory: SHUTDOWN, then SIGTERM, then SIGKILL, then whatever it forked."""
        asked = ask_to_stop(record, self.directory)
        if not (asked and self._gone_within(ENDS_WITHIN)):
            for number in (signal.SIGTERM, signal.SIGKILL):
                if self._signal(record, number) and self._gone_within(ENDS_WITHIN):
                    break
            else:
                self._end_heirs(record)
                if not self._gone_within(ENDS_WITHIN):  # a server that was killed keeps the lock while it is torn down
                    self._end_heirs(record)
        if self._process is not None:
            self._process.wait(ENDS_WITHIN)
            self._process = None

    def _signal(self, record: ServerRecord, number: signal.Signals) -> bool:
        """Send a signal to the server if it is certain that it is ours; whether it was sent."""
        if self._process is not None:
            self._process.send_signal(number)
            return True
        if not record.pid or not runs_in(record.pid, self.directory):
            return False
        with contextlib.suppress(ProcessLookupError):
            os.kill(record.pid, number)
        return True

    def _end_heirs(self, record: ServerRecord) -> None:
        """End a child that rewrites the log's file and outlived its server: it still holds the inherited lock."""
        heirs_only = self._process is not None or not process_exists(record.pid)
        if record.pid and heirs_only and self._server_lock.held_elsewhere():
            with contextlib.suppress(ProcessLookupError, PermissionError):
                os.killpg(record.pid, signal.SIGKILL)
            self._gone_within(ENDS_WITHIN)

    def _gone_within(self, seconds: float) -> bool:
        give_up = time.monotonic() + seconds
        while time.monotonic() < give_up:
            if self._process is not None:
                self._process.poll()
            if not self._server_lock.held_elsewhere():
                return True
            time.sleep(_POLL)
        return False

    def _tidy_up(self, record: ServerRecord) -> None:
        """Remove what only a running server needs."""
        self._remove_socket(Path(record.socket))
        (self.directory / RECORD_NAME).unlink(missing_ok=True)
        self._record = None

    def _remove_socket(self, socket: Path) -> None:
        socket.unlink(missing_ok=True)
        if socket.parent != self.directory:
            with contextlib.suppress(OSError):
                socket.parent.rmdir()

    def _write_record(self, record: ServerRecord) -> None:
        fresh = self.directory / f".{RECORD_NAME}"
        fresh.write_bytes(msgspec.json.encode(record))
        fresh.replace(self.directory / RECORD_NAME)

    def _known(self) -> ServerRecord:
        if self._record is None:
            raise Unavailable("The log server is not started.", code="log-not-started", hint="Call start() first.")
        return self._record

    def _known_binary(self) -> ServerBinary:
        self._binary = self._binary or find_server()
        return self._binary


class LeftOver(Struct, frozen=True):
    """What a server that was found running on a log directory says of itself."""

    pid: int
    fit: bool
    """Whether it syncs every write and evicts nothing, as one we would start now."""


def running_server(home: Path) -> str | None:
    """The URL of the embedded log server that runs on a data directory, whoever started it; None when none does."""
    directory = home.resolve() / "log"
    record = read_record(directory)
    if record is None or not FileLock(directory / LOCK_NAME).held_elsewhere():
        return None
    return unix_url(Path(record.socket))


def read_record(directory: Path) -> ServerRecord | None:
    """The server a log directory's record names; None when there is none or it is unreadable."""
    try:
        return msgspec.json.decode((directory / RECORD_NAME).read_bytes(), type=ServerRecord)
    except (OSError, msgspec.MsgspecError):
        return None


def ask(record: ServerRecord, directory: Path) -> LeftOver | None:
    """Ask the server at a record's socket who it is; None unless it proves to run on this very directory."""
    client = connect_sync(unix_url(Path(record.socket)), timeout=ENDS_WITHIN)
    try:
        if not _runs_here(client, directory):
            return None
        wanted = {"appendonly": "yes", "appendfsync": "always", "maxmemory-policy": "noeviction"}
        fit = all(client.config_get(name).get(name) == value for name, value in wanted.items())
        return LeftOver(pid=client.info("server")["process_id"], fit=fit)
    except (redis.exceptions.RedisError, OSError):
        return None
    finally:
        client.close()


def ask_to_stop(record: ServerRecord, directory: Path) -> bool:
    """Ask the server at a record's socket to shut down, if it proves to run on this directory; whether it agreed."""
    client = connect_sync(unix_url(Path(record.socket)), timeout=ENDS_WITHIN)
    try:
        if _runs_here(client, directory):
            client.shutdown(nosave=True)
            return True
    except (redis.exceptions.RedisError, OSError):
        pass
    finally:
        client.close()
    return False


def runs_in(pid: int, directory: Path) -> bool:
    """Whether a process works in a directory, as far as the system tells (Linux does)."""
    try:
        return Path(f"/proc/{pid}/cwd").readlink() == directory
    except OSError:
        return False


def _runs_here(client: redis.Redis, directory: Path) -> bool:
    return client.config_get("dir").get("dir") == str(directory)


def _stranger(directory: Path, record: ServerRecord | None) -> Broken:
    who = f"process {record.pid}" if record else "a process that left no record"
    return Broken(
        f"A log server we cannot reach still uses {directory}: {who}.",
        code="log-in-use",
        field="data-dir",
        value=directory,
        rule="one log server per log directory",
        hint=f"Find it with `fuser {directory / LOCK_NAME}` (or lsof), stop it, then start again.",
    )
