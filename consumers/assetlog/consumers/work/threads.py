"""Threads for what blocks: one for each plain function that runs, and one with an event loop for all async ones.

A function that blocks its thread, or its loop, then never keeps the worker from renewing what it runs.
"""

from __future__ import annotations

import asyncio
import contextlib
import threading
from collections.abc import Callable, Coroutine
from queue import SimpleQueue
from typing import Any, TypeVar

Result = TypeVar("Result")
Tell = Callable[[], None]
Call = Callable[[], Tell]
"""Runs a function; what it returns tells the outcome."""


class Threads:
    """Daemon threads that are kept for the next call: as many as calls ran at a time.

    An executor of the standard library waits for its threads at the end, also for one that nobody waits for any more.
    """

    def __init__(self) -> None:
        self._idle: list[SimpleQueue[Call | None]] = []

    async def run(self, function: Callable[[], Result]) -> Result:
        """What a function returns, or raises, on a thread of its own. A cancellation leaves the thread to itself."""
        loop = asyncio.get_running_loop()
        outcome: asyncio.Future[Result] = loop.create_future()

        def call() -> Tell:
            try:
                tell = _returned(outcome, function())
            except BaseException as error:
                tell = _raised(outcome, error)
            return lambda: _on(loop, tell)

        calls = self._idle.pop() if self._idle else self._new()
        calls.put(call)
        return await outcome

    def close(self) -> None:
        """Let go of the threads that nothing runs on."""
        while self._idle:
            self._idle.pop().put(None)

    def _new(self) -> SimpleQueue[Call | None]:
        calls: SimpleQueue[Call | None] = SimpleQueue()

        def work() -> None:
            while (call := calls.get()) is not None:
                tell = call()
                self._idle.append(calls)  # before anybody is told, so that the next call finds it
                tell()

        threading.Thread(target=work, name="assetlog-work", daemon=True).start()
        return calls


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


def _on(loop: asyncio.AbstractEventLoop, tell: Tell) -> None:
    with contextlib.suppress(RuntimeError):  # the worker has stopped meanwhile
        loop.call_soon_threadsafe(tell)


def _returned(outcome: asyncio.Future[Result], result: Result) -> Tell:
    return lambda: None if outcome.done() else outcome.set_result(result)


def _raised(outcome: asyncio.Future[Any], error: BaseException) -> Tell:
    return lambda: None if outcome.done() else outcome.set_exception(error)
