"""Handing accepted triggers to workers: each once, by whoever holds the lease; and withdrawing what was called off."""

from __future__ import annotations

import contextlib
from collections.abc import Container, Iterable, Iterator, Sequence
from enum import IntEnum
from typing import Any, Final, NamedTuple

import redis
import redis.asyncio

from assetlog.consumers.log.faults import explain
from assetlog.consumers.schedule.consumer_state import Firing
from assetlog.consumers.schedule.deciding import Intent
from assetlog.consumers.schedule.desk import Desk
from assetlog.consumers.schedule.queues import Source
from assetlog.schemas.errors import Invalid
from assetlog.schemas.positions import START, format_position, position_time_text
from assetlog.schemas.stream import EVENT_FIELD, WORK_FIELD, WORKERS, sent_key, stream_key, work_key
from assetlog.schemas.targets import pool_of
from assetlog.schemas.times import now_text
from assetlog.schemas.work import MAX_LISTED, Work, WorkEvent, decode_work, encode_work

# KEYS: the lease, the log, what was sent, then a stream of work for each firing. ARGV: the lease's token, the time, the
# entry the decision is based on, then a firing's event, name and work each, then other events. Without the lease
# nothing is appended. Work that is handed out along with its firing learns where that stands.
_RECORD: Final = f"""
if redis.call('GET', KEYS[1]) ~= ARGV[1] then return 0 end
local last = redis.call('XREVRANGE', KEYS[2], '+', '-', 'COUNT', 1)[1]
local certain = last and last[1] == ARGV[3]
local next = 4
for i = 4, #KEYS do
    local id = redis.call('XADD', KEYS[2], '*', '{EVENT_FIELD}', ARGV[next])
    if certain and redis.call('ZADD', KEYS[3], 'NX', ARGV[2], ARGV[next + 1]) == 1 then
        local work = string.gsub(ARGV[next + 2], '"position":"0%-0"', '"position":"' .. id .. '"', 1)
        redis.call('XADD', KEYS[i], '*', '{WORK_FIELD}', work)
    end
    next = next + 3
end
for i = next, #ARGV do redis.call('XADD', KEYS[2], '*', '{EVENT_FIELD}', ARGV[i]) end
return certain and 2 or 1
"""
# KEYS: the lease, what was sent, then a stream of work each. ARGV: the token, the time, then a name and a work each.
_HAND: Final = f"""
if redis.call('GET', KEYS[1]) ~= ARGV[1] then return 0 end
for i = 3, #KEYS do
    if redis.call('ZADD', KEYS[2], 'NX', ARGV[2], ARGV[2 * i - 3]) == 1 then
        redis.call('XADD', KEYS[i], '*', '{WORK_FIELD}', ARGV[2 * i - 2])
    end
end
if redis.call('ZCARD', KEYS[2]) > 200000 then redis.call('ZREMRANGEBYSCORE', KEYS[2], '-inf', ARGV[2] - 86400000) end
return 1
"""
# KEYS: a stream of work. ARGV: its group, the trigger's id. A stream of work is short: what is done is deleted.
_WITHDRAW: Final = """
local gone = 0
for _, entry in ipairs(redis.call('XRANGE', KEYS[1], '-', '+')) do
    if string.find(entry[2][2], '"trigger":"' .. ARGV[2] .. '"', 1, true) then
        redis.call('XACK', KEYS[1], ARGV[1], entry[1])
        gone = gone + redis.call('XDEL', KEYS[1], entry[1])
    end
end
return gone
"""


class Recorded(IntEnum):
    """What became of what was decided."""

    NOTHING = 0
    """The lease is gone."""
    RECORDED = 1
    HANDED = 2
    """Firings are recorded, and their work is handed out."""


class Decided(NamedTuple):
    """What is to be recorded, decided on as of a position."""

    position: int
    firings: list[tuple[bytes, Handout]]
    """Each firing's event, and its work."""
    events: list[bytes]
    """Other events."""
    handouts: list[Handout]
    """Work of firings that were accepted."""
    withdrawn: list[tuple[str, str]]
    """Triggers that were called off, each after its pool."""


MOST_AT_ONCE: Final = 1_000
"""Firings, or handouts, of one step at the log server: it serves nobody else meanwhile."""


def in_parts(decided: Decided) -> Iterator[Decided]:
    """What was decided, as steps of bounded size."""
    size, longest = MOST_AT_ONCE, max(len(decided.firings), len(decided.handouts), 1)
    for start in range(0, longest, size):
        yield Decided(
            decided.position,
            decided.firings[start : start + size],
            decided.events if start == 0 else [],
            decided.handouts[start : start + size],
            decided.withdrawn if start + size >= longest else [],  # what is called off was handed out before
        )


