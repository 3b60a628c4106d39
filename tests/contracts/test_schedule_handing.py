"""Recording firings and handing out work against a real log server: only with the lease, and each work once."""

from __future__ import annotations

import asyncio
from typing import Any

import msgspec
import pytest
import redis

from assetlog.consumers.log.lease import Lease
from assetlog.consumers.log.wire import position_of
from assetlog.consumers.schedule.handing import (
    MOST_AT_ONCE,
    Decided,
    Handout,
    Recorded,
    hand_out,
    in_parts,
    record,
    sweep,
    withdraw,
)
from assetlog.schemas.stream import EVENT_FIELD, WORK_FIELD, WORKERS, stream_key, work_key
from assetlog.schemas.work import Work, decode_work, encode_work

NOW = 1_763_747_570_000


@pytest.fixture
def lease(redis_sync: redis.Redis, catalog_name: str) -> Lease:
    lease = Lease(redis_sync, catalog_name, "scheduler", "me")
    assert lease.hold()
    return lease


def handout(trigger: str, pool: str = "p", **fields: object) -> Handout:
    target = {"kind": "python", "function": "f", "pool": pool, **fields}
    work = Work(trigger=trigger, position="0-0", consumer="c", target=target, fired="")
    return Handout(pool, f"{trigger}:0", encode_work(work))


async def position_after(client: Any, catalog: str, raw: bytes = b"{}") -> int:
    return position_of(await client.xadd(stream_key(catalog), {EVENT_FIELD: raw}))


async def works(client: Any, catalog: str, pool: str = "p") -> list[Work]:
    entries = await client.xrange(work_key(catalog, pool))
    return [decode_work(fields[WORK_FIELD.encode()]) for _, fields in entries]


async def test_work_is_handed_out_with_its_firing_where_nothing_came_between(
    redis_async: Any, catalog_name: str, lease: Lease
) -> None:
    position = await position_after(redis_async, catalog_name)
    firings = [(b'{"n":1}', handout("t1")), (b'{"n":2}', handout("t2", "q"))]
    decided = Decided(position, firings, [b'{"n":3}'], [], [])
    came = await record(redis_async, catalog_name, (lease.key, lease.token), decided, NOW)
    log = await redis_async.xrange(stream_key(catalog_name))
    assert came is Recorded.HANDED
    assert [fields[b"event"] for _, fields in log] == [b"{}", b'{"n":1}', b'{"n":2}', b'{"n":3}']
    (first,), (second,) = await works(redis_async, catalog_name), await works(redis_async, catalog_name, "q")
    assert (first.trigger, first.position) == ("t1", log[1][0].decode())
    assert (second.trigger, second.position) == ("t2", log[2][0].decode())


async def test_a_firing_that_something_came_before_is_recorded_and_waits_for_the_fold(
    redis_async: Any, catalog_name: str, lease: Lease
) -> None:
    position = await position_after(redis_async, catalog_name)
    await position_after(redis_async, catalog_name, b'{"between":true}')
    decided = Decided(position, [(b'{"n":1}', handout("t1"))], [], [], [])
    assert await record(redis_async, catalog_name, (lease.key, lease.token), decided, NOW) is Recorded.RECORDED
    assert await works(redis_async, catalog_name) == []
    assert await hand_out(redis_async, catalog_name, (lease.key, lease.token), [handout("t1")], NOW)
    assert [work.trigger for work in await works(redis_async, catalog_name)] == ["t1"]


async def test_the_same_work_is_handed_out_once(redis_async: Any, catalog_name: str, lease: Lease) -> None:
    held = (lease.key, lease.token)
    position = await position_after(redis_async, catalog_name)
    await record(redis_async, catalog_name, held, Decided(position, [(b"{}", handout("t1"))], [], [], []), NOW)
    for _ in range(3):
        assert await hand_out(redis_async, catalog_name, held, [handout("t1"), handout("t2")], NOW)
    assert [work.trigger for work in await works(redis_async, catalog_name)] == ["t1", "t2"]


