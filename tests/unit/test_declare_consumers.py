"""What decorators declare, and what they refuse. Nothing runs here."""

from __future__ import annotations

import asyncio
import logging
import subprocess
import sys
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

import assetlog.consumers
from assetlog.consumers import (
    Asset,
    AssetAlias,
    Metadata,
    asset,
    consumer,
    cron,
    dag,
    get_current_context,
    task,
)
from assetlog.consumers.declare.declaration import Declaration, declared_by, forget
from assetlog.consumers.declare.outlets import OutletEvents
from assetlog.consumers.declare.results import Skipped, TaskResult, expanded, values
from assetlog.schemas.conditions import Manual, condition_text, decode_condition
from assetlog.schemas.errors import Conflict, Invalid

orders, users = Asset("s3://lake/orders"), Asset("s3://lake/users", name="users")
HEAVY = {"duckdb", "litestar", "faststream", "pydantic", "redis", "httpx", "asyncio"}


@pytest.fixture(autouse=True)
def fresh() -> Iterator[None]:
    forget(__name__)
    yield
    forget(__name__)


def declared(name: str) -> Declaration:
    return declared_by(__name__)[name]


def test_declaring_imports_nothing_heavy() -> None:
    program = "import sys; import assetlog.consumers; from assetlog.consumers import *; print(*sys.modules)"
    said = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert not HEAVY & {name.partition(".")[0] for name in said.stdout.split()}


def test_the_names_of_the_authoring_api_are_all_there() -> None:
    assert sorted(assetlog.consumers.__all__) == assetlog.consumers.__all__
    assert all(hasattr(assetlog.consumers, name) for name in assetlog.consumers.__all__)


def test_a_consumer_stays_the_function_it_is_and_is_declared_with_what_it_needs() -> None:
    @consumer(
        on=orders & cron("@daily"),
        mode="each",
        debounce=timedelta(minutes=1),
        start=datetime(2026, 11, 21, tzinfo=UTC),
        partitions={orders: "day"},
        attempts=2,
        outlets=["s3://lake/report"],
        pool="fast",
    )
    def report(context: Any, users: Asset, limit: int = 3) -> int:
        """Counts
        things.

        More of it.
        """
        return limit

    assert report("context", users) == 3
    told = declared("report").registration("shop", ("s3://lake/users",))
    assert told.pop("target") == {"kind": "python", "function": report.__qualname__, "pool": "fast"}
    assert condition_text(decode_condition(_json(told.pop("condition")))) == "s3://lake/orders & cron(0 0 * * * UTC)"
    assert told == {
        "module": __name__,
        "outlets": ["s3://lake/report"],
        "inlets": ["s3://lake/users"],
        "description": "Counts things.",
        "by": "assetlog work",
        "mode": "each",
        "debounce": 60.0,
        "start": "1795219200000-1048575",
        "partitions": {"asset:s3://lake/orders": "day"},
        "attempts": 2,
    }


def test_a_foreign_target_takes_the_functions_place() -> None:
    @consumer(on=orders, target={"kind": "webhook", "url": "https://example.com/hook"})
    def hook() -> None: ...

    assert declared("hook").registration("p")["target"] == {"kind": "webhook", "url": "https://example.com/hook"}


@pytest.mark.parametrize(
    "options",
    [
        {"mode": "all"},
        {"when_paused": "drop"},
        {"batch_size": 0},
        {"max_active": True},
        {"attempts": 1.5},
        {"backoff": -1},
        {"timeout": "soon"},
        {"start": datetime(2026, 11, 21)},  # noqa: DTZ001 - without a zone on purpose
        {"start": "yesterday"},
        {"target": {"kind": "fax"}},
    ],
    ids=str,
)
def test_options_that_break_a_rule_are_refused_where_they_stand(options: dict[str, Any]) -> None:
    with pytest.raises(Invalid):
        consumer(on=orders, **options)(lambda: None)


@pytest.mark.parametrize(
    "function",
    [lambda *args: args, lambda **kwargs: kwargs, lambda one, /: one],
    ids=["*args", "**kwargs", "positional"],
)
def test_parameters_that_no_name_can_fill_are_refused(function: Callable[..., Any]) -> None:
    with pytest.raises(Invalid, match="every parameter is given by its name"):
        consumer(on=orders)(function)


def test_self_is_the_one_asset_that_a_function_makes() -> None:
    with pytest.raises(Invalid, match="makes 2"):

        @asset.multi(outlets=[orders, users])
        def several(self: Any) -> None: ...

    @consumer(on=orders, outlets=[users])
    def one(self: Any) -> None: ...

    assert declared("one").parameters[0].gets == "self"


def test_a_name_is_declared_once_in_a_module_and_again_by_the_same_function() -> None:
    for _ in range(2):

        @consumer(on=orders)
        def same() -> None: ...

    with pytest.raises(Conflict, match="two consumers 'same'"):
        consumer(on=orders, name="same")(lambda: None)


