"""A token with a key prefix sees and writes what is below it; no answer it gets names any other asset."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any
from urllib.parse import quote

import pytest
from litestar import Litestar

from assetlog.catalog.api.app import HANDLERS
from assetlog.catalog.api.openapi import specs_of
from assetlog.schemas.stream import stream_key

OWN = "s3://team-a/orders"
RAW = "s3://team-a/raw"
HIDDEN = "s3://team-b/hidden-source"
WORD = "hidden"
"""Stands in everything that the token must not see."""

GETS = sorted(
    {
        path
        for path, method, _, spec in specs_of(Litestar(HANDLERS, openapi_config=None, logging_config=None))
        if method == "GET" and "catalog:read" in spec.scopes
    }
)
NAMELESS = {"/", "/docs", "/docs/{name}", "/openapi.json", "/asyncapi.json", "/metrics", "/v1/log/digest"}
"""Routes whose answers name no asset, whoever asks."""
ELSEWHERE = {"/v1/events/stream", "/v1/blobs/{sha256}"}
"""Routes that are tried on their own: below, and in test_blobs.py."""
ASKED: dict[str, list[dict[str, str]]] = {
    "/v1/events": [
        {"limit": "1000"},
        {"asset": OWN},
        {"asset": HIDDEN},
        {"asset": "s3://team-b/hidden-alias"},
        {"run": "run-both"},
        {"run": "run-hidden"},
        {"type": "run.*"},
        {"type": "asset.*", "order": "desc"},
    ],
    "/v1/assets": [
        {},
        {"q": "hidden"},
        {"prefix": "s3://team-b/"},
        {"retired": "true"},
        {"sort": "materializations"},
        {"sort": "first_seen", "state": "stale"},
        {"group": "hidden-group"},
        {"tag": "hidden"},
        {"owner": "hidden"},
    ],
    "/v1/asset": [{"key": OWN}, {"key": RAW}, {"key": HIDDEN}, {"key": "s3://team-b/hidden-alias"}],
    "/v1/asset/events": [{"key": OWN}, {"key": HIDDEN}],
    "/v1/asset/partitions": [{"key": OWN}, {"key": HIDDEN}],
    "/v1/asset/checks": [{"key": OWN}, {"key": HIDDEN}],
    "/v1/asset/artifacts": [{"key": OWN}, {"key": HIDDEN}],
    "/v1/tree": [{}, {"prefix": "s3"}, {"prefix": "s3://team-b"}],
    "/v1/lineage": [{"key": OWN, "columns": "true", "depth": "100"}, {"key": RAW}, {"key": HIDDEN}],
    "/v1/graph": [{}],
    "/v1/groups": [{}],
    "/v1/aliases": [{}],
    "/v1/artifacts": [{}, {"q": "hidden"}, {"asset": HIDDEN}, {"run": "run-both"}],
    "/v1/artifact": [{"key": "hidden-report"}, {"key": "own-report"}],
    "/v1/artifact/versions": [{"key": "hidden-report"}, {"key": "own-report"}],
    "/v1/artifact/history": [{"key": "hidden-report"}, {"id": "hidden-report-1"}, {"key": "own-report"}],
    "/v1/artifact/diff": [{"key": "hidden-report"}, {"key": "own-report"}],
    "/v1/runs": [{}, {"asset": OWN}, {"asset": HIDDEN}, {"state": "failed"}, {"job": "both"}],
    "/v1/run": [{"id": "run-both"}, {"id": "run-own"}, {"id": "run-hidden"}],
    "/v1/jobs": [{}],
    "/v1/diff": [{"from": "0-0"}],
    "/v1/quarantine": [{}],
    "/v1/consumers": [{}, {"asset": HIDDEN}, {"asset": OWN}, {"q": "hidden"}],
    "/v1/consumers/{name}": [{"name": "hidden-reader"}, {"name": "hidden-mixed"}, {"name": "own-reader"}],
    "/v1/consumers/{name}/explain": [{"name": "hidden-reader"}, {"name": "hidden-mixed"}, {"name": "own-reader"}],
    "/v1/consumers/{name}/queue": [{"name": "hidden-reader"}, {"name": "hidden-mixed"}, {"name": "own-reader"}],
    "/v1/triggers": [{}, {"asset": HIDDEN}, {"asset": OWN}, {"state": "cancelled"}],
    "/v1/triggers/{trigger_id}": [
        {"trigger_id": "of hidden-reader"},
        {"trigger_id": "of hidden-mixed"},
        {"trigger_id": "of hidden-outlet"},
        {"trigger_id": "of own-reader"},
    ],
}
"""What is asked of each route that answers about the catalog; a new route must be here."""
CONSUMERS: dict[str, dict[str, Any]] = {
    "hidden-reader": {"condition": [HIDDEN, "s3://team-b/missing"], "outlets": ["s3://team-b/hidden-report"]},
    "hidden-mixed": {"condition": [HIDDEN, OWN, "s3://team-a/missing"], "description": "hidden"},
    "hidden-group": {"condition": {"all": [{"group": "hidden-group"}, {"asset": OWN}]}},
    "hidden-outlet": {"condition": [OWN, "s3://team-a/missing"], "outlets": ["s3://team-b/hidden-report"]},
    "hidden-clock": {"condition": "0 0 1 1 *", "description": "hidden"},
    "own-reader": {"condition": [RAW, OWN, "s3://team-a/missing"], "outlets": ["s3://team-a/report"]},
}
"""Consumers that never come due."""


@pytest.fixture(scope="module")
def catalog(running_node: Any, tmp_path_factory: pytest.TempPathFactory, event: Any) -> Iterator[Any]:
    """A node with two teams' assets, and a token for one of the teams."""
    node = running_node(home=tmp_path_factory.mktemp("home"))
    both = {"id": "run-both", "job": "both"}
    refs = [{"asset": HIDDEN, "column": "c"}, {"asset": RAW, "column": "c"}]
    node.post(
        event("asset.materialized", RAW, {"run": {"id": "run-own", "job": "own"}, "partition": "one"}),
        event("run.failed", "run-own", {"error": "disk full", "job": "own"}),
        event("asset.materialized", HIDDEN, {"run": both, "partition": "hidden-part"}),
        event("asset.materialized", OWN, {"upstream": [RAW, HIDDEN], "column_lineage": {"c": refs}, "run": both}),
        event("asset.materialized", HIDDEN, {"run": {"id": "run-hidden", "job": "hidden-job"}}),
        event("asset.materialized", "s3://team-b/hidden-sink", {"upstream": [OWN]}),
        event("asset.aliased", OWN, {"alias": "s3://team-b/hidden-alias"}),
        event("asset.aliased", OWN, {"alias": "s3://team-a/old-orders"}),
        event("asset.described", HIDDEN, {"group": "hidden-group", "tags": {"hidden": ""}, "owners": ["hidden"]}),
        event("asset.described", OWN, {"group": "sales", "upstream": [HIDDEN]}),
        event("asset.checked", HIDDEN, {"check": "hidden-check", "passed": False}),
        event("asset.checked", OWN, {"check": "own-check", "passed": True}),
        event("run.failed", "run-both", {"error": f"{HIDDEN} is gone", "job": "both"}),
        event("run.started", "run-hidden", {"job": "hidden-job"}),
        event("alias.resolved", "hidden-name", {"asset": HIDDEN}),
        event("alias.resolved", "own-name", {"asset": OWN}),
        event(
            "artifact.created",
            "hidden-report",
            {"type": "markdown", "data": "hidden", "asset": HIDDEN},
            id="hidden-report-1",
        ),
        event("artifact.updated", None, {"artifact": "hidden-report-1", "description": "hidden"}),
        event("artifact.created", "hidden-report", {"type": "markdown", "data": "hidden too", "asset": HIDDEN}),
        event("artifact.created", "hidden-nobodys", {"type": "markdown", "data": "hidden"}),
        event("artifact.created", "own-report", {"type": "progress", "data": 1, "asset": OWN}, id="own-report-1"),
        event("artifact.updated", "own-report", {"artifact": "own-report-1", "data": 77}),
        event("asset.observed", HIDDEN, {}, dataversion=99),
    )
    for name, declared in CONSUMERS.items():
        target = {"kind": "python", "function": "report", "pool": "hidden-pool" if name != "own-reader" else "own"}
        assert node.http.put(f"/v1/consumers/{name}", json={**declared, "target": target, "start": "0-0"}).is_success
    node.triggers = {
        f"of {name}": node.http.delete(f"/v1/consumers/{name}/queue").json()["triggers"][0]
        for name in ("hidden-reader", "hidden-mixed", "hidden-outlet", "own-reader")
    }
    node.post(event("asset.materialized", HIDDEN), event("asset.materialized", RAW))
    node.log.xadd(stream_key(), {"event": json.dumps(event("asset.observed", "hidden-is-no-key"))})
    node.post(event("asset.observed", OWN))
    admin = node.http.post("/v1/tokens", json={"name": "admin", "scopes": ["admin"]}).json()["token"]
    node.admin = {"authorization": f"Bearer {admin}"}
    team = {
        "name": "team-a",
        "scopes": ["catalog:read", "events:write", "consumers:write"],
        "prefixes": ["s3://team-a/*"],
    }
    token = node.http.post("/v1/tokens", json=team, headers=node.admin).json()["token"]
    node.team = {"authorization": f"Bearer {token}"}
    yield node
    node.stop()


