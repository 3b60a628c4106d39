"""Flows: whose run is whose, what is waited for, and that nothing is left behind."""

from __future__ import annotations

import asyncio
import contextvars
import inspect
import os
import threading
from collections.abc import Iterator
from typing import Any

import msgspec
import pytest

from assetlog.producers import Asset, Skip, add_asset_metadata, emit, flow, materialize, run, task
from assetlog.producers.context import current_call, current_flow, current_lineage, current_run
from assetlog.producers.testing import Captured

ORDERS = Asset("s3://t/orders")

pytestmark = pytest.mark.usefixtures("captured")


def types(captured: Captured) -> list[str]:
    return [event.type for event in captured.events()]


def metadata(data: Any) -> Any:
    return msgspec.json.decode(data.metadata)


def tree(captured: Captured) -> dict[str, str | None]:
    """The jobs, and the jobs of the runs they are part of."""
    begun = captured.events("run.started")
    jobs = {event.subject: getattr(event.data, "job", "") for event in begun}
    return {getattr(event.data, "job", ""): jobs.get(getattr(event.data, "parent", None)) for event in begun}


@task(name="step")
def step(value: int = 1) -> int:
    return value


@materialize(ORDERS, name="load")
def load() -> dict[str, int]:
    return {"rows": 1}


def test_runs_lie_in_one_another(captured: Captured) -> None:
    @flow(name="inner")
    def inner() -> None:
        load()

    @task(name="work")
    def work() -> None:
        step()

    @flow(name="outer")
    def outer() -> None:
        work()
        inner()

    with run("script"):
        outer()
    assert tree(captured) == {
        "script": None,
        "outer": "script",
        "work": "outer",
        "step": "work",
        "inner": "outer",
        "load": "inner",
    }
    [made] = captured.events("asset.materialized")
    assert getattr(made.data, "run").job == "load"  # noqa: B009 - of a union


def test_submitted_and_asynchronous_calls_belong_to_the_flow(captured: Captured) -> None:
    @task(name="astep")
    async def astep() -> None:
        await asyncio.sleep(0)

    @flow(name="outer")
    async def outer() -> None:
        load.submit()
        astep.submit()
        await asyncio.gather(astep(), asyncio.to_thread(step))

    asyncio.run(outer())
    assert tree(captured) == {"outer": None, "load": "outer", "astep": "outer", "step": "outer"}
    assert types(captured)[-1] == "run.succeeded"


def test_a_flow_waits_for_what_it_submitted_and_ends_after_it(captured: Captured) -> None:
    begun = threading.Event()

    @task(name="slow")
    def slow() -> None:
        begun.wait(60)

    @flow(name="outer")
    def outer() -> None:
        slow.submit()
        threading.Timer(0.05, begun.set).start()

    outer()
    ended = [getattr(event.data, "job", "") for event in captured.events("run.succeeded")]
    assert ended == ["slow", "outer"]


def test_a_submitted_call_that_fails_fails_the_flow_only_if_it_is_asked_for(captured: Captured) -> None:
    @task(name="bad")
    def bad() -> None:
        raise ValueError("no rows")

    @flow(name="careless")
    def careless() -> int:
        bad.submit()
        return 3

    assert careless() == 3
    with pytest.raises(ValueError, match="no rows"):
        flow(name="careful")(lambda: [bad.submit()])()
    failed = [getattr(event.data, "job", "") for event in captured.events("run.failed")]
    assert failed == ["bad", "bad", "careful"]


def test_a_flow_that_fails_is_skipped_or_stopped_says_so(captured: Captured) -> None:
    def raising(error: BaseException) -> Any:
        def body() -> None:
            raise error

        return body

    assert flow(raising(ValueError("no rows")))(return_state=True).is_failed()
    assert flow(raising(Skip("nothing new")))(return_state=True).type == "SKIPPED"
    with pytest.raises(KeyboardInterrupt):
        flow(raising(KeyboardInterrupt()))()
    assert [kind for kind in types(captured) if kind != "run.started"] == ["run.failed", "run.skipped", "run.failed"]


def test_a_cancelled_flow_has_failed_and_waits_for_its_threads(captured: Captured) -> None:
    release = threading.Event()

    @task(name="slow")
    def slow() -> None:
        release.wait(60)

    @flow(name="outer")
    async def outer() -> None:
        slow.submit()
        await asyncio.Event().wait()

    async def cancel_it() -> None:
        running = asyncio.ensure_future(outer())
        await asyncio.sleep(0.01)
        running.cancel()
        release.set()
        with pytest.raises(asyncio.CancelledError):
            await running

    asyncio.run(cancel_it())
    assert [getattr(event.data, "error", "") for event in captured.events("run.failed")] == ["CancelledError"]
    assert len(captured.events("run.succeeded")) == 1


