"""Which way of passing a value gives an edge, and why; and that nothing else does."""

from __future__ import annotations

import asyncio
import inspect
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any, NamedTuple

import msgspec
import pytest
from told import edges_of

from assetlog.producers import flow, materialize, task, unmapped
from assetlog.producers.testing import Captured

UP, SIDE, MID, DOWN = "s3://t/up", "s3://t/side", "s3://t/mid", "s3://t/down"
SEVEN = 7
SHARED = "a constant that many places hold"

pytestmark = pytest.mark.usefixtures("captured")


@materialize(UP)
def up(value: Any = None) -> Any:
    return {"k": [1, {"deep": 2}]} if value is None else value


@materialize(UP)
async def aup(value: Any = None) -> Any:
    await asyncio.sleep(0)
    return {"k": [1]} if value is None else value


@materialize(UP)
def up_seven() -> int:
    return SEVEN


@materialize(UP)
def up_nothing() -> None:
    return None


@materialize(UP)
def up_constant() -> str:
    return SHARED


@materialize(UP)
def up_fresh_text(day: int = 3) -> str:
    return f"s3://lake/day={day}/a fresh text"


@materialize(SIDE)
def side() -> list[int]:
    return [1]


@materialize(MID)
def mid(value: Any = None) -> list[Any]:
    return [str(value)]


@materialize(DOWN)
def down(*values: Any, **named: Any) -> list[Any]:
    return [*values, *named.values()]


@materialize(DOWN)
async def adown(*values: Any) -> list[Any]:
    await asyncio.sleep(0)
    return [*values]


@task
def plain(value: Any) -> str:
    return f"made of {value}"


@task
async def aplain(value: Any) -> str:
    return f"made of {value}"


@task(asset_deps=[SIDE])
def with_deps() -> dict[str, int]:
    return {"a": 1}


@materialize(MID)
def pair(one: Any, other: Any) -> list[Any]:
    return [one, other]


@materialize(UP)
def up_pages() -> Iterator[list[int]]:
    yield [1]
    yield [2]


@flow
def sub(value: Any = None) -> Any:
    up()
    return "a result of its own" + str(value)


@flow
def sub_without_assets(value: Any) -> Any:
    return str(value)


@dataclass
class Box:
    inner: Any


class Record(msgspec.Struct):
    inner: Any


class Point(NamedTuple):
    x: Any


class Row(NamedTuple):
    """A way of passing a value, the edges it gives, and why."""

    name: str
    pipeline: Callable[[], Any]
    edges: set[tuple[str, str]]
    reason: str


ONE = {(UP, DOWN)}
NONE: set[tuple[str, str]] = set()


def _index() -> None:
    kept = up()
    down(kept["k"])


def _two_deep() -> None:
    kept = up()
    down(kept["k"][1])


def _later_use_of_a_part() -> None:
    kept = up({"a": 1})
    pair(kept, {"b": 1})
    down(kept)


def _small_int_elsewhere() -> None:
    _ = up_seven()
    down(7)


def _constant_elsewhere() -> None:
    _ = up_constant()
    down(SHARED)


def _nothing_elsewhere() -> None:
    up_nothing()
    down(None)


def _inside() -> None:
    @materialize(DOWN)
    def outer() -> str:
        up()
        return "outer"

    outer()


def _plain_inside() -> None:
    @materialize(DOWN)
    def outer() -> str:
        return plain(up())

    outer()


def _sub_inside() -> None:
    @materialize(DOWN)
    def outer() -> Any:
        return sub()

    outer()


def _out_of_a_sub_flow() -> None:
    kept: list[Any] = []
    flow(lambda: kept.append(up()))()
    down(kept[0])


def _generator() -> None:
    for page in up_pages():
        down(page)


def _map_per_element() -> None:
    sources = [f"s3://t/part-{number}" for number in range(3)]
    made = [materialize(source)(lambda: [1]).submit() for source in sources]
    for future, target in zip(made, "abc", strict=True):
        down.with_options(assets=[f"s3://t/{target}"]).submit(future)


def _rematerialized_in_place() -> None:
    @materialize(MID)
    def enrich(rows: list[Any]) -> list[Any]:
        rows.append({"more": 1})
        return rows

    rows = up([{"a": 1}])
    enrich(rows)
    down(rows[0])