@pytest.fixture(scope="module")
def running_node(running_node: Any) -> Any:
    """A node with a direct connection to its log."""

    class WithLog(running_node):  # type: ignore[misc]  # a class from a fixture
        @property
        def log(self) -> Any:
            return self.node.log.blocking

    return WithLog


def texts(path: str, params: dict[str, str], text: str) -> str:
    """An answer without what it repeats of the question: the asker wrote that."""
    text = text.replace("team-b", WORD)
    for asked in (value.replace("team-b", WORD) for value in params.values()):
        text = text.replace(asked, "").replace(quote(asked), "")
    return text


@pytest.mark.parametrize("path", sorted(NAMELESS))
def test_a_route_about_the_node_names_no_asset(catalog: Any, path: str) -> None:
    answer = catalog.http.get(path.replace("{name}", "openapi.json"), headers=catalog.admin)
    assert answer.status_code in (200, 307)
    assert "team-b" not in answer.text


def get(catalog: Any, path: str, params: dict[str, str], headers: dict[str, str]) -> Any:
    """GET a path, whose parts in braces are among the parameters."""
    in_path = {name: value for name, value in params.items() if f"{{{name}}}" in path}
    for name, value in in_path.items():
        path = path.replace(f"{{{name}}}", catalog.triggers.get(value, value))
    rest = {name: value for name, value in params.items() if name not in in_path}
    return catalog.http.get(path, params=rest, headers=headers)


