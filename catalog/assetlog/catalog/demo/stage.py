"""Where the demo plays: a node of its own, a worker for the pipeline, and a shop that exports its files."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Iterator
from contextlib import aclosing, contextmanager
from datetime import UTC, datetime
from pathlib import Path
from threading import Thread

import msgspec
from msgspec import Struct

from assetlog.catalog.client import AsyncClient, Client
from assetlog.catalog.demo import exports, pipeline
from assetlog.catalog.demo.shop import DAYS
from assetlog.consumers.work.worker import Worker
from assetlog.producers import Emitter, create_progress_artifact, flush, set_default_emitter
from assetlog.schemas.errors import Broken

WITHIN = 60.0
"""Seconds in which everything that was set off has to end."""
STOP_SECONDS = 2.0
ENDS = frozenset({"trigger.succeeded", "trigger.exhausted", "trigger.cancelled"})

LogAddress = tuple[str, str]
"""The log server's URL, and the catalog's name."""


class Played(Struct, frozen=True):
    """What the demo knows of its own run."""

    before: str
    """The position before the damaged day was repaired."""
    after: str
    """The position when all was done."""
    first_lines: dict[str, int]
    """When each trigger's function came to its first line, in milliseconds since 1970."""


class _Type(Struct):
    type: str


@contextmanager
def own_node(home: Path) -> Iterator[str]:
    """A node on a data directory and a free port, running in a thread; gives its URL."""
    from assetlog.catalog import logs
    from assetlog.catalog.node import Node
    from assetlog.catalog.settings import Settings

    logs.configure("warning", "console")
    settings = Settings(home=home, host="127.0.0.1", port=0).model_copy(update={"redis_url": None})
    with _loop_in_thread("assetlog-node") as loop:
        node = Node(settings)
        asyncio.run_coroutine_threadsafe(node.start(), loop).result()
        try:
            yield node.url
        finally:
            asyncio.run_coroutine_threadsafe(node.stop(), loop).result()


class Stage:
    """A shop whose pipeline is at work. What it emits and what runs goes to one node.

    Args:
        client: the node.
        loop: runs the worker.
        consumers: the names of what the pipeline declares.
    """

    def __init__(self, client: Client, loop: asyncio.AbstractEventLoop, consumers: list[str]) -> None:
        self._client = client
        self._loop = loop
        self._consumers = consumers

    def play(self) -> Played:
        """Let the shop export night by night, the last one damaged; then repair it.

        Raises:
            Broken: what was set off did not end, or events did not reach the node.
        """
        place = pipeline.PLACE
        place.progress = create_progress_artifact(0, key="nightly-progress", description="Days loaded")
        for day in DAYS:
            exports.export_night(place, day)
            before = self._rest()
        exports.repair(place)
        return Played(before, self._rest(), dict(place.first_lines))

    def _rest(self) -> str:
        """Wait until all that was emitted so far, and all that it set off, has ended; that position."""
        flush()
        emitted = self._client.position(as_of=datetime.now(UTC))
        return asyncio.run_coroutine_threadsafe(self._at_rest(emitted), self._loop).result()

    async def _at_rest(self, emitted: str) -> str:
        asked = self._client.node
        try:
            async with asyncio.timeout(WITHIN), AsyncClient(asked.url, token=asked.token) as node:
                if await self._is_quiet(node, emitted):
                    return emitted
                async with aclosing(node.follow(emitted)) as coming:
                    async for told in coming:
                        ends = msgspec.json.decode(told.event, type=_Type).type in ENDS
                        if ends and await self._is_quiet(node, told.position):
                            return told.position
        except TimeoutError:
            pass
        raise Broken(f"The pipeline did not come to rest within {WITHIN:g} s.", code="demo-failed")

    async def _is_quiet(self, node: AsyncClient, position: str) -> bool:
        """Whether nothing runs as of a position, and nothing is about to."""
        for name in self._consumers:
            told = await node.explain_consumer(name, as_of=position)
            if told.active or any(each.true for each in told.pending):
                return False
        return True


@contextmanager
def at_work(client: Client, folder: Path, log: LogAddress) -> Iterator[Stage]:
    """A shop in a new directory, and a worker for its pipeline, in a thread of this process.

    Args:
        client: a node.
        folder: the directory, which must not be there yet.
        log: where the node's log is.
    """
    logging.getLogger("assetlog.work").setLevel(logging.CRITICAL)  # what fails is part of the story, and told there
    pipeline.PLACE.open(folder)
    url, catalog = log
    with (
        Emitter(client.node.url, token=client.node.token, strict=True) as emitter,
        _loop_in_thread("assetlog-worker") as loop,
    ):
        before = set_default_emitter(emitter)
        worker = Worker(pipeline.__name__, log=url, catalog=catalog, node=client)
        try:
            asyncio.run_coroutine_threadsafe(worker.start(), loop).result()
            yield Stage(client, loop, [each.name for each in worker.consumers])
        finally:
            asyncio.run_coroutine_threadsafe(worker.stop(STOP_SECONDS), loop).result()
            set_default_emitter(before)
            pipeline.PLACE.close()


@contextmanager
def _loop_in_thread(name: str) -> Iterator[asyncio.AbstractEventLoop]:
    from assetlog.catalog.node import loop_factory

    loop = loop_factory()()
    thread = Thread(target=loop.run_forever, name=name)
    thread.start()
    try:
        yield loop
    finally:
        loop.call_soon_threadsafe(loop.stop)
        thread.join()
        loop.close()
