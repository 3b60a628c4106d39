"""Triggers by the API, from the event that sets them off to their end: listed, shown, tried again, called off."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

import httpx
import pytest

from assetlog.schemas.shapes import Page

Put = Callable[..., httpx.Response]
Make = Callable[..., list[str]]
WITHIN = 60.0
STREAM = {"kind": "stream", "stream": "reports"}
NOWHERE = {"kind": "webhook", "url": "https://nowhere.invalid/hook"}


def until(node: Any, state: str, **params: Any) -> list[dict[str, Any]]:
    """The triggers that a query lists, once there is one and all are in a state."""
    deadline = time.monotonic() + WITHIN
    while True:
        listed: list[dict[str, Any]] = node.get("/v1/triggers", **params).json()["items"]
        if listed and all(trigger["state"] == state for trigger in listed):
            return listed
        assert time.monotonic() < deadline, listed
        time.sleep(0.05)


def act(node: Any, trigger: dict[str, Any], what: str, **body: Any) -> httpx.Response:
    answer: httpx.Response = node.http.post(f"/v1/triggers/{trigger['id']}/{what}", json=body)
    return answer


def test_an_event_sets_off_a_trigger_that_says_how_it_went(
    node: Any, put: Put, name: str, make: Make, key: str
) -> None:
    put(key, target=STREAM, outlets=["s3://out"])
    (position,) = make(key, "mon")
    (trigger,) = until(node, "succeeded", consumer=name)
    assert (trigger["partition"], trigger["count"], trigger["attempt"], trigger["events"]) == ("mon", 1, 1, [])
    assert trigger["fired"] <= trigger["started"] <= trigger["ended"]
    shown = node.get(f"/v1/triggers/{trigger['id']}").json()
    stored = node.get("/v1/asset/events", key=key).json()["items"][0]["event"]
    assert shown["events"] == [{"position": position, "id": stored["id"], "key": key, "partition": "mon"}]
    assert {**shown, "events": []} == trigger
    then = node.get(f"/v1/triggers/{trigger['id']}", as_of=trigger["position"]).json()
    assert (then["state"], then["started"], then["events"]) == ("fired", None, shown["events"])
    seen = node.get(f"/v1/consumers/{name}").json()
    assert (seen["queued"], seen["active"]) == (0, 0)
    assert seen["last_trigger"] == {"id": trigger["id"], "state": "succeeded", "fired": trigger["fired"]}
    assert "since it fired last" in node.get(f"/v1/consumers/{name}/explain").json()["says"]


def test_triggers_are_filtered_by_asset_and_listed_part_by_part(
    node: Any, put: Put, name: str, make: Make, key: str
) -> None:
    put(key, target=STREAM, mode="each")
    make(key, None, None, None)
    triggers = until(node, "succeeded", asset=key, limit=3)
    assert len(triggers) == 3
    first = node.get("/v1/triggers", asset=key, limit=2).json()
    rest = node.get("/v1/triggers", asset=key, limit=2, cursor=first["next"]).json()
    assert [item["id"] for item in (*first["items"], *rest["items"])] == [item["id"] for item in triggers]
    assert node.get("/v1/triggers", consumer=name, state="exhausted").json()["items"] == []
    wrong = node.get("/v1/triggers", state="done")
    assert (wrong.status_code, wrong.json()["errors"][0]["field"]) == (400, "state")


def test_a_large_trigger_lists_a_thousand_events_at_a_time(
    node: Any, put: Put, name: str, event: Any, key: str
) -> None:
    put(key, target=STREAM)
    node.http.post(f"/v1/consumers/{name}/pause", json={})
    node.post(*(event("asset.materialized", key) for _ in range(1005)))
    node.http.post(f"/v1/consumers/{name}/resume", json={})
    (trigger,) = until(node, "succeeded", consumer=name)
    first = node.get(f"/v1/triggers/{trigger['id']}").json()
    rest = node.get(f"/v1/triggers/{trigger['id']}", after=first["events"][-1]["position"]).json()
    assert (trigger["count"], len(first["events"]), len(rest["events"])) == (1005, 1000, 5)


def test_what_was_given_up_is_tried_again(node: Any, put: Put, name: str, make: Make, key: str) -> None:
    put(key, target=NOWHERE, attempts=1)
    make(key)
    (trigger,) = until(node, "exhausted", consumer=name)
    assert trigger["error"]
    assert act(node, trigger, "cancel").json()["code"] == "trigger-ended"
    again = act(node, trigger, "retry", by="ada")
    assert (again.status_code, again.json()["id"]) == (200, trigger["id"])
    types = ["trigger.fired", *["trigger.started", "trigger.failed", "trigger.exhausted"] * 2]
    types.insert(4, "trigger.retried")
    deadline = time.monotonic() + WITHIN
    told: list[str] = []
    while told != types and time.monotonic() < deadline:
        events = node.get("/v1/events", type="trigger.", after="0-0", limit=1000).json()
        told = [item["event"]["type"] for item in events["items"] if item["event"]["subject"] == trigger["id"]]
    assert told == types
    assert [item["id"] for item in until(node, "exhausted", consumer=name)] == [trigger["id"]]


def test_what_waits_for_its_next_attempt_is_called_off(node: Any, put: Put, name: str, make: Make, key: str) -> None:
    put(key, target=NOWHERE, attempts=5, backoff=600)
    make(key)
    (trigger,) = until(node, "failed", consumer=name)
    assert act(node, trigger, "retry").json()["code"] == "trigger-active"
    cancelled = act(node, trigger, "cancel", reason="the host is gone", by="ada")
    assert (cancelled.status_code, cancelled.json()["state"]) == (200, "cancelled")
    assert cancelled.json()["error"] == "the host is gone"
    assert node.get(f"/v1/consumers/{name}").json()["active"] == 0
    assert act(node, trigger, "cancel").status_code == 409


def test_what_succeeded_is_neither_tried_again_nor_called_off(
    node: Any, put: Put, name: str, make: Make, key: str
) -> None:
    put(key, target=STREAM)
    make(key)
    (trigger,) = until(node, "succeeded", consumer=name)
    for what in ("retry", "cancel"):
        refused = act(node, trigger, what)
        assert (refused.status_code, refused.json()["code"]) == (409, "trigger-ended")


@pytest.mark.parametrize(("method", "path"), [("GET", ""), ("POST", "/retry"), ("POST", "/cancel")])
def test_a_trigger_that_is_not_there_is_not_found(node: Any, method: str, path: str) -> None:
    options: dict[str, Any] = {"json": {}} if method == "POST" else {}
    missing = node.http.request(method, f"/v1/triggers/nobody{path}", **options)
    assert (missing.status_code, missing.json()["code"]) == (404, "trigger-not-found")


def test_a_list_that_is_empty_is_a_list(node: Any) -> None:
    assert node.get("/v1/triggers", consumer="nobody").json().keys() == set(Page.__struct_fields__)
