"""What a Prefect user writes, with only the import line changed, against a real node: its API shows what was meant."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

# `from prefect import flow, task` and `from prefect.assets import ...` become this one line
from assetlog.producers import Asset, AssetProperties, Emitter, flow, materialize, set_default_emitter, task
from assetlog.schemas.ids import new_id


@pytest.fixture
def emitter(node: Any, tmp_path: Any) -> Iterator[Emitter]:
    """Everything the examples emit goes to the node."""
    with Emitter(node.url, home=tmp_path, catalog=node.settings.catalog) as made:
        before = set_default_emitter(made)
        yield made
        set_default_emitter(before)


def told(node: Any, emitter: Emitter) -> None:
    """All that was emitted is folded: an event behind it is."""
    assert emitter.flush()
    last = {"specversion": "1.0", "source": "test", "type": "asset.observed", "subject": "s3://shop-lake/last"}
    assert node.post({**last, "id": new_id(), "data": {}}).is_success


def edges(node: Any, key: str) -> set[tuple[str, str]]:
    """The edges above an asset: (from, to)."""
    answer = node.get("/v1/lineage", key=key, direction="up", depth=5).json()
    return {(edge["upstream"], edge["downstream"]) for edge in answer["edges"]}


def runs(node: Any, *jobs: str) -> dict[str, Any]:
    """The newest runs of some jobs, by their job."""
    return {job: node.get("/v1/runs", job=job).json()["items"][0] for job in jobs}


def test_one_asset_is_materialized_by_one_function(node: Any, emitter: Emitter) -> None:
    daily_sales = Asset(
        key="s3://shop-lake/basic/daily-sales.parquet",
        properties=AssetProperties(
            name="Daily sales",
            url="https://shop.example/daily-sales",
            description="What was sold, **by day**.",
            owners=["ada", "team-sales"],
        ),
    )

    @materialize(daily_sales)
    def write_daily_sales() -> list[dict[str, int]]:
        daily_sales.add_metadata({"rows": 3})
        return [{"day": 1}, {"day": 2}, {"day": 3}]

    write_daily_sales()
    told(node, emitter)
    asset = node.get("/v1/asset", key=daily_sales.key).json()
    assert (asset["name"], asset["owners"], asset["state"]) == ("Daily sales", ["ada", "team-sales"], "fresh")
    assert asset["last_materialization"]["metadata"] == {"rows": 3}


def test_dependencies_inferred_from_what_tasks_pass_on(node: Any, emitter: Emitter) -> None:
    @materialize("s3://shop-lake/inferred/orders.csv")
    def extract() -> list[int]:
        return [3, 4, 5]

    @task
    def only_large(rows: list[int]) -> list[int]:
        return [row for row in rows if row > 3]

    @materialize("postgres://warehouse/inferred/orders")
    def store(rows: list[int]) -> dict[str, int]:
        return {"rows": len(rows)}

    @materialize("dashboard://inferred/orders")
    async def publish(summary: Any) -> None: ...

    @flow(name="inferred.pipeline")
    def pipeline() -> None:
        rows = extract()
        stored = store.submit(only_large(rows))
        publish.submit(stored, wait_for=[stored])

    pipeline()
    told(node, emitter)
    assert edges(node, "dashboard://inferred/orders") == {
        ("s3://shop-lake/inferred/orders.csv", "postgres://warehouse/inferred/orders"),
        ("postgres://warehouse/inferred/orders", "dashboard://inferred/orders"),
    }
    jobs = [each.name for each in (extract, only_large, store, publish)]
    found = runs(node, "inferred.pipeline", *jobs)
    flow_run = found.pop("inferred.pipeline")
    assert (flow_run["state"], flow_run["parent"]) == ("succeeded", None)
    assert {run["parent"] for run in found.values()} == {flow_run["id"]}
    assert {run["state"] for run in found.values()} == {"succeeded"}


def test_assets_from_elsewhere_are_named_as_dependencies(node: Any, emitter: Emitter) -> None:
    raw = Asset(key="s3://shop-lake/external/raw.csv")

    @materialize(
        "postgres://warehouse/external/customers",
        asset_deps=[raw, "api://crm.example/customers"],
        by="dbt",
    )
    def load_customers() -> None: ...

    @flow
    def nightly() -> None:
        load_customers()

    nightly()
    told(node, emitter)
    key = "postgres://warehouse/external/customers"
    assert edges(node, key) == {(raw.key, key), ("api://crm.example/customers", key)}
    assert node.get("/v1/asset", key=raw.key).json()["materializations"] == 0
    assert node.get("/v1/asset", key=key).json()["last_materialization"]["by"] == "dbt"


def test_several_assets_of_one_function(node: Any, emitter: Emitter) -> None:
    keys = [f"s3://shop-lake/several/{name}" for name in ("train.csv", "test.csv")]

    @materialize("s3://shop-lake/several/all.csv")
    def everything() -> list[int]:
        return list(range(10))

    @materialize(*keys)
    def split(rows: list[int]) -> tuple[list[int], list[int]]:
        return rows[:8], rows[8:]

    @flow(name="several.pipeline")
    def pipeline() -> None:
        split(everything())

    pipeline()
    told(node, emitter)
    for key in keys:
        assert edges(node, key) == {("s3://shop-lake/several/all.csv", key)}
        assert node.get("/v1/asset", key=key).json()["materializations"] == 1
    one, two = (node.get("/v1/asset", key=key).json()["last_materialization"]["run"] for key in keys)
    assert one == two


def test_a_failure_shows_on_the_asset_and_its_runs(node: Any, emitter: Emitter) -> None:
    @materialize("s3://shop-lake/failed/report", retries=1)
    def report() -> None:
        raise ValueError("no rows today")

    @flow(name="failed.pipeline")
    def pipeline() -> None:
        report()

    with pytest.raises(ValueError, match="no rows"):
        pipeline()
    told(node, emitter)
    assert node.get("/v1/asset", key="s3://shop-lake/failed/report").json()["state"] == "failed"
    assert runs(node, "failed.pipeline")["failed.pipeline"]["state"] == "failed"
    attempts = node.get("/v1/runs", job=report.name).json()["items"]
    assert [run["state"] for run in attempts] == ["failed", "failed"]
