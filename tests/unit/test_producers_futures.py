"""Calls on other threads, futures, states, and every way in which a call may end."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable, Iterator
from typing import Any, cast

import pytest
from told import ends

from assetlog.producers import (
    Asset,
    FutureList,
    Skip,
    TaskFuture,
    UpstreamFailed,
    as_completed,
    flow,
    materialize,
    task,
    unmapped,
    wait,
)
from assetlog.producers.testing import Captured

ORDERS = Asset("s3://t/orders")

pytestmark = pytest.mark.usefixtures("captured")


@task
def double(number: int = 2, *, plus: int = 0) -> int:
    """Twice a number."""
    return number * 2 + plus


@task
async def adouble(number: int) -> int:
    """The same, later."""
    await asyncio.sleep(0)
    return number * 2


@materialize(ORDERS)
def pages(count: int) -> Iterator[int]:
    """Pages."""
    yield from range(count)


@task
def fail(text: str = "no rows") -> None:
    """Fails."""
    raise ValueError(text)


def test_submit_runs_on_another_thread_and_map_once_per_element() -> None:
    here = task(threading.get_ident)
    assert here.submit().result() != threading.get_ident()
    mapped = double.map([1, 2, 3], plus=unmapped(10))
    assert isinstance(mapped, FutureList)
    assert mapped.result() == [12, 14, 16]
    assert double.map([], plus=unmapped(1)).result() == []
    assert double.map(double.submit(1).result() * [3]).result() == [6, 6]


def test_map_names_what_does_not_fit() -> None:
    with pytest.raises(ValueError, match="one length; there are 2, 3"):
        double.map([1, 2], plus=[1, 2, 3])
    with pytest.raises(ValueError, match="there are none"):
        double.map(3)


def test_futures_answer_as_futures_do() -> None:
    release = threading.Event()

    @task
    def waiting() -> int:
        release.wait(30)
        return 3

    seen: list[TaskFuture[int]] = []
    future = waiting.submit()
    future.add_done_callback(seen.append)
    assert not future.done()
    assert wait([future], timeout=0.01) == (set(), {future})
    with pytest.raises(TimeoutError):
        future.result(timeout=0.01)
    release.set()
    assert wait([future], timeout=30) == ({future}, set())
    assert (future.done(), future.result(), future.state.type, "done" in repr(future)) == (True, 3, "COMPLETED", True)
    assert [one.result() for one in as_completed([future, double.submit(1)], timeout=30)] != []
    failed = fail.submit()
    failed.wait()
    assert failed.state.is_failed()
    assert isinstance(failed.result(raise_on_failure=False), ValueError)
    with pytest.raises(ValueError, match="no rows"):
        failed.result()


def test_lists_of_futures_and_states_become_their_results() -> None:
    keep = task(lambda *values, **named: (values, named))
    futures = double.map([1, 2])
    state = double(4, return_state=True)
    assert keep(futures, state, deep={"er": [futures[0]]}) == (([2, 4], 8), {"deep": {"er": [2]}})
    result: Any = flow(lambda: {"all": futures, "one": [futures[1]]})()
    assert result == {"all": [2, 4], "one": [4]}


@pytest.mark.parametrize(
    "use",
    [
        lambda: double(cast("int", fail.submit())),
        lambda: double.submit(fail.submit()).result(),
        lambda: double(cast("int", fail(return_state=True))),
        lambda: double(1, wait_for=[fail.submit()]),
        lambda: asyncio.run(adouble(cast("int", fail.submit()))),
        lambda: flow(double.fn)(fail.submit()),
        lambda: double(fail.submit(), return_state=True).result(),
        lambda: flow(double.fn)(fail.submit(), return_state=True).result(),
    ],
)
def test_what_needs_a_failed_call_is_skipped_and_says_of_which(use: Callable[[], Any], captured: Captured) -> None:
    with pytest.raises(UpstreamFailed, match="no rows") as caught:
        use()
    assert isinstance(caught.value.__cause__, ValueError)
    [skipped] = captured.events("run.skipped")
    assert "no rows" in getattr(skipped.data, "reason", "")
    assert getattr(skipped.data, "duration", None) in {None, 0.0} or getattr(skipped.data, "duration", 0) < 60


def test_an_asset_whose_upstream_failed_is_not_touched(captured: Captured) -> None:
    load = materialize(ORDERS, partition=str)(lambda value: value)
    with pytest.raises(UpstreamFailed):
        load(fail.submit())
    assert captured.events("asset.failed") == []
    assert len(captured.events("run.skipped")) == 1


async def test_waiting_for_a_future_leaves_the_event_loop_free() -> None:
    loop = asyncio.get_running_loop()
    reached = asyncio.Event()

    @task
    def needs_the_loop() -> int:
        loop.call_soon_threadsafe(reached.set)
        asyncio.run_coroutine_threadsafe(reached.wait(), loop).result(30)
        return 3

    assert await adouble(cast("int", needs_the_loop.submit())) == 6

    @flow
    async def pipeline() -> Any:
        needs_the_loop.submit()
        return [needs_the_loop.submit()]

    reached.clear()
    assert await pipeline() == [3]


@pytest.mark.parametrize("call", [lambda: pages.submit(3).result(), lambda: pages(3, return_state=True)])
def test_a_generator_is_not_submitted_and_has_no_state(call: Callable[[], Any]) -> None:
    with pytest.raises(TypeError, match="is a generator"):
        call()


def test_skip_says_that_there_was_nothing_to_do(captured: Captured) -> None:
    @materialize(ORDERS, retries=3)
    def load() -> None:
        raise Skip("no new files")

    state = load(return_state=True)
    assert (state.type, state.name, state.message) == ("SKIPPED", "Skipped", "Skip: no new files")
    assert ends(captured) == ["run.skipped"]
    with pytest.raises(Skip):
        load()


@pytest.mark.parametrize("error", [KeyboardInterrupt(), SystemExit(3)])
def test_what_ends_the_process_is_recorded_and_not_retried(error: BaseException, captured: Captured) -> None:
    def stop() -> None:
        raise error

    with pytest.raises(type(error)):
        materialize(ORDERS, retries=3)(stop)()
    assert ends(captured) == ["asset.failed"]
    with pytest.raises(type(error)):
        task(
            stop,
        )(return_state=True)
    assert ends(captured) == ["asset.failed", "run.failed"]


async def test_a_cancelled_task_is_recorded_and_not_retried(captured: Captured) -> None:
    @task(retries=3)
    async def endless() -> None:
        await asyncio.Event().wait()

    running = asyncio.ensure_future(endless())
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    running.cancel()
    with pytest.raises(asyncio.CancelledError):
        await running
    assert ends(captured) == ["run.failed"]


def test_return_state_gives_what_became_of_it() -> None:
    good, bad = double(3, return_state=True), fail(return_state=True)
    assert (good.is_completed(), good.result(), repr(good)) == (True, 6, "Completed()")
    assert (bad.is_failed(), bad.is_cancelled(), repr(bad)) == (True, False, "Failed(ValueError: no rows)")
    assert isinstance(bad.result(raise_on_failure=False), ValueError)
    with pytest.raises(ValueError, match="no rows"):
        bad.result()
    assert double.submit(3, return_state=True).result() == 6
    assert asyncio.run(adouble(3, return_state=True)).result() == 6


def test_a_function_keeps_parameters_of_these_names() -> None:
    @task
    def own(wait_for: str, return_state: bool) -> tuple[str, bool]:
        return wait_for, return_state

    result: Any = own(wait_for="x", return_state=True)
    assert result == ("x", True)


def test_the_users_error_comes_as_it_was_raised() -> None:
    async def later() -> None:
        try:
            _ = 1 / 0
        except ZeroDivisionError as error:
            raise TimeoutError("of its own") from error

    def now() -> None:
        asyncio.run(later())

    calls: list[Callable[[], Any]] = [
        task(now),
        lambda: asyncio.run(task(later)()),
        lambda: asyncio.run(flow(later)()),
        flow(now),
    ]
    for call in calls:
        with pytest.raises(TimeoutError, match="of its own") as caught:
            call()
        assert isinstance(caught.value.__cause__, ZeroDivisionError)
