"""How far lineage reaches, what it holds on to and for how long, and that it never disturbs."""

from __future__ import annotations

import gc
import threading
import weakref
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import pytest
from told import edges_of

from assetlog.producers import flow, materialize, run, task
from assetlog.producers.lineage import Lineage, parts_of, replaced, walk
from assetlog.producers.testing import Captured

UP, SIDE, MID, DOWN = "s3://t/up", "s3://t/side", "s3://t/mid", "s3://t/down"
SEVEN = 7
SHARED = "a constant that many places hold"

pytestmark = pytest.mark.usefixtures("captured")


@materialize(UP)
def up(value: Any = None) -> Any:
    return {"k": [1, {"deep": 2}]} if value is None else value


@materialize(MID)
def mid(value: Any = None) -> list[Any]:
    return [str(value)]


@materialize(DOWN)
def down(*values: Any, **named: Any) -> list[Any]:
    return [*values, *named.values()]


ONE = {(UP, DOWN)}


def test_a_result_used_after_its_flow_gives_no_edge_to_another_run(captured: Captured) -> None:
    kept = flow(lambda: up([1]))()
    flow(lambda: down(kept))()
    assert edges_of(captured) == set()


def test_a_run_block_infers_as_a_flow_does(captured: Captured) -> None:
    with run("nightly"):
        down(up())
    assert edges_of(captured) == ONE


def test_outside_of_any_run_nothing_is_inferred(captured: Captured) -> None:
    down(up())
    assert edges_of(captured) == set()


def test_outside_of_a_flow_futures_and_states_carry_their_assets(captured: Captured) -> None:
    down(up.submit())
    mid(up(7, return_state=True))
    assert edges_of(captured) == {(UP, DOWN), (UP, MID)}


def test_an_asset_is_no_upstream_of_itself_unless_that_is_declared(captured: Captured) -> None:
    @flow
    def pipeline() -> None:
        up(up())
        mid.with_options(asset_deps=[MID])(mid())

    pipeline()
    assert edges_of(captured) == {(MID, MID)}


def test_recycled_identities_never_give_an_edge(captured: Captured) -> None:
    class Short:
        pass

    @materialize(UP)
    def short(number: int) -> Any:
        return Short() if number % 2 else [number]

    @flow
    def pipeline() -> int:
        known: set[int] = set()
        again = 0
        for number in range(1_000):
            known.add(id(short(number)))
            other = Short() if number % 2 else [number]
            again += id(other) in known
            down(other)
        return again

    assert pipeline() > 0  # else nothing was put to the test
    assert edges_of(captured) == set()
    assert len(captured.events("asset.materialized")) == 2_000


class Frame:
    """What a data frame is for lineage: large, and weakly referable."""

    def __init__(self) -> None:
        self.data = bytearray(8)


def test_a_large_object_dies_when_its_user_drops_it() -> None:
    @flow
    def pipeline() -> None:
        frame = up(Frame())
        alive = weakref.ref(frame)
        mid(frame)
        del frame
        gc.collect()
        assert alive() is None
        future = up.submit(Frame())
        alive = weakref.ref(future.result())
        future.wait()
        del future
        gc.collect()
        assert alive() is None

    pipeline()


def test_the_end_of_a_flow_or_run_frees_what_was_held() -> None:
    held: list[weakref.ref[Any]] = []

    @task
    def wrapped() -> list[Frame]:
        frame = Frame()
        held.append(weakref.ref(frame))
        return [frame]

    @flow
    def pipeline() -> None:
        up(wrapped())
        up.submit(wrapped()).wait()
        assert None not in [each() for each in held]

    pipeline()
    with run("notebook"):
        up(wrapped())
    gc.collect()
    assert [each() for each in held] == [None] * 3


def test_eight_threads_keep_their_edges_apart(captured: Captured) -> None:
    def work(number: int) -> None:
        for step in range(25):
            source, target = f"s3://in/{number}-{step}", f"s3://out/{number}-{step}"
            made = materialize(source)(lambda: {"rows": [1]})()
            materialize(target)(lambda value: [value])(made)

    @flow
    def pipeline() -> None:
        task(work).map(range(8)).wait()

    pipeline()
    expected = {(f"s3://in/{n}-{step}", f"s3://out/{n}-{step}") for n in range(8) for step in range(25)}
    assert edges_of(captured) == expected


def test_a_thread_of_ones_own_is_outside_of_the_flow_that_started_it(captured: Captured) -> None:
    @flow
    def inner() -> None:
        down(up())

    @flow
    def outer() -> None:
        thread = threading.Thread(target=inner)
        thread.start()
        thread.join()

    outer()
    assert edges_of(captured) == ONE
    parents = [getattr(event.data, "parent", "") for event in captured.events("run.started")]
    assert parents.count(None) == 2


def test_what_a_value_does_when_it_is_looked_at_does_not_happen(captured: Captured) -> None:
    class Lazy:
        @property  # type: ignore[misc]  # as lazy proxies do
        def __class__(self) -> type:
            raise RuntimeError("looked at")

    class LazyList(list[Any]):
        def __iter__(self) -> Iterator[Any]:
            raise RuntimeError("iterated")

    class LazyDict(dict[str, Any]):
        def values(self) -> Any:
            raise RuntimeError("read")

    @dataclass
    class LazyRecord:
        inner: Any

        def __getattribute__(self, name: str) -> Any:
            if name == "inner":
                raise RuntimeError("loaded")
            return super().__getattribute__(name)

    @flow
    def pipeline() -> None:
        rows = up()
        down(Lazy(), LazyList([rows]), LazyDict(a=1), LazyRecord(rows))
        task(lambda: LazyList([Lazy(), LazyRecord(1)]))()

    pipeline()
    assert edges_of(captured) == ONE


def test_containers_that_hold_themselves_are_walked_once(captured: Captured) -> None:
    itself: list[Any] = []
    itself.append(itself)

    @flow
    def pipeline() -> None:
        itself.append(up.submit())
        down(itself)

    pipeline()
    assert edges_of(captured) == ONE


def test_a_walk_and_a_result_have_bounds() -> None:
    assert sum(1 for _ in walk([list(range(1_000_000))])) == 10_000
    lineage = Lineage()
    rows = [[number] for number in range(5_000)]
    lineage.link(rows, ["s3://a"], unheld=True)
    assert lineage.behind([rows[10]]) == {"s3://a": None}
    assert lineage.behind([rows[4_000]]) == {}


def test_a_record_with_slots_is_taken_apart() -> None:
    @dataclass(slots=True)
    class Slotted:
        one: Any
        two: Any

    whole, half = Slotted(1, 2), Slotted(3, 4)
    del half.two
    assert [*parts_of(whole)] == [1, 2]
    assert [*parts_of(half)] == [3, None]


def test_replacing_keeps_what_does_not_change() -> None:
    same = {"a": [1, (2, {3})]}
    assert replaced(same, lambda value: value) is same
    changed = replaced({"a": [1, (2, {3})], "b": same}, lambda value: 4 if value == 3 else value)
    assert changed == {"a": [1, (2, {4})], "b": {"a": [1, (2, {4})]}}
    assert same == {"a": [1, (2, {3})]}
