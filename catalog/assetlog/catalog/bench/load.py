"""The load: a light process of its own that asks a node over raw keep-alive sockets, and times each answer.

`python -m assetlog.catalog.bench.load` reads one job from standard input and writes what came of it to standard
output, both as MessagePack. It shares the machine with what it measures, so it does as little as it can.
"""

from __future__ import annotations

import asyncio
import re
import sys
import time
from collections.abc import Iterator
from typing import Any

import msgspec
from msgspec import Struct

from assetlog.consumers.log.wire import pack_xadds, xadd_head

LOOK_EVERY = 0.0005
"""Seconds between two looks for a probe: asking without a pause would take the cores from what is measured."""
_LENGTH = re.compile(rb"\r\ncontent-length: *(\d+)", re.IGNORECASE)
_END = b"\r\n\r\n"


class Requests(Struct, tag=True, frozen=True, kw_only=True):
    """Send whole HTTP requests from so many clients at once, each waiting for its answer before the next."""

    host: str
    port: int
    requests: list[bytes]
    clients: int = 1
    status: int
    """The status every answer must have."""
    contains: bytes
    """What every answer's body must contain."""
    warm_up: int = 0
    """So many requests at the beginning do not count."""


class Visible(Struct, tag=True, frozen=True, kw_only=True):
    """For each probe: send the POST, then ask until the answer contains the mark. Times are from POST to there."""

    host: str
    port: int
    probes: list[tuple[bytes, bytes, bytes]]
    """POST request, GET request, mark."""
    pause: float
    """Seconds between two probes."""


class Pump(Struct, tag=True, frozen=True, kw_only=True):
    """Append events straight to the log, pipelined: the log server's own limit."""

    log: str
    catalog: str
    events: list[bytes]
    batch: int = 1000
    interval: float = 0.0
    """Seconds from one batch to the next; 0 for as fast as it goes."""


Job = Requests | Visible | Pump


class Outcome(Struct, frozen=True, kw_only=True):
    """What came of a job."""

    seconds: float = 0.0
    """From the first counted request to the last answer."""
    began_at: float = 0.0
    """When that was, by the clock (`Pump` only)."""
    sent_at: list[float] = []
    """When each request was sent, by the clock (`Visible` only)."""
    times: list[float] = []
    """Seconds of each counted request."""
    last: bytes = b""
    """The last answer's body; of `Pump` the last position."""
    error: str = ""


def main() -> None:
    """Do the job that standard input describes."""
    job = msgspec.msgpack.decode(sys.stdin.buffer.read(), type=Job)
    try:
        outcome = perform(job)
    except Exception as error:  # told to the process that measures
        outcome = Outcome(error=f"{type(error).__name__}: {error}")
    sys.stdout.buffer.write(msgspec.msgpack.encode(outcome))


def perform(job: Job) -> Outcome:
    """Do a job in this process."""
    if isinstance(job, Pump):
        return pump(job)
    work = send_all(job) if isinstance(job, Requests) else look(job)
    with asyncio.Runner(loop_factory=_loop_factory()) as runner:
        return runner.run(work)


