"""The composition root: one process that serves the API and folds the log into its own DuckDB file.

`Node(settings)` is what `assetlog up` and `assetlog serve` run, and what the tests run;
nothing else puts parts together.
"""

from __future__ import annotations

import asyncio
import contextlib
import gc
import logging
import os
import signal
import socket
import sys
from collections.abc import Awaitable, Callable
from importlib.metadata import version
from typing import TYPE_CHECKING

from assetlog.catalog.access.binding import refuse_open_bind
from assetlog.catalog.settings import Settings
from assetlog.consumers.log.home import HomeLock
from assetlog.schemas.errors import Broken
from assetlog.schemas.node_file import FILE_NAME, NodeFile, write_node_file

if TYPE_CHECKING:
    from assetlog.catalog.api.parts import Parts
    from assetlog.catalog.event_log import EventLog
    from assetlog.catalog.projection import Projection

SWITCH_INTERVAL = 0.0001
"""Seconds a thread may keep the interpreter while others wait: short, so that answers do not wait for the fold."""

COLLECT_EVERY = 1.0
"""Seconds between two looks at how much garbage there may be."""
COLLECT_BUSY_FROM = 1_000_000
"""New objects that are collected even while busy."""

ENDING = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
"""Ctrl-C, what supervisors send, and a terminal that is closed: each ends a node in order, its log server last."""

_log = logging.getLogger("assetlog.node")
Undo = Callable[[], Awaitable[None] | None]


