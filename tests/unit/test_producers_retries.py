"""Retries and timeouts: which attempts there are, what is told of them, and that time runs out everywhere."""

from __future__ import annotations

import asyncio
import contextlib
import threading
import time
from collections.abc import Callable
from typing import Any

import msgspec
import pytest

from assetlog.producers import Asset, exponential_backoff, flow, materialize, task
from assetlog.producers.task_options import NO_OPTIONS, task_options
from assetlog.producers.testing import Captured

ORDERS = Asset("s3://t/orders")

pytestmark = pytest.mark.usefixtures("captured")


def types(captured: Captured) -> list[str]:
    return [event.type for event in captured.events()]


def metadata(data: Any) -> Any:
    return msgspec.json.decode(data.metadata)


class Flaky:
    """Fails some times, then gives how often it was called."""

    def __init__(self, failures: int, error: Exception | None = None) -> None:
        self.calls, self.failures = 0, failures
        self.error = error or ConnectionError("away")

    def __call__(self) -> int:
        self.calls += 1
        ORDERS.add_metadata({f"call {self.calls}": True})
        if self.calls <= self.failures:
            raise self.error
        return self.calls


def plainly(flaky: Flaky, **options: Any) -> Any:
    return materialize(ORDERS, name="t.load", **options)(flaky)()


def later(flaky: Flaky, **options: Any) -> Any:
    async def load() -> int:
        return flaky()

    return asyncio.run(materialize(ORDERS, name="t.load", **options)(load)())


def submitted(flaky: Flaky, **options: Any) -> Any:
    return materialize(ORDERS, name="t.load", **options)(flaky).submit().result()


@pytest.mark.parametrize("way", [plainly, later, submitted])
def test_only_the_last_attempt_touches_the_asset(way: Callable[..., Any], captured: Captured) -> None:
    assert flow(lambda: way(Flaky(2), retries=3))() == 3
    assert types(captured).count("asset.materialized") == 1
    assert "asset.failed" not in types(captured)
    failures = captured.events("run.failed")
    assert [metadata(event.data) for event in failures] == [
        {"attempt": 1, "retry_in": 0.0},
        {"attempt": 2, "retry_in": 0.0},
    ]
    [made] = captured.events("asset.materialized")
    assert metadata(made.data) == {"call 3": True}
    assert len({event.subject for event in captured.events("run.started")}) == 4


@pytest.mark.parametrize("way", [plainly, later, submitted])
def test_when_all_attempts_fail_the_asset_has_failed_once(way: Callable[..., Any], captured: Captured) -> None:
    with pytest.raises(ConnectionError, match="away"):
        way(Flaky(9), retries=2)
    [failed] = captured.events("asset.failed")
    assert metadata(failed.data) == {"call 3": True}
    assert [metadata(event.data)["attempt"] for event in captured.events("run.failed")] == [1, 2]


@pytest.mark.parametrize(
    "options, delays",
    [
        ({"retries": 3}, [0, 0, 0, None]),
        ({"retries": 2, "retry_delay_seconds": 5}, [5, 5, None, None]),
        ({"retries": 3, "retry_delay_seconds": [1, 10]}, [1, 10, 10, None]),
        ({"retries": 3, "retry_delay_seconds": exponential_backoff(10)}, [10, 20, 40, None]),
        ({"retries": 2, "retry_delay_seconds": lambda retries: [retries]}, [2, 2, None, None]),
        ({"retry_delay_seconds": [1]}, [None] * 4),
    ],
)
def test_delays_go_by_their_list(options: dict[str, Any], delays: list[float | None]) -> None:
    read = task_options(NO_OPTIONS, options, "t.load")
    assert [read.delay_after(attempt) for attempt in (1, 2, 3, 4)] == delays


def test_jitter_makes_delays_longer_by_its_share_at_most() -> None:
    read = task_options(NO_OPTIONS, {"retries": 9, "retry_delay_seconds": 10, "retry_jitter_factor": 0.5}, "t.load")
    drawn = [read.delay_after(1) or 0.0 for _ in range(200)]
    assert min(drawn) >= 10
    assert max(drawn) <= 15
    assert len(set(drawn)) > 100


def test_the_delay_is_waited_for_and_told(captured: Captured, monkeypatch: pytest.MonkeyPatch) -> None:
    waited: list[float] = []
    monkeypatch.setattr(time, "sleep", waited.append)
    plainly(Flaky(2), retries=2, retry_delay_seconds=[1.5, 2.5])
    assert waited == [1.5, 2.5]
    assert [metadata(event.data)["retry_in"] for event in captured.events("run.failed")] == waited