@pytest.mark.parametrize("path", [path for path in GETS if path not in NAMELESS | ELSEWHERE])
def test_no_answer_names_an_asset_outside(catalog: Any, path: str) -> None:
    for params in ASKED[path]:
        answer = get(catalog, path, params, catalog.team)
        assert answer.status_code in (200, 404), answer.text
        assert WORD not in texts(path, params, answer.text), params
        whole = get(catalog, path, params, catalog.admin)
        assert answer.status_code == 404 or answer.headers["etag"] != whole.headers["etag"]


def test_the_walk_would_find_them(catalog: Any) -> None:
    found = {
        path
        for path, questions in ASKED.items()
        for params in questions
        if WORD in texts(path, params, get(catalog, path, params, catalog.admin).text)
    }
    assert found == ASKED.keys()


def test_the_stream_has_only_events_below_the_prefix(catalog: Any) -> None:
    params = {"after": "0-0"}
    with catalog.http.stream("GET", "/v1/events/stream", params=params, headers=catalog.team) as stream:
        text = b""
        for part in stream.iter_raw():
            text += part
            if b"own-report-1" in text and text.endswith(b"\n\n") and b'"asset.observed"' in text:
                break
    assert WORD.encode() not in text
    assert OWN.encode() in text


def team_get(catalog: Any, path: str, **params: Any) -> Any:
    answer = catalog.http.get(path, params=params, headers=catalog.team)
    assert answer.status_code == 200, answer.text
    return answer.json()


