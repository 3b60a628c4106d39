"""Threads for what blocks: one for each plain function, and one with an event loop for all async ones.

A function that blocks its thread, or its loop, then never keeps the worker from renewing what it runs.
"""

from __future__ import annotations

import asyncio
import contextlib
import threading
from collections.abc import Callable, Coroutine
from typing import Any, TypeVar

Result = TypeVar("Result")


async def in_thread(function: Callable[[], Result]) -> Result:
    """What a function returns, or raises, on a thread of its own. A cancellation leaves the thread to itself."""
    loop = asyncio.get_running_loop()
    outcome: asyncio.Future[Result] = loop.create_future()

    def run() -> None:
        try:
            result = function()
        except BaseException as error:
            tell = _raised(outcome, error)
        else:
            tell = _returned(outcome, result)
        with contextlib.suppress(RuntimeError):  # the worker has stopped meanwhile
            loop.call_soon_threadsafe(tell)

    # Not from a pool: a thread that nobody waits for any more must neither take a place nor keep the process.
    threading.Thread(target=run, name="assetlog-work", daemon=True).start()
    return await outcome


class LoopThread:
    """An event loop on a thread of its own."""

    def __init__(self) -> None:
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, name="assetlog-work-loop", daemon=True)
        self._thread.start()

    async def run(self, coroutine: Coroutine[Any, Any, Result]) -> Result:
        """What a coroutine returns there. Cancelled with the call."""
        return await asyncio.wrap_future(asyncio.run_coroutine_threadsafe(coroutine, self._loop))

    def close(self) -> None:
        """End the loop, unless something blocks it."""
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(1.0)
        if not self._thread.is_alive():
            self._loop.close()


def _returned(outcome: asyncio.Future[Result], result: Result) -> Callable[[], None]:
    return lambda: None if outcome.done() else outcome.set_result(result)


def _raised(outcome: asyncio.Future[Any], error: BaseException) -> Callable[[], None]:
    return lambda: None if outcome.done() else outcome.set_exception(error)
