"""A worker beside a real node: what functions are given, what they make, and what is told of it."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from typing import TYPE_CHECKING

import msgspec
import pytest

from assetlog.consumers.work.worker import Worker
from assetlog.schemas.errors import Conflict, Invalid

if TYPE_CHECKING:
    from tests.e2e.conftest import Open, RunningNode

WITHIN = 20.0


async def test_a_consumer_gets_the_events_that_set_it_off(shop: Open) -> None:
    work = await shop(
        """
        orders, users = Asset(KEY + "/orders"), Asset(KEY + "/users")

        @consumer(on=orders & users)
        def both(context, triggering_asset_events, events, orders, limit=10):
            got.append((context["run_id"], context.partition_key, orders.key, limit))
            got.append([event.extra["n"] for event in triggering_asset_events[orders]])
            got.append([(event.id, event.key, event.source) for event in events])
            got.append(list(triggering_asset_events) == [orders, globals()["users"]])
        """
    )
    key = work.module.KEY
    ids = [work.emit(f"{key}/orders", metadata={"n": n}) for n in (1, 2)] + [work.emit(f"{key}/users")]
    trigger = await work.succeeded("both")
    first, extras, events, mapping = work.module.got
    assert first == (trigger["id"], None, f"{key}/orders", 10)
    assert (extras, mapping) == ([1, 2], True)
    assert events == [
        (ids[0], f"{key}/orders", "test"),
        (ids[1], f"{key}/orders", "test"),
        (ids[2], f"{key}/users", "test"),
    ]


async def test_an_asset_is_materialized_when_its_function_returns_with_what_it_was_made_from(shop: Open) -> None:
    work = await shop(
        """
        raw = Asset(KEY + "/raw", name="raw")

        @asset(uri=KEY + "/report", schedule=raw, group="sales", extra={"team": 1}, tags=["daily"])
        def report(self, context, raw, other_asset):
            '''The daily report.'''
            context["outlet_events"][self].extra = {"rows": 7}
            got.append((self.key, raw.key, other_asset.key))
        """
    )
    key = work.module.KEY
    work.emit(f"{key}/raw")
    trigger = await work.succeeded("report")
    (made,) = work.events(f"{key}/report")
    assert made["data"]["metadata"] == {"rows": 7}
    assert made["data"]["upstream"] == [f"{key}/raw", "asset://other_asset"]
    assert made["data"]["run"] == {"id": trigger["id"], "job": "report"}
    assert made["causationid"] == trigger["id"]
    assert work.module.got == [(f"{key}/report", f"{key}/raw", "asset://other_asset")]
    shown = work.client.asset(f"{key}/report")
    assert (shown.name, shown.group, shown.tags) == ("report", "sales", {"daily": ""})
    consumer = work.node.get("/v1/consumers/report").json()
    assert (consumer["description"], consumer["outlets"]) == ("The daily report.", [f"{key}/report"])


async def test_a_failing_function_updates_nothing_and_its_asset_fails_with_the_last_attempt(shop: Open) -> None:
    work = await shop(
        """
        @asset(uri=KEY + "/bad", schedule=KEY + "/raw", attempts=2, backoff=0.01)
        def bad(context):
            got.append(context["attempt"])
            raise ValueError("no rows")
        """
    )
    key = work.module.KEY
    work.emit(f"{key}/raw")
    (trigger,) = await work.triggers("bad", "exhausted")
    assert (work.module.got, trigger["error"]) == ([1, 2], "ValueError: no rows")
    assert work.events(f"{key}/bad") == []
    (failed,) = work.events(f"{key}/bad", "asset.failed")
    assert failed["data"]["error"] == "ValueError: no rows"
    assert failed["data"]["upstream"] == [f"{key}/raw"]


async def test_a_skip_makes_nothing_and_is_no_failure(shop: Open) -> None:
    work = await shop(
        """
        @asset(uri=KEY + "/skipped", schedule=KEY + "/raw")
        def skipped():
            raise Skip("nothing to do")
        """
    )
    work.emit(f"{work.module.KEY}/raw")
    await work.succeeded("skipped")
    assert work.events(f"{work.module.KEY}/skipped") == []


async def test_an_async_function_runs_and_is_cancelled_when_it_takes_too_long(shop: Open) -> None:
    work = await shop(
        """
        import asyncio

        @asset(uri=KEY + "/quick", schedule=KEY + "/raw")
        async def quick(self):
            await asyncio.sleep(0)
            yield Metadata(self, {"rows": 1})

        @consumer(on=KEY + "/raw", timeout=0.05, attempts=1)
        async def hanging():
            try:
                await asyncio.Event().wait()
            except asyncio.CancelledError:
                got.append("cancelled")
                raise

        @consumer(on=KEY + "/raw", timeout=0.05, attempts=1)
        def busy():
            while True:
                pass
        """
    )
    key = work.module.KEY
    work.emit(f"{key}/raw")
    await work.succeeded("quick")
    assert [event["data"]["metadata"] for event in work.events(f"{key}/quick")] == [{"rows": 1}]
    (trigger,) = await work.triggers("hanging", "exhausted")
    assert trigger["error"] == "TimeoutError: it took longer than 0.05 s"
    assert work.module.got == ["cancelled"]
    assert (await work.triggers("busy", "exhausted"))[0]["error"].startswith("Late: ")


async def test_partitions_become_an_event_each_and_a_triggers_partition_is_its_assets(shop: Open) -> None:
    work = await shop(
        """
        @asset(uri=KEY + "/days", schedule=None)
        def days(outlet_events, self):
            outlet_events[self].add_partitions(["mon", "tue"])
            outlet_events[self].extra = {"rows": 1}

        @asset(uri=KEY + "/same", schedule=KEY + "/days")
        def same(context):
            got.append(context.partition_key)
        """
    )
    key = work.module.KEY
    work.fire("days")
    await work.succeeded("days")
    days = work.events(f"{key}/days")
    assert [(event["data"]["partition"], event["data"]["metadata"]) for event in days] == [
        ("mon", {"rows": 1}),
        ("tue", {"rows": 1}),
    ]
    await _until(lambda: len(work.events(f"{key}/same")) == 2)
    assert sorted(event["data"]["partition"] for event in work.events(f"{key}/same")) == ["mon", "tue"]


async def test_an_alias_stands_for_assets_that_are_known_at_run_time_only(shop: Open) -> None:
    work = await shop(
        """
        alias = AssetAlias(KEY + " alias")

        @asset.multi(schedule=None, outlets=[alias, Asset(KEY + "/fixed")])
        def maker(outlet_events):
            outlet_events[alias].add(Asset(KEY + "/one"), extra={"n": 1})
            yield Metadata(Asset(KEY + "/two"), {"n": 2}, alias)

        @consumer(on=alias)
        def reader(triggering_asset_events):
            got.extend(event.extra["n"] for event in triggering_asset_events[alias])
        """
    )
    key = work.module.KEY
    work.fire("maker")
    await work.succeeded("maker")
    for name, n in (("one", 1), ("two", 2)):
        assert [event["data"]["metadata"] for event in work.events(f"{key}/{name}")] == [{"n": n}]
    assert len(work.events(f"{key}/fixed")) == 1
    await _until(lambda: sorted(work.module.got) == [1, 2])
    aliases = {one.name: sorted(one.assets) for one in work.client.aliases()}
    assert aliases[f"{key} alias"] == [f"{key}/one", f"{key}/two"]


async def test_the_past_of_an_inlet_is_a_lazy_sequence(shop: Open) -> None:
    work = await shop(
        """
        past = Asset(KEY + "/past")

        @consumer(on=KEY + "/go", inlets=[past])
        def look(inlet_events):
            events = inlet_events[past]
            def n(found): return [event.extra["n"] for event in found]
            got.append((len(events), n(events), n(events[1:3]), events[-1].extra["n"], events[0].extra["n"]))
            got.append((n(events.ascending(False)), n(events.limit(2)), n(events.ascending(False).limit(1))))
            middle = events[2].timestamp
            got.append((len(events.after(middle)) + len(events.before(middle)), n(inlet_events[0].limit(1))))
            got.append(n(events[-2:]))
        """
    )
    key = work.module.KEY
    for n in range(5):
        work.emit(f"{key}/past", metadata={"n": n})
        await asyncio.sleep(0.003)  # so that each has a millisecond of its own
    work.emit(f"{key}/go")
    await work.succeeded("look")
    assert work.module.got == [
        (5, [0, 1, 2, 3, 4], [1, 2], 4, 0),
        ([4, 3, 2, 1, 0], [0, 1], [4]),
        (6, [0]),
        [3, 4],
    ]


async def test_what_is_emitted_inside_carries_the_trigger_as_its_cause(shop: Open) -> None:
    work = await shop(
        """
        @materialize(KEY + "/inner")
        def inner(): ...

        @consumer(on=KEY + "/raw")
        def outer():
            inner()
            emit("asset.observed", KEY + "/seen")
        """
    )
    key = work.module.KEY
    work.emit(f"{key}/raw")
    trigger = await work.succeeded("outer")
    (inner,), (seen,) = work.events(f"{key}/inner"), work.events(f"{key}/seen", "asset.observed")
    assert inner["causationid"] == seen["causationid"] == trigger["id"]
    assert seen["data"]["run"]["id"] == trigger["id"]
    told = [event.event for event in work.client.each_event(after=trigger["position"])]
    types = [msgspec.json.decode(event)["type"] for event in told]
    assert types == ["trigger.started", "asset.materialized", "asset.observed", "trigger.succeeded"]


async def test_registering_the_same_again_appends_nothing_and_another_modules_name_is_refused(
    shop: Open, node: RunningNode
) -> None:
    source = "@asset(uri='s3://same', schedule='s3://raw', group='g')\ndef the_same(): ...\n"
    work = await shop(source)
    await work.worker.stop(0)
    before = node.node.parts.projector.position
    again = Worker(str(work.module.__file__), log=node.node.log.url, catalog=node.settings.catalog, node=work.client)
    await again.start()
    await again.stop(0)
    assert node.node.parts.projector.position == before
    with pytest.raises(Conflict, match="declared by the module"):
        await shop(source)


async def test_a_module_that_declares_nothing_or_breaks_is_refused(shop: Open) -> None:
    with pytest.raises(Invalid, match="declares no consumer"):
        await shop("")
    with pytest.raises(Invalid, match="can't be imported: ZeroDivisionError"):
        await shop("1 / 0")


async def _until(condition: Callable[[], bool]) -> None:
    end = time.monotonic() + WITHIN
    while not condition():
        assert time.monotonic() < end, "it did not come to that"
        await asyncio.sleep(0.02)