def test_what_lies_below_the_prefix_is_all_there(catalog: Any) -> None:
    assert [item["key"] for item in team_get(catalog, "/v1/assets")["items"]] == [OWN, RAW]
    asset = team_get(catalog, "/v1/asset", key="s3://team-a/old-orders")
    assert (asset["key"], asset["upstream"], asset["downstream"]) == (OWN, [RAW], [])
    assert asset["aliases"] == ["s3://team-a/old-orders"]
    assert asset["materializations"] == 1
    assert team_get(catalog, "/v1/artifact", key="own-report")["data"] == 77
    assert [item["name"] for item in team_get(catalog, "/v1/groups")["items"]] == ["sales"]
    assert [item["name"] for item in team_get(catalog, "/v1/aliases")["items"]] == ["own-name"]
    assert [item["name"] for item in team_get(catalog, "/v1/asset/checks", key=OWN)["items"]] == ["own-check"]
    assert [item["assets"] for item in team_get(catalog, "/v1/tree")["items"]] == [2]


def test_lineage_says_that_there_is_more_without_naming_it(catalog: Any) -> None:
    lineage = team_get(catalog, "/v1/lineage", key=OWN, columns=True)
    assert [node["key"] for node in lineage["nodes"]] == [OWN, RAW]
    assert [(edge["upstream"], edge["downstream"]) for edge in lineage["edges"]] == [(RAW, OWN)]
    assert [edge["upstream"] for edge in lineage["column_edges"]] == [RAW]
    assert lineage["truncated"]
    assert team_get(catalog, "/v1/graph")["truncated"]


def test_a_run_tells_its_state_only_if_it_touched_nothing_outside(catalog: Any) -> None:
    own, both = team_get(catalog, "/v1/run", id="run-own"), team_get(catalog, "/v1/run", id="run-both")
    assert (own["state"], own["error"], own["produced"]) == ("failed", "disk full", [RAW])
    assert (both["state"], both["error"], both["produced"]) == ("unknown", None, [OWN])


def test_its_own_events_come_without_the_upstreams_outside(catalog: Any) -> None:
    events = [item["event"] for item in team_get(catalog, "/v1/asset/events", key=OWN)["items"] if item["event"]]
    [materialized] = [event for event in events if event["type"] == "asset.materialized"]
    assert materialized["data"]["upstream"] == [RAW]
    assert materialized["data"]["column_lineage"] == {"c": [{"asset": RAW, "column": "c"}]}


@pytest.mark.parametrize(
    ("type_name", "subject", "data", "field"),
    [
        ("asset.materialized", HIDDEN, {}, "subject"),
        ("asset.observed", "s3://team-a", {}, "subject"),
        ("asset.observed", "s3://team-ab/x", {}, "subject"),
        ("asset.retired", HIDDEN, {}, "subject"),
        ("asset.aliased", OWN, {"alias": HIDDEN}, "data.alias"),
        ("asset.aliased", HIDDEN, {"alias": OWN}, "subject"),
        ("alias.resolved", "name", {"asset": HIDDEN}, "data.asset"),
        ("artifact.created", "report", {"type": "markdown", "data": "x", "asset": HIDDEN}, "data.asset"),
        ("artifact.created", "report", {"type": "markdown", "data": "x"}, "data.asset"),
        ("artifact.retired", "hidden-report", {}, "type"),
        ("openlineage.received", "run", {"event": {}}, "type"),
    ],
)
def test_nothing_is_written_about_an_asset_outside(
    catalog: Any, event: Any, type_name: str, subject: str, data: Any, field: str
) -> None:
    good = event("asset.observed", OWN)
    answer = catalog.post(good, event(type_name, subject, data), headers=catalog.team)
    assert answer.status_code == 207
    [rejected] = answer.json()["rejected"]
    assert (rejected["index"], rejected["code"], rejected["field"]) == (1, "outside-prefix", field)
    assert "s3://team-a/*" in rejected["rule"]
    alone = catalog.post(event(type_name, subject, data), headers=catalog.team)
    assert (alone.status_code, alone.json()["code"]) == (403, "outside-prefix")


