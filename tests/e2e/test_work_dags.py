"""DAGs under a worker beside a real node: their tasks, and what each makes."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from tests.e2e.conftest import Open


async def test_the_tasks_of_a_dag_run_in_order_and_each_updates_what_it_made(shop: Open) -> None:
    work = await shop(
        """
        @dag(schedule=[Asset(KEY + "/raw")], max_active_runs=1, start_date=None, catchup=False)
        def pipeline(limit=2):
            @task
            def extract(triggering_asset_events=None, **context):
                got.append((sorted(asset.key for asset in triggering_asset_events), context["dag_id"]))
                return [1, 2, 3]

            @task(outlets=[Asset(KEY + "/part")])
            def load(n, factor):
                yield Metadata(Asset(KEY + "/part"), {"n": n * factor})

            @task(outlets=[Asset(KEY + "/never")])
            def skipped():
                raise Skip

            @task(outlets=[Asset(KEY + "/after")])
            def needs_skipped(value):
                got.append("ran")

            @task(retries=2, retry_delay=0)
            def flaky():
                got.append("try")
                if got.count("try") < 3:
                    raise ValueError("once more")

            rows = extract()
            loaded = load.partial(factor=limit).expand(n=rows)
            none = skipped()
            rows >> loaded >> [none, needs_skipped(none)]
            flaky() << loaded
        pipeline()
        """
    )
    key = work.module.KEY
    work.emit(f"{key}/raw")
    trigger = await work.succeeded("pipeline")
    assert work.module.got == [([f"{key}/raw"], "pipeline"), "try", "try", "try"]
    parts = work.events(f"{key}/part")
    assert [event["data"]["metadata"]["n"] for event in parts] == [2, 4, 6]
    assert {event["data"]["run"]["job"] for event in parts} == {"pipeline.load"}
    assert (
        {event["data"]["run"]["id"] for event in parts} == {event["causationid"] for event in parts} == {trigger["id"]}
    )
    assert work.events(f"{key}/never") == work.events(f"{key}/after") == []
    assert work.node.get("/v1/consumers/pipeline").json()["max_active"] == 1


async def test_what_tasks_made_before_a_dag_failed_stays_made(shop: Open) -> None:
    work = await shop(
        """
        @dag(schedule=KEY + "/raw", attempts=1)
        def broken():
            @task(outlets=[Asset(KEY + "/first")])
            def first(): ...

            @task(outlets=[Asset(KEY + "/second")])
            def second(n):
                if n == 1:
                    raise ValueError("no rows")
            first()
            second.expand(n=[0, 1, 2])
        broken()
        """
    )
    key = work.module.KEY
    work.emit(f"{key}/raw")
    (trigger,) = await work.triggers("broken", "exhausted")
    assert trigger["error"] == "ValueError: no rows"
    assert (len(work.events(f"{key}/first")), len(work.events(f"{key}/second"))) == (1, 2)
    assert len(work.events(f"{key}/second", "asset.failed")) == 1


async def test_async_tasks_run_in_plain_dags_and_in_async_ones(shop: Open) -> None:
    work = await shop(
        """
        import asyncio

        @task(outlets=[Asset(KEY + "/slow")])
        async def slow(n, context):
            await asyncio.sleep(0)
            Asset(KEY + "/slow").add_metadata({"n": n})
            got.append((n, context["task_id"]))
            return n + 1

        @dag(schedule=KEY + "/raw")
        def plain():
            slow(slow(1))

        @dag(schedule=KEY + "/raw")
        async def waiting():
            await slow(await slow(11))

        plain()
        waiting()
        """
    )
    key = work.module.KEY
    work.emit(f"{key}/raw")
    await work.succeeded("plain")
    await work.succeeded("waiting")
    assert sorted(work.module.got) == [(n, "slow") for n in (1, 2, 11, 12)]
    assert sorted(event["data"]["metadata"]["n"] for event in work.events(f"{key}/slow")) == [1, 2, 11, 12]


async def test_a_task_has_no_outlets_where_its_caller_has_and_names_only_its_own(shop: Open) -> None:
    work = await shop(
        """
        @task(outlets=[Asset(KEY + "/other")])
        def with_outlets(): ...

        @task
        def without():
            return Asset(KEY + "/mine").add_metadata({"n": 1})

        @asset(uri=KEY + "/mine", schedule=KEY + "/raw", attempts=1)
        def mine(self):
            self.add_metadata({"rows": 3})
            for wrong in (with_outlets, without):
                try:
                    wrong()
                except (TypeError, ValueError) as error:
                    got.append(type(error).__name__)
        """
    )
    key = work.module.KEY
    work.emit(f"{key}/raw")
    await work.succeeded("mine")
    assert work.module.got == ["TypeError", "ValueError"]
    assert [event["data"]["metadata"] for event in work.events(f"{key}/mine")] == [{"rows": 3}]
    assert work.events(f"{key}/other") == []
