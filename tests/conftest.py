"""Fixtures every test may use. Tests of a module share one real log server; each has a catalog of its own."""

from __future__ import annotations

import itertools
from collections.abc import AsyncIterator, Iterator

import pytest
import redis
import redis.asyncio

from assetlog.consumers.log.connection import connect, connect_sync
from assetlog.consumers.log.server import LogServer

_numbers = itertools.count(1)


@pytest.fixture(scope="module")
def log_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LogServer]:
    """A started embedded log server (real Valkey, every write synced) in a data directory of its own."""
    with LogServer(tmp_path_factory.mktemp("home")) as server:
        yield server


@pytest.fixture
def catalog_name() -> str:
    """A catalog name no other test uses, so that tests can share a log server."""
    return f"test-{next(_numbers)}"


@pytest.fixture
def redis_sync(log_server: LogServer) -> Iterator[redis.Redis]:
    """A blocking client of the shared log server; answers are bytes."""
    with connect_sync(log_server.url) as client:
        yield client


@pytest.fixture
async def redis_async(log_server: LogServer) -> AsyncIterator[redis.asyncio.Redis]:
    """An asyncio client of the shared log server, bound to the test's event loop; answers are bytes."""
    async with connect(log_server.url) as client:
        yield client