def test_below_the_prefix_it_writes_with_upstreams_outside_and_runs(catalog: Any, event: Any) -> None:
    answer = catalog.post(
        event("asset.materialized", "S3://team-a/new", {"upstream": [HIDDEN], "run": {"id": "run-new"}}),
        event("run.succeeded", "run-new"),
        headers=catalog.team,
    )
    assert (answer.status_code, answer.json()["rejected"]) == (201, [])
    assert team_get(catalog, "/v1/asset", key="s3://team-a/new")["upstream"] == []
    assert team_get(catalog, "/v1/run", id="run-new")["state"] == "succeeded"
    made = {"type": "markdown", "data": "x", "asset": OWN}
    assert catalog.http.post("/v1/artifacts", json=made, headers=catalog.team).status_code == 201
    assert catalog.http.post("/v1/artifacts", json={**made, "asset": HIDDEN}, headers=catalog.team).status_code == 403


def test_it_sees_consumers_that_name_nothing_outside(catalog: Any) -> None:
    assert [item["name"] for item in team_get(catalog, "/v1/consumers")["items"]] == ["own-reader"]
    fired = team_get(catalog, "/v1/triggers")["items"]
    assert {item["consumer"] for item in fired} == {"own-reader"}
    own = [event for item in fired for event in team_get(catalog, f"/v1/triggers/{item['id']}")["events"]]
    assert {event["key"] for event in own} == {RAW, OWN}
    assert [item["key"] for item in team_get(catalog, "/v1/consumers/own-reader/queue")["items"]] == [RAW]


@pytest.mark.parametrize("name", [name for name in CONSUMERS if name != "own-reader"])
def test_it_writes_no_consumer_that_names_anything_outside(catalog: Any, name: str) -> None:
    target = {"kind": "python", "function": "report", "pool": "own"}
    refused = catalog.http.put("/v1/consumers/new", json={**CONSUMERS[name], "target": target}, headers=catalog.team)
    assert (refused.status_code, refused.json()["code"]) == (403, "outside-prefix")
    taken = {"condition": OWN, "target": target}
    over = catalog.http.put(f"/v1/consumers/{name}?replace=true", json=taken, headers=catalog.team)
    assert (over.status_code, over.json()["code"]) == (403, "outside-prefix")
    assert catalog.http.delete(f"/v1/consumers/{name}", headers=catalog.team).status_code == 404
    for act in ("pause", "resume", "trigger"):
        answer = catalog.http.post(f"/v1/consumers/{name}/{act}", json={}, headers=catalog.team)
        assert answer.status_code == 404
    assert catalog.http.delete(f"/v1/consumers/{name}/queue", headers=catalog.team).status_code == 404


def test_it_acts_on_no_trigger_that_consumed_anything_outside(catalog: Any) -> None:
    for of in ("of hidden-reader", "of hidden-mixed", "of hidden-outlet"):
        for act in ("retry", "cancel"):
            path = f"/v1/triggers/{catalog.triggers[of]}/{act}"
            assert catalog.http.post(path, json={}, headers=catalog.team).status_code == 404
    made = catalog.http.post("/v1/asset/materialize", params={"key": HIDDEN}, json={}, headers=catalog.team)
    assert made.status_code == 404


def test_below_the_prefix_it_declares_and_runs_consumers(catalog: Any) -> None:
    target = {"kind": "python", "function": "report", "pool": "own"}
    declared = {"condition": {"pattern": "s3://team-a/new/*"}, "target": target, "outlets": ["s3://team-a/made"]}
    put = catalog.http.put("/v1/consumers/new-reader", json=declared, headers=catalog.team)
    assert put.status_code == 201, put.text
    made = catalog.http.post(
        "/v1/asset/materialize", params={"key": "s3://team-a/made"}, json={"by": "x"}, headers=catalog.team
    )
    assert (made.status_code, made.json()["by"]) == (201, "team-a")
    assert catalog.http.delete("/v1/consumers/new-reader", headers=catalog.team).status_code == 200