class Handout(NamedTuple):
    """Work for a pool."""

    pool: str
    name: str
    """Names it among all that was ever handed out."""
    work: bytes


async def record(
    client: redis.asyncio.Redis,
    catalog: str,
    lease: tuple[str, str],
    decided: Decided,
    now: int,
) -> Recorded:
    """Record firings and other events, if the lease (its key and token) is held; without it nothing is appended.

    If nothing came after what was decided on, the fold is sure to accept the firings: their work is handed out in the
    same step. Otherwise it is handed out when they are accepted.

    Raises:
        Unavailable: whether they were recorded is unknown.
    """
    handouts = [handout for _, handout in decided.firings]
    keys = [lease[0], stream_key(catalog), sent_key(catalog), *(work_key(catalog, each.pool) for each in handouts)]
    values: list[Any] = [lease[1], now, format_position(decided.position)]
    for raw, handout in decided.firings:
        values += [raw, handout.name, handout.work]
    return Recorded(await _run(client, _RECORD, keys, [*values, *decided.events]))


async def hand_out(
    client: redis.asyncio.Redis, catalog: str, lease: tuple[str, str], handouts: Sequence[Handout], now: int
) -> bool:
    """Hand out work that was not handed out yet, if the lease is still held.

    Raises:
        Unavailable: whether it was handed out is unknown; to try again is safe.
    """
    keys = [lease[0], sent_key(catalog), *(work_key(catalog, handout.pool) for handout in handouts)]
    values: list[Any] = [lease[1], now]
    for handout in handouts:
        values += [handout.name, handout.work]
    return bool(await _run(client, _HAND, keys, values))


async def withdraw(client: redis.asyncio.Redis, catalog: str, pool: str, trigger: str) -> int:
    """Take a trigger's work away from its workers; how many entries that were. One that runs is not stopped.

    Raises:
        Unavailable: the log server cannot be reached.
    """
    return int(await _run(client, _WITHDRAW, [work_key(catalog, pool)], [WORKERS, trigger]))


async def sweep(client: redis.asyncio.Redis, catalog: str, pool: str, active: Container[str]) -> int:
    """Take away the work of triggers that are not active any more; how many entries that were.

    Raises:
        Unavailable: the log server cannot be reached.
    """
    try:
        entries: Any = await client.xrange(work_key(catalog, pool))
    except (redis.RedisError, OSError) as error:
        raise explain(error) from error
    there = set()
    for _, fields in entries:
        with contextlib.suppress(Invalid):
            there.add(decode_work(fields.get(WORK_FIELD.encode(), b"")).trigger)
    return sum([await withdraw(client, catalog, pool, trigger) for trigger in there if trigger not in active])


def early_handout(desk: Desk, intent: Intent) -> Handout:
    """The work of a firing that is not recorded yet."""
    state, data = desk.consumers[intent.consumer], intent.data
    firing = Firing(intent.trigger, state.definition, START, data.partition, tuple(intent.ranges), data.depth)
    if sum(one.events for one in intent.ranges) <= MAX_LISTED:
        firing.events = tuple(
            (position, None if one.aid is None else (one.aid, one.part))
            for one in intent.ranges
            for position in state.queues.within(data.partition, one)
        )
    return handout_of(desk, firing)


def handout_of(desk: Desk, firing: Firing) -> Handout:
    """The work of a trigger, for its first attempt."""
    definition, count = firing.definition, sum(one.events for one in firing.ranges)
    keys = desk.known.keys
    events: Iterable[tuple[int, Source | None]] = ()
    if count <= MAX_LISTED:
        events = sorted(firing.events or desk.events_of(firing.ranges))
    work = Work(
        trigger=firing.id,
        consumer=definition.name,
        target=definition.target_json,
        fired=position_time_text(firing.position) if firing.position else now_text(),
        position=format_position(firing.position),
        partition=firing.partition,
        attempts=definition.data.attempts,
        backoff=definition.data.backoff,
        timeout=definition.data.timeout,
        depth=firing.depth,
        count=count,
        events=tuple(_event(keys, position, source) for position, source in events),
        outlets=definition.data.outlets,
    )
    return Handout(pool_of(definition.target), work_name(firing), encode_work(work))


def work_name(firing: Firing) -> str:
    """Names the work of a trigger, each time that a person has it tried anew."""
    return f"{firing.id}:{firing.asked}"


def _event(keys: Sequence[str], position: int, source: Source | None) -> WorkEvent:
    return WorkEvent(position, None) if source is None else WorkEvent(position, keys[source[0]], source[1])


async def _run(client: redis.asyncio.Redis, script: str, keys: Sequence[str], values: Sequence[Any]) -> Any:
    try:
        answer: Any = await client.eval(script, len(keys), *keys, *values)
    except (redis.RedisError, OSError) as error:
        raise explain(error) from error
    return answer
