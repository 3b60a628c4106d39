"""`@task` and `@materialize`: every sort of function stays what it is: in methods, copied, pickled, as generators."""

from __future__ import annotations

import asyncio
import copy
import doctest
import functools
import importlib.util
import inspect
import multiprocessing
import pickle
import sys
from collections.abc import AsyncIterator, Callable, Generator, Iterator
from pathlib import Path
from typing import Any

import pytest
from told import ends, metadata, types

from assetlog.producers import (
    Asset,
    flow,
    materialize,
    task,
)
from assetlog.producers.testing import Captured

ORDERS = Asset("s3://t/orders")

pytestmark = pytest.mark.usefixtures("captured")


@task
def double(number: int = 2, *, plus: int = 0) -> int:
    """Twice a number.

    >>> double(4)
    8
    """
    return number * 2 + plus


@task
async def adouble(number: int) -> int:
    """The same, later."""
    await asyncio.sleep(0)
    return number * 2


@materialize(ORDERS)
def pages(count: int) -> Generator[int, str | None, str]:
    """Pages."""
    said: list[str] = []
    try:
        for page in range(count):
            said.append((yield page) or "")  # noqa: PERF401 - not with a yield in it
    except ValueError as error:
        said.append(f"caught {error}")
        yield -1
    return "+".join(said)


@materialize(ORDERS)
async def async_pages(count: int) -> AsyncIterator[int]:
    """Pages, later."""
    for page in range(count):
        await asyncio.sleep(0)
        yield page


class Pipeline:
    """Methods of every sort."""

    def __init__(self, factor: int = 3) -> None:
        self.factor = factor

    @task
    def times(self, number: int) -> int:
        """A method."""
        return self.factor * number

    @task
    async def atimes(self, number: int) -> int:
        """An asynchronous method."""
        return self.factor * number

    @classmethod
    @task
    def made(cls) -> str:
        """A class method."""
        return cls.__name__

    @task
    @classmethod
    def made_too(cls) -> str:
        """The other way round."""
        return cls.__name__

    @staticmethod
    @task
    def alone(number: int) -> int:
        """A static method."""
        return -number

    @task
    @staticmethod
    def alone_too(number: int) -> int:
        """The other way round."""
        return -number


class Called:
    """An object that is called."""

    def __call__(self, number: int) -> int:
        return number + 1


class CalledLater:
    """One whose call is a coroutine function."""

    async def __call__(self, number: int) -> int:
        return number + 1


@pytest.mark.parametrize(
    "question", ["iscoroutinefunction", "isgeneratorfunction", "isasyncgenfunction", "isfunction", "iscallable"]
)
@pytest.mark.parametrize("function", [double, adouble, pages, async_pages], ids=lambda function: function.__name__)
def test_inspect_sees_what_it_sees_of_the_function(question: str, function: Any) -> None:
    ask: Callable[[Any], bool] = getattr(inspect, question, callable)
    if question != "isfunction":
        assert ask(function) == ask(function.fn)
    assert inspect.signature(function) == inspect.signature(function.fn)
    assert (function.__name__, function.__doc__, function.__module__) == (
        function.fn.__name__,
        function.fn.__doc__,
        function.fn.__module__,
    )


def test_a_task_is_a_run_with_a_name_of_its_own(captured: Captured) -> None:
    assert double(4, plus=1) == 9
    started, succeeded = captured.events()
    assert (started.type, succeeded.type) == ("run.started", "run.succeeded")
    assert started.subject == succeeded.subject
    assert getattr(started.data, "job", "").endswith(".double")


@pytest.mark.parametrize(
    "call, result",
    [
        (lambda: Pipeline().times(2), 6),
        (lambda: Pipeline.times(Pipeline(4), 2), 8),
        (lambda: Pipeline().times.submit(2).result(), 6),
        (lambda: Pipeline().times.map([1, 2]).result(), [3, 6]),
        (lambda: asyncio.run(Pipeline().atimes(2)), 6),
        (lambda: Pipeline().atimes.submit(2).result(), 6),
        (Pipeline.made, "Pipeline"),
        (lambda: Pipeline().made(), "Pipeline"),
        (Pipeline.made_too, "Pipeline"),
        (lambda: Pipeline().made_too(), "Pipeline"),
        (lambda: Pipeline.alone(2), -2),
        (lambda: Pipeline().alone(2), -2),
        (lambda: Pipeline.alone_too(2), -2),
        (lambda: Pipeline().alone_too(2), -2),
        (lambda: Pipeline().alone.submit(2).result(), -2),
        (task(lambda: 3), 3),
        (lambda: task(Called())(3), 4),
        (lambda: asyncio.run(task(CalledLater())(3)), 4),
        (lambda: task(CalledLater()).submit(3).result(), 4),
        (task(functools.partial(double.fn, 4)), 8),
        (functools.partial(double, 4), 8),
        (lambda: asyncio.run(task(functools.partial(adouble.fn, 4))()), 8),
        (lambda: asyncio.run(_to_thread()), 8),
    ],
)
def test_every_sort_of_callable_works(call: Callable[[], Any], result: Any, captured: Captured) -> None:
    assert call() == result
    assert set(ends(captured)) == {"run.succeeded"}


