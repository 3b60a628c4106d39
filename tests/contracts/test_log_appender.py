"""Group commit: concurrent callers share round trips and each gets its own positions."""

from __future__ import annotations

import asyncio
import os
import shutil
import signal
import subprocess
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
import redis.asyncio

from assetlog.consumers.log.appender import BATCH_ENTRIES, ONE_READ, Appender
from assetlog.consumers.log.bodies import Bodies
from assetlog.consumers.log.connection import connect, connect_sync
from assetlog.consumers.log.server import LogServer
from assetlog.schemas.errors import Broken, Unavailable
from assetlog.schemas.positions import START
from assetlog.schemas.stream import stream_key


@pytest.fixture
async def appender(redis_async: redis.asyncio.Redis, catalog_name: str) -> AsyncIterator[Appender]:
    async with Appender(redis_async, catalog_name) as appender:
        yield appender


@pytest.fixture
def own_server(tmp_path: Path) -> Iterator[LogServer]:
    """A log server this test may kill."""
    with LogServer(tmp_path / "home") as server:
        yield server


async def test_concurrent_callers_get_the_positions_of_their_own_events_in_order(
    appender: Appender, redis_sync: redis.Redis
) -> None:
    calls = [[f"{caller}-{number}".encode() for number in range(1 + caller % 7)] for caller in range(200)]
    answers = await asyncio.gather(*(appender.append(call) for call in calls))
    bodies = Bodies(redis_sync, appender.catalog)
    for call, positions in zip(calls, answers, strict=True):
        assert positions == sorted(positions)
        assert bodies.fetch(positions) == call
    in_call_order = [position for positions in answers for position in positions]
    assert in_call_order == sorted(set(in_call_order))
    assert appender.ack == "disk"


async def test_a_call_longer_than_a_batch_is_stored_whole_and_in_order(
    appender: Appender, redis_sync: redis.Redis
) -> None:
    raws = [str(number).encode() for number in range(2 * BATCH_ENTRIES + 1)]
    long, short = await asyncio.gather(appender.append(raws), appender.append([b"after"]))
    assert [raw for _, raw in Bodies(redis_sync, appender.catalog).fetch_range(0, 5000)] == [*raws, b"after"]
    assert long == sorted(long)
    assert short[0] > long[-1]


async def test_any_bytes_are_stored_unchanged(appender: Appender, redis_sync: redis.Redis) -> None:
    raws = [b"", b"\r\n$3\r\n", bytes(range(256)), "ä€😀".encode(), b"x" * 1_000_000]
    assert Bodies(redis_sync, appender.catalog).fetch(await appender.append(raws)) == raws


async def test_nothing_is_appended_for_nothing(appender: Appender) -> None:
    assert await appender.append([]) == []
    assert await appender.last_position() == START


async def test_the_last_position_is_the_newest_entrys(appender: Appender) -> None:
    positions = await appender.append([b"1", b"2"])
    assert await appender.last_position() == positions[-1]


async def test_callers_wait_for_room_and_all_are_served(redis_async: redis.asyncio.Redis, catalog_name: str) -> None:
    async with Appender(redis_async, catalog_name, waiting_bytes=1000) as appender:
        sizes = [10, 5000, 400, 400, 400, 10] * 5
        answers = await asyncio.gather(*(appender.append([b"x" * size]) for size in sizes))
        assert len({position for (position,) in answers}) == len(sizes)


async def test_a_cancelled_caller_does_not_hold_up_the_others(appender: Appender) -> None:
    first = asyncio.create_task(appender.append([b"1"]))
    second = asyncio.create_task(appender.append([b"2"]))
    await asyncio.sleep(0)
    first.cancel()
    assert len(await second) == 1
    assert len(await appender.append([b"3"])) == 1


async def test_an_unreachable_server_stores_nothing_and_says_so(tmp_path: Path) -> None:
    async with connect(f"unix://{tmp_path}/none.sock") as client, Appender(client, "default") as appender:
        with pytest.raises(Unavailable, match="Nothing of this request was stored"):
            await appender.append([b"1"])
        assert appender.ack == "unknown"


async def test_a_server_that_dies_before_it_answers_leaves_the_outcome_unknown(own_server: LogServer) -> None:
    async with connect(own_server.url) as client, Appender(client, "default") as appender:
        await appender.append([b"1"])
        os.kill(own_server.pid, signal.SIGSTOP)
        on_its_way = asyncio.create_task(appender.append([b"2"]))
        await asyncio.sleep(0)
        os.kill(own_server.pid, signal.SIGKILL)
        with pytest.raises(Unavailable, match="same ids") as lost:
            await on_its_way
        assert lost.value.code == "outcome-unknown"


async def test_a_server_that_dies_under_load_loses_nothing_acknowledged(own_server: LogServer) -> None:
    acknowledged: dict[int, bytes] = {}
    failed: list[Unavailable] = []

    async def caller(appender: Appender, name: int) -> None:
        for number in range(1_000_000):
            raw = f"{name}-{number}".encode()
            try:
                (position,) = await appender.append([raw])
            except Unavailable as error:
                failed.append(error)
                return
            acknowledged[position] = raw
            if len(acknowledged) == 2000:
                os.kill(own_server.pid, signal.SIGKILL)

    async with connect(own_server.url) as client, Appender(client, "default") as appender:
        await asyncio.wait_for(asyncio.gather(*(caller(appender, name) for name in range(16))), 60)
        assert len(failed) == 16
        assert {error.code for error in failed} <= {"outcome-unknown", "log-unreachable"}
        assert await asyncio.to_thread(own_server.restart)
        (again,) = await appender.append([b"again"])
        assert appender.ack == "disk"
    with connect_sync(own_server.url) as reader:
        bodies = Bodies(reader, "default")
        assert bodies.fetch(list(acknowledged)) == list(acknowledged.values())
        assert bodies.fetch([again]) == [b"again"]