class Connection(asyncio.Protocol):
    """One keep-alive connection that asks one thing at a time."""

    def __init__(self) -> None:
        self._transport: Any = None
        self._answer: asyncio.Future[bytes] | None = None
        self._received = b""
        self._whole = 0

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Remember where to write."""
        self._transport = transport

    def ask(self, request: bytes) -> asyncio.Future[bytes]:
        """Send a request; its whole answer, head and body."""
        self._answer = asyncio.get_running_loop().create_future()
        self._received, self._whole = b"", 0
        self._transport.write(request)
        return self._answer

    def data_received(self, data: bytes) -> None:
        """Collect an answer until it is whole."""
        self._received = self._received + data if self._received else data
        if not self._whole:
            self._whole = whole_length(self._received)
        if self._whole and len(self._received) >= self._whole and self._answer is not None:
            self._answer.set_result(self._received)

    def connection_lost(self, error: Exception | None) -> None:
        """Fail who waits."""
        if self._answer is not None and not self._answer.done():
            self._answer.set_exception(error or ConnectionError("the node closed the connection"))

    def close(self) -> None:
        """Close it."""
        self._transport.close()


def whole_length(received: bytes) -> int:
    r"""How long the answer is that begins so, 0 while its head is not whole.

    >>> whole_length(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n")
    40
    """
    head = received.find(_END)
    if head < 0:
        return 0
    length = _LENGTH.search(received, 0, head + 2)
    if length is None:
        raise ValueError(f"an answer without a length: {received[:200]!r}")
    return head + len(_END) + int(length[1])


async def send_all(job: Requests) -> Outcome:
    """The answers to all requests, checked."""
    connections = await _connect(job.host, job.port, job.clients)
    waiting = iter(job.requests)
    last = b""
    for _ in range(job.warm_up):
        _check(await connections[0].ask(next(waiting)), job)
    times: list[float] = []
    began = time.perf_counter()

    async def work(connection: Connection, waiting: Iterator[bytes]) -> None:
        nonlocal last
        for request in waiting:
            sent = time.perf_counter()
            answer = await connection.ask(request)
            times.append(time.perf_counter() - sent)
            last = _check(answer, job)

    await asyncio.gather(*(work(connection, waiting) for connection in connections))
    seconds = time.perf_counter() - began
    for connection in connections:
        connection.close()
    return Outcome(seconds=seconds, times=times, last=last)


async def look(job: Visible) -> Outcome:
    """How long each probe took to be seen."""
    (connection,) = await _connect(job.host, job.port, 1)
    times, sent_at = [], []
    began = time.perf_counter()
    for post, get, mark in job.probes:
        sent_at.append(time.time())
        sent = time.perf_counter()
        answer = await connection.ask(post)
        if not answer.startswith(b"HTTP/1.1 201"):
            raise ValueError(f"the event was not taken: {answer[:300]!r}")
        while mark not in await connection.ask(get):
            await asyncio.sleep(LOOK_EVERY)
            if time.perf_counter() - sent > 30:
                raise ValueError(f"{mark!r} was not seen within 30 s")
        times.append(time.perf_counter() - sent)
        await asyncio.sleep(job.pause)
    connection.close()
    return Outcome(seconds=time.perf_counter() - began, times=times, sent_at=sent_at)


def pump(job: Pump) -> Outcome:
    """Append all events; the log server has acknowledged each at the end."""
    head, connection = xadd_head(job.catalog), _log_connection(job.log)
    answer = b""
    began_at, began = time.time(), time.perf_counter()
    due = began
    for start in range(0, len(job.events), job.batch):
        batch = job.events[start : start + job.batch]
        connection.send_packed_command([pack_xadds(head, batch)])
        for _ in batch:
            answer = connection.read_response(disable_decoding=True)
        due += job.interval
        if job.interval and (left := due - time.perf_counter()) > 0:
            time.sleep(left)
    return Outcome(seconds=time.perf_counter() - began, began_at=began_at, last=answer)


def _check(answer: bytes, job: Requests) -> bytes:
    """The body of an answer that is what it should be."""
    head, _, body = answer.partition(_END)
    if int(head[9:12]) != job.status or job.contains not in body:
        raise ValueError(f"not the answer that was expected: {answer[:600]!r}")
    return body


async def _connect(host: str, port: int, count: int) -> list[Connection]:
    loop = asyncio.get_running_loop()
    return [(await loop.create_connection(Connection, host, port))[1] for _ in range(count)]


def _log_connection(url: str) -> Any:
    from assetlog.consumers.log.connection import connect_sync

    connection: Any = connect_sync(url).connection_pool.make_connection()
    connection.connect()
    return connection


def _loop_factory() -> Any:
    try:
        import uvloop
    except ImportError:
        return None
    return uvloop.new_event_loop


if __name__ == "__main__":
    main()
