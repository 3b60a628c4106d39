"""`@materialize`, the plain calls, runs: what they emit, and that the user's function stays what it is."""

from __future__ import annotations

import asyncio
import inspect
import math
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import msgspec
import pytest

from assetlog.producers import (
    Asset,
    AssetProperties,
    Emitter,
    Freshness,
    add_asset_metadata,
    check,
    create_markdown_artifact,
    materialize,
    materialized,
    observe,
    run,
    set_default_emitter,
)
from assetlog.producers.testing import Captured
from assetlog.schemas.errors import Invalid, Unavailable
from assetlog.schemas.events.artifact import ArtifactCreated
from assetlog.schemas.events.asset import AssetChecked, AssetDescribed, AssetFailed, AssetMaterialized, AssetObserved
from assetlog.schemas.events.run import RunFailed, RunStarted, RunSucceeded

ORDERS = Asset("s3://lake/orders")

pytestmark = pytest.mark.usefixtures("captured")


def data_of(captured: Captured, event_type: str) -> list[Any]:
    return [event.data for event in captured.events(event_type)]


def metadata(data: Any) -> Any:
    return msgspec.json.decode(data.metadata)


def test_a_function_that_returns_materializes_its_assets(captured: Captured) -> None:
    @materialize("S3://lake/report/", ORDERS, asset_deps=["s3://raw", Asset("s3://rates")], by="dbt", code_version="v1")
    def report(day: str) -> str:
        add_asset_metadata("s3://lake/report", {"rows": 1})
        ORDERS.add_metadata({"rows": 2, "day": day})
        ORDERS.add_metadata({"rows": 3})
        return f"report of {day}"

    assert report("monday") == "report of monday"
    first, second = captured.events("asset.materialized")
    assert (first.subject, second.subject) == ("s3://lake/report", "s3://lake/orders")
    assert first.upstream == second.upstream == ("s3://raw", "s3://rates")
    assert isinstance(first.data, AssetMaterialized)
    assert isinstance(second.data, AssetMaterialized)
    assert (first.data.by, first.data.code_version) == ("dbt", "v1")
    assert first.data.duration is not None
    assert (metadata(first.data), metadata(second.data)) == ({"rows": 1}, {"rows": 3, "day": "monday"})
    assert first.data.run == second.data.run
    assert first.data.run is not None
    assert (first.data.run.job or "").endswith("report")


def test_a_function_that_raises_fails_its_assets_and_raises_the_very_exception(captured: Captured) -> None:
    error = ValueError("no rows")

    @materialize(ORDERS, asset_deps=["s3://raw"])
    def load() -> None:
        ORDERS.add_metadata({"read": 7})
        raise error

    with pytest.raises(ValueError, match="no rows") as caught:
        load()
    assert caught.value is error
    [failed] = captured.events("asset.failed")
    assert isinstance(failed.data, AssetFailed)
    assert failed.data.error == "ValueError: no rows"
    assert failed.upstream == ("s3://raw",)
    assert metadata(failed.data) == {"read": 7}
    assert "raise error" in (failed.data.traceback or "")
    assert "producers/materialize.py" not in (failed.data.traceback or "")
    assert captured.events("asset.materialized") == []


async def test_a_coroutine_function_stays_one(captured: Captured) -> None:
    @materialize(ORDERS)
    async def load(rows: int) -> int:
        await asyncio.sleep(0)
        ORDERS.add_metadata({"rows": rows})
        if rows < 0:
            raise ValueError(rows)
        return rows

    assert inspect.iscoroutinefunction(load)
    assert await asyncio.gather(*[load(rows) for rows in range(10)]) == list(range(10))
    with pytest.raises(ValueError, match="-1"):
        await load(-1)
    assert [metadata(data)["rows"] for data in data_of(captured, "asset.materialized")] == list(range(10))
    assert [metadata(data)["rows"] for data in data_of(captured, "asset.failed")] == [-1]


async def test_a_cancelled_coroutine_has_failed(captured: Captured) -> None:
    @materialize(ORDERS)
    async def load() -> None:
        await asyncio.Event().wait()

    task = asyncio.create_task(load())
    await asyncio.sleep(0)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    [failed] = data_of(captured, "asset.failed")
    assert failed.error == "CancelledError"


def test_the_function_keeps_its_name_signature_and_docstring() -> None:
    def load(day: str, *, rows: int = 3) -> int:
        """Load it."""
        return rows

    wrapped = materialize(ORDERS)(load)
    assert (wrapped.__name__, wrapped.__doc__, inspect.signature(wrapped)) == (
        "load",
        "Load it.",
        inspect.signature(load),
    )


