"""uvicorn inside a running event loop, on a socket that is bound already, without its signal handlers."""

from __future__ import annotations

import asyncio
import contextlib
import socket
from collections.abc import Iterator
from typing import Any

import uvicorn

from assetlog.catalog.patience import patient
from assetlog.schemas.errors import Broken

PATIENCE_SECONDS = 30.0
MOST_CONNECTIONS = 10_000
KEPT_DESCRIPTORS = 200
"""Open files that are kept for the log, the projection and the rest of the node."""


def most_connections() -> int:
    """How many connections are served at a time: no more than there are file descriptors for."""
    try:
        from resource import RLIMIT_NOFILE, getrlimit
    except ImportError:  # not on Windows
        return MOST_CONNECTIONS
    allowed, _ = getrlimit(RLIMIT_NOFILE)
    return max(64, min(MOST_CONNECTIONS, allowed - KEPT_DESCRIPTORS))


class WebServer:
    """Serves an ASGI application until `stop`.

    Args:
        app: the application.
        listener: a bound socket.
        stop_seconds: time that running requests get at the end.
        patience: time that a client gets to go on sending or reading.
    """

    def __init__(
        self, app: Any, listener: socket.socket, stop_seconds: float, patience: float = PATIENCE_SECONDS
    ) -> None:
        config = uvicorn.Config(
            app,
            http=patient(patience, most_connections()),
            ws="none",
            lifespan="off",
            access_log=False,
            log_config=None,
            server_header=False,
            proxy_headers=False,
            timeout_graceful_shutdown=max(1, round(stop_seconds)),
            timeout_keep_alive=60,
            backlog=1024,
        )
        self._server = _Server(config)
        self._listener = listener
        self._task: asyncio.Task[None] | None = None

    async def start(self) -> None:
        """Begin to answer.

        Raises:
            Broken: the server ended at once.
        """
        self._task = asyncio.create_task(self._server.serve(sockets=[self._listener]))
        ready = asyncio.create_task(self._server.ready.wait())
        await asyncio.wait((self._task, ready), return_when=asyncio.FIRST_COMPLETED)
        if not self._server.ready.is_set():
            ready.cancel()
            raise Broken("The web server did not start.", code="web-server-failed", hint="The log above says why.")

    async def stop(self) -> None:
        """Accept no more, answer what is asked, and end."""
        self._server.should_exit = True
        if self._task is not None:
            await self._task


class _Server(uvicorn.Server):
    def __init__(self, config: uvicorn.Config) -> None:
        super().__init__(config)
        self.ready = asyncio.Event()

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        self.ready.set()

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Leave signals to the node: it stops its parts in order."""
        yield
