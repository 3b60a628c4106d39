"""What waits for consumers by the API: listed, explained, deleted."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Any

import httpx

Put = Callable[..., httpx.Response]
Make = Callable[..., list[str]]


def pause(node: Any, name: str, **body: Any) -> httpx.Response:
    answer: httpx.Response = node.http.post(f"/v1/consumers/{name}/pause", json=body)
    return answer


def queue(node: Any, name: str, **params: Any) -> Any:
    return node.get(f"/v1/consumers/{name}/queue", **params).json()


def explain(node: Any, name: str, **params: Any) -> Any:
    return node.get(f"/v1/consumers/{name}/explain", **params).json()


def test_a_changed_condition_keeps_the_queues_it_keeps_and_tells_the_rest(
    node: Any, put: Put, name: str, make: Make, key: str
) -> None:
    kept, gone, missing = f"{key}/kept", f"{key}/gone", f"{key}/missing"
    put([kept, gone, missing])
    (waiting,), (released,) = make(kept), make(gone)
    changed = put([kept, missing]).json()
    assert changed["released"] == [released]
    assert [item["position"] for item in queue(node, name)["items"]] == [waiting]
    assert put([kept, missing]).json()["released"] == []


def test_what_waits_is_listed_in_order_part_by_part(node: Any, put: Put, name: str, make: Make, key: str) -> None:
    put([key, f"{key}/missing"])
    positions = make(key, None, "mon", "tue", None)
    shown = queue(node, name)
    assert [item["position"] for item in shown["items"]] == positions
    assert [item["partition"] for item in shown["items"]] == [None, "mon", "tue", None]
    assert {item["key"] for item in shown["items"]} == {key}
    stored = node.get("/v1/asset/events", key=key).json()["items"]
    assert {item["id"] for item in shown["items"]} == {item["event"]["id"] for item in stored}
    first = queue(node, name, limit=3)
    (last,) = make(key)
    second = queue(node, name, limit=3, cursor=first["next"])
    assert [item["position"] for item in (*first["items"], *second["items"])] == positions
    assert queue(node, name)["items"][-1]["position"] == last
    assert [item["position"] for item in queue(node, name, as_of=positions[1])["items"]] == positions[:2]
    assert node.get(f"/v1/consumers/{name}").json()["queued"] == 5


def test_the_explanation_tells_what_came_and_what_is_missing(
    node: Any, put: Put, name: str, make: Make, key: str
) -> None:
    a, b, c = f"{key}/a", f"{key}/b", f"{key}/c"
    put({"all": [{"asset": a}, {"any": [{"asset": b}, {"asset": c}]}]})
    nothing = explain(node, name)
    assert nothing["says"] == f"It waits for {a} & ({b} | {c}); nothing has come yet."
    (at,) = make(a)
    told = explain(node, name)
    (pending,) = told["pending"]
    assert (pending["true"], pending["missing"]) == (False, [f"asset:{b}", f"asset:{c}"])
    assert (pending["waits_for"], told["says"]) == (f"{b} | {c}", f"1 event waits; it still waits for {b} | {c}.")
    verdict = pending["verdict"]
    assert [(each["node"], each["true"], each["queued"]) for each in verdict["branches"]] == [
        (f"asset:{a}", True, 1),
        ("any", False, 0),
    ]
    assert verdict["since"] == verdict["branches"][0]["since"] is not None
    pause(node, name)
    make(b)
    due = explain(node, name)
    assert (due["pending"][0]["true"], due["pending"][0]["waits_for"]) == (True, None)
    assert due["says"].endswith("Its condition is true.")
    assert explain(node, name, as_of=at)["says"] == told["says"]


def test_partitions_are_explained_each_on_its_own(node: Any, put: Put, name: str, make: Make, key: str) -> None:
    day = {"*": {"map": "start-of", "unit": "day", "of": "hour", "at_least": 3}}
    put(key, partitions=day)
    make(key, "2026-11-21T01", "2026-11-21T02", "2026-11-22T01")
    told = explain(node, name)
    assert [(each["partition"], each["true"]) for each in told["pending"]] == [
        ("2026-11-21", False),
        ("2026-11-22", False),
    ]
    assert [each["verdict"]["queued"] for each in told["pending"]] == [2, 1]
    assert told["pending"][0]["missing"] == [f"asset:{key}"]
    assert "in 2 partitions" in told["says"]


def test_a_queue_is_deleted_and_tells_what_was_in_it(node: Any, put: Put, name: str, make: Make, key: str) -> None:
    put([key, f"{key}/missing"])
    positions = make(key, None, "mon", None)
    gone = node.http.delete(f"/v1/consumers/{name}/queue").json()
    assert (gone["count"], [item["position"] for item in gone["events"]]) == (3, positions)
    assert queue(node, name)["items"] == []
    for trigger_id in gone["triggers"]:
        trigger = node.get(f"/v1/triggers/{trigger_id}").json()
        assert (trigger["state"], trigger["error"], trigger["by"]) == (
            "cancelled",
            "deleted from the queue",
            "anonymous",
        )
    assert node.http.delete(f"/v1/consumers/{name}/queue").json()["triggers"] == []
    assert [item["position"] for item in queue(node, name, as_of=positions[-1])["items"]] == positions


def test_a_part_of_a_queue_is_deleted(node: Any, put: Put, name: str, make: Make, key: str) -> None:
    other = f"{key}/other"
    put([key, other, f"{key}/missing"])
    first, monday, second = make(key, None, "mon", None)
    (third,) = make(other)

    def delete(**params: Any) -> list[str]:
        deleted = node.http.delete(f"/v1/consumers/{name}/queue", params=params)
        assert deleted.status_code == 200, deleted.text
        return [item["position"] for item in deleted.json()["events"]]

    assert delete(asset=f"{key}/unknown") == []
    assert delete(partition="mon") == [monday]
    assert delete(before=second) == [first]
    assert delete(asset=other) == [third]
    assert [item["position"] for item in queue(node, name)["items"]] == [second]
    recorded = node.get("/v1/asset", key=key).json()["last_materialization"]["time"]
    assert delete(before="2000-01-01T00:00:00Z") == []
    assert delete(before=recorded[:4] + "-01-01T00:00:00Z") == []


def test_only_the_queue_of_one_consumer_is_deleted(node: Any, put: Put, name: str, make: Make, key: str) -> None:
    for called in (name, f"{name}-too"):
        put([key, f"{key}/missing"], called=called)
    positions = make(key)
    assert node.http.delete(f"/v1/consumers/{name}/queue").json()["count"] == 1
    assert [item["position"] for item in queue(node, f"{name}-too")["items"]] == positions


def test_a_consumer_starts_where_it_is_told_to(node: Any, put: Put, name: str, make: Make, key: str) -> None:
    first, second = make(key, None, None)
    put([key, f"{key}/missing"], start=first)
    assert [item["position"] for item in queue(node, name)["items"]] == [second]
    put([key, f"{key}/missing"], called=f"{name}-too", start="2000-01-01T00:00:00Z")
    assert [item["position"] for item in queue(node, f"{name}-too")["items"]] == [first, second]


def test_consumers_are_read_on_while_the_fold_waits(node: Any, put: Put, name: str, make: Make, key: str) -> None:
    declared = put([key, f"{key}/missing"]).json()
    positions = make(key)
    waiting, go_on = threading.Event(), threading.Event()

    def hold(_: Any) -> None:
        waiting.set()
        go_on.wait(60)

    holding = threading.Thread(target=lambda: node.do(node.node.parts.projector.ask_desk(hold)))
    holding.start()
    try:
        assert waiting.wait(60)
        assert node.get(f"/v1/consumers/{name}").json() == {**declared, "queued": 1}
        assert [item["position"] for item in queue(node, name)["items"]] == positions
    finally:
        go_on.set()
        holding.join()
