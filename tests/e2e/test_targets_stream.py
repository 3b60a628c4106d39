"""Entries in a stream of the user's own, on the log's server."""

from __future__ import annotations

import asyncio
import time
from typing import Any

import msgspec
import pytest
import redis
import redis.asyncio

from assetlog.consumers.deliver import stream
from assetlog.consumers.deliver.deliverer import Deliverer
from assetlog.consumers.deliver.rules import Rules
from assetlog.consumers.log.server import LogServer
from assetlog.consumers.work.pool import Pool
from assetlog.schemas.codec import decode
from assetlog.schemas.errors import AssetlogError, Invalid
from assetlog.schemas.stream import WORK_FIELD, WORKERS, delivered_key, stream_key, work_key
from assetlog.schemas.targets import as_target
from assetlog.schemas.work import TARGETS_POOL, Work, WorkEvent, encode_work

WITHIN = 20.0


def work(name: str, trigger: str = "t-1", attempt: int = 1, **target: Any) -> Work:
    return Work(
        trigger=trigger,
        consumer="report",
        target={"kind": "stream", "stream": name, **target},
        fired="2026-11-22T08:00:00.000000Z",
        position="1763747570910-0",
        attempt=attempt,
        count=1,
        events=(WorkEvent(1 << 20, "s3://lake/orders"),),
    )


async def deliver(client: redis.asyncio.Redis, catalog: str, todo: Work) -> None:
    deliverer = Deliverer(Rules(), client, catalog)
    try:
        await deliverer.execute(todo)
    finally:
        await deliverer.close()


async def test_each_trigger_is_one_entry_however_often_it_is_delivered(
    redis_async: redis.asyncio.Redis, catalog_name: str
) -> None:
    name = f"alerts-{catalog_name}"
    for todo in (work(name), work(name, attempt=2), work(name, "t-2")):
        await deliver(redis_async, catalog_name, todo)
    entries: Any = await redis_async.xrange(name)
    told = [msgspec.json.decode(fields[b"trigger"]) for _, fields in entries]
    assert [(each["type"], each["data"]["trigger"]) for each in told] == [
        ("trigger.fired", "t-1"),
        ("trigger.fired", "t-2"),
    ]
    assert told[0]["data"]["events"] == [{"position": "1-0", "key": "s3://lake/orders", "partition": None}]


async def test_a_read_and_trimmed_entry_is_not_added_again(redis_async: redis.asyncio.Redis, catalog_name: str) -> None:
    name = f"queue-{catalog_name}"
    await deliver(redis_async, catalog_name, work(name, field="job"))
    await redis_async.xtrim(name, maxlen=0)
    await deliver(redis_async, catalog_name, work(name, field="job"))
    assert await redis_async.xlen(name) == 0
    assert 0 < await redis_async.ttl(delivered_key(catalog_name, name, "t-1")) <= stream.REMEMBERED_SECONDS


async def test_a_refused_entry_is_not_remembered_as_delivered(
    redis_async: redis.asyncio.Redis, catalog_name: str
) -> None:
    name = f"text-{catalog_name}"
    await redis_async.set(name, "not a stream")
    with pytest.raises(AssetlogError):
        await deliver(redis_async, catalog_name, work(name))
    await redis_async.delete(name)
    await deliver(redis_async, catalog_name, work(name))
    assert await redis_async.xlen(name) == 1


async def test_what_a_dead_node_delivered_and_did_not_record_is_not_added_twice(
    log_server: LogServer, redis_async: redis.asyncio.Redis, catalog_name: str
) -> None:
    name, key, todo = f"once-{catalog_name}", work_key(catalog_name, TARGETS_POOL), work(f"once-{catalog_name}")
    await redis_async.xgroup_create(key, WORKERS, id="0", mkstream=True)
    await redis_async.xadd(key, {WORK_FIELD: encode_work(todo)})
    await redis_async.xreadgroup(WORKERS, "dead-node", {key: ">"})
    await deliver(redis_async, catalog_name, todo)

    deliverer = Deliverer(Rules(), redis_async, catalog_name)

    async def execute(again: Work) -> None:
        assert again.attempt == 2
        await deliverer.execute(again)

    pool = Pool(log_server.url, catalog_name, TARGETS_POOL, execute, stale=0.2)
    await pool.start()
    give_up = time.monotonic() + WITHIN
    while await redis_async.xlen(key):
        assert time.monotonic() < give_up, "nobody claimed it"
        await asyncio.sleep(0.02)
    await pool.stop()
    await deliverer.close()
    log: Any = await redis_async.xrange(stream_key(catalog_name))
    assert [decode(fields[b"event"]).type for _, fields in log] == ["trigger.started", "trigger.succeeded"]
    assert await redis_async.xlen(name) == 1


@pytest.mark.parametrize("name", ["alerts", "app:{shop}:alerts", "a{b", "x{y}{z}"])
def test_the_memory_of_a_stream_is_on_the_streams_slot(name: str) -> None:
    slot = redis.crc.key_slot
    assert slot(delivered_key("default", name, "t-1").encode()) == slot(name.encode())


@pytest.mark.parametrize("name", ["assetlog:{default}:events", "assetlog:x", "", "a" * 501])
def test_a_stream_of_assetlogs_own_is_no_target(name: str) -> None:
    with pytest.raises(Invalid) as refusal:
        as_target({"kind": "stream", "stream": name})
    assert refusal.value.field == "target.stream"
