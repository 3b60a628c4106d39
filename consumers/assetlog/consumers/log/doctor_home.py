"""What doctor finds in a data directory: who may enter, room on its disk, the log's files, left-overs, the spool."""

from __future__ import annotations

import os
import shutil
import stat
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from assetlog.consumers.log.finding import Finding, size_text
from assetlog.consumers.log.home import LOCK_NAME, FileLock, holder_pid
from assetlog.consumers.log.server import LOCK_NAME as SERVER_LOCK
from assetlog.consumers.log.server import read_record

LITTLE_ROOM: Final = 1 << 30
NO_ROOM: Final = 1 << 28
"""Bytes free on the disk below which doctor warns, and below which it fails."""
IN_MEMORY: Final = ("tmpfs", "ramfs")


def examine_home(home: Path) -> list[Finding]:
    """Everything that can be seen of a data directory without asking a server."""
    directory = permissions(home)
    if directory.status == "fail":
        return [directory]
    return [directory, room(home), medium(home), log_files(home), processes(home), spool(home), rejected(home)]


def permissions(home: Path) -> Finding:
    """The directory exists, is ours, and nobody else may enter."""
    name = "data-directory"
    try:
        status = home.stat()
    except OSError as error:
        missing = isinstance(error, FileNotFoundError)
        remedy = "Run `assetlog up` once, or name another with --data-dir." if missing else "Mend its permissions."
        return Finding(name, "fail", f"{home}: {error.strerror}.", "catalog and log live there", remedy)
    if not stat.S_ISDIR(status.st_mode) or not os.access(home, os.R_OK | os.W_OK | os.X_OK):
        why = "a node writes its log and its catalog there"
        return Finding(name, "fail", f"{home} is not a directory we may write.", why, f"Run `chown` on {home}.")
    if status.st_mode & 0o077:
        why = "other users of this machine may read the catalog and its log"
        return Finding(name, "warn", f"{home} has mode {status.st_mode & 0o777:o}.", why, f"Run `chmod 700 {home}`.")
    return Finding(name, "ok", f"{home} is ours alone.")


def room(home: Path) -> Finding:
    """Enough of the disk is free for the log to grow, and to be written anew beside itself."""
    free = shutil.disk_usage(home).free
    needed = max(LITTLE_ROOM, 2 * _size(home / "log"))
    found = f"{size_text(free)} free on the disk of {home}."
    why = "on a full disk the log server stops; it also rewrites its file beside the old one from time to time"
    remedy = "Free space, or move the data directory to a larger disk (stop the node first)."
    if free >= needed:
        return Finding("disk-room", "ok", found)
    return Finding("disk-room", "warn" if free >= NO_ROOM else "fail", found, why, remedy)


def medium(home: Path) -> Finding:
    """The directory lies on a disk: in memory, nothing that is synced survives a reboot."""
    kind = _filesystem(home)
    if kind not in IN_MEMORY:
        return Finding("disk-kind", "ok", f"{home} lies on {kind or 'a disk'}.")
    why = "a receipt's `disk` means nothing there: a reboot loses the log"
    return Finding("disk-kind", "warn", f"{home} lies in memory ({kind}).", why, "Choose another with --data-dir.")


def log_files(home: Path) -> Finding:
    """The files of an embedded log: how many, how large, and the list that holds them together."""
    files = list((home / "log" / "appendonlydir").glob("appendonly.aof*"))
    if not files:
        return Finding("log-files", "ok", "No embedded log here yet.")
    found = f"The log has {len(files)} files, {size_text(_size(home / 'log'))}."
    if any(file.name.endswith(".manifest") for file in files):
        return Finding("log-files", "ok", found)
    why = "without its manifest the server cannot tell in which order to read the log's files"
    return Finding("log-files", "fail", f"{found} Its manifest is missing.", why, "Restore the log from a backup.")


def processes(home: Path) -> Finding:
    """Who runs on the directory: a node, nobody, or a log server whose node is gone."""
    record = read_record(home.resolve() / "log")
    node_runs = FileLock(home / LOCK_NAME).held_elsewhere()
    server_runs = FileLock(home / "log" / SERVER_LOCK).held_elsewhere()
    server = (
        f"log server {record.pid}" if record and server_runs else "a log server" if server_runs else "no log server"
    )
    if node_runs:
        return Finding("processes", "ok", f"Node {holder_pid(home)} runs, with {server} of its own.")
    if not server_runs:
        return Finding("processes", "ok", "Neither node nor log server runs.")
    why = "its node was killed; it still takes events from whoever has its socket open, and nobody folds them"
    return Finding(
        "processes", "warn", f"No node runs, but {server} does.", why, "Run `assetlog up`: it takes it over."
    )


def spool(home: Path) -> Finding:
    """Events that wait on this machine because the log could not be reached."""
    waiting = sum(map(_lines, _spooled(home)))
    if not waiting:
        return Finding("spool", "ok", "No event waits in the spool.")
    found = f"{waiting} events wait in {home / 'spool'}."
    why = "they are safe on disk, but not in the catalog yet"
    return Finding("spool", "warn", found, why, "Start the node or check ASSETLOG_URL; the next emit delivers them.")


def rejected(home: Path) -> Finding:
    """Events that a node refused, kept with the reason."""
    directory = home / "spool" / "rejected"
    refused = sum(map(_lines, directory.glob("*"))) if directory.is_dir() else 0
    if not refused:
        return Finding("rejected", "ok", "No emitted event was refused.")
    why = "they will never reach the catalog as they are"
    remedy = "Each line there has the event and the reason: mend it, emit it again, delete the line."
    return Finding("rejected", "warn", f"{refused} refused events lie in {directory}.", why, remedy)


def _spooled(home: Path) -> Iterator[Path]:
    for path in (home / "spool").rglob("*"):
        if path.suffix in {".ndjson", ".sealed"} and path.parent.name != "rejected":
            yield path


def _lines(path: Path) -> int:
    try:
        with path.open("rb") as file:
            return sum(chunk.count(b"\n") for chunk in iter(lambda: file.read(1 << 20), b""))
    except OSError:  # delivered while we looked
        return 0


def _size(directory: Path) -> int:
    return sum(path.lstat().st_size for path in directory.rglob("*") if path.is_file())


def _filesystem(path: Path) -> str:
    """The type of the file system a path lies on; empty where the system does not tell (it does on Linux)."""
    best, kind = Path("/"), ""
    try:
        mounts = Path("/proc/mounts").read_text().splitlines()
    except OSError:
        return ""
    for mount in mounts:
        _, point, its_kind, *_ = mount.split(" ")
        place = Path(point.replace("\\040", " "))
        if path.resolve().is_relative_to(place) and len(place.parts) >= len(best.parts):
            best, kind = place, its_kind
    return kind
