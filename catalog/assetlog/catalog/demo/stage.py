"""Where the demo plays: a node of its own, and the pipeline run through the SDK."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from threading import Thread

import duckdb
from msgspec import Struct

from assetlog.catalog.client import Client
from assetlog.catalog.demo import pipeline
from assetlog.catalog.demo.pipeline import Shop
from assetlog.producers import Emitter, flush, set_default_emitter
from assetlog.schemas.errors import Broken


class Played(Struct, frozen=True):
    """What the demo knows of its own run: two moments, as positions of the log."""

    before: str
    """Before the damaged day was repaired."""
    after: str
    """When all was done."""


@contextmanager
def own_node(home: Path) -> Iterator[str]:
    """A node on a data directory and a free port, running in a thread; gives its URL."""
    from assetlog.catalog import logs
    from assetlog.catalog.node import Node
    from assetlog.catalog.settings import Settings

    logs.configure("warning", "console")
    settings = Settings(home=home, host="127.0.0.1", port=0).model_copy(update={"redis_url": None})
    with _loop_in_thread() as loop:
        node = Node(settings)
        asyncio.run_coroutine_threadsafe(node.start(), loop).result()
        try:
            yield node.url
        finally:
            asyncio.run_coroutine_threadsafe(node.stop(), loop).result()


def play(client: Client, folder: Path) -> Played:
    """Run the pipeline: the night that fails, then the repair.

    Raises:
        Broken: the night did not fail, or events did not reach the node.
    """
    folder.mkdir()
    shop = Shop(folder)
    with Emitter(client.node.url, token=client.node.token, strict=True) as emitter:
        set_default_emitter(emitter)
        progress = pipeline.start_progress()
        _fail_one_night(shop, progress)
        before = _moment(client)
        pipeline.repair(shop, progress)
        after = _moment(client)
    shop.warehouse.close()
    return Played(before, after)


def _fail_one_night(shop: Shop, progress: str) -> None:
    try:
        pipeline.nightly(shop, progress)
    except duckdb.ConversionException:
        return
    raise Broken("The damaged export was loaded without an error.", code="demo-failed")


def _moment(client: Client) -> str:
    """The position of all that was emitted so far, once it is folded."""
    flush()
    return client.position(as_of=datetime.now(UTC))


@contextmanager
def _loop_in_thread() -> Iterator[asyncio.AbstractEventLoop]:
    from assetlog.catalog.node import loop_factory

    loop = loop_factory()()
    thread = Thread(target=loop.run_forever, name="assetlog-node")
    thread.start()
    try:
        yield loop
    finally:
        loop.call_soon_threadsafe(loop.stop)
        thread.join()
        loop.close()
