"""The queue between the threads that emit and the one that sends."""

from __future__ import annotations

import threading
from collections import deque
from typing import Literal

from msgspec import Struct

LIMIT = 10_000
"""Events in memory; what is more goes to the spool."""


class Emission(Struct, frozen=True, kw_only=True):
    """What became of an event."""

    id: str
    ack: Literal["disk", "memory", "unknown", "spool", "refused", "lost", "pending"]
    """Where it is: in the log (`disk`, `memory`, `unknown`), in the spool on this machine's disk (`spool`), aside
    in `spool/rejected` (`refused`), nowhere (`lost`: the spool is full), or still on its way (`pending`)."""
    position: str | None = None
    """Where it stands in the log."""
    duplicate: bool = False
    """The log had it already."""
    reason: str | None = None
    """Why it is not in the log."""
    redacted: int = 0
    """Values that looked like secrets and were struck out."""


class Ticket:
    """What a caller that waits holds."""

    __slots__ = ("done", "emission", "in_log")

    def __init__(self) -> None:
        self.done: threading.Event = threading.Event()
        self.emission: Emission | None = None
        self.in_log: bool = False
        """For a flush: all that was emitted before is in the log."""


class Item(Struct, gc=False):
    """An event on its way, or a flush: a ticket without an event."""

    raw: bytes
    ticket: Ticket | None = None


class Outbox:
    """A bounded queue."""

    def __init__(self, limit: int = LIMIT) -> None:
        self.limit = limit
        self.closed: bool = False
        self._items: deque[Item] = deque()
        self._wake = threading.Event()

    def put(self, item: Item) -> bool:
        """Queue an event; False if the queue is full with it."""
        self._items.append(item)
        if not self._wake.is_set():
            self._wake.set()
        return len(self._items) < self.limit

    def wait(self, timeout: float | None) -> None:
        """Wait until something is queued or the outbox is closed, at most a number of seconds."""
        self._wake.wait(timeout)
        self._wake.clear()

    def take(self) -> list[Item]:
        """All that is queued."""
        return [self._items.popleft() for _ in range(len(self._items))]

    def close(self) -> None:
        """Nothing more comes: the sender ends when all is sent."""
        self.closed = True
        self._wake.set()
