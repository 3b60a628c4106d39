"""The embedded log's file shrinks with the log: what was trimmed is not read again at every start."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
import redis

from assetlog.consumers.log.connection import connect, connect_sync
from assetlog.consumers.log.server import LogServer
from assetlog.consumers.log.shrinking import WORTH_FROM, shrink
from assetlog.schemas.stream import EVENT_FIELD

ENTRY = bytes(1_000)
ENTRIES = WORTH_FROM // len(ENTRY) + 1_000


@pytest.fixture
def server(tmp_path: Path) -> Iterator[LogServer]:
    with LogServer(tmp_path / "home") as server, connect_sync(server.url) as client:
        pipeline = client.pipeline(transaction=False)
        for _ in range(ENTRIES):
            pipeline.xadd("log", {EVENT_FIELD: ENTRY})
        pipeline.execute()
        yield server


def test_a_file_that_is_mostly_trimmed_is_rewritten_and_holds_the_rest(server: LogServer) -> None:
    with connect_sync(server.url) as client:
        client.xtrim("log", maxlen=10, approximate=False)
        kept = client.xrange("log")
        assert asyncio.run(_shrink(server.url))
        _await_rewritten(client)
    server.stop()
    server.start()
    with connect_sync(server.url) as client:
        assert client.info("persistence")["aof_current_size"] < WORTH_FROM / 100
        assert client.xrange("log") == kept


def test_a_file_whose_entries_are_all_in_the_log_is_left_alone(server: LogServer) -> None:
    assert not asyncio.run(_shrink(server.url))


async def _shrink(url: str) -> bool:
    async with connect(url) as client:
        return await shrink(client)


def _await_rewritten(client: redis.Redis) -> None:
    give_up = time.monotonic() + 30
    while (facts := client.info("persistence"))["aof_rewrite_in_progress"] or facts["aof_rewrite_scheduled"]:
        assert time.monotonic() < give_up, facts
        time.sleep(0.01)