def test_methods_materialize_too(captured: Captured) -> None:
    class Pipeline:
        @materialize(ORDERS)
        def load(self, rows: int) -> int:
            return rows

    assert Pipeline().load(3) == 3
    assert len(captured.events("asset.materialized")) == 1


@pytest.mark.parametrize("assets", [(), (print,), (None,)])
def test_materialize_without_assets_is_a_type_error(assets: tuple[Any, ...]) -> None:
    with pytest.raises(TypeError, match="requires at least one asset"):
        materialize(*assets)


def test_a_generator_writes_its_asset_when_it_ends(captured: Captured) -> None:
    @materialize(ORDERS)
    def pages(count: int) -> Iterator[int]:
        for page in range(count):
            ORDERS.add_metadata({"pages": page + 1})
            yield page

    assert inspect.isgeneratorfunction(pages)
    reading = pages(3)
    assert next(reading) == 0
    assert captured.events() == []
    assert list(reading) == [1, 2]
    assert [metadata(data) for data in data_of(captured, "asset.materialized")] == [{"pages": 3}]


@pytest.mark.parametrize(
    "options", [{"asset_deps": ["x"]}, {"by": ""}, {"partition": "x" * 2_000}, {"code_version": 3}]
)
def test_a_bad_declaration_raises_where_it_stands(options: dict[str, Any]) -> None:
    with pytest.raises(Invalid):
        materialize(ORDERS, **options)(lambda: None)


def test_a_partition_may_come_from_the_arguments(captured: Captured) -> None:
    @materialize(ORDERS, partition=lambda day: f"day={day}")
    def load(day: str) -> None: ...

    load("2026-11-21")
    assert [data.partition for data in data_of(captured, "asset.materialized")] == ["day=2026-11-21"]


def test_properties_are_described_once_per_content(captured: Captured) -> None:
    described = Asset("s3://a", name="A", owners=["ada"], extra={"tier": 1}, columns=["id"], freshness=60)

    @materialize(described)
    def load() -> None: ...

    load()
    load()
    observe(Asset("s3://a", properties=AssetProperties(name="B")))
    first, second = data_of(captured, "asset.described")
    assert isinstance(first, AssetDescribed)
    assert (first.name, first.owners, first.extra) == ("A", ("ada",), msgspec.Raw(b'{"tier":1}'))
    assert first.freshness == Freshness(max_age=60.0)
    assert (second.name, second.freshness) == ("B", None)


def test_metadata_outside_and_of_other_assets_is_refused() -> None:
    with pytest.raises(RuntimeError, match="@materialize"):
        add_asset_metadata(ORDERS, {"rows": 1})

    @materialize(ORDERS)
    def load() -> None:
        add_asset_metadata("s3://other", {"rows": 1})

    with pytest.raises(ValueError, match="arguments to @materialize"):
        load()


def test_nested_calls_keep_their_metadata_and_runs_apart(captured: Captured) -> None:
    inner_asset = Asset("s3://inner")

    @materialize(inner_asset)
    def inner() -> None:
        inner_asset.add_metadata({"who": "inner"})

    @materialize(ORDERS)
    def outer() -> None:
        inner()
        ORDERS.add_metadata({"who": "outer"})

    outer()
    first, second = data_of(captured, "asset.materialized")
    assert (metadata(first)["who"], metadata(second)["who"]) == ("inner", "outer")
    assert first.run != second.run


