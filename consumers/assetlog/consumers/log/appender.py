"""Appending events to the log: concurrent callers share round trips, and so the server's fsyncs (group commit).

A batch is one transaction, so the server syncs it once: measured 5 times faster on a busy disk than a pipeline, of
which a server syncs every 16 KiB it reads.
"""

from __future__ import annotations

import asyncio
import math
import time
from collections import deque
from collections.abc import Sequence
from types import TracebackType
from typing import Any, Final, NamedTuple

import redis
import redis.asyncio

from assetlog.consumers.crash_points import passing
from assetlog.consumers.log.binary import OLDEST_EMBEDDED
from assetlog.consumers.log.connection import ANSWER_WITHIN, Ack, ServerFacts, inspect, refuse_unfit
from assetlog.consumers.log.faults import explain
from assetlog.consumers.log.wire import EXEC, MULTI, pack_xadds, position_of, xadd_head
from assetlog.schemas.errors import AssetlogError, Unavailable
from assetlog.schemas.positions import START
from assetlog.schemas.stream import stream_key

BATCH_ENTRIES: Final = 1000
BATCH_BYTES: Final = 4 * 1024 * 1024
ONE_READ: Final = 16 * 1024
"""Bytes a server reads at a time. It syncs after each read, so a larger batch is sent as one transaction: one sync."""
WAITING_BYTES: Final = 64 * 1024 * 1024
"""Bytes of events that may wait to be sent; further callers wait for room."""
FACTS_LAST: Final = 1.0
"""Seconds for which the server's settings are trusted while appending: they can be changed under us."""
_NEVER: Final = -math.inf


class Appender:
    """Appends events to a catalog's log.

    Args:
        client: the log server; the appender opens one connection of its own with the client's settings.
        catalog: the catalog's name.

    Example:
        ``positions = await appender.append([raw])``, then ``appender.ack`` says what the receipt is worth.
    """

    def __init__(self, client: redis.asyncio.Redis, catalog: str, *, waiting_bytes: int = WAITING_BYTES) -> None:
        self.catalog = catalog
        self.facts: ServerFacts | None = None
        """What the server said of itself last; None before the first append."""
        self._client = client
        self._head = xadd_head(catalog)
        self._limit = waiting_bytes
        self._waiting: deque[_Call] = deque()
        self._waiting_size = 0
        self._gate = asyncio.Lock()
        self._room = asyncio.Event()
        self._flusher: asyncio.Task[None] | None = None
        self._connection: Any = None
        self._inspected = _NEVER

    @property
    def ack(self) -> Ack:
        """What the last receipts are worth: `disk`, `memory`, or `unknown` when the server won't tell."""
        return self.facts.ack if self.facts else "unknown"

    async def append(self, raws: Sequence[bytes]) -> list[int]:
        """Append events in order; their positions, once the server has acknowledged them all.

        Raises:
            Unavailable: not acknowledged. The detail says whether nothing was stored or that it is unknown; sending
                the same ids again is safe either way.
            Broken: the server cannot take events (a replica, evicting, a key of another type).
        """
        if not raws:
            return []
        call = _Call(raws, asyncio.get_running_loop().create_future())
        size = sum(map(len, raws))
        await self._admit(size)
        self._waiting.append(call)
        if self._flusher is None:
            self._flusher = asyncio.create_task(self._flush_all())
        return await call.outcome

    async def last_position(self) -> int:
        """The position of the log's last entry; `positions.START` for an empty log.

        Raises:
            Unavailable: the server cannot be reached.
        """
        try:
            newest: Any = await self._client.xrevrange(stream_key(self.catalog), count=1)
        except (redis.RedisError, OSError) as error:
            raise explain(error) from error
        return position_of(newest[0][0]) if newest else START

    async def close(self) -> None:
        """Send what waits, then close the connection."""
        if self._flusher is not None:
            await self._flusher
        await self._disconnect()

    async def __aenter__(self) -> Appender:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None
    ) -> None:
        await self.close()

    async def _admit(self, size: int) -> None:
        """Wait for room, first come first served; a call larger than all the room passes when nothing waits."""
        async with self._gate:
            while self._waiting_size and self._waiting_size + size > self._limit:
                self._room.clear()
                await self._room.wait()
            self._waiting_size += size

    async def _flush_all(self) -> None:
        try:
            while self._waiting:
                await self._flush(self._take())
        finally:
            self._flusher = None
            for call in self._waiting:  # only after a cancellation or a bug: nobody may wait for ever
                call.fail(_unknown("the sender stopped"))
            self._waiting.clear()
            self._waiting_size = 0

    def _take(self) -> list[_Share]:
        """All that waits, up to one batch; a long call is sent in several batches."""
        batch, entries, size = [], 0, 0
        while self._waiting and entries < BATCH_ENTRIES and size < BATCH_BYTES:
            call = self._waiting[0]
            stop = call.sent
            while stop < len(call.raws) and entries < BATCH_ENTRIES and size < BATCH_BYTES:
                entries, size, stop = entries + 1, size + len(call.raws[stop]), stop + 1
            batch.append(_Share(call, call.raws[call.sent : stop]))
            call.sent = stop
            if stop == len(call.raws):
                self._waiting.popleft()
        self._waiting_size -= size
        self._room.set()
        return batch

    async def _flush(self, batch: list[_Share]) -> None:
        wanted = [share for share in batch if not share.call.outcome.done()]
        try:
            answers = await self._exchange([raw for share in wanted for raw in share.raws])
        except AssetlogError as error:
            for share in wanted:
                share.call.fail(error)
            return
        except BaseException as error:
            for share in wanted:
                share.call.fail(_unknown(error))
            raise
        start = 0
        for share in wanted:
            share.call.take(answers[start : start + len(share.raws)])
            start += len(share.raws)

    async def _exchange(self, raws: list[bytes]) -> list[bytes | Exception]:
        """Send a batch and read its answers: an entry ID, or the server's refusal of that entry."""
        await self._connected()
        passing("append.sending")
        try:
            async with asyncio.timeout(ANSWER_WITHIN):
                answers = await self._send(pack_xadds(self._head, raws), len(raws))
        except (redis.RedisError, OSError) as error:
            await self._disconnect()
            raise _unknown(error) from error
        except BaseException:
            await self._disconnect()
            raise
        passing("append.answered")
        if time.monotonic() - self._inspected > FACTS_LAST:
            await self._inspect_again()
        return answers

    async def _send(self, packed: bytes, count: int) -> list[bytes | Exception]:
        if count == 1 or len(packed) <= ONE_READ:
            await self._connection.send_packed_command(packed, check_health=False)
            return [await self._answer() for _ in range(count)]
        await self._connection.send_packed_command([MULTI, packed, EXEC], check_health=False)
        queued = [await self._answer() for _ in range(count + 1)]
        answers = await self._answer()
        if isinstance(answers, Exception):  # EXECABORT: the reason is in the answer to the command it refused
            return [next((answer for answer in queued if isinstance(answer, Exception)), answers)] * count
        return list(answers)

    async def _answer(self) -> Any:
        try:
            return await self._connection.read_response(disable_decoding=True)
        except redis.ResponseError as error:
            return error

    async def _connected(self) -> None:
        """A live connection to a server that is fit to hold the log; nothing has been sent when this fails."""
        try:
            if self._connection is not None and not await self._connection.can_read():
                return
        except (redis.RedisError, OSError):
            pass
        await self._disconnect()
        try:
            self.facts = await inspect(self._client, self.catalog)
            refuse_unfit(self.facts, oldest=OLDEST_EMBEDDED)
            self._connection = _own_connection(self._client)
            await self._connection.connect()
        except (redis.RedisError, OSError) as error:
            await self._disconnect()
            raise _nothing_stored(explain(error)) from error
        except AssetlogError as error:
            raise _nothing_stored(error) from error
        self._inspected = time.monotonic()

    async def _inspect_again(self) -> None:
        """Look whether receipts are still worth what they were; a server that won't answer leaves that unknown."""
        try:
            self.facts = await inspect(self._client, self.catalog)
        except AssetlogError:
            self.facts = None
        self._inspected = time.monotonic()

    async def _disconnect(self) -> None:
        connection, self._connection = self._connection, None
        if connection is not None:
            await connection.disconnect()