def _alias() -> None:
    rows = up([1])
    same = rows
    down(same)


def _many() -> None:
    down([materialize(f"s3://many/{number}")(lambda: {"n": 1})() for number in range(150)])


def _failed_in_between() -> None:
    @materialize(MID)
    def broken(_value: Any) -> None:
        raise ValueError

    rows = up()
    state = broken(rows, return_state=True)
    assert state.is_failed()
    down(rows)


def _result_of_a_state() -> None:
    state: Any = up(return_state=True)
    down(state.result())


async def _async_direct() -> None:
    await adown(await aup())


async def _async_gather() -> None:
    one, _two = await asyncio.gather(aup(), aup([9]))
    await adown({"deep": [one]})


async def _async_state() -> None:
    await adown(await aup(3, return_state=True))


async def _async_plain() -> None:
    await adown(await aplain(await aup()))


async def _async_future() -> None:
    await adown(aup.submit(7))


async def _async_wait_for() -> None:
    await adown(wait_for=[up.submit()])


async def _async_sub() -> None:
    @flow
    async def inner() -> str:
        return str(len(await aup())) + " of its own"

    await adown(await inner())


async def _async_inside() -> None:
    @materialize(DOWN)
    async def outer() -> None:
        await aup()

    await outer()


ROWS = [
    # the rows of Prefect's table that are "yes" there
    Row("a direct result", lambda: down(up()), ONE, "the very object that up returned"),
    Row("in a list", lambda: down([up()]), ONE, "arguments are walked at any depth"),
    Row("deep in a dict", lambda: down({"a": {"b": up()}}), ONE, "arguments are walked at any depth"),
    Row("by keyword", lambda: down(value=up()), ONE, "keyword arguments count too"),
    Row("in a dataclass", lambda: down(Box(up())), ONE, "a record's fields are walked"),
    Row("in a Struct", lambda: down(Record(up())), ONE, "a record's fields are walked"),
    Row("in a named tuple", lambda: down(Point(up())), ONE, "a tuple's items are walked"),
    Row("a future", lambda: down(up.submit()), ONE, "a future knows its assets"),
    Row("a list of futures", lambda: down([up.submit(), up.submit()]), ONE, "a future knows its assets"),
    Row("map", lambda: down(up.map([1, 2])), ONE, "a list of futures, put in by its results"),
    Row("map of map", lambda: down.map(up.map([1, 2])).wait(), ONE, "each element's future knows its assets"),
    Row("unmapped", lambda: down.map([1, 2], unmapped(up.submit())).wait(), ONE, "every call gets the future whole"),
    Row(
        "per element",
        _map_per_element,
        {(f"s3://t/part-{number}", f"s3://t/{target}") for number, target in enumerate("abc")},
        "each call gets its own future alone",
    ),
    Row("future.result()", lambda: down(up.submit().result()), ONE, "the very object that up returned"),
    Row("wait_for", lambda: down(wait_for=[up.submit()]), ONE, "waiting for it says that it is needed"),
    Row("wait_for of submit", lambda: down.submit(wait_for=[up.submit()]).wait(), ONE, "the same on a thread"),
    Row("wait_for a result", lambda: down(wait_for=[up()]), ONE, "results count as futures do"),
    Row("a state", lambda: down(up(return_state=True)), ONE, "a state knows its assets"),
    Row("a state's result", _result_of_a_state, ONE, "the very object that up returned"),
    Row("a future's state", lambda: down(up.submit().state), ONE, "a state knows its assets"),
    Row("one level in", _index, ONE, "parts of a result are linked beside it"),
    Row("two levels in", _two_deep, ONE, "Prefect links one level, assetlog two"),
    Row("through a plain task", lambda: down(plain(up())), ONE, "what a task returns comes from its arguments"),
    Row("through two", lambda: down(plain(plain(up()))), ONE, "and so on"),
    Row("through a submitted one", lambda: down(plain.submit(up.submit())), ONE, "futures carry it on"),
    Row("asset_deps of a task", lambda: down(with_deps()), {(SIDE, DOWN)}, "declared upstreams flow on"),
    Row("A to B to C", lambda: down(mid(up())), {(UP, MID), (MID, DOWN)}, "a writer passes its own assets on alone"),
    Row("an int by a future", lambda: down(up_seven.submit()), ONE, "futures are exact, whatever the value"),
    Row("None by a future", lambda: down(up_nothing.submit()), ONE, "futures are exact, whatever the value"),
    Row("an int by a state", lambda: down(up_seven(return_state=True)), ONE, "states are exact as futures are"),
    Row("None by a state", lambda: down(up_nothing(return_state=True)), ONE, "states are exact as futures are"),
    Row("more than 100", _many, {(f"s3://many/{n}", DOWN) for n in range(150)}, "there is no such limit here"),
    # those that are "no" there, and what can be said truthfully
    Row("a fresh text", lambda: down(up_fresh_text()), ONE, "nobody else held it when it was returned"),
    Row("a small int", lambda: down(up_seven()), NONE, "Python shares small ints: the value says nothing"),
    Row("None", lambda: down(up_nothing()), NONE, "there is one None"),
    Row("True", lambda: down(up(True)), NONE, "there is one True"),
    Row("a constant", lambda: down(up_constant()), NONE, "others hold the same constant"),
    Row("an equal int elsewhere", _small_int_elsewhere, NONE, "a 7 of another place is not up's"),
    Row("an equal constant elsewhere", _constant_elsewhere, NONE, "the same text of another place is not up's"),
    Row("None elsewhere", _nothing_elsewhere, NONE, "a None of another place is not up's"),
    Row("an equal object", lambda: (up([1, 2]), down([1, 2])), NONE, "equal is not the same"),
    Row("a type", lambda: (up(Box), down(Box)), NONE, "a class comes from no call"),
    Row("derived", lambda: down(str(up())), NONE, "nothing says what plain Python code made it of: use asset_deps"),
    Row("a sub-flow's own result", lambda: down(sub()), ONE, "it wrote up, and nothing in it used that"),
    Row("through a sub-flow", lambda: down(sub_without_assets(up())), ONE, "it writes nothing: like a plain task"),
    Row("a state of a sub-flow", lambda: down(sub(return_state=True)), ONE, "a state knows its assets"),
    Row("inside of another", _inside, ONE, "what is written for it is what it is made from"),
    Row("a plain task inside", _plain_inside, ONE, "what is made inside counts, however deep"),
    Row("a flow inside", _sub_inside, ONE, "what is made inside counts, however deep"),
    Row("out of a sub-flow", _out_of_a_sub_flow, ONE, "flows inside of one share what is known"),
    Row("a sub-flow's None", lambda: down(flow(up_nothing)()), NONE, "there is one None"),
    # what Prefect's table does not speak of
    Row("a generator's items", _generator, ONE, "what it yields comes from its assets"),
    Row("by another name", _alias, ONE, "a name is not the object"),
    Row("a part used again", _later_use_of_a_part, {(UP, MID), (UP, DOWN)}, "being in a pair does not change it"),
    Row("written anew", _rematerialized_in_place, {(UP, MID), (MID, DOWN)}, "its last writer counts, parts included"),
    Row("a failure in between", _failed_in_between, ONE, "a call that failed made nothing"),
    # asynchronous
    Row("async: a direct result", _async_direct, ONE, "as the plain one"),
    Row("async: gather", _async_gather, ONE, "as the plain one"),
    Row("async: an int by a state", _async_state, ONE, "as the plain one"),
    Row("async: a plain task", _async_plain, ONE, "as the plain one"),
    Row("async: a future's int", _async_future, ONE, "as the plain one"),
    Row("async: wait_for", _async_wait_for, ONE, "as the plain one"),
    Row("async: a sub-flow", _async_sub, ONE, "as the plain one"),
    Row("async: inside", _async_inside, ONE, "as the plain one"),
]


@pytest.mark.parametrize("row", ROWS, ids=[row.name for row in ROWS])
def test_a_way_of_passing_gives_these_edges(row: Row, captured: Captured) -> None:
    if inspect.iscoroutinefunction(row.pipeline):
        asyncio.run(flow(row.pipeline)())
    else:
        flow(lambda: row.pipeline() and None)()
    assert edges_of(captured) == row.edges, row.reason
