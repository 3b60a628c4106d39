"""Reads: now and as of a moment, waiting for a position, pages, tags, and parameters nobody knows."""

from __future__ import annotations

import time
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest


def last_position(answer: Any) -> str:
    return str(answer.json()["accepted"][-1]["position"])


def test_as_of_a_position_answers_the_state_of_then(node: Any, event: Any, key: str) -> None:
    first = last_position(node.post(event("asset.materialized", key)))
    node.post(event("asset.failed", key, {"error": "disk full"}))
    assert node.get("/v1/asset", key=key).json()["state"] == "failed"
    then = node.get("/v1/asset", key=key, as_of=first)
    assert (then.json()["state"], then.headers["assetlog-position"]) == ("fresh", first)
    assert then.json()["last_failure"] is None


def test_as_of_a_time_names_the_position_it_answers(node: Any, event: Any, key: str) -> None:
    first = last_position(node.post(event("asset.materialized", key)))
    moment = datetime.fromtimestamp(int(first.split("-")[0]) / 1000, UTC)
    while datetime.now(UTC) < moment + timedelta(milliseconds=2):
        time.sleep(0.001)
    second = last_position(node.post(event("asset.materialized", key)))
    then = node.get("/v1/asset", key=key, as_of=moment.isoformat(timespec="milliseconds"))
    assert then.headers["assetlog-position"] == first
    assert then.json()["materializations"] == 1
    now = node.get("/v1/asset", key=key, as_of=datetime.now(UTC).isoformat())
    assert now.headers["assetlog-position"] == second


def test_before_the_first_event_there_is_nothing(node: Any, event: Any, key: str) -> None:
    node.post(event("asset.materialized", key))
    assert node.get("/v1/asset", key=key, as_of="2001-01-01T00:00:00Z").status_code == 404
    listed = node.get("/v1/assets", as_of="2001-01-01T00:00:00Z")
    assert (listed.json()["items"], listed.headers["assetlog-position"]) == ([], "0-0")


@pytest.mark.parametrize(
    ("moment", "code"),
    [
        ("yesterday", "invalid-time"),
        ("2026-11-21", "invalid-time"),
        ("2026-11-21T10:00:00", "invalid-time"),
        ("-5", "invalid-time"),
        ("99999999999999999999-0", "invalid-position"),
        ("8000000000000-0", "future-position"),
        ("2300-01-01T00:00:00Z", "future-position"),
    ],
)
def test_a_moment_that_is_none_is_a_problem(node: Any, moment: str, code: str) -> None:
    answer = node.get("/v1/assets", as_of=moment)
    assert (answer.status_code, answer.json()["code"], answer.json()["errors"][0]["field"]) == (400, code, "as_of")


def test_min_position_reads_ones_own_writes(node: Any, event: Any, key: str) -> None:
    for count in range(1, 21):
        position = last_position(node.post(event("asset.materialized", key), wait=False))
        assert node.get("/v1/asset", key=key, min_position=position).json()["materializations"] == count


def test_a_min_position_that_does_not_come_is_unavailable(running_node: Any, tmp_path: Any) -> None:
    node = running_node(home=tmp_path, wait_seconds=0.05)
    try:
        answer = node.get("/v1/assets", min_position="8000000000000-0")
        assert (answer.status_code, answer.json()["code"]) == (503, "not-yet-folded")
        assert answer.headers["retry-after"] == "1"
    finally:
        node.stop()


@pytest.mark.parametrize("path", ["/v1/asset", "/v1/events", "/v1/assets", "/v1/graph"])
def test_an_answer_the_client_has_is_not_sent_again(node: Any, event: Any, key: str, path: str) -> None:
    node.post(event("asset.materialized", key))
    params = {"key": key} if path == "/v1/asset" else {}
    first = node.get(path, **params)
    tag = first.headers["etag"]
    again = node.http.get(path, params=params, headers={"if-none-match": tag})
    assert (again.status_code, again.content, again.headers["etag"]) == (304, b"", tag)
    assert node.http.get(path, params=params, headers={"if-none-match": '"other", ' + tag}).status_code == 304
    assert node.http.get(path, params=params, headers={"if-none-match": '"other"'}).status_code == 200
    node.post(event("asset.materialized", key))
    assert node.http.get(path, params=params, headers={"if-none-match": tag}).status_code == 200


