"""Following the log over lost connections: where it went on to, how long to wait, when to give up."""

from __future__ import annotations

import time
from collections.abc import Iterator
from typing import Any

from assetlog.catalog.answers import decode
from assetlog.catalog.client.asking import TIMEOUT_SECONDS, on_the_wire
from assetlog.catalog.sse import Message
from assetlog.schemas.errors import Unavailable
from assetlog.schemas.shapes import EventShape

STREAM_PATH = "/v1/events/stream"
RECONNECT_SECONDS = (0.1, 0.2, 0.5, 1.0, 2.0)
PATIENCE_SECONDS = 60.0
SILENCE_SECONDS = 60.0
"""A node sends a heartbeat well within this time; longer silence means a dead connection."""


class Following:
    """How far a follower has come.

    Args:
        after: the position to begin behind. Without one, a connection lost before the first event would lose what
            came meanwhile.
        patience: seconds that the node may be away.
    """

    def __init__(self, after: str, patience: float) -> None:
        self._last = after
        self._patience = patience
        self._away_since: float | None = None
        self._pauses: Iterator[float] = iter(RECONNECT_SECONDS)

    def request(self, filters: dict[str, Any]) -> dict[str, Any]:
        """The next connection, as httpx takes it."""
        import httpx

        return {
            "url": STREAM_PATH,
            "params": on_the_wire(filters),
            "headers": {"accept": "text/event-stream", "last-event-id": self._last},
            "timeout": httpx.Timeout(TIMEOUT_SECONDS, read=SILENCE_SECONDS),
        }

    def took(self, message: Message) -> EventShape | None:
        """The event of a message, if it has one; a lost connection goes on behind it."""
        self._last = message.id or self._last
        self._away_since, self._pauses = None, iter(RECONNECT_SECONDS)
        return decode(message.data, EventShape) if message.data else None

    def lost(self, error: Unavailable) -> None:
        """The node is away.

        Raises:
            Unavailable: for longer than the patience lasts.
        """
        now = time.monotonic()
        self._away_since = now if self._away_since is None else self._away_since
        if now - self._away_since > self._patience:
            raise error

    def pause(self) -> float:
        """Seconds to wait before the next connection."""
        return next(self._pauses, RECONNECT_SECONDS[-1])