class Node:
    """A node. `start` and `stop` it, or `run` it until a signal comes.

    Example:
        >>> import tempfile
        >>> from pathlib import Path
        >>> async def main() -> str:
        ...     node = Node(Settings(home=Path(tempfile.mkdtemp()), port=0))
        ...     await node.start()
        ...     url = node.url
        ...     await node.stop()
        ...     return url
        >>> asyncio.run(main()).startswith("http://127.0.0.1:")
        True
    """

    def __init__(self, settings: Settings) -> None:
        self.settings = settings
        self._log: EventLog | None = None
        self._port = settings.port
        self._parts: Parts | None = None
        self._undo: list[tuple[str, Undo]] = []

    @property
    def url(self) -> str:
        """The API's URL, once `start` has bound its port."""
        host = self.settings.host
        local = {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(host, host)  # noqa: S104 - compared, not bound
        return f"http://[{local}]:{self._port}" if ":" in local else f"http://{local}:{self._port}"

    @property
    def parts(self) -> Parts:
        """The node's parts, once started."""
        assert self._parts is not None, "the node is not started"
        return self._parts

    @property
    def log(self) -> EventLog:
        """The node's end of the log, once started."""
        assert self._log is not None, "the node is not started"
        return self._log

    async def start(self) -> None:
        """Start every part; when it returns, the API answers. If one fails, those before it are stopped again.

        Raises:
            Conflict: another node runs on this data directory.
            Broken: a part cannot run; the hint says what to do.
            Unavailable: an external log server does not answer.
        """
        try:
            await self._start()
        except BaseException:
            await self.stop()
            raise

    async def stop(self) -> None:
        """The reverse of the start: answer what was asked, fold what was read, end the log server last."""
        while self._undo:
            name, undo = self._undo.pop()
            try:
                done = undo()
                if done is not None:
                    await done
            except Exception:
                # those behind it must be stopped all the same
                _log.exception("a part did not stop cleanly", extra={"part": name})

    async def run(self, on_start: Callable[[Node], None] | None = None) -> None:
        """Start, serve until a signal of `ENDING` comes, stop. `on_start` is called once the API answers."""
        stop = asyncio.Event()
        loop = asyncio.get_running_loop()
        for number in ENDING:
            if number != signal.SIGHUP or signal.getsignal(number) != signal.SIG_IGN:  # nohup means it
                loop.add_signal_handler(number, stop.set)
        await self.start()
        try:
            if on_start is not None:
                on_start(self)
            tune_process()
            await _collect_until(stop)
        finally:
            await self.stop()
            untune_process()

    async def _start(self) -> None:
        settings = self.settings
        lock = HomeLock(settings.home)
        lock.acquire()
        self._later("lock", lock.release)
        listener = listen(settings.host, settings.port)
        self._later("port", listener.close)
        self._port = listener.getsockname()[1]
        await self._start_parts(lock, listener)
        self._announce()
        _log.info("node started", extra={"api": self.url, "home": str(settings.home), "catalog": settings.catalog})

    async def _start_parts(self, lock: HomeLock, listener: socket.socket) -> None:
        # the heavy libraries load here, not above: `assetlog --help` needs none
        from assetlog.catalog.event_log import open_log

        loading = asyncio.create_task(asyncio.to_thread(load_libraries))
        try:
            self._log = log = await open_log(self.settings, lock)
            self._later("log", log.close)
            projection = await self._open_projection(log)
        finally:
            await loading
        await self._build(log, projection)
        await self._serve(self.parts, listener)
        await self._deliver(log)

    async def _open_projection(self, log: EventLog) -> Projection:
        from assetlog.catalog.projection import Projection

        projection = Projection(self.settings, log)
        await asyncio.to_thread(projection.open_ahead)
        self._later("projection", projection.close_unused)
        return projection

    async def _build(self, log: EventLog, projection: Projection) -> None:
        from assetlog.catalog.assembly import build_parts

        self._parts, close_parts = await build_parts(self.settings, log, projection)
        parts = self._parts
        self._later("threads", close_parts)
        self._later("projector", parts.projector.stop)
        await parts.keeper.open()
        self._later("access", parts.keeper.close)
        refuse_open_bind(self.settings, has_tokens=parts.keeper.has_tokens)
        await parts.projector.start()
        self._later("archiver", lambda: asyncio.to_thread(parts.archiver.stop))
        parts.archiver.start()
        parts.projector.on_fed = parts.scheduler.fed
        self._later("scheduler", parts.scheduler.stop)
        await parts.scheduler.start()
        log.watch_over(on_back=parts.projector.resume)

    async def _serve(self, parts: Parts, listener: socket.socket) -> None:
        from assetlog.catalog.api.app import build_app
        from assetlog.catalog.api.edge import Edge
        from assetlog.catalog.web_server import WebServer

        server = WebServer(
            Edge(build_app(parts), parts), listener, self.settings.stop_seconds, self.settings.patience_seconds
        )

        async def stop() -> None:
            parts.stopping.set()
            await server.stop()

        self._later("api", stop)
        await server.start()

    async def _deliver(self, log: EventLog) -> None:
        from assetlog.catalog.targets import Delivery

        delivery = Delivery(self.settings, log.url, log.client)
        self._later("delivery", delivery.stop)
        await delivery.start()

    def _announce(self) -> None:
        home, catalog = self.settings.home, self.settings.catalog
        node = NodeFile(api=self.url, log=self.log.url, catalog=catalog, pid=os.getpid(), version=version("assetlog"))
        write_node_file(home, node)
        self._later("node.json", lambda: (home / FILE_NAME).unlink(missing_ok=True))

    def _later(self, name: str, undo: Undo) -> None:
        self._undo.append((name, undo))


def run_node(settings: Settings, on_start: Callable[[Node], None] | None = None) -> None:
    """Run a node in this process until a signal comes, on the fastest event loop there is."""
    with asyncio.Runner(loop_factory=loop_factory()) as runner:
        runner.run(Node(settings).run(on_start))


def load_libraries() -> None:
    """Import the rest of a node, half a second of work: in a thread, while its log server and its projection open."""
    import assetlog.catalog.api.app
    import assetlog.catalog.api.edge
    import assetlog.catalog.assembly
    import assetlog.catalog.targets
    import assetlog.catalog.web_server  # noqa: F401 - loaded for those who come after


def loop_factory() -> Callable[[], asyncio.AbstractEventLoop]:
    """uvloop's event loop where it is installed, else asyncio's own."""
    try:
        import uvloop
    except ImportError:
        return asyncio.new_event_loop
    return uvloop.new_event_loop


def tune_process() -> None:
    """Keep the interpreter from pausing answers: full collections stop everything for 50 ms at a million objects."""
    sys.setswitchinterval(SWITCH_INTERVAL)
    gc.freeze()
    gc.disable()  # the projector collects when idle, `_collect_until` when it never is


async def _collect_until(stop: asyncio.Event) -> None:
    """Wait for the end; a node that is never idle must collect its garbage, too."""
    while not stop.is_set():
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(stop.wait(), COLLECT_EVERY)
        if gc.get_count()[0] > COLLECT_BUSY_FROM:
            gc.collect()


def untune_process() -> None:
    """Undo `tune_process`: what is frozen is never freed, and DuckDB complains about that at the end."""
    gc.unfreeze()
    gc.enable()
    gc.collect()


def listen(host: str, port: int) -> socket.socket:
    """A bound socket for the API.

    Raises:
        Broken: the port is taken, or the host is not an address of this machine.
    """
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    try:
        return socket.create_server((host, port), family=family, backlog=1024)
    except OSError as error:
        raise Broken(
            f"The API cannot listen on {host} port {port}: {error.strerror or error}.",
            code="port-unusable",
            field="port",
            value=port,
            rule="the port is free and the host is an address of this machine",
            hint="Stop what listens there, choose another with --port, or take any free one with --port 0.",
        ) from error
