"""Waiting until the fold has passed a position."""

from __future__ import annotations

import asyncio
import heapq
from itertools import count


class Waiters:
    """Futures by the position they wait for. Used on one event loop."""

    def __init__(self) -> None:
        self._heap: list[tuple[int, int, asyncio.Future[None]]] = []
        self._order = count()

    def advance(self, position: int) -> None:
        """Wake everyone who waits for a position up to this one."""
        while self._heap and self._heap[0][0] <= position:
            _, _, waiter = heapq.heappop(self._heap)
            if not waiter.done():
                waiter.set_result(None)

    async def wait(self, position: int, timeout: float | None) -> bool:
        """Wait until `advance` reaches a position; False after so many seconds."""
        waiter = asyncio.get_running_loop().create_future()
        heapq.heappush(self._heap, (position, next(self._order), waiter))
        try:
            async with asyncio.timeout(timeout):
                await waiter
        except TimeoutError:
            return False
        return True