def test_after_a_flow_the_context_is_as_it_was() -> None:
    places = (current_run, current_call, current_flow, current_lineage)

    @flow
    def good() -> list[Any]:
        return [place.get() for place in places]

    assert good()[2] is not None
    with pytest.raises(ZeroDivisionError):
        flow(lambda: 1 / 0)()
    asyncio.run(flow(_nothing)())
    assert [place.get() for place in places] == [None] * 4


async def _nothing() -> None:
    """A coroutine function."""


def test_a_flow_keeps_its_signature_and_refuses_generators() -> None:
    @flow(name="nightly", log_prints=False)
    def nightly(day: str = "monday") -> str:
        """Every night."""
        return day

    assert (nightly(), nightly.name, nightly.__doc__) == ("monday", "nightly", "Every night.")
    assert inspect.signature(nightly) == inspect.signature(nightly.fn)
    assert inspect.iscoroutinefunction(flow(_nothing))
    assert nightly.with_options(name="other").name == "other"

    def pages() -> Iterator[int]:
        yield 1

    with pytest.raises(TypeError, match="not generators"):
        flow(pages)


def test_flows_are_methods_too(captured: Captured) -> None:
    class Pipeline:
        @flow
        def nightly(self, number: int) -> int:
            return number

        @flow
        @classmethod
        def made(cls) -> str:
            return cls.__name__

    result: Any = Pipeline.made
    assert (Pipeline().nightly(3), result()) == (3, "Pipeline")


def test_metadata_goes_to_the_innermost_materialization(captured: Captured) -> None:
    @task
    def helper() -> None:
        add_asset_metadata(ORDERS, {"from": "a task inside"})

    @materialize(ORDERS)
    def outer() -> None:
        helper()
        helper.submit().wait()
        with pytest.raises(RuntimeError, match="@materialize"):
            flow(lambda: add_asset_metadata(ORDERS, {"from": "a flow inside"}))()

    flow(outer.fn)  # declaring says nothing
    flow(lambda: outer())()  # noqa: PLW0108 - a call inside of a flow
    [made] = captured.events("asset.materialized")
    assert metadata(made.data) == {"from": "a task inside"}


def test_metadata_that_is_too_large_is_cut_with_a_note_and_the_flow_succeeds(captured: Captured) -> None:
    @materialize(ORDERS, name="load")
    def large() -> int:
        add_asset_metadata(ORDERS, {"rows": 3, "text": "x" * 2_000_000})
        return 3

    assert flow(lambda: large() + 1)() == 4
    [made] = captured.events("asset.materialized")
    found = metadata(made.data)
    assert (found["rows"], found["assetlog.truncated"], found["assetlog.dropped"]) == (3, True, {"text": 2_000_002})
    assert types(captured)[-1] == "run.succeeded"


def test_what_a_task_emits_itself_belongs_to_its_run(captured: Captured) -> None:
    @task(name="observing")
    def observing() -> None:
        emit("asset.observed", ORDERS)

    flow(lambda: observing())()  # noqa: PLW0108 - a call inside of a flow
    [observed] = captured.events("asset.observed")
    assert getattr(observed.data, "run").job == "observing"  # noqa: B009 - of a union


def test_a_task_runner_says_how_many_threads_there_are() -> None:
    class ThreadPoolTaskRunner:
        max_workers = 1

    @flow(task_runner=ThreadPoolTaskRunner())
    def one_by_one() -> set[str]:
        return set(task(lambda _number: threading.current_thread().name).map(range(20)).result())

    assert len(one_by_one()) == 1


@pytest.mark.skipif(not hasattr(os, "fork"), reason="no fork here")
@pytest.mark.filterwarnings("ignore:.*multi-threaded.*fork:DeprecationWarning")
def test_a_child_forked_in_a_flow_submits_on_threads_of_its_own() -> None:
    @flow
    def pipeline() -> int:
        step.submit().wait()
        child = os.fork()
        if child == 0:
            os._exit(step.submit(7).result(timeout=60))
        return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])

    assert pipeline() == 7


def test_many_threads_of_ones_own_submit_in_one_flow(captured: Captured) -> None:
    @flow
    def pipeline() -> None:
        def work() -> None:
            for _ in range(25):
                load.submit()

        contexts = [contextvars.copy_context() for _ in range(8)]
        threads = [threading.Thread(target=context.run, args=(work,)) for context in contexts]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()

    pipeline()
    assert len(captured.events("asset.materialized")) == 200
    assert types(captured)[-1] == "run.succeeded"