def test_another_question_has_another_tag(node: Any, event: Any, key: str) -> None:
    position = last_position(node.post(event("asset.materialized", key)))
    tags = {node.get("/v1/events", limit=limit, as_of=position).headers["etag"] for limit in (1, 2, 3)}
    assert len(tags) == 3


def test_pages_are_all_of_the_first_ones_moment(node: Any, event: Any, key: str) -> None:
    node.post(*[event("asset.observed", key) for _ in range(5)])
    page = node.get("/v1/asset/events", key=key, limit=2, order="asc").json()
    position, seen = page["position"], [each["position"] for each in page["items"]]
    node.post(*[event("asset.observed", key) for _ in range(5)])
    while page["next"]:
        page = node.get("/v1/asset/events", key=key, limit=2, order="asc", cursor=page["next"]).json()
        assert page["position"] == position
        seen += [each["position"] for each in page["items"]]
    assert len(seen) == len(set(seen)) == 5


@pytest.mark.parametrize("cursor", ["abc", "1-0_abc", "1-0", "_", "1-0_", "%20", "a=b"])
def test_a_made_up_cursor_is_a_problem(node: Any, event: Any, key: str, cursor: str) -> None:
    node.post(event("asset.observed", key))
    answer = node.get("/v1/events", cursor=cursor)
    assert answer.status_code == 400
    assert answer.json()["errors"][0]["field"] == "cursor"


def test_a_misspelt_parameter_is_named_and_never_ignored(node: Any, event: Any, key: str) -> None:
    answer = node.get("/v1/asset", key=key, asof="1-0")
    problem = answer.json()
    assert (answer.status_code, problem["code"], problem["hint"]) == (400, "unknown-parameter", "Did you mean as_of?")
    assert problem["errors"][0]["field"] == "asof"


@pytest.mark.parametrize(
    ("path", "field"),
    [
        ("/v1/events?limit=0", "limit"),
        ("/v1/events?limit=1001", "limit"),
        ("/v1/events?limit=many", "limit"),
        ("/v1/events?limit=1&limit=2", "limit"),
        ("/v1/events?order=up", "order"),
        ("/v1/events?after=soon", "after"),
        ("/v1/events?type=asset.nothing", "type"),
        ("/v1/events?min_position=x", "min_position"),
        ("/v1/asset", "key"),
        ("/v1/assets?state=bad", "state"),
        ("/v1/lineage?key=s3://a&depth=0", "depth"),
        ("/v1/lineage?key=s3://a&direction=left", "direction"),
        ("/v1/artifact", "key"),
        ("/v1/artifact?key=a&id=b", "key"),
        ("/v1/artifact?key=a&version=0", "version"),
        ("/v1/diff", "from"),
        ("/v1/diff?from=x", "from"),
        ("/v1/diff?from=0-0&to=x", "to"),
    ],
)
def test_a_parameter_that_breaks_its_rule_is_named(node: Any, path: str, field: str) -> None:
    answer = node.http.get(path)
    assert answer.status_code == 400
    assert answer.json()["errors"][0]["field"] == field


@pytest.mark.parametrize(
    ("path", "code"),
    [
        ("/v1/asset?key=s3://never/seen", "asset-not-found"),
        ("/v1/lineage?key=s3://never/seen", "asset-not-found"),
        ("/v1/run?id=never", "run-not-found"),
        ("/v1/artifact?key=never", "artifact-not-found"),
        ("/v1/artifact?id=never", "artifact-not-found"),
    ],
)
def test_what_is_not_there_is_not_found(node: Any, path: str, code: str) -> None:
    answer = node.http.get(path)
    assert (answer.status_code, answer.json()["code"]) == (404, code)
    assert answer.json()["hint"]


def test_every_spelling_of_a_key_names_the_asset(node: Any, event: Any, key: str) -> None:
    node.post(event("asset.materialized", key + "/"))
    assert node.get("/v1/asset", key=key.replace("s3://", "S3://") + "//#part").json()["key"] == key


