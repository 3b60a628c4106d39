"""Reading a pool's stream through FastStream, in the group of its workers, with entries as they are.

FastStream redelivers nothing and claims nothing on Redis streams; `pool` does both. The next entry is read when the
handler returns, so a worker that is full takes nothing from the others.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable
from typing import Any

from faststream import AckPolicy
from faststream.redis import RedisBroker, StreamSub

from assetlog.consumers.work.queue import Entry, entry_of
from assetlog.schemas.stream import WORKERS

BLOCK_MS = 2_000

OnEntry = Callable[[Entry], Awaitable[None]]

logger = logging.getLogger("assetlog.work.reading")
logger.setLevel(logging.ERROR)  # FastStream tells of every entry


class Reading:
    """A FastStream subscriber to a stream of work; its group is there already (`Queue.prepare`).

    Args:
        url: the log server's URL.
        key: the stream.
        worker: this worker's name in the group.
        on_entry: takes each entry; the next is read after it returns. It must not raise.
    """

    def __init__(self, url: str, key: str, worker: str, on_entry: OnEntry) -> None:
        self.broker = RedisBroker(url, logger=logger, description="Work of a pool", graceful_timeout=None)
        stream = StreamSub(key, group=WORKERS, consumer=worker, max_records=1, polling_interval=BLOCK_MS)
        self._subscriber = self.broker.subscriber(
            stream=stream,
            parser=_parse,
            decoder=_keep,
            ack_policy=AckPolicy.MANUAL,
            title="work",
            description="Attempts of triggers, a Work in JSON each.",
        )

        async def take(message: dict[str, Any]) -> None:
            await on_entry(entry_of(message["message_ids"][0], message["data"]))

        self._subscriber(take)

    async def start(self) -> None:
        """Read what nobody has read."""
        await self.broker.start()

    async def resume(self) -> None:
        """Read on after a failure, at once and with a group that was made again."""
        await self._subscriber.stop()
        await self._subscriber.start()

    async def stop(self) -> None:
        """Read no more."""
        tasks = list(self._subscriber.tasks)
        await self._subscriber.stop()
        while not all(task.done() for task in tasks):
            # FastStream cancels once and does not wait; redis-py loses a cancellation that comes while it connects
            for task in tasks:
                task.cancel()
            await asyncio.wait(tasks, timeout=0.05)
        await self.broker.stop()


async def _parse(message: Any, original: Callable[[Any], Awaitable[Any]]) -> Any:
    parsed = await original({**message, "data": {}})
    parsed.raw_message = message
    return parsed


async def _keep(message: Any, _original: Any) -> Any:
    return message.raw_message
