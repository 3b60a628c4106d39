"""Options of tasks and flows: what they do, and what is said of those that do nothing."""

from __future__ import annotations

import asyncio
import logging
import math
import signal
from typing import Any

import pytest
from told import metadata

from assetlog.producers import (
    Asset,
    flow,
    materialize,
    task,
)
from assetlog.producers.testing import Captured
from assetlog.schemas.errors import Invalid

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


@task
def fail(text: str = "no rows") -> None:
    """Fails."""
    raise ValueError(text)


def test_with_options_changes_what_is_given_and_keeps_the_rest(captured: Captured) -> None:
    load = materialize(ORDERS, asset_deps=["s3://t/raw"], by="dbt", tags=["a"], retries=1)(lambda: 3)
    other = load.with_options(assets=["s3://t/other"], asset_deps=["s3://t/more"], tags=["b"], name="other")
    assert other() == load() == 3
    one, two = captured.events("asset.materialized")
    assert (one.subject, getattr(one.data, "upstream", ()), getattr(one.data, "by", "")) == (
        "s3://t/other",
        ("s3://t/more",),
        "dbt",
    )
    assert two.subject == ORDERS.key
    assert (other.options.retries, other.options.tags, other.name) == (1, ("b",), "other")


def test_who_writes_is_part_of_the_declaration() -> None:
    with pytest.raises(TypeError, match="by is declared"):
        materialize(ORDERS, by="dbt")(lambda: 3).with_options(by="spark")


@pytest.mark.parametrize("make", [task, flow, materialize(ORDERS)])
def test_unknown_options_are_type_errors(make: Any) -> None:
    made = make(lambda: 3)
    with pytest.raises(TypeError, match="unexpected keyword argument 'retires'"):
        made.with_options(retires=3)


@pytest.mark.parametrize(
    "options",
    [
        {"retries": -1},
        {"retries": True},
        {"retry_delay_seconds": [1, -2]},
        {"retry_delay_seconds": math.inf},
        {"timeout_seconds": "5"},
        {"tags": "nightly"},
        {"tags": [3]},
        {"on_failure": [3]},
        {"retry_condition_fn": 3},
        {"asset_deps": ["no key"]},
    ],
)
def test_a_bad_option_is_refused_where_it_stands(options: dict[str, Any]) -> None:
    with pytest.raises(Invalid):
        task(**options)(lambda: 3)


def test_options_of_an_orchestrator_are_named_once(caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.WARNING, "assetlog"):
        for _ in range(2):
            assert task(name="t.orchestrated", cache_policy=None, log_prints=True)(lambda: 3)() == 3
    said = [record.getMessage() for record in caplog.records if "t.orchestrated" in record.getMessage()]
    assert [name in text for name, text in zip(["cache_policy", "log_prints"], said, strict=True)] == [True, True]


def test_tags_stand_in_the_runs_metadata(captured: Captured) -> None:
    task(tags=["b", "a"])(lambda: 3)()
    [started] = captured.events("run.started")
    assert metadata(started.data) == {"tags": ["a", "b"]}


def test_hooks_are_called_and_change_nothing(captured: Captured, caplog: pytest.LogCaptureFixture) -> None:
    told: list[tuple[str, str, str]] = []

    def note(of: Any, this_run: Any, state: Any) -> None:
        told.append((of.name, this_run.id, state.name))
        raise RuntimeError("a bad hook")

    async def note_later(of: Any, this_run: Any, state: Any) -> None:
        await asyncio.sleep(0)
        told.append((of.name, this_run.id, state.name))

    options: dict[str, Any] = {"name": "t.hooked", "on_success": [note, note_later], "on_failure": note_later}
    assert task(**options)(lambda: 3)() == 3
    assert asyncio.run(task(**options)(adouble.fn)(3)) == 6
    with pytest.raises(ValueError, match="no rows"):
        flow(**options)(fail.fn)()
    runs = [event.subject for event in captured.events("run.started")]
    assert told == [
        *[("t.hooked", runs[0], "Completed")] * 2,
        *[("t.hooked", runs[1], "Completed")] * 2,
        ("t.hooked", runs[2], "Failed"),
    ]
    assert "a bad hook" in caplog.text


@pytest.mark.skipif(not hasattr(signal, "setitimer"), reason="no timers here")
def test_the_timer_of_somebody_else_is_left_alone() -> None:
    rung: list[int] = []
    before = signal.signal(signal.SIGALRM, lambda number, _frame: rung.append(number))
    signal.setitimer(signal.ITIMER_REAL, 60)
    try:
        assert task(timeout_seconds=30)(lambda: 3)() == 3
        assert signal.getitimer(signal.ITIMER_REAL)[0] > 0
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)
