"""What a running function finds in the log and at a node, where the near way does not lead there."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from assetlog.consumers.log.bodies import Bodies
from assetlog.consumers.log.connection import connect_sync
from assetlog.consumers.work.sources import Sources
from assetlog.schemas.work import Work

if TYPE_CHECKING:
    from tests.e2e.conftest import Open


async def test_events_that_left_the_log_are_asked_from_the_node(shop: Open) -> None:
    work = await shop("@consumer(on=KEY)\ndef one(): ...\n")
    event_id = work.emit(work.module.KEY, metadata={"n": 1})
    position = work.node.node.parts.projector.position
    await work.succeeded("one")
    with connect_sync(work.node.node.log.url) as client:
        sources = Sources(Bodies(client, "another-log-without-them"), work.client)
        found, nothing = sources.events([position, 1])
    assert found is not None
    assert (found.id, nothing) == (event_id, None)


async def test_the_events_of_a_trigger_that_lists_none_are_asked_from_the_node(shop: Open) -> None:
    work = await shop("@consumer(on=KEY, debounce=0.3)\ndef many(): ...\n")
    for _ in range(3):
        work.emit(work.module.KEY)
    trigger = await work.succeeded("many")
    short = Work(
        trigger=trigger["id"],
        consumer="many",
        target={},
        fired="",
        position=trigger["position"],
        count=trigger["count"],
    )
    with connect_sync(work.node.node.log.url) as client:
        consumed = Sources(Bodies(client, "default"), work.client).consumed(short)
    assert [event.key for event in consumed] == [work.module.KEY] * 3
    assert [event.position for event in consumed] == sorted({event.position for event in consumed})


async def test_a_name_is_looked_up_in_the_module_then_in_the_catalog_if_it_is_one_assets(shop: Open) -> None:
    work = await shop(
        """
        @consumer(on=KEY + "/go")
        def look(variable, known_by_catalog, known_twice, unknown):
            got.append([each.key for each in (variable, known_by_catalog, known_twice, unknown)])

        variable = Asset(KEY + "/variable")
        """
    )
    key = work.module.KEY
    for name, asset in (("known_by_catalog", "a"), ("known_twice", "b"), ("known_twice", "c")):
        described = {"specversion": "1.0", "id": f"{key}{asset}", "source": "test", "type": "asset.described"}
        work.node.post({**described, "subject": f"{key}/{asset}", "data": {"name": name}})
    work.emit(f"{key}/go")
    await work.succeeded("look")
    assert work.module.got == [[f"{key}/variable", f"{key}/a", "asset://known_twice", "asset://unknown"]]


async def test_a_function_asks_a_node_that_knows_at_least_what_set_it_off(
    shop: Open, monkeypatch: pytest.MonkeyPatch
) -> None:
    work = await shop(
        """
        @consumer(on=KEY)
        def looks_back(inlet_events):
            got.append(inlet_events[KEY][-1].position)
        """
    )
    asked: list[tuple[str, str | None]] = []
    fetch = work.client.fetch

    def noted(path: str, **params: Any) -> bytes:
        asked.append((path, params.get("min_position")))
        return fetch(path, **params)

    monkeypatch.setattr(work.client, "fetch", noted)
    work.emit(work.module.KEY)
    trigger = await work.succeeded("looks_back")
    fired = work.node.get(f"/v1/triggers/{trigger['id']}").json()
    assert ("/v1/asset/events", fired["position"]) in asked
    assert work.module.got == [fired["events"][0]["position"]]
