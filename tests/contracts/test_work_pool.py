"""Workers of a pool against a real log server: what is taken, how it ends, and what dead workers leave behind."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from typing import Any

import pytest
import redis.asyncio

from assetlog.consumers.log.server import LogServer
from assetlog.consumers.work.outcomes import Exhausted, RetryLater
from assetlog.consumers.work.pool import Pool
from assetlog.consumers.work.queue import Queue, entry_of
from assetlog.schemas.codec import decode, encode
from assetlog.schemas.envelope import Event
from assetlog.schemas.events.asset import AssetMaterialized
from assetlog.schemas.stream import EVENT_FIELD, WORK_FIELD, WORKERS, stream_key, work_key
from assetlog.schemas.work import Work, encode_work

STALE = 0.6
WITHIN = 20.0


class Bench:
    """A pool's stream, and workers that write down what they are given."""

    def __init__(self, url: str, client: Any, catalog: str) -> None:
        self.url, self.client, self.catalog = url, client, catalog
        self.key = work_key(catalog, "p")
        self.given: list[Work] = []
        self.pools: list[Pool] = []

    async def pool(
        self, execute: Callable[[Work], Awaitable[Sequence[bytes] | None]] | None = None, **options: Any
    ) -> Pool:
        async def run(work: Work) -> Sequence[bytes] | None:
            self.given.append(work)
            return None if execute is None else await execute(work)

        pool = Pool(self.url, self.catalog, "p", run, **{"stale": STALE, **options})
        await pool.start()
        self.pools.append(pool)
        return pool

    async def add(self, trigger: str, **fields: Any) -> bytes:
        given: dict[str, Any] = {
            "consumer": "c",
            "target": {},
            "fired": "",
            "position": "1700000000000-0",
            "backoff": 0.01,
        }
        work = Work(trigger=trigger, **{**given, **fields})
        entry: bytes = await self.client.xadd(self.key, {WORK_FIELD: encode_work(work)})
        return entry

    async def told(self) -> list[Event]:
        entries = await self.client.xrange(stream_key(self.catalog))
        return [decode(fields[EVENT_FIELD.encode()]) for _, fields in entries]

    async def types(self, trigger: str) -> list[str]:
        return [event.type for event in await self.told() if event.subject == trigger]

    async def until(self, condition: Callable[[], Awaitable[bool]]) -> None:
        end = time.monotonic() + WITHIN
        while not await condition():
            assert time.monotonic() < end, "it did not come to that"
            await asyncio.sleep(0.01)

    async def ended(self, trigger: str, how: str = "trigger.succeeded") -> list[str]:
        async def is_so() -> bool:
            return how in await self.types(trigger) and not await self.client.xlen(self.key)

        await self.until(is_so)
        return await self.types(trigger)


@pytest.fixture
async def bench(log_server: LogServer, redis_async: redis.asyncio.Redis, catalog_name: str) -> AsyncIterator[Bench]:
    bench = Bench(log_server.url, redis_async, catalog_name)
    yield bench
    for pool in bench.pools:
        await pool.stop(0)


async def test_work_is_started_run_and_told_once_and_leaves_the_stream(bench: Bench) -> None:
    await bench.add("before the first worker")
    await bench.pool()
    await bench.add("t")
    assert await bench.ended("before the first worker") == ["trigger.started", "trigger.succeeded"]
    assert await bench.ended("t") == ["trigger.started", "trigger.succeeded"]
    pending = await bench.client.xpending(bench.key, WORKERS)
    assert (pending["pending"], len(bench.given)) == (0, 2)


async def test_what_execute_returns_is_in_the_log_before_the_success(bench: Bench) -> None:
    async def made(work: Work) -> list[bytes]:
        return [encode("asset.materialized", "test", "s3://a", AssetMaterialized(), causation_id=work.trigger)]

    await bench.pool(made)
    await bench.add("t")
    await bench.ended("t")
    told = await bench.told()
    assert [event.type for event in told] == ["trigger.started", "asset.materialized", "trigger.succeeded"]
    assert {event.causation_id for event in told} == {"t"}


async def test_a_failure_is_followed_by_the_next_attempt_and_the_last_one_is_a_dead_letter(bench: Bench) -> None:
    async def fail(work: Work) -> None:
        raise KeyError("price")

    await bench.pool(fail)
    await bench.add("t", attempts=3)
    types = await bench.ended("t", "trigger.exhausted")
    assert types == ["trigger.started", "trigger.failed"] * 3 + ["trigger.exhausted"]
    assert [work.attempt for work in bench.given] == [1, 2, 3]
    failures: list[Any] = [event.data for event in await bench.told() if event.type == "trigger.failed"]
    assert {failure.error for failure in failures} == {"KeyError: 'price'"}
    assert "KeyError" in failures[0].traceback
    pauses = [work.not_before for work in bench.given]
    assert pauses == sorted(pauses)