def test_threads_keep_their_metadata_apart(captured: Captured) -> None:
    @materialize(ORDERS)
    def load(number: int) -> None:
        ORDERS.add_metadata({str(number): number})

    threads = [threading.Thread(target=load, args=(number,)) for number in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    found = [metadata(data) for data in data_of(captured, "asset.materialized")]
    assert sorted(found, key=str) == [{str(number): number} for number in range(8)]


def test_a_run_holds_what_happens_inside(captured: Captured) -> None:
    @materialize(ORDERS)
    def load() -> None: ...

    with run(job="nightly", metadata={"day": 1}) as nightly, run(job="step") as step:
        load()
        observe(ORDERS)
    begun = captured.events("run.started")
    assert [event.subject for event in begun] == [nightly.id, step.id]
    assert [event.data.parent for event in begun if isinstance(event.data, RunStarted)] == [None, nightly.id]
    assert [data.run for data in data_of(captured, "asset.materialized")] == [step]
    assert [data.run for data in data_of(captured, "asset.observed")] == [step]
    ended = data_of(captured, "run.succeeded")
    assert [data.job for data in ended if isinstance(data, RunSucceeded)] == ["step", "nightly"]


def test_a_run_that_raises_has_failed(captured: Captured) -> None:
    with pytest.raises(ZeroDivisionError), run(job="nightly"):
        _ = 1 / 0
    [failed] = data_of(captured, "run.failed")
    assert isinstance(failed, RunFailed)
    assert failed.error == "ZeroDivisionError: division by zero"
    assert "1 / 0" in (failed.traceback or "")


def test_the_plain_calls_say_what_happened(captured: Captured) -> None:
    materialized("s3://a", {"rows": 1}, upstream=[ORDERS], partition="p", duration=1.5)
    observe("s3://a", {"rows": 2}, data_version="abc")
    assert check("s3://a", "not empty", passed=False, severity="warn", metadata={"rows": 0}) is False
    one, two, three = (event.data for event in captured.events())
    assert isinstance(one, AssetMaterialized)
    assert isinstance(two, AssetObserved)
    assert isinstance(three, AssetChecked)
    assert (one.upstream, one.partition, one.duration) == (("s3://lake/orders",), "p", 1.5)
    assert two.data_version == "abc"
    assert (three.check, three.passed, three.severity, metadata(three)) == ("not empty", False, "warn", {"rows": 0})


@pytest.mark.parametrize("call", [materialized, observe])
def test_a_plain_call_with_a_bad_key_or_metadata_is_refused(call: Any) -> None:
    with pytest.raises(Invalid):
        call("no key")
    with pytest.raises(Invalid, match="mapping"):
        call("s3://a", [1])


class Odd:
    def __repr__(self) -> str:
        raise RuntimeError


def test_no_metadata_fails_the_function(captured: Captured) -> None:
    itself: dict[str, Any] = {}
    itself["itself"] = itself

    @materialize(ORDERS)
    def load(value: Any) -> str:
        ORDERS.add_metadata({"value": value})
        return "done"

    values = [Odd(), math.nan, math.inf, itself, "\ud800", "x" * 2_000_000, {1: {2: 3}}, 1 << 80, 10**5000, b"\xff"]
    assert [load(value) for value in values] == ["done"] * len(values)
    found = [metadata(data) for data in data_of(captured, "asset.materialized")]
    assert len(found) == len(values)
    assert found[1] == {"value": None, "assetlog.not_finite": True}
    assert found[5] == {"assetlog.truncated": True, "assetlog.dropped": {"value": 2_000_002}}
    assert found[0]["assetlog.as_text"]


def test_an_exception_without_text_or_with_too_much_is_recorded(captured: Captured) -> None:
    class Silent(Exception):
        def __str__(self) -> str:
            raise RuntimeError

    for error in (Silent(), ValueError("\ud800" * 200_000), KeyboardInterrupt()):
        with pytest.raises(type(error)):
            materialize(ORDERS)(_raiser(error))()
    errors = [data.error for data in data_of(captured, "asset.failed")]
    assert errors[0].endswith("Silent: <Silent>")
    assert len(errors[1]) < 10_000
    assert errors[2] == "KeyboardInterrupt"


def _raiser(error: BaseException) -> Any:
    def fail() -> None:
        raise error

    return fail


def test_an_artifact_inside_belongs_to_the_asset_and_its_run(captured: Captured) -> None:
    @materialize(ORDERS)
    def load() -> None:
        create_markdown_artifact("# Orders", key="orders")

    @materialize(ORDERS, "s3://b")
    def load_two() -> None:
        create_markdown_artifact("# Both", key="both")

    load()
    load_two()
    one, two = data_of(captured, "artifact.created")
    assert isinstance(one, ArtifactCreated)
    assert one.asset == "s3://lake/orders"
    assert one.run == data_of(captured, "asset.materialized")[0].run
    assert two.asset is None


def test_a_log_that_is_away_does_not_touch_the_function(tmp_path: Path) -> None:
    emitter = Emitter("redis://127.0.0.1:1", home=tmp_path)
    before = set_default_emitter(emitter)
    try:
        assert materialize(ORDERS)(lambda: 3)() == 3
        assert not emitter.flush()
    finally:
        set_default_emitter(before)
        emitter.close()


def test_strict_mode_does_not_hide_the_functions_own_exception(tmp_path: Path) -> None:
    emitter = Emitter("redis://127.0.0.1:1", home=tmp_path, strict=True)
    before = set_default_emitter(emitter)
    try:
        with pytest.raises(ZeroDivisionError):
            materialize(ORDERS)(_raiser(ZeroDivisionError()))()
    finally:
        set_default_emitter(before)
        with pytest.raises(Unavailable):
            emitter.close()
