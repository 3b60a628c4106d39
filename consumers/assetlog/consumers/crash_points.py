"""Named points at which a process can be made to kill itself, for the chaos tests only.

A process that is not armed pays one comparison per point. `catalog.settings.crash_at` reads what to arm from the
environment (`ASSETLOG_CRASH_AT`); nothing else does.
"""

from __future__ import annotations

import os
import re
import signal
import threading
from typing import Final

POINTS: Final = {
    "append.sending": "a batch is about to be sent to the log server",
    "append.answered": "the log server has acknowledged a batch, and nobody is told yet",
    "commit.before": "a transaction is complete but not committed; the first one makes the tables",
    "commit.after": "a transaction is committed, and memory does not know it yet",
    "snapshot.before": "the rows are written and the snapshot is due",
    "snapshot.after": "the snapshot is written but not committed",
    "checkpoint.begin": "the write-ahead log is about to be moved into the file",
    "checkpoint.end": "the write-ahead log was moved into the file",
    "set-aside.between": "a bad projection is renamed, its write-ahead log is not",
    "log.launched": "a log server was started, and no record of it is written yet",
    "rebuild.folded": "the new projection is complete beside the old one",
    "rebuild.set-aside": "the old projection is out of the way, the new one not yet in its place",
    "rebuild.swapping": "the old write-ahead log is gone, the new file not yet in its place",
    "rebuild.swapped": "the new file is in its place, its directory not yet synced",
    "archive.written": "a file of the archive is written and synced under a temporary name",
    "archive.renamed": "a file of the archive has its name, and its directory is synced",
    "archive.listed": "a segment is in the manifest, and the log server does not know it yet",
    "archive.trimmed": "the log was trimmed behind a segment",
    "schedule.deciding": "the scheduler has decided, and nothing of it is recorded",
    "schedule.fired": "firings are recorded, and not folded yet",
    "schedule.handed": "accepted triggers are in the streams of work",
    "work.taken": "a worker has taken work, and its start is not recorded",
    "work.started": "the start is recorded, and the function has not begun",
    "work.ran": "the function has returned or failed, and its end is not recorded",
    "work.told": "the events of a task's assets are in the log, and the function goes on",
    "work.acked": "what became of the work is recorded, and it is gone from the stream",
}
"""Every point, and what has happened there."""

_ARMED = re.compile(r"(?P<point>[a-z.-]+)(:(?P<times>[1-9]\d{0,8}))?(\+(?P<seconds>\d{1,3}(\.\d{1,6})?))?")


class _Bomb:
    """What is armed: a point, how often it is passed first, and how long after it the end comes."""

    point: str | None = None
    times = 1
    seconds = 0.0


def arm(at: str | None) -> None:
    """Have this process killed by SIGKILL at a point; None disarms.

    Args:
        at: a point of `POINTS`; `point:3` is the third time it is passed, `point+0.002` two milliseconds after it.

    Raises:
        ValueError: there is no such point.

    >>> arm("commit.nowhere")
    Traceback (most recent call last):
    ValueError: there is no crash point 'commit.nowhere'
    """
    found = _ARMED.fullmatch(at or "")
    if at and (found is None or found["point"] not in POINTS):
        raise ValueError(f"there is no crash point {at!r}")
    _Bomb.point = found["point"] if found else None
    _Bomb.times = int(found["times"] or 1) if found else 1
    _Bomb.seconds = float(found["seconds"] or 0) if found else 0.0


def passing(point: str) -> None:
    """Say that a point is passed: the end, if it is the one that is armed."""
    if point == _Bomb.point:
        _count_down()


def _count_down() -> None:
    _Bomb.times -= 1
    if _Bomb.times:
        return
    if _Bomb.seconds:
        timer = threading.Timer(_Bomb.seconds, _end)
        timer.daemon = True
        timer.start()
    else:
        _end()


def _end() -> None:
    os.kill(os.getpid(), signal.SIGKILL)
