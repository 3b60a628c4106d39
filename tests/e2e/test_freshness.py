"""Freshness policies on a whole node: who is overdue is told once, shown everywhere, and fires who waits for it."""

from __future__ import annotations

import re
import time
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from assetlog.catalog.cli.main import main
from assetlog.consumers.fold.digest import state_digest
from assetlog.consumers.fold.fold import open_fold
from assetlog.producers import Asset, Emitter
from assetlog.schemas.times import parse_time

WITHIN = 30.0


def until(condition: Callable[[], Any]) -> Any:
    """What a condition says once it says something."""
    end = time.monotonic() + WITHIN
    while not (found := condition()):
        assert time.monotonic() < end, "it did not come to pass"
        time.sleep(0.02)
    return found


def overdue(node: Any, key: str) -> list[Any]:
    """The breaches that were told of an asset."""
    listed: list[Any] = node.get("/v1/events", asset=key, type="asset.overdue", order="asc", after="0-0").json()[
        "items"
    ]
    return listed


def asset(node: Any, key: str, **params: Any) -> Any:
    return node.get("/v1/asset", key=key, **params).json()


def test_an_asset_that_is_not_renewed_in_time_is_overdue_until_it_is(node: Any, event: Any, key: str) -> None:
    node.post(event("asset.described", key, {"freshness": {"max_age": 1}}), event("asset.materialized", key))
    assert asset(node, key)["state"] == "fresh"
    (told,) = until(lambda: overdue(node, key))
    shown = asset(node, key)
    assert shown["state"] == "stale"
    made = parse_time(shown["last_materialization"]["time"])
    assert told["event"]["data"]["reason"] == "not materialized for 1 seconds"
    assert told["event"]["source"] == "assetlog://scheduler"
    due = parse_time(told["event"]["time"])
    assert (due - made).total_seconds() == 1
    assert shown["state_reason"] == f"overdue since {due.isoformat()[:19]}Z (max_age 1.0)"
    node.post(event("asset.materialized", key))
    assert asset(node, key)["state"] == "fresh"
    assert asset(node, key, as_of=told["position"])["state"] == "stale"
    assert len(until(lambda: overdue(node, key)[1:])) == 1


def test_a_consumer_fires_when_an_asset_is_overdue(node: Any, event: Any, key: str) -> None:
    body = {"condition": {"stale": {"uri": key}}, "target": {"kind": "stream", "stream": "alarms"}}
    assert node.http.put("/v1/consumers/alarm", json=body).status_code == 201
    node.post(event("asset.described", key, {"freshness": {"max_age": 1}}))
    (told,) = until(lambda: overdue(node, key))
    (trigger,) = until(lambda: node.get("/v1/triggers", consumer="alarm", state="succeeded").json()["items"])
    shown = node.get(f"/v1/triggers/{trigger['id']}").json()
    assert [item["position"] for item in shown["events"]] == [told["position"]]
    assert (asset(node, key)["state"], asset(node, key)["last_materialization"]) == ("stale", None)


def test_what_is_overdue_is_stale_wherever_it_is_shown(
    node: Any, event: Any, key: str, capsys: pytest.CaptureFixture[str]
) -> None:
    described = event("asset.described", key, {"freshness": {"max_age": 0.2}, "upstream": [f"{key}/up"]})
    node.post(described, event("asset.materialized", key))
    until(lambda: overdue(node, key))
    listed = node.get("/v1/assets", prefix=key, state="stale").json()["items"]
    assert [item["key"] for item in listed] == [key]
    nodes = node.get("/v1/lineage", key=key, depth=1).json()["nodes"]
    assert {item["key"]: item["state"] for item in nodes} == {key: "stale", f"{key}/up": "unknown"}
    assert main(["asset", key, "--url", node.url]) == 0
    assert re.search(r"state\s+overdue since \S+Z \(max_age 0\.2\)", capsys.readouterr().out)
    assert main(["assets", "--state", "stale", "--prefix", key, "--url", node.url, "--json"]) == 0
    assert key in capsys.readouterr().out


def test_a_policy_that_is_declared_in_python_counts(node: Any, key: str, tmp_path: Path) -> None:
    emitter = Emitter(node.url, home=tmp_path)
    emitter.describe(Asset(key, freshness=timedelta(milliseconds=300)))
    emitter.close()
    (told,) = until(lambda: overdue(node, key))
    assert told["event"]["data"]["due"] == told["event"]["time"]
    assert asset(node, key)["freshness"] == {"max_age": 0.3}


def test_nothing_is_told_twice_by_a_node_that_starts_again_and_replay_says_the_same(
    tmp_path: Path, running_node: Any, event: Any
) -> None:
    first = running_node(home=tmp_path)
    keys = [f"s3://lake/{number}" for number in range(3)]
    policy = {"freshness": {"max_age": 0.5}}
    first.post(*(event("asset.described", key, policy) for key in keys), event("asset.materialized", keys[0]))
    until(lambda: all(overdue(first, key) for key in keys))
    first.post(event("asset.described", "s3://lake/later", {"freshness": {"max_age": 2}}))
    first.stop()

    again = running_node(home=tmp_path)
    until(lambda: overdue(again, "s3://lake/later"))
    assert [len(overdue(again, key)) for key in keys] == [1, 1, 1]
    states = {item["key"]: item["state"] for item in again.get("/v1/assets").json()["items"]}
    assert states == dict.fromkeys([*keys, "s3://lake/later"], "stale")
    fold = again.node.parts.projector.fold
    replayed, _ = open_fold(tmp_path / "replayed.duckdb", "default", again.node.log.bodies)
    replayed.fold(again.node.log.bodies.fetch_range(0, 1000))
    assert state_digest(replayed.store.reader) == state_digest(fold.store.cursor())
    replayed.close()
    again.stop()