async def _to_thread() -> int:
    return await asyncio.to_thread(double, 4)


def test_a_task_is_named_after_its_function() -> None:
    assert task(functools.partial(double.fn, 4)).name.endswith(".double")
    assert task(Called()).name.endswith(".Called")
    assert task(name="other")(lambda: 3).name == "other"


@pytest.mark.parametrize("tracked", [double, adouble, pages, flow(Called()), Pipeline().times])
def test_a_copy_is_the_same_task(tracked: Any) -> None:
    assert copy.copy(tracked).name == copy.deepcopy(tracked).name == tracked.name


def test_attributes_of_the_function_are_kept_and_take_no_place_of_the_tasks_own(captured: Captured) -> None:
    def load() -> int:
        return 3

    vars(load).update({"plan": "the user's", "options": 3, "submit": None, "team": "data"})
    tracked: Any = task(load)
    assert (tracked.team, tracked(), tracked.submit().result()) == ("data", 3, 3)
    twice: Any = materialize(ORDERS)(flow(tracked))
    assert twice() == 3
    assert ends(captured).count("asset.materialized") == 1


def test_pickling_goes_by_name(captured: Captured) -> None:
    assert pickle.loads(pickle.dumps(double)) is double
    assert pickle.loads(pickle.dumps(Pipeline(5).times))(2) == 10
    with pytest.raises(pickle.PicklingError):
        pickle.dumps(double.with_options(retries=3))


def _module(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str, text: str) -> Any:
    path = tmp_path / f"{name}.py"
    path.write_text(text)
    monkeypatch.syspath_prepend(str(tmp_path))
    spec = importlib.util.spec_from_file_location(name, path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    monkeypatch.setitem(sys.modules, name, module)
    spec.loader.exec_module(module)
    return module


TASKS = '''
from assetlog.producers import flow, materialize, task

@materialize("s3://t/pool")
def double(number):
    """Twice.

    >>> double(4)
    8
    """
    return number * 2

@task
def wrong():
    """Shows something else.

    >>> wrong()
    4
    """
    return 3

@flow
def nightly():
    """A flow.

    >>> nightly()
    6
    """
    return double(3)
'''


def test_a_pool_of_processes_runs_decorated_functions(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    module = _module(tmp_path, monkeypatch, "pooled_tasks", TASKS)
    monkeypatch.setenv("ASSETLOG_URL", f"file://{tmp_path}/events.jsonl")
    with multiprocessing.get_context("spawn").Pool(2) as pool:
        assert pool.map(module.double, range(20)) == [number * 2 for number in range(20)]
        pool.close()
        pool.join()


def test_doctest_finds_examples_of_decorated_functions(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    module = _module(tmp_path, monkeypatch, "documented_tasks", TASKS)
    found = {test.name: len(test.examples) for test in doctest.DocTestFinder().find(module)}
    assert found["documented_tasks.double"] == found["documented_tasks.wrong"] == found["documented_tasks.nightly"] == 1
    results = doctest.testmod(module, report=False, verbose=False)
    assert (results.attempted, results.failed) == (3, 1)


def test_a_generator_takes_what_is_sent_and_thrown(captured: Captured) -> None:
    reading = pages(9)
    assert next(reading) == 0
    assert reading.send("one") == 1
    assert reading.throw(ValueError("two")) == -1
    with pytest.raises(StopIteration) as stop:
        next(reading)
    assert stop.value.value == "one+caught two"
    assert types(captured) == ["asset.materialized"]


def test_a_generator_that_is_closed_early_has_written(captured: Captured) -> None:
    reading = pages(9)
    next(reading)
    reading.close()
    assert types(captured) == ["asset.materialized"]


def test_a_generator_that_is_dropped_has_written(captured: Captured) -> None:
    for _ in pages(9):
        break
    assert types(captured) == ["asset.materialized"]


def test_a_generator_that_is_never_begun_says_nothing(captured: Captured) -> None:
    pages(9).close()
    assert types(captured) == []


def test_a_generator_that_raises_has_failed(captured: Captured) -> None:
    reading = pages(9)
    next(reading)
    with pytest.raises(KeyError):
        reading.throw(KeyError("lost"))
    assert types(captured) == ["asset.failed"]


def test_a_generator_belongs_to_its_run_only_while_it_runs(captured: Captured) -> None:
    @materialize(ORDERS)
    def counted() -> Iterator[int]:
        ORDERS.add_metadata({"pages": 1})
        yield 1

    reading = counted()
    next(reading)
    with pytest.raises(RuntimeError, match="@materialize"):
        ORDERS.add_metadata({"outside": 1})
    assert list(reading) == []
    assert [metadata(event.data) for event in captured.events("asset.materialized")] == [{"pages": 1}]


async def test_an_async_generator_in_all_its_ends(captured: Captured) -> None:
    assert [page async for page in async_pages(3)] == [0, 1, 2]
    closed: Any = async_pages(3)
    await anext(closed)
    await closed.aclose()
    thrown: Any = async_pages(3)
    await anext(thrown)
    with pytest.raises(KeyError):
        await thrown.athrow(KeyError("lost"))
    assert types(captured) == ["asset.materialized", "asset.materialized", "asset.failed"]