class _Call:
    """One caller's events on their way."""

    def __init__(self, raws: Sequence[bytes], outcome: asyncio.Future[list[int]]) -> None:
        self.raws = raws
        self.outcome = outcome
        self.sent = 0
        self.positions: list[int] = []

    def take(self, answers: list[bytes | Exception]) -> None:
        """Note the answers to some of the events; with the last one the caller gets its positions."""
        if self.outcome.done():
            return
        for answer in answers:
            if isinstance(answer, Exception):
                self.fail(_refused(answer, len(self.positions), len(self.raws)))
                return
            try:
                self.positions.append(position_of(answer))
            except AssetlogError as error:
                self.fail(error)
                return
        if len(self.positions) == len(self.raws):
            self.outcome.set_result(self.positions)

    def fail(self, error: AssetlogError) -> None:
        """Tell the caller; each gets an exception of its own, since raising one changes it."""
        if not self.outcome.done():
            self.outcome.set_exception(_copy(error))


class _Share(NamedTuple):
    """The part of a call that travels in one batch."""

    call: _Call
    raws: Sequence[bytes]


def _own_connection(client: redis.asyncio.Redis) -> Any:
    # One deadline covers a whole batch, so the connection needs none for each answer (they cost a third of the time).
    pool = client.connection_pool
    return pool.connection_class(**{**pool.connection_kwargs, "socket_timeout": None, "health_check_interval": 0})


def _unknown(error: object) -> Unavailable:
    return Unavailable(
        f"The log server went away before it answered ({str(error) or 'timeout'}): whether it stored the events is "
        "unknown.",
        code="outcome-unknown",
        hint="Send the same events again with the same ids: what is stored already counts once.",
    )


def _nothing_stored(error: AssetlogError) -> AssetlogError:
    return _copy(error, detail=f"{error.detail} Nothing of this request was stored.")


def _refused(answer: Exception, stored: int, of: int) -> AssetlogError:
    error = explain(answer)
    return _copy(
        error,
        detail=f"{error.detail} At least {stored} of {of} events were stored.",
        hint=f"{error.hint} Then send all of them again with the same ids.",
    )


def _copy(error: AssetlogError, *, detail: str | None = None, hint: str | None = None) -> AssetlogError:
    same = {"code": error.code, "field": error.field, "value": error.value, "rule": error.rule}
    return type(error)(detail or error.detail, hint=hint or error.hint, **same)