async def test_who_lost_the_lease_records_and_hands_out_nothing(
    redis_async: Any, redis_sync: redis.Redis, catalog_name: str, lease: Lease
) -> None:
    before = (lease.key, lease.token)
    lease.release()
    other = Lease(redis_sync, catalog_name, "scheduler", "another")
    assert other.hold()
    decided = Decided(0, [(b"{}", handout("t1"))], [b"{}"], [], [])
    assert await record(redis_async, catalog_name, before, decided, NOW) is Recorded.NOTHING
    assert not await hand_out(redis_async, catalog_name, before, [handout("t1")], NOW)
    assert not await redis_async.exists(stream_key(catalog_name), work_key(catalog_name, "p"))


async def test_a_target_that_looks_like_a_position_stays_as_it_is(
    redis_async: Any, catalog_name: str, lease: Lease
) -> None:
    position = await position_after(redis_async, catalog_name)
    odd = handout("t1", note='"position":"0-0" %1 %%')
    await record(
        redis_async, catalog_name, (lease.key, lease.token), Decided(position, [(b"{}", odd)], [], [], []), NOW
    )
    (work,) = await works(redis_async, catalog_name)
    assert work.target == msgspec.json.decode(odd.work)["target"]
    assert work.position != "0-0"


async def test_what_is_called_off_leaves_the_stream(redis_async: Any, catalog_name: str, lease: Lease) -> None:
    held, key = (lease.key, lease.token), work_key(catalog_name, "p")
    await redis_async.xgroup_create(key, WORKERS, id="0", mkstream=True)
    await hand_out(redis_async, catalog_name, held, [handout("t1"), handout("t2")], NOW)
    await redis_async.xreadgroup(WORKERS, "w", {key: ">"}, count=1)
    assert await withdraw(redis_async, catalog_name, "p", "t1") == 1
    assert [work.trigger for work in await works(redis_async, catalog_name)] == ["t2"]
    assert (await redis_async.xpending(key, WORKERS))["pending"] == 0
    assert await withdraw(redis_async, catalog_name, "p", "t1") == 0


async def test_of_two_that_record_at_once_one_holds_the_lease(
    redis_async: Any, redis_sync: redis.Redis, catalog_name: str
) -> None:
    leases = [Lease(redis_sync, catalog_name, "scheduler", name) for name in ("a", "b")]
    held = [lease.hold() for lease in leases]
    decided = Decided(0, [(b"{}", handout("t1"))], [], [], [])
    came = await asyncio.gather(
        *(record(redis_async, catalog_name, (lease.key, lease.token), decided, NOW) for lease in leases)
    )
    assert held == [True, False]
    assert came == [Recorded.RECORDED, Recorded.NOTHING]


async def test_the_work_of_triggers_that_are_not_active_is_swept_away(
    redis_async: Any, catalog_name: str, lease: Lease
) -> None:
    held = (lease.key, lease.token)
    await hand_out(redis_async, catalog_name, held, [handout("t1"), handout("t2"), handout("t3")], NOW)
    assert await sweep(redis_async, catalog_name, "p", {"t2"}) == 2
    assert [work.trigger for work in await works(redis_async, catalog_name)] == ["t2"]
    assert await sweep(redis_async, catalog_name, "no-such-pool", set()) == 0


def test_much_that_was_decided_is_sent_in_steps_and_what_is_called_off_last() -> None:
    many = [(b"%d" % number, handout(f"t{number}")) for number in range(MOST_AT_ONCE + 1)]
    handouts = [work for _, work in many[:3]]
    parts = list(in_parts(Decided(7, many, [b"{}"], handouts, [("p", "t1")])))
    assert [len(part.firings) for part in parts] == [MOST_AT_ONCE, 1]
    assert [firing for part in parts for firing in part.firings] == many
    assert [part.events for part in parts] == [[b"{}"], []]
    assert [part.handouts for part in parts] == [handouts, []]
    assert [part.withdrawn for part in parts] == [[], [("p", "t1")]]