async def test_a_secret_in_an_error_is_struck_out(bench: Bench) -> None:
    async def fail(work: Work) -> None:
        raise ValueError("cannot reach postgres://ada:hunter2@db/shop")

    await bench.pool(fail)
    await bench.add("t", attempts=1)
    await bench.ended("t", "trigger.exhausted")
    entries = await bench.client.xrange(stream_key(bench.catalog))
    assert b"hunter2" not in b"".join(fields[EVENT_FIELD.encode()] for _, fields in entries)


async def test_an_execution_may_forbid_further_attempts_or_name_the_pause(bench: Bench) -> None:
    async def fail(work: Work) -> None:
        if work.trigger == "never":
            raise Exhausted("gone for good") from ValueError("410")
        if work.attempt == 1:
            raise RetryLater(0.05, "busy")

    await bench.pool(fail)
    await bench.add("never")
    await bench.add("later", backoff=3600.0)
    assert await bench.ended("never", "trigger.exhausted") == ["trigger.started", "trigger.failed", "trigger.exhausted"]
    assert (await bench.ended("later"))[-1] == "trigger.succeeded"
    errors = {event.subject: event.data.error for event in await bench.told() if event.type == "trigger.failed"}  # type: ignore[union-attr]
    assert errors == {"never": "ValueError: 410", "later": "busy"}


async def test_an_attempt_that_takes_too_long_has_failed(bench: Bench) -> None:
    async def hang(work: Work) -> None:
        await asyncio.Event().wait()

    await bench.pool(hang)
    await bench.add("t", timeout=0.01, attempts=1)
    await bench.ended("t", "trigger.exhausted")
    (failed,) = [event.data for event in await bench.told() if event.type == "trigger.failed"]
    assert failed.error == "TimeoutError: it took longer than 0.01 s"  # type: ignore[union-attr]


async def test_a_pause_holds_no_slot(bench: Bench) -> None:
    async def fail_once(work: Work) -> None:
        if work.trigger == "slow" and work.attempt == 1:
            raise RetryLater(0.5)

    await bench.pool(fail_once, concurrency=1)
    await bench.add("slow")
    await bench.add("quick")
    await bench.ended("slow")
    assert [(work.trigger, work.attempt) for work in bench.given] == [("slow", 1), ("quick", 1), ("slow", 2)]


async def test_no_more_runs_at_a_time_than_told_and_a_full_worker_takes_nothing_from_others(bench: Bench) -> None:
    gate, running, most = asyncio.Event(), 0, 0

    async def wait(work: Work) -> None:
        nonlocal running, most
        running += 1
        most = max(most, running)
        await gate.wait()
        running -= 1

    await bench.pool(wait, concurrency=2)
    for number in range(5):
        await bench.add(f"t{number}")

    async def full() -> bool:
        return running == 2

    await bench.until(full)
    await asyncio.sleep(0.1)
    assert (await bench.client.xpending(bench.key, WORKERS))["pending"] == 2
    gate.set()
    await bench.ended("t4")
    assert most == 2


async def test_the_work_of_a_dead_worker_is_claimed_and_run_with_the_next_attempts_number(bench: Bench) -> None:
    dead = Queue(bench.client, bench.catalog, "p", "dead")
    await dead.prepare()
    await bench.add("t")
    await bench.client.xreadgroup(WORKERS, "dead", {bench.key: ">"})
    await bench.pool()
    await bench.ended("t")
    assert [work.attempt for work in bench.given] == [2]


async def test_work_that_kills_its_workers_is_given_up(bench: Bench) -> None:
    dead = Queue(bench.client, bench.catalog, "p", "dead")
    await dead.prepare()
    entry = await bench.add("t", attempts=2)
    await bench.client.xreadgroup(WORKERS, "dead", {bench.key: ">"})
    await bench.client.xclaim(bench.key, WORKERS, "dead", 0, [entry], retrycount=4)
    await bench.pool()
    assert await bench.ended("t", "trigger.exhausted") == ["trigger.exhausted"]
    assert bench.given == []