async def test_a_server_restarted_while_idle_is_reconnected_silently(own_server: LogServer) -> None:
    async with connect(own_server.url) as client, Appender(client, "default") as appender:
        (before,) = await appender.append([b"1"])
        assert await asyncio.to_thread(own_server.restart)
        (after,) = await appender.append([b"2"])
        assert after > before


async def test_receipts_follow_settings_changed_under_us(
    own_server: LogServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("assetlog.consumers.log.appender.FACTS_LAST", 0.0)
    async with connect(own_server.url) as client, Appender(client, "default") as appender:
        acks = []
        for setting in ("always", "everysec", "always"):
            await client.config_set("appendfsync", setting)
            await appender.append([b"1"])
            acks.append(appender.ack)
        assert acks == ["disk", "memory", "disk"]


async def test_a_full_server_refuses_and_takes_the_same_events_later(own_server: LogServer) -> None:
    async with connect(own_server.url) as client, Appender(client, "default") as appender:
        await appender.append([b"1"])
        await client.config_set("maxmemory", "1")
        with pytest.raises(Unavailable, match="At least 0 of 2 events were stored") as refused:
            await appender.append([b"2", b"3"])
        assert refused.value.code == "log-out-of-memory"
        await client.config_set("maxmemory", "0")
        assert len(await appender.append([b"2", b"3"])) == 2


async def test_a_large_batch_is_stored_whole_or_not_at_all(own_server: LogServer) -> None:
    raws = [b"x" * 1000] * 200
    async with connect(own_server.url) as client, Appender(client, "default") as appender:
        await appender.append([b"first"])
        await client.config_set("maxmemory", str((await client.info("memory"))["used_memory"] + 20_000))
        with pytest.raises(Unavailable) as refused:
            await asyncio.gather(*(appender.append(raws) for _ in range(50)))
        assert refused.value.code == "log-out-of-memory"
        assert (await client.xlen(stream_key("default")) - 1) % len(raws) == 0
        await client.config_set("maxmemory", "0")
        assert len(await appender.append(raws)) == len(raws)


async def test_an_evicting_server_is_refused_at_the_first_append(own_server: LogServer) -> None:
    async with connect(own_server.url) as client, Appender(client, "default") as appender:
        await client.config_set("maxmemory-policy", "allkeys-lru")
        with pytest.raises(Broken) as refused:
            await appender.append([b"1"])
        assert refused.value.code == "log-evicts"


async def test_a_key_of_another_type_is_refused(appender: Appender, redis_async: redis.asyncio.Redis) -> None:
    await appender.append([b"1"])
    await redis_async.delete(stream_key(appender.catalog))
    await redis_async.set(stream_key(appender.catalog), "not a stream")
    for raws in ([b"2"], [b"x" * ONE_READ] * 3):
        with pytest.raises(Broken) as refused:
            await appender.append(raws)
        assert refused.value.code == "wrong-key-type"


async def test_a_log_with_a_huge_id_is_refused_by_name(appender: Appender, redis_async: redis.asyncio.Redis) -> None:
    await redis_async.xadd(stream_key(appender.catalog), {"event": "x"}, id=f"{1 << 60}-0")
    with pytest.raises(Broken) as refused:
        await appender.append([b"1"])
    assert refused.value.code == "log-ahead"


@contextmanager
def counted_syncs(pid: int, trace: Path) -> Iterator[Callable[[], int]]:
    """Traces a process; the function that is given counts its fsyncs once the trace has ended."""
    command = ["strace", "-f", "-e", "trace=fdatasync,fsync", "-o", str(trace), "-p", str(pid)]
    with subprocess.Popen(command, stderr=subprocess.PIPE) as tracer:
        assert tracer.stderr is not None
        if b"attached" not in tracer.stderr.readline():
            pytest.skip("strace may not attach to a process here")
        yield lambda: sum("sync(" in line for line in trace.read_text().splitlines())
        tracer.send_signal(signal.SIGINT)
        tracer.communicate()


@pytest.mark.skipif(shutil.which("strace") is None, reason="counting fsyncs needs strace")
async def test_every_acknowledged_round_trip_is_covered_by_an_fsync(own_server: LogServer, tmp_path: Path) -> None:
    with counted_syncs(own_server.pid, tmp_path / "trace") as syncs:
        async with connect(own_server.url) as client, Appender(client, "default") as appender:
            for number in range(50):
                await appender.append([str(number).encode()] * 3)
            assert appender.ack == "disk"
    assert syncs() >= 50


@pytest.mark.skipif(shutil.which("strace") is None, reason="counting fsyncs needs strace")
async def test_a_large_batch_costs_about_one_fsync(own_server: LogServer, tmp_path: Path) -> None:
    async with connect(own_server.url) as client, Appender(client, "default") as appender:
        await appender.append([b"connects and asks the server what it is"])
        with counted_syncs(own_server.pid, tmp_path / "trace") as syncs:
            await appender.append([b"x" * 1000] * 500)
    assert 1 <= syncs() <= 5