def test_an_asset_is_an_asset_and_its_function() -> None:
    @asset(uri="s3://lake/report", schedule=orders | users, dag_id="nightly", owners=["ada"], tags=["daily"])
    def report(self: Asset, orders: Asset) -> str:
        return f"{self} of {orders}"

    assert report("it", "them") == "it of them"
    assert (report.key, report.name, report.properties.owners) == ("s3://lake/report", "report", ("ada",))
    assert report == Asset("s3://lake/report")
    assert condition_text(report & users) == "report & users"
    assert declared("nightly").registration("p")["outlets"] == ["s3://lake/report"]

    @asset(schedule=report)
    async def after() -> int:
        return 1

    assert asyncio.run(after()) == 1
    assert (after.key, condition_text(declared("after").condition)) == ("asset://after", "report")


def test_without_a_schedule_an_asset_is_made_by_hand_alone() -> None:
    @asset("s3://lake/manual")
    def manual() -> None: ...

    assert declared("manual").condition == Manual()
    assert declared("manual").registration("p")["condition"] == {"manual": True}


def test_airflows_arguments_are_left_unused_and_unknown_ones_refused(caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.WARNING):

        @asset(schedule=None, watchers=[], catchup=False, params={}, is_paused_upon_creation=True)
        def moved() -> None: ...

    assert [record.message.partition(" is")[0] for record in caplog.records] == [
        "asset(watchers=...)",
        "asset(is_paused_upon_creation=...)",
    ]
    with pytest.raises(TypeError, match="did you mean 'attempts'"):
        asset(schedule=None, attempt=3)
    with pytest.raises(TypeError, match="did you mean 'backoff'"):
        consumer(on=orders, backof=1)  # type: ignore[call-arg]
    with pytest.raises(TypeError, match="no argument 'schedul'"):
        dag(schedul=None)
    with pytest.raises(TypeError, match="no argument 'outlet'"):
        task(outlet=[])(lambda: None)


def test_a_dag_is_declared_by_a_call_and_runs_no_function_before() -> None:
    ran = []

    @dag(schedule=orders, dag_id="nightly", max_active_runs=1, dagrun_timeout=timedelta(hours=1), default_args={})
    def flow(limit: int = 1) -> None:
        @task
        def part(value: int) -> int:
            ran.append(value)
            return value

        part(part(limit) + 1)

    assert dict(declared_by(__name__)) == {}
    made = flow(limit=5)
    assert (made.dag_id, ran) == ("nightly", [])
    assert (declared("nightly").options.max_active, declared("nightly").options.timeout) == (1, 3600.0)
    made.test()
    assert ran == [5, 6]
    with pytest.raises(TypeError):
        flow(other=1)


def test_outlet_events_know_their_outlets_only() -> None:
    alias = AssetAlias("daily")
    events = OutletEvents([orders, users, alias])
    events[orders].extra = {"rows": 1}
    events.take(Metadata(users, {"rows": 2}))
    events.take(Metadata(Asset("s3://new"), {"rows": 3}, "daily"))
    events["daily"].add(Asset("s3://new"), {"rows": 3})
    events[orders].add_partitions("mon")
    events["s3://lake/orders"].add_partitions(["mon", "tue"])
    assert [(event.extra, event.partitions) for event in events.values()][:2] == [
        ({"rows": 1}, ["mon", "tue"]),
        ({"rows": 2}, []),
    ]
    assert events[2].added == [(Asset("s3://new"), {"rows": 3})]
    assert (events["users"], events[Asset.ref(name="users")]) == (events[1], events[1])
    with pytest.raises(KeyError, match="not among the outlets"):
        events[Asset("s3://other")]
    with pytest.raises(Invalid, match="only an alias"):
        events[orders].add(users)
    for partition in ("", "  ", "x" * 251):
        with pytest.raises(Invalid, match="a partition is"):
            events[orders].add_partitions([partition])
    with pytest.raises(Invalid, match="no partitions"):
        events[alias].add_partitions("mon")


def test_results_of_tasks_stand_between_arrows_and_carry_values() -> None:
    one, two = TaskResult({"a": [1, 2]}), TaskResult(2)
    assert one >> two is two
    assert one << two is two
    assert ([one, two] >> two, [one] << two) == (two, two)
    assert values({"x": (one["a"], [two])}) == {"x": ([1, 2], [2])}
    assert [each.value for each in one["a"]] == [1, 2]
    with pytest.raises(Skipped):
        values([TaskResult(skipped=True)["anything"]])


def test_mapping_combines_lists_and_refuses_what_has_no_elements() -> None:
    assert list(expanded({"x": [1, 2], "y": {"a": 3}})) == [{"x": 1, "y": ("a", 3)}, {"x": 2, "y": ("a", 3)}]
    with pytest.raises(TypeError, match="mapped over a list"):
        list(expanded({"x": "text"}))
    double = task(lambda x, by: x * by)
    assert double.partial(by=2).expand(x=[1, 2]).value == [2, 4]
    assert double.expand_kwargs([{"x": 1, "by": 3}]).value == [3]


def test_there_is_a_context_only_while_a_worker_runs_something() -> None:
    with pytest.raises(RuntimeError):
        get_current_context()


def _json(value: Any) -> bytes:
    import json

    return json.dumps(value).encode()
