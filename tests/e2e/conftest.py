"""A real node for the tests of a module: log server, fold, API, on a free port and a data directory of its own."""

from __future__ import annotations

import asyncio
import itertools
import json
import threading
from collections.abc import Coroutine, Iterator
from concurrent.futures import Future
from pathlib import Path
from typing import Any, TypeVar

import httpx
import pytest

from assetlog.catalog.node import Node, loop_factory
from assetlog.catalog.settings import Settings
from assetlog.schemas.ids import new_id

Result = TypeVar("Result")
START_WITHIN = 60.0


class RunningNode:
    """A node on an event loop in a thread of its own, and a client of it."""

    def __init__(self, **settings: Any) -> None:
        self.settings = Settings(**{"port": 0, **settings})
        self._loop = loop_factory()()
        self._thread = threading.Thread(target=self._loop.run_forever, daemon=True)
        self._thread.start()
        self.node = Node(self.settings)
        try:
            self.do(self.node.start())
        except BaseException:
            self._end_loop()
            raise
        self.http = httpx.Client(base_url=self.node.url, timeout=30, trust_env=False)

    @property
    def url(self) -> str:
        """The API's URL."""
        return self.node.url

    @property
    def home(self) -> Path:
        """The data directory."""
        return self.settings.home

    def do(self, action: Coroutine[Any, Any, Result]) -> Result:
        """Run a coroutine on the node's loop."""
        future: Future[Result] = asyncio.run_coroutine_threadsafe(action, self._loop)
        return future.result(START_WITHIN)

    def post(self, *events: Any, wait: bool = True, **options: Any) -> httpx.Response:
        """POST events (one alone as an object), and wait until they are folded."""
        content = json.dumps(events[0] if len(events) == 1 else events)
        headers = {"content-type": "application/json", **options.pop("headers", {})}
        params = {"wait": "folded"} if wait else {}
        return self.http.post("/v1/events", content=content, params=params, headers=headers, **options)

    def get(self, path: str, **params: Any) -> httpx.Response:
        """GET a path."""
        return self.http.get(path, params=params)

    def stop(self) -> None:
        """Stop the node and its loop."""
        self.http.close()
        self.do(self.node.stop())
        self._end_loop()

    def _end_loop(self) -> None:
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(START_WITHIN)
        self._loop.close()


@pytest.fixture(scope="session")
def running_node() -> type[RunningNode]:
    """The class, for tests that start nodes themselves: `running_node(home=...)`, then `.stop()`."""
    return RunningNode


@pytest.fixture(scope="module")
def node(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningNode]:
    """A running node that the tests of a module share."""
    running = RunningNode(home=tmp_path_factory.mktemp("home"))
    yield running
    running.stop()


_numbers = itertools.count(1)


@pytest.fixture
def key() -> str:
    """An asset key no other test uses, so that tests can share a node."""
    return f"s3://lake/asset-{next(_numbers)}"


@pytest.fixture(scope="session")
def event() -> Any:
    """Makes a CloudEvent as a dict: `event("asset.materialized", key, rows=1)`; more attributes by `id=`, `source=`."""

    def make(type_name: str, subject: str | None, data: Any = None, **attributes: Any) -> dict[str, Any]:
        made = {"specversion": "1.0", "id": new_id(), "source": "test", "type": type_name, "subject": subject}
        return {**made, "data": data or {}, **attributes}

    return make