@pytest.mark.parametrize("way", [plainly, later])
def test_a_condition_says_whether_to_try_again(way: Callable[..., Any]) -> None:
    async def only_when_away(_task: Any, _run: Any, state: Any) -> bool:
        return isinstance(state.error, ConnectionError)

    assert way(Flaky(1), retries=3, retry_condition_fn=only_when_away) == 2
    flaky = Flaky(1, ValueError("wrong"))
    with pytest.raises(ValueError, match="wrong"):
        way(flaky, retries=3, retry_condition_fn=only_when_away)
    assert flaky.calls == 1


def test_a_condition_that_fails_takes_nothing_away(captured: Captured, caplog: pytest.LogCaptureFixture) -> None:
    def bad(_task: Any, _run: Any, _state: Any) -> bool:
        raise RuntimeError("a bad condition")

    with pytest.raises(ConnectionError, match="away"):
        plainly(Flaky(1), retries=3, retry_condition_fn=bad)
    assert types(captured) == ["asset.failed"]
    assert "a bad condition" in caplog.text


@pytest.mark.parametrize("asynchronous", [False, True])
def test_a_flow_is_tried_again_with_all_inside(asynchronous: bool, captured: Captured) -> None:
    flaky = Flaky(1)
    load = materialize(ORDERS, name="t.load")(flaky)

    @flow(name="t.nightly", retries=1)
    def nightly() -> int:
        return load()

    @flow(name="t.nightly", retries=1)
    async def anightly() -> int:
        return load()

    assert (asyncio.run(anightly()) if asynchronous else nightly()) == 2
    kinds = [(event.type, getattr(event.data, "job", "")) for event in captured.events() if event.type[:3] == "run"]
    once = [("run.started", "t.nightly"), ("run.started", "t.load")]
    assert kinds == [
        *once,
        ("run.failed", "t.load"),
        ("run.failed", "t.nightly"),
        *once,
        ("run.succeeded", "t.load"),
        ("run.succeeded", "t.nightly"),
    ]


# --- timeouts: loops that would never end, so that a test without a timeout hangs -------------------------------------


def endless() -> None:
    while True:
        time.sleep(0.005)


async def endless_later() -> None:
    await asyncio.Event().wait()


@pytest.mark.parametrize("make", [task, flow, materialize(ORDERS)])
def test_time_runs_out_on_the_main_thread_on_others_and_in_coroutines(make: Any, captured: Captured) -> None:
    slow = make(endless).with_options(timeout_seconds=0.05)
    errors: list[BaseException] = []

    def elsewhere() -> None:
        try:
            slow()
        except TimeoutError as error:
            errors.append(error)

    with pytest.raises(TimeoutError, match=r"exceeded timeout of 0.05 second"):
        slow()
    thread = threading.Thread(target=elsewhere)
    thread.start()
    thread.join(60)
    [error] = errors
    assert "0.05" in str(error)
    with pytest.raises(TimeoutError, match=r"exceeded timeout of 0.05 second"):
        asyncio.run(make(endless_later).with_options(timeout_seconds=0.05)())
    assert sum(kind in {"asset.failed", "run.failed"} for kind in types(captured)) == 3


def test_time_runs_out_of_a_submitted_call_and_may_be_tried_again() -> None:
    calls: list[int] = []

    @task(timeout_seconds=0.5, retries=1)
    def slow() -> int:
        calls.append(1)
        if len(calls) == 1:
            endless()
        return len(calls)

    assert slow.submit().result(timeout=60) == 2


@pytest.mark.parametrize("inner, outer, said", [(0.05, 60, "0.05"), (60, 0.05, "0.05")])
def test_the_shorter_of_two_timeouts_is_the_one_that_is_named(inner: float, outer: float, said: str) -> None:
    @task(timeout_seconds=inner)
    def step() -> None:
        endless()

    @flow(timeout_seconds=outer)
    def nightly() -> None:
        step()

    elsewhere = task(timeout_seconds=outer)(nightly.fn)
    for run in (nightly, lambda: elsewhere.submit().result()):
        with pytest.raises(TimeoutError, match=f"timeout of {said} "):
            run()


def test_what_comes_after_a_call_in_time_is_not_interrupted() -> None:
    quick = task(timeout_seconds=0.02)(lambda: 3)
    calls: list[Callable[[], Any]] = [quick, lambda: quick.submit().result()]
    for call in calls * 20:
        with contextlib.suppress(TimeoutError):  # on a machine that is busy enough
            assert call() == 3
    time.sleep(0.05)
