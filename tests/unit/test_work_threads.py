"""Threads for functions that block."""

from __future__ import annotations

import asyncio
import threading

import pytest

from assetlog.consumers.work.threads import LoopThread, Threads


async def test_a_thread_is_kept_for_the_next_call_and_errors_come_back() -> None:
    threads = Threads()
    first = await threads.run(threading.get_ident)
    with pytest.raises(ZeroDivisionError):
        await threads.run(lambda: 1 // 0)
    with pytest.raises(SystemExit):
        await threads.run(_leave)
    assert first == await threads.run(threading.get_ident) != threading.get_ident()
    threads.close()


async def test_calls_at_the_same_time_have_a_thread_each_and_a_cancelled_one_keeps_its_own() -> None:
    threads = Threads()
    gate = threading.Event()
    stuck = asyncio.ensure_future(threads.run(gate.wait))
    await asyncio.sleep(0)
    assert await threads.run(threading.active_count) >= 3
    stuck.cancel()
    with pytest.raises(asyncio.CancelledError):
        await stuck
    gate.set()
    threads.close()


async def test_coroutines_run_on_a_loop_of_their_own_and_are_cancelled_with_the_call() -> None:
    loop = LoopThread()
    assert await loop.run(_ident()) != threading.get_ident()
    ended = threading.Event()
    waiting = asyncio.ensure_future(loop.run(_wait(ended)))
    await asyncio.sleep(0.01)
    waiting.cancel()
    assert await asyncio.to_thread(ended.wait, 5.0)
    loop.close()


def _leave() -> None:
    raise SystemExit(1)


async def _ident() -> int:
    return threading.get_ident()


async def _wait(ended: threading.Event) -> None:
    try:
        await asyncio.Event().wait()
    finally:
        ended.set()