async def test_a_claim_waits_for_the_time_of_a_held_attempt_and_counts_no_beginning(bench: Bench) -> None:
    dead = Queue(bench.client, bench.catalog, "p", "dead")
    await dead.prepare()
    entry = await bench.add("t", attempt=3, not_before=time.time() + 3 * STALE)
    ((_, [(_, fields)]),) = await bench.client.xreadgroup(WORKERS, "dead", {bench.key: ">"})
    await dead.hold(entry_of(entry, fields))
    await bench.pool()
    await bench.ended("t")
    assert [work.attempt for work in bench.given] == [3]
    assert time.time() >= bench.given[0].not_before


async def test_a_living_worker_keeps_what_it_runs(bench: Bench) -> None:
    async def long(work: Work) -> None:
        await asyncio.sleep(4 * STALE)

    await bench.pool(long)
    await bench.pool(long)
    await bench.add("t")
    assert await bench.ended("t") == ["trigger.started", "trigger.succeeded"]
    assert len(bench.given) == 1


async def test_a_trigger_that_was_called_off_does_not_begin(bench: Bench) -> None:
    pool = await bench.pool()
    entry = await bench.add("t", not_before=time.time() + 0.5)

    async def held() -> bool:
        return pool.held == 1

    async def over() -> bool:
        return pool.held == pool.running == 0

    await bench.until(held)
    await bench.client.xdel(bench.key, entry)
    await bench.until(over)
    assert (bench.given, await bench.told()) == ([], [])


async def test_a_failure_of_a_trigger_that_was_called_off_is_followed_by_nothing(bench: Bench) -> None:
    gate = asyncio.Event()

    async def fail(work: Work) -> None:
        await gate.wait()
        raise ValueError("no rows")

    pool = await bench.pool(fail)
    entry = await bench.add("t")

    async def running() -> bool:
        return await bench.types("t") == ["trigger.started"]

    async def over() -> bool:
        return pool.running == 0

    await bench.until(running)
    await bench.client.xdel(bench.key, entry)
    gate.set()
    await bench.until(over)
    assert await bench.types("t") == ["trigger.started", "trigger.failed"]
    assert await bench.client.xlen(bench.key) == 0


async def test_a_stop_lets_what_runs_end_and_gives_the_rest_back(bench: Bench) -> None:
    gate = asyncio.Event()

    async def wait(work: Work) -> None:
        if work.trigger == "ends":
            await asyncio.sleep(0.1)
        else:
            await gate.wait()

    pool = await bench.pool(wait, concurrency=2)
    await bench.add("held", not_before=time.time() + 3600)
    await bench.add("ends")
    await bench.add("hangs")

    async def both() -> bool:
        return len(bench.given) == 2 and pool.held == 1

    await bench.until(both)
    await pool.stop(0.5)
    bench.pools.clear()
    gate.set()
    assert await bench.types("ends") == ["trigger.started", "trigger.succeeded"]
    assert await bench.client.xlen(bench.key) == 2
    assert (await bench.client.xpending(bench.key, WORKERS))["pending"] == 0
    assert await bench.client.xinfo_consumers(bench.key, WORKERS) == []
    await bench.pool()
    await bench.until(lambda: _has_ended(bench, "hangs"))
    assert bench.given[-1].attempt == 1


async def _has_ended(bench: Bench, trigger: str) -> bool:
    return "trigger.succeeded" in await bench.types(trigger)


async def test_an_entry_that_is_no_work_is_dropped_and_the_rest_goes_on(bench: Bench) -> None:
    await bench.pool()
    await bench.client.xadd(bench.key, {WORK_FIELD: b"{}"})
    await bench.client.xadd(bench.key, {"other": b"{}"})
    await bench.add("t")
    await bench.ended("t")
    assert await bench.client.xlen(bench.key) == 0


async def test_a_stream_that_was_deleted_is_made_again(bench: Bench) -> None:
    await bench.pool()
    await bench.client.delete(bench.key)
    await bench.add("t")
    await bench.ended("t")


async def test_several_workers_share_and_each_trigger_runs_once(bench: Bench) -> None:
    async def work_on(work: Work) -> None:
        await asyncio.sleep(0.005)

    for _ in range(3):
        await bench.pool(work_on, concurrency=4)
    await asyncio.gather(*(bench.add(f"t{number}") for number in range(60)))

    async def all_done() -> bool:
        return not await bench.client.xlen(bench.key)

    await bench.until(all_done)
    assert sorted(work.trigger for work in bench.given) == sorted(f"t{number}" for number in range(60))
    workers: set[Any] = {event.data.worker for event in await bench.told() if event.type == "trigger.started"}  # type: ignore[union-attr]
    assert len(workers) > 1
