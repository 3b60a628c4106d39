"""A worker of one pool: takes work, has it executed, and records what became of it.

An entry stays in the stream until its end is recorded, in one step with it. A worker renews what it runs; what a dead
one leaves behind is claimed by the others after a while and run once more, with the next attempt's number.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import os
import secrets
import socket
import time
from collections.abc import Awaitable, Callable, Coroutine, Sequence
from typing import Any, Final

import msgspec

from assetlog.consumers.crash_points import passing
from assetlog.consumers.log.connection import connect
from assetlog.consumers.work.outcomes import AttemptFailed, Exhausted, RetryLater
from assetlog.consumers.work.queue import Entry, Queue
from assetlog.consumers.work.reading import Reading
from assetlog.consumers.work.telling import Teller
from assetlog.producers.values import error_text, traceback_text
from assetlog.schemas.errors import AssetlogError, Invalid, Unavailable
from assetlog.schemas.work import Work, encode_work

__all__ = ["AttemptFailed", "Exhausted", "Pool", "RetryLater"]

STALE_SECONDS: Final = 15.0
"""After so many seconds without a sign of its worker, an entry is claimed by another one."""
DEATHS: Final = 3
"""How often work is begun at least before it counts as what kills its workers."""
GRACE_SECONDS: Final = 1.0
"""What is executed gets so much longer than its timeout, to end by itself."""
PAUSES: Final = (0.05, 0.2, 0.5, 1.0, 2.0)
"""Seconds between two tries of what the log server did not answer; the last one is repeated."""
FORGET_AFTER: Final = 3600.0
"""Workers that have not read for so many seconds, and have nothing in hand, are forgotten."""

Execute = Callable[[Work], Awaitable[Sequence[bytes] | None]]
"""Runs an attempt. It may return encoded events, which are appended in one step with its success. Any exception is a
failed attempt: `RetryLater` sets the pause after it, `Exhausted` forbids further ones."""

logger = logging.getLogger("assetlog.work")


class Pool:
    """A worker of a pool, on the event loop that starts it.

    Args:
        url: the log server's URL.
        catalog: the catalog's name.
        name: the pool's name.
        execute: runs an attempt; see `Execute`.
        concurrency: attempts that run at a time at most.
        worker: this worker's name, of no other process ever; host, process and chance unless given.
        source: the `source` of its events; `assetlog://worker/<name>` unless given.
        stale: seconds without a sign of life after which work is claimed from its worker.

    Example:
        ``pool = Pool(url, "default", "pipeline", execute); await pool.start(); ...; await pool.stop()``
    """

    def __init__(
        self,
        url: str,
        catalog: str,
        name: str,
        execute: Execute,
        *,
        concurrency: int = 8,
        worker: str | None = None,
        source: str | None = None,
        stale: float = STALE_SECONDS,
    ) -> None:
        self.name = name
        self.worker = worker or f"{socket.gethostname()}-{os.getpid()}-{secrets.token_hex(4)}"
        self._execute = execute
        self._stale = stale
        self._client = connect(url)
        self._queue = Queue(self._client, catalog, name, self.worker)
        self._reading = Reading(url, self._queue.key, self.worker, self._take)
        self._tell = Teller(source or f"assetlog://worker/{name}", self.worker)
        self._concurrency = concurrency
        self._slots = asyncio.Semaphore(concurrency)
        self._running: dict[bytes, asyncio.Task[None]] = {}
        self._held: dict[bytes, tuple[Entry, asyncio.Task[None]]] = {}
        self._lost: set[bytes] = set()
        self._keeper: asyncio.Task[None] | None = None
        self._stopping = asyncio.Event()
        self._room = asyncio.Event()
        self._room.set()
        self._forgot = -FORGET_AFTER

    @property
    def running(self) -> int:
        """Attempts that run now, or wait for a slot."""
        return len(self._running)

    @property
    def held(self) -> int:
        """Attempts that wait for their time."""
        return len(self._held)

    async def start(self) -> None:
        """Take work from now on.

        Raises:
            Unavailable: the log server cannot be reached.
        """
        await self._queue.prepare()
        await self._reading.start()
        self._keeper = asyncio.create_task(self._keep())

    async def stop(self, seconds: float = 30.0) -> None:
        """Take no more; what runs may end within so many seconds, the rest is given back to other workers."""
        self._stopping.set()
        self._room.set()
        await self._reading.stop()
        await self._let_go_of_held()
        if self._running:
            await asyncio.wait(list(self._running.values()), timeout=seconds)
        left = list(self._running.values())
        for task in left:
            task.cancel()
        await asyncio.gather(*left, return_exceptions=True)
        if self._keeper is not None:
            self._keeper.cancel()
            await asyncio.gather(self._keeper, return_exceptions=True)
        with contextlib.suppress(AssetlogError):
            await self._queue.leave()
        await self._client.aclose()

    async def _let_go_of_held(self) -> None:
        for entry, task in list(self._held.values()):
            task.cancel()
            await self._release(entry)
        self._held.clear()

    async def _take(self, entry: Entry) -> None:
        """What the stream gave: begin it or hold it; return when there is room for another."""
        passing("work.taken")
        await self._admit(entry)
        await self._room.wait()

    async def _admit(self, entry: Entry) -> None:
        try:
            work = entry.work()
        except Invalid as error:
            logger.error("entry dropped: it is no work", extra={"pool": self.name, "error": str(error)})  # noqa: TRY400
            await self._surely(lambda: self._queue.drop(entry))
            return None
        if self._stopping.is_set():
            return await self._release(entry)
        pause = work.not_before - time.time()
        if pause > 0:
            await self._surely(lambda: self._queue.hold(entry))
            entry = msgspec.structs.replace(entry, begun=1)
            self._held[entry.id] = (entry, asyncio.create_task(self._begin_later(entry, work, pause)))
        else:
            work = msgspec.structs.replace(work, attempt=work.attempt + entry.begun - 1)
            self._run_in_task(entry, work)
        return None

    async def _begin_later(self, entry: Entry, work: Work, pause: float) -> None:
        await asyncio.sleep(pause)
        self._held.pop(entry.id, None)
        self._run_in_task(entry, work)

    def _run_in_task(self, entry: Entry, work: Work) -> None:
        task = asyncio.create_task(self._run(entry, work))
        self._running[entry.id] = task
        task.add_done_callback(lambda _: self._ended(entry))
        if len(self._running) >= self._concurrency:
            self._room.clear()

    def _ended(self, entry: Entry) -> None:
        self._running.pop(entry.id, None)
        if len(self._running) < self._concurrency:
            self._room.set()

    async def _run(self, entry: Entry, work: Work) -> None:
        """One attempt, from its slot to its end."""
        started = self._tell.started(work, entry)
        try:
            async with self._slots:
                if work.attempt > work.attempts and entry.begun > DEATHS:
                    await self._give_up(entry, work)
                elif await self._surely(lambda: self._queue.begin(entry, started)):
                    passing("work.started")
                    await self._attempt(entry, work)
                else:
                    logger.info("not begun: called off, or another worker's", extra=_facts(work))
        except asyncio.CancelledError:
            await self._release(entry)
            raise
        except Exception:
            logger.exception("end of a trigger not recorded", extra=_facts(work))

    async def _attempt(self, entry: Entry, work: Work) -> None:
        began = time.perf_counter()
        try:
            limit = None if work.timeout is None else work.timeout + GRACE_SECONDS
            async with asyncio.timeout(limit):
                events = await self._execute(work)
        except Exception as error:
            passing("work.ran")
            await self._failed(entry, work, error, time.perf_counter() - began)
        else:
            passing("work.ran")
            told = [*(events or ()), self._tell.succeeded(work, entry, time.perf_counter() - began)]
            await self._surely(lambda: self._queue.succeed(entry, told))
        passing("work.acked")

    async def _failed(self, entry: Entry, work: Work, error: Exception, duration: float) -> None:
        """Record a failure, and what follows it: another attempt, or none."""
        cause = (error.__cause__ or error) if isinstance(error, AttemptFailed) else error
        says = error_text(cause) if cause is not error or not isinstance(error, AttemptFailed) else str(error)
        if isinstance(error, TimeoutError) and not str(error):
            says = f"TimeoutError: it took longer than {work.timeout or 0:g} s"
        told = [*(error.events if isinstance(error, AttemptFailed) else ())]
        told.append(self._tell.failed(work, entry, says, traceback_text(cause), duration))
        following = None
        if work.is_last or isinstance(error, Exhausted):
            told.append(self._tell.exhausted(work, entry, says))
            logger.error("trigger failed for good", extra={**_facts(work), "error": says})
        else:
            pause = error.seconds if isinstance(error, RetryLater) else work.pause()
            following = encode_work(
                msgspec.structs.replace(work, attempt=work.attempt + 1, not_before=time.time() + pause)
            )
            logger.warning("attempt failed", extra={**_facts(work), "again_in": round(pause, 3), "error": says})
        if not await self._surely(lambda: self._queue.fail(entry, told, following)):
            logger.warning("called off, or claimed by another worker, while it ran here", extra=_facts(work))

    async def _give_up(self, entry: Entry, work: Work) -> None:
        says = f"its worker died {entry.begun - 1} times while it ran"
        logger.error("trigger given up", extra={**_facts(work), "error": says})
        told = [self._tell.exhausted(work, entry, says)]
        await self._surely(lambda: self._queue.fail(entry, told, None))

    async def _release(self, entry: Entry) -> None:
        with contextlib.suppress(AssetlogError):
            await self._queue.release(entry)

    async def _keep(self) -> None:
        """Renew what runs, claim what dead workers left, and take up reading again after a failure."""
        failed = False
        while True:
            await asyncio.sleep(self._stale / 3)
            try:
                if failed:
                    await self._queue.prepare()
                    await self._reading.resume()
                await self._renew()
                await self._claim()
                await self._forget()
                failed = False
            except Unavailable as error:
                failed = True
                logger.warning("log server does not answer", extra={"pool": self.name, "error": str(error)})
            except Exception:  # e.g. a stream that was deleted; whatever it is, work goes on
                failed = True
                logger.exception("pool is taken up again", extra={"pool": self.name})

    async def _renew(self) -> None:
        mine = list(self._running)
        lost = set(mine) - await self._queue.renew(mine)
        for entry_id in lost & self._lost & self._running.keys():  # seen twice: it was not just about to end
            logger.warning(
                "called off, or claimed by another worker, while it runs", extra={"entry": entry_id.decode()}
            )
        self._lost = lost

    async def _claim(self) -> None:
        room = self._concurrency - len(self._running)
        known = {*self._running, *self._held}
        for entry in await self._queue.claim(self._stale, room, known):
            passing("work.taken")
            logger.warning("taken over from a worker without a sign of life", extra={"entry": entry.id.decode()})
            await self._admit(entry)

    async def _forget(self) -> None:
        if time.monotonic() - self._forgot > FORGET_AFTER:
            self._forgot = time.monotonic()
            await self._queue.forget_idle(FORGET_AFTER)

    async def _surely(self, action: Callable[[], Coroutine[Any, Any, Any]]) -> Any:
        """What the log server answers, however long that takes; the same is asked again until it does."""
        tries = 0
        while True:
            try:
                return await action()
            except Unavailable as error:
                if self._stopping.is_set() and tries >= len(PAUSES):
                    raise
                level = logging.WARNING if tries == len(PAUSES) else logging.DEBUG
                logger.log(level, "log server does not answer: asked again", extra={"error": str(error)})
                await asyncio.sleep(PAUSES[min(tries, len(PAUSES) - 1)])
                tries += 1


def _facts(work: Work) -> dict[str, Any]:
    """What a line of the process's own log says of work."""
    return {"trigger": work.trigger, "consumer": work.consumer, "attempt": work.attempt}
