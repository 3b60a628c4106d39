"""Laws of inferred lineage: a pipeline's edges are those it was drawn with, however its values travel."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any, NamedTuple

from hypothesis import given, settings
from hypothesis import strategies as st

from assetlog.producers import flow, materialize, task
from assetlog.producers.lineage import Lineage, parts_of, replaced, walk
from assetlog.producers.testing import capture


class Step(NamedTuple):
    """One asset of a drawn pipeline."""

    made_from: frozenset[int]
    call: str
    carry: str
    wrap: str


WRAPS: dict[str, Callable[[list[Any]], list[Any]]] = {
    "bare": lambda values: values,
    "list": lambda values: [values],
    "dict": lambda values: [{"deep": {str(number): value for number, value in enumerate(values)}}],
    "tuple": lambda values: [(1, "x", *values)],
}
CALLS: dict[str, Callable[[Any, list[Any]], Any]] = {
    "direct": lambda load, values: load(*values),
    "future": lambda load, values: load.submit(*values),
    "state": lambda load, values: load(*values, return_state=True),
    "result": lambda load, values: load.submit(*values).result(),
    "wait_for": lambda load, values: load(wait_for=values),
}
CARRIES: dict[str, Callable[[Any], Any]] = {
    "as it is": lambda value: value,
    "through a task": task(lambda value: f"made of {type(value)} {id(value)}"),
    "through a sub-flow": flow(lambda value: f"made of {type(value)} {id(value)}"),
    "through a thread": lambda value: task(lambda inner: [inner]).submit(value),
}


@st.composite
def pipelines(draw: st.DrawFn) -> list[Step]:
    """Up to eight assets, each made from some of those before it."""
    steps = []
    for number in range(draw(st.integers(1, 8))):
        before = st.frozensets(st.integers(0, number - 1), max_size=3) if number else st.just(frozenset[int]())
        choices = (st.sampled_from(sorted(kinds)) for kinds in (CALLS, CARRIES, WRAPS))
        steps.append(draw(st.builds(Step, before, *choices)))
    return steps


def value_of(number: int, kind: int) -> Any:
    """A result: a fresh object, or a small one that Python shares."""
    return [{"rows": number}, [number], 7, None, f"text of {number}"][kind]


@settings(max_examples=60, deadline=None)
@given(pipelines(), st.data())
def test_edges_are_those_the_pipeline_was_drawn_with(steps: list[Step], data: st.DataObject) -> None:
    made: list[Any] = []

    def whole() -> None:
        for number, step in enumerate(steps):
            exact = step.call in {"future", "state"}  # these carry what Python shares, too
            result = value_of(number, data.draw(st.integers(0, 4 if exact else 1)))
            load = materialize(f"s3://drawn/{number}")(lambda *_, result=result: result)
            inputs = [CARRIES[step.carry](made[each]) for each in sorted(step.made_from)]
            made.append(CALLS[step.call](load, WRAPS[step.wrap](inputs)))

    with capture() as captured:
        flow(whole)()
        events = captured.events("asset.materialized")
    found = {(up, event.subject) for event in events for up in getattr(event.data, "upstream", ())}
    expected = {(f"s3://drawn/{up}", f"s3://drawn/{n}") for n, step in enumerate(steps) for up in step.made_from}
    assert found == expected


@settings(max_examples=30, deadline=None)
@given(st.lists(st.integers(0, 9), min_size=1, max_size=30))
def test_values_that_python_shares_never_carry_an_edge(values: list[int]) -> None:
    down = materialize("s3://shared/down")(lambda value: value)

    async def later() -> None:
        for value in values:
            await materialize("s3://shared/up")(_returning(value))()
            down(value)

    with capture() as captured:
        asyncio.run(flow(later)())
        events = captured.events("asset.materialized")
    assert len(events) == 2 * len(values)
    assert [getattr(event.data, "upstream", ()) for event in events] == [()] * len(events)


def _returning(value: int) -> Callable[[], Any]:
    async def load() -> int:
        return value

    return load


trees = st.recursive(
    st.none() | st.integers() | st.text(max_size=3),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=2), inner, max_size=4),
    max_leaves=25,
)


@given(trees)
def test_a_walk_meets_everything_and_replacing_nothing_changes_nothing(tree: Any) -> None:
    def count(value: Any) -> int:
        return 1 + sum(map(count, parts_of(value)))

    assert sum(1 for _ in walk([tree])) == count(tree)
    assert replaced(tree, lambda value: value) is tree


@given(trees)
def test_replacing_is_what_it_is_for_plain_data(tree: Any) -> None:
    def plainly(value: Any) -> Any:
        if isinstance(value, list):
            return [plainly(item) for item in value]
        if isinstance(value, dict):
            return {name: plainly(item) for name, item in value.items()}
        return "none" if value is None else value

    assert replaced(tree, lambda value: "none" if value is None else value) == plainly(tree)


@given(st.lists(st.tuples(st.integers(0, 5), st.integers(0, 3)), max_size=40))
def test_the_last_writer_of_an_object_counts(writes: list[tuple[int, int]]) -> None:
    objects = [[number] for number in range(6)]
    lineage = Lineage()
    last: dict[int, int] = {}
    for which, writer in writes:
        lineage.link(objects[which], [f"s3://writer/{writer}"] if writer else [], unheld=True)
        last[which] = writer
    for which, one in enumerate(objects):
        writer = last.get(which, 0)
        assert lineage.behind([one]) == ({f"s3://writer/{writer}": None} if writer else {})
