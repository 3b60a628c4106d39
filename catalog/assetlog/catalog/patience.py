"""HTTP connections that end when their client takes too long: to ask, to send, or to take its answer.

uvicorn waits for ever for the rest of a request and for a client that does not read; whoever opens enough of such
connections keeps everybody else out, and their answers in our memory.
"""

from __future__ import annotations

import asyncio
from functools import partial
from typing import Any, cast

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol, RequestResponseCycle

LEAST_PROGRESS = 1024
"""Bytes of a body that must come within the time, so that single bytes do not keep it open."""
AFTER_ANSWER = 1024 * 1024
"""Bytes of a refused body that are still read, so that its sender gets to see the refusal."""

CLOSE = (b"connection", b"close")


def patient(seconds: float, most: int) -> type[asyncio.Protocol]:
    """A protocol for uvicorn that waits so long for a client, and takes at most so many connections."""
    return cast("type[asyncio.Protocol]", partial(PatientProtocol, patience=seconds, most=most))


class PatientProtocol(HttpToolsProtocol):
    """uvicorn's protocol, with a time limit on each thing that a client has to do.

    Args:
        patience: seconds for a request's headers, for the next piece of its body, and for the next piece of an answer.
        most: connections; further ones are closed at once.
    """

    def __init__(self, *args: Any, patience: float, most: int, **options: Any) -> None:
        super().__init__(*args, **options)
        self._patience = patience
        self._most = most
        self._asking: asyncio.TimerHandle | None = None
        self._taking: asyncio.TimerHandle | None = None
        self._whole = False
        self._came = 0
        self._early = False
        """Whether a request's answer may come before all of its body."""
        self._lingering = False

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Begin to wait for the first request."""
        super().connection_made(transport)
        if len(self.connections) > self._most:
            transport.abort()
        else:
            self._await_client()

    def connection_lost(self, exc: Exception | None) -> None:
        """Wait no more."""
        for timer in (self._asking, self._taking):
            if timer is not None:
                timer.cancel()
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        """Count what comes of a body."""
        self._came += len(data)
        if not self._whole and self._came > AFTER_ANSWER and not self._in_request:
            self.transport.abort()  # it was refused, and its sender goes on as if it was not
            return
        super().data_received(data)
        if not self._whole and not self._early and self._in_request:
            self._expect_early_answer()

    def on_message_begin(self) -> None:
        """A request begins: its headers have to come within the time."""
        super().on_message_begin()
        self._whole, self._came, self._early = False, 0, False
        self._await_client()

    def on_message_complete(self) -> None:
        """All of a request is there: now it is our turn."""
        super().on_message_complete()
        self._whole = True
        if self._lingering:
            self.transport.close()
        elif self._early and not self.cycle.response_started:
            self.cycle.default_headers = self.server_state.default_headers
            self.cycle.transport = self.transport
        if self._asking is not None:
            self._asking.cancel()
            self._asking = None

    def pause_writing(self) -> None:
        """The client does not read: it has to begin within the time."""
        super().pause_writing()
        self._taking = self.loop.call_later(self._patience, self.transport.abort)

    def resume_writing(self) -> None:
        """The client reads again."""
        super().resume_writing()
        if self._taking is not None:
            self._taking.cancel()

    def linger(self) -> None:
        """An answer came before all of the body: closing at once would reset the connection under its reader."""
        self._lingering = True
        if self._whole:
            self.transport.close()

    def _expect_early_answer(self) -> None:
        """Let an answer that comes now say that nothing more is read: the client must not use the connection again."""
        self._early = True
        self.cycle.default_headers = [*self.server_state.default_headers, CLOSE]
        self.cycle.transport = cast("asyncio.Transport", LingeringTransport(self))

    def _await_client(self) -> None:
        if self._asking is not None:
            self._asking.cancel()
        self._asking = self.loop.call_later(self._patience, self._lose_patience, self._came)

    def _lose_patience(self, came_before: int) -> None:
        enough = self._came - came_before >= LEAST_PROGRESS and self._in_request
        if enough or self.flow.read_paused:  # paused: it is we who are slow
            self._await_client()
        elif not self.transport.is_closing():
            self.transport.abort()

    @property
    def _in_request(self) -> bool:
        """Whether a request has all its headers, and no answer yet."""
        cycle: RequestResponseCycle | None = self.cycle  # None before the first request, whatever uvicorn's types say
        return cycle is not None and not cycle.response_complete


class LingeringTransport:
    """A connection that is closed only once its sender has stopped, or has been warned long enough."""

    def __init__(self, protocol: PatientProtocol) -> None:
        self._protocol = protocol
        self.write = protocol.transport.write
        self.is_closing = protocol.transport.is_closing

    def close(self) -> None:
        """Close it as soon as that harms nobody."""
        self._protocol.linger()
