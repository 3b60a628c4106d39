"""A real node for the tests of a module: log server, fold, API, on a free port and a data directory of its own."""

from __future__ import annotations

import asyncio
import contextlib
import itertools
import json
import ssl
import sys
import threading
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine, Iterator
from concurrent.futures import Future
from pathlib import Path
from textwrap import dedent
from typing import TYPE_CHECKING, Any, NamedTuple, TypeVar
from urllib.parse import quote

import httpx
import pytest

from assetlog.catalog.node import Node, loop_factory
from assetlog.catalog.settings import Settings
from assetlog.schemas.ids import new_id

if TYPE_CHECKING:
    from assetlog.catalog.client import Client
    from assetlog.consumers.work.worker import Worker

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


class HttpServer:
    """A plain HTTP server on this machine: keeps what it gets, answers what `answer` says, byte by byte."""

    def __init__(self, answer: Callable[[HttpRequest], bytes]) -> None:
        self.answer = answer
        self.got: list[HttpRequest] = []
        self.port = 0
        self.handlers: set[asyncio.Task[Any]] = set()

    @property
    def url(self) -> str:
        """Where it listens."""
        return f"http://127.0.0.1:{self.port}"

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Answer one request of a connection."""
        task = asyncio.current_task()
        assert task is not None
        self.handlers.add(task)
        with contextlib.suppress(OSError, asyncio.IncompleteReadError):
            try:
                head = (await reader.readuntil(b"\r\n\r\n")).decode()
                line, *rest = head.split("\r\n")
                headers = {name.lower(): value for name, _, value in (each.partition(": ") for each in rest if each)}
                body = await reader.readexactly(int(headers.get("content-length", "0")))
                self.got.append(HttpRequest(line, headers, body))
                writer.write(self.answer(self.got[-1]))
                await writer.drain()
            finally:
                writer.close()
                await writer.wait_closed()


class HttpRequest(NamedTuple):
    """A request as it came."""

    line: str
    headers: dict[str, str]
    body: bytes


@pytest.fixture(scope="session")
def http_server() -> Any:
    """Starts an HTTP server: `async with http_server(answer) as server`; `answer` makes bytes of a request."""

    @contextlib.asynccontextmanager
    async def start(
        answer: Callable[[HttpRequest], bytes],
        *,
        host: str = "127.0.0.1",
        port: int = 0,
        tls: ssl.SSLContext | None = None,
    ) -> AsyncIterator[HttpServer]:
        made = HttpServer(answer)
        async with await asyncio.start_server(made.serve, host, port, ssl=tls) as server:
            made.port = server.sockets[0].getsockname()[1]
            yield made
            await asyncio.gather(*made.handlers, return_exceptions=True)

    return start


SHOP_WITHIN = 20.0


class Shop:
    """A module of consumers under a worker."""

    def __init__(self, node: RunningNode, client: Client, worker: Worker) -> None:
        self.node, self.client, self.worker = node, client, worker
        self.module: Any = sys.modules[worker.module]

    def emit(self, key: str, **data: Any) -> str:
        """Materialize an asset from outside; the event's id."""
        event = {"specversion": "1.0", "id": f"shop-{next(_numbers)}", "source": "test", "type": "asset.materialized"}
        answer = self.node.post({**event, "subject": key, "data": data})
        assert answer.status_code == 201, answer.text
        return event["id"]

    def fire(self, consumer: str) -> None:
        """Run a consumer by hand."""
        answer = self.node.http.post(f"/v1/consumers/{consumer}/trigger", json={})
        assert answer.status_code == 201, answer.text

    async def triggers(self, consumer: str, *states: str) -> list[dict[str, Any]]:
        """The triggers of a consumer, newest first, once there is one in one of the states."""
        end = time.monotonic() + SHOP_WITHIN
        while True:
            items: list[dict[str, Any]] = self.node.get("/v1/triggers", consumer=consumer).json()["items"]
            if any(trigger["state"] in states for trigger in items):
                return items
            assert time.monotonic() < end, items
            await asyncio.sleep(0.02)

    async def succeeded(self, consumer: str) -> dict[str, Any]:
        """The newest trigger of a consumer, once it has succeeded."""
        return (await self.triggers(consumer, "succeeded"))[0]

    def events(self, key: str, kind: str = "asset.materialized") -> list[dict[str, Any]]:
        """The events of an asset, oldest first."""
        items = self.node.get("/v1/asset/events", key=key, type=kind, order="asc").json()["items"]
        return [item["event"] for item in items]


Open = Callable[..., Awaitable[Shop]]
"""What `shop` is: `await shop(source)` gives a `Shop`."""


@pytest.fixture
async def shop(node: RunningNode, tmp_path: Path) -> AsyncIterator[Open]:
    """Starts a worker on a module of this source; `KEY` in it is a key of no other test."""
    from assetlog.catalog.client import Client
    from assetlog.consumers.declare.declaration import forget
    from assetlog.consumers.work.worker import Worker
    from assetlog.producers.emitter import Emitter, set_default_emitter

    client = Client(node.url)
    emitter = Emitter(node.url, home=tmp_path)
    before = set_default_emitter(emitter)
    workers: list[Worker] = []

    async def start(source: str, name: str | None = None) -> Shop:
        module = name or f"shop_{next(_numbers)}"
        path = tmp_path / f"{module}.py"
        head = "from assetlog.consumers import *\nfrom assetlog.producers import emit, materialize\n"
        path.write_text(head + f"KEY = 's3://{module}'\ngot = []\n" + dedent(source))
        worker = Worker(str(path), log=node.node.log.url, catalog=node.settings.catalog, node=client)
        workers.append(worker)
        await worker.start()
        return Shop(node, client, worker)

    yield start
    for worker in workers:
        await worker.stop(1.0)
        forget(worker.module)
        del sys.modules[worker.module]
    await asyncio.to_thread(emitter.close)
    set_default_emitter(before)
    client.close()


@pytest.fixture
def name() -> str:
    """A consumer's name no other test uses."""
    return f"report-{next(_numbers)}"


@pytest.fixture
def put(node: RunningNode, name: str) -> Any:
    """Declares a consumer, which nobody works for: `put(condition, mode="each")`; another one by `called=`."""

    def declare(condition: Any, /, *, called: str = name, params: Any = None, **fields: Any) -> httpx.Response:
        target = {"kind": "python", "function": "report", "pool": "nobody-works-here"}
        body = {"condition": condition, "target": target, **fields}
        return node.http.put(f"/v1/consumers/{quote(called, safe='')}", json=body, params=params)

    return declare


@pytest.fixture
def make(node: RunningNode, event: Any) -> Any:
    """Materializes an asset, once or for each partition; the positions."""

    def materialize(key: str, *partitions: str | None) -> list[str]:
        data = [{} if partition is None else {"partition": partition} for partition in partitions or (None,)]
        answer = node.post(*(event("asset.materialized", key, each) for each in data))
        return [accepted["position"] for accepted in answer.json()["accepted"]]

    return materialize
