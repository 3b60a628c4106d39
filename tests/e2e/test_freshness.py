"""Freshness policies on a whole node: who is overdue is told once, shown everywhere, and fires who waits for it."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

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
