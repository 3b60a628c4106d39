"""A pool's stream of work on the log server: taking entries over, beginning them, and ending them."""

from __future__ import annotations

import time
from collections.abc import Awaitable, Mapping, Sequence, Set
from typing import Any, Final

import redis
import redis.asyncio
from msgspec import Struct

from assetlog.consumers.log.faults import explain
from assetlog.consumers.work import scripts
from assetlog.schemas.errors import Invalid
from assetlog.schemas.stream import WORK_FIELD, WORKERS, stream_key, work_key
from assetlog.schemas.work import Work, decode_work

_FIELD = WORK_FIELD.encode()
LOOKED_AT: Final = 500
"""Entries of others that are looked at together."""


class Entry(Struct, frozen=True):
    """An entry of the stream, and how often it was begun."""

    id: bytes
    raw: bytes
    begun: int = 1
    """How often a worker had it, this time included."""

    def work(self) -> Work:
        """The work it holds.

        Raises:
            Invalid: it holds none.
        """
        return decode_work(self.raw)


class Queue:
    """A pool's stream, as one worker sees it.

    Args:
        client: the log server.
        catalog: the catalog's name.
        pool: the pool's name.
        worker: this worker's name in the group, of no other process ever.

    Every method raises `Unavailable` when the log server cannot be reached.
    """

    def __init__(self, client: redis.asyncio.Redis, catalog: str, pool: str, worker: str) -> None:
        self.client = client
        self.key = work_key(catalog, pool)
        self.worker = worker
        self._log = stream_key(catalog)
        self._due: dict[bytes, float] = {}

    async def prepare(self) -> None:
        """Make stream and group, if they are not there, from the stream's start."""
        try:
            await self.client.xgroup_create(self.key, WORKERS, id="0", mkstream=True)
        except redis.ResponseError as error:
            if "BUSYGROUP" not in str(error):
                raise explain(error) from error
        except (redis.RedisError, OSError) as error:
            raise explain(error) from error

    async def begin(self, entry: Entry, started: bytes) -> bool:
        """Say in the log that an attempt begins; False, and nothing is said, if the entry is no longer ours."""
        return bool(await self._run(scripts.BEGIN, [self._log], entry.id, str(entry.begun), started))

    async def succeed(self, entry: Entry, events: Sequence[bytes]) -> None:
        """Append events and remove the entry."""
        await self._run(scripts.SUCCEED, [self._log], entry.id, *events)

    async def fail(self, entry: Entry, events: Sequence[bytes], following: bytes | None) -> bool:
        """Append events and replace the entry by the next attempt, if there is one; False if it was not ours."""
        return bool(await self._run(scripts.FAIL, [self._log], entry.id, following or b"", *events))

    async def release(self, entry: Entry) -> bool:
        """Give an entry back to the other workers; False if it was not ours."""
        return bool(await self._run(scripts.RELEASE, [], entry.id))

    async def renew(self, entries: Sequence[bytes]) -> set[bytes]:
        """Say that these entries are being run; those that are still ours."""
        return set(await self._run(scripts.RENEW, [], *entries)) if entries else set()

    async def hold(self, entry: Entry) -> None:
        """Note that an entry was not begun: it waits for its time."""
        await self._ask(self.client.xclaim(self.key, WORKERS, self.worker, 0, [entry.id], retrycount=0, justid=True))

    async def drop(self, entry: Entry) -> None:
        """Remove an entry that holds no work."""
        await self._run(scripts.SUCCEED, [self._log], entry.id)

    async def leave(self) -> None:
        """Leave the group, unless something is in hand."""
        await self._run(scripts.LEAVE, [])

    async def forget_idle(self, seconds: float) -> None:
        """Forget workers that have nothing in hand and did not read for so long."""
        for one in await self._ask(self.client.xinfo_consumers(self.key, WORKERS)):
            if one["pending"] == 0 and one["idle"] > seconds * 1000:
                name = one["name"] if isinstance(one["name"], bytes) else one["name"].encode()
                await self._ask(self.client.eval(scripts.LEAVE, 1, self.key, WORKERS, name))

    async def claim(self, idle: float, limit: int, known: Set[bytes]) -> list[Entry]:
        """Take over up to `limit` entries that nobody renewed for `idle` seconds and whose time has come.

        A worker renews what it runs, so whoever had these is dead or stuck, or never got the server's answer.

        Args:
            known: what this worker has in hand.
        """
        if limit <= 0:
            return []
        left = await self._left_alone(idle, known)
        due = await self._come_due(list(left))
        found = []
        for entry_id in due[:limit]:
            taken = await self._ask(self.client.xclaim(self.key, WORKERS, self.worker, round(idle * 1000), [entry_id]))
            found += [entry_of(one, fields, left[one] + 1) for one, fields in taken if fields]
        return found

    async def _left_alone(self, idle: float, known: Set[bytes]) -> dict[bytes, int]:
        """Entries that are pending and were not renewed, with how often they were begun."""
        found: dict[bytes, int] = {}
        start = "-"
        while True:
            part: list[dict[str, Any]] = await self._ask(
                self.client.xpending_range(self.key, WORKERS, start, "+", LOOKED_AT, idle=round(idle * 1000))
            )
            found |= {row["message_id"]: row["times_delivered"] for row in part if row["message_id"] not in known}
            if len(part) < LOOKED_AT:
                return found
            start = f"({part[-1]['message_id'].decode()}"

    async def _come_due(self, ids: list[bytes]) -> list[bytes]:
        """Those that may begin now, in order. An entry never changes, so each is read once."""
        self._due = {entry_id: self._due[entry_id] for entry_id in ids if entry_id in self._due}
        for entry_id in ids:
            if entry_id not in self._due:
                entries = await self._ask(self.client.xrange(self.key, entry_id, entry_id))
                self._due[entry_id] = _not_before(entries[0][1]) if entries else 0.0
        now = time.time()
        return [entry_id for entry_id in ids if self._due[entry_id] <= now]

    async def _run(self, script: str, keys: list[str], *arguments: str | bytes) -> Any:
        named = [self.key, *keys]
        return await self._ask(self.client.eval(script, len(named), *named, WORKERS, self.worker, *arguments))

    async def _ask(self, answer: Awaitable[Any]) -> Any:
        try:
            return await answer
        except (redis.RedisError, OSError) as error:
            raise explain(error) from error


def entry_of(entry_id: bytes, fields: Mapping[bytes, bytes], begun: int = 1) -> Entry:
    """The entry of an ID and its fields."""
    return Entry(entry_id, fields.get(_FIELD, b""), begun)


def _not_before(fields: Mapping[bytes, bytes]) -> float:
    try:
        return decode_work(fields.get(_FIELD, b"")).not_before
    except Invalid:  # whoever takes it says so and drops it
        return 0.0