def test_lineage_diff_tree_and_lists_know_what_was_emitted(node: Any, event: Any, key: str) -> None:
    before = node.get("/v1/events").headers["assetlog-position"]
    run = {"run": {"id": f"run-of-{key}", "job": f"job-of-{key}"}}
    up = f"{key}/up"
    node.post(
        event("asset.materialized", key, {"upstream": [up], "partition": "2026-11-21", **run}),
        event("asset.checked", key, {"check": "rows", "passed": True}),
        event("asset.described", key, {"group": f"group of {key}", "owners": ["ada"]}),
        event("run.succeeded", f"run-of-{key}", {"job": f"job-of-{key}"}),
        event("artifact.created", "a-report", {"type": "markdown", "data": "x", "asset": key}),
    )
    lineage = node.get("/v1/lineage", key=key).json()
    assert [(edge["upstream"], edge["downstream"]) for edge in lineage["edges"]] == [(up, key)]
    assert any(edge["upstream"] == up for edge in node.get("/v1/graph").json()["edges"])
    assert {each["key"] for each in node.get("/v1/diff", **{"from": before}).json()["items"]} == {key, up}
    assert [each["key"] for each in node.get("/v1/assets", owner="ada", prefix=key).json()["items"]] == [key]
    assert [each["partition"] for each in node.get("/v1/asset/partitions", key=key).json()["items"]] == ["2026-11-21"]
    assert [each["name"] for each in node.get("/v1/asset/checks", key=key).json()["items"]] == ["rows"]
    assert [each["key"] for each in node.get("/v1/asset/artifacts", key=key).json()["items"]] == ["a-report"]
    assert [each["version"] for each in node.get("/v1/artifact/versions", key="a-report").json()["items"]] == [1]
    assert node.get("/v1/run", id=f"run-of-{key}").json()["state"] == "succeeded"
    assert [each["id"] for each in node.get("/v1/runs", job=f"job-of-{key}").json()["items"]] == [f"run-of-{key}"]
    assert f"job-of-{key}" in {each["name"] for each in node.get("/v1/jobs").json()["items"]}
    assert f"group of {key}" in {each["name"] for each in node.get("/v1/groups").json()["items"]}
    assert {"s3://"} <= {each["prefix"] for each in node.get("/v1/tree").json()["items"]}


def test_the_hot_answer_and_the_one_from_sql_are_the_same(node: Any, event: Any, key: str) -> None:
    position = last_position(
        node.post(
            event("asset.described", key, {"name": "Orders", "tags": {"tier": "gold"}}),
            event("asset.materialized", key, {"upstream": [f"{key}/up"], "metadata": {"rows": 3}}),
            event("asset.failed", key, {"error": "late"}),
        )
    )
    assert node.get("/v1/asset", key=key).json() == node.get("/v1/asset", key=key, as_of=position).json()


def test_an_event_that_is_xadded_badly_is_quarantined_and_the_fold_goes_on(node: Any, event: Any, key: str) -> None:
    async def xadd() -> bytes:
        redis = node.node.parts.redis
        return bytes(await redis.xadd("assetlog:{default}:events", {"event": b"{not json"}))

    position = node.do(xadd()).decode()
    after = node.post(event("asset.materialized", key))
    assert after.json()["accepted"][0]["folded"] is True
    (bad,) = [each for each in node.get("/v1/quarantine").json()["items"] if each["position"] == position]
    assert (bad["code"], bad["event"]) == ("malformed-json", "{not json")


@pytest.mark.parametrize("path", ["/v1/events", "/v1/assets", "/health/live", "/openapi.json"])
def test_head_has_the_headers_of_get(node: Any, path: str) -> None:
    got, head = node.http.get(path), node.http.head(path)
    assert (head.status_code, head.content) == (200, b"")
    assert head.headers["content-length"] == got.headers["content-length"]


def test_options_lists_every_method(node: Any) -> None:
    answer = node.http.options("/v1/events")
    assert (answer.status_code, answer.headers["allow"]) == (204, "GET, HEAD, OPTIONS, POST")
