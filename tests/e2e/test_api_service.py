"""The service around the data: health, metrics, descriptions, documentation, headers, hosts, problems everywhere."""

from __future__ import annotations

import json
import re
from typing import Any

import httpx
import jsonschema
import pytest
from litestar import Litestar

from assetlog.catalog.api.app import HANDLERS
from assetlog.catalog.api.openapi import specs_of
from assetlog.schemas.events import EVENT_TYPES

ROUTES = sorted(
    {(path, method) for path, method, _, _ in specs_of(Litestar(HANDLERS, openapi_config=None, logging_config=None))}
)
PATHS = sorted({path for path, method in ROUTES if method == "GET"})
PROBLEM = {"type", "title", "status", "code", "detail", "hint", "errors"}


def is_problem(answer: httpx.Response, status: int) -> bool:
    """Whether an answer is an RFC 9457 problem of a status."""
    body = answer.json()
    return (
        answer.headers["content-type"] == "application/problem+json"
        and answer.status_code == body["status"] == status
        and body.keys() >= PROBLEM
        and bool(body["hint"])
    )


def url_of(path: str) -> str:
    return path.replace("{name}", "start.js")


@pytest.mark.parametrize("path", PATHS)
def test_every_route_refuses_unknown_parameters_with_a_problem(node: Any, path: str) -> None:
    assert is_problem(node.http.get(url_of(path), params={"as_off": "x"}), 400)


@pytest.mark.parametrize("path", PATHS)
def test_every_route_refuses_other_methods_with_a_problem(node: Any, path: str) -> None:
    answer = node.http.patch(url_of(path))
    assert is_problem(answer, 405)
    if "{" not in path:  # the header is looked up by the path as it came
        assert "GET" in answer.headers["allow"]


@pytest.mark.parametrize(
    "path", ["/v1", "/v1/asset/x", "/v2/events", "/health", "/health/live/x", "/v1/events/../x", "/é", "/x/health/live"]
)
def test_a_path_nobody_knows_is_a_problem(node: Any, path: str) -> None:
    assert is_problem(node.http.get(path), 404)


@pytest.mark.parametrize(("path", "method"), ROUTES)
def test_every_answer_has_position_and_protecting_headers(node: Any, path: str, method: str) -> None:
    if (path, method) == ("/v1/events/stream", "GET"):
        return  # it goes on for ever; HEAD tells the same
    headers = node.http.request(method, url_of(path)).headers
    assert re.fullmatch(r"\d+-\d+", headers["assetlog-position"])
    assert headers["x-content-type-options"] == "nosniff"
    assert "default-src 'none'" in headers["content-security-policy"]
    assert headers["x-request-id"]
    assert "access-control-allow-origin" not in headers
    assert "server" not in headers


def test_a_bug_is_answered_with_an_id_and_without_its_text(
    node: Any, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def broken(*_: Any, **__: Any) -> None:
        raise ZeroDivisionError("the secret reason")

    monkeypatch.setattr(type(node.node.parts.reader), "jobs", broken)
    answer = node.get("/v1/jobs")
    assert is_problem(answer, 500)
    assert "secret" not in answer.text
    incident = answer.json()["detail"].split()[-1].rstrip(".")
    assert incident in [record.__dict__.get("incident") for record in caplog.records]
    assert "the secret reason" in caplog.text


def test_a_node_lives_and_is_ready(node: Any, event: Any, key: str) -> None:
    position = node.post(event("asset.observed", key)).json()["accepted"][0]["position"]
    assert node.get("/health/live").json() == {"status": "live", "position": position, "warnings": []}
    assert node.get("/health/ready").json() == {"status": "ready", "position": position, "warnings": []}


def test_metrics_tell_positions_lag_and_latency_by_route(node: Any, event: Any, key: str) -> None:
    node.post(event("asset.observed", key))
    node.get("/v1/asset", key=key)
    node.http.get(f"/made-up/{key}")
    answer = node.get("/metrics")
    assert answer.headers["content-type"].startswith("text/plain; version=0.0.4")
    text = answer.text
    for line in (
        'assetlog_fold_events_total{outcome="folded"}',
        'assetlog_fold_events_total{outcome="quarantined"} 0.0',
        "assetlog_fold_lag_events 0.0",
        "assetlog_fold_lag_seconds 0.0",
        "assetlog_fold_running 1.0",
        "assetlog_log_server_bytes",
        "assetlog_append_seconds_count",
        'assetlog_build_info{version="0.1.0"} 1.0',
        'assetlog_request_seconds_count{method="GET",route="/v1/asset",status="200"}',
        'assetlog_request_seconds_count{method="GET",route="unmatched",status="404"}',
    ):
        assert line in text
    assert key not in text
    assert "made-up" not in text


def test_the_openapi_document_is_valid_and_names_every_route(node: Any) -> None:
    document = node.get("/openapi.json").json()
    assert document["openapi"] == "3.1.0"
    described = {(path, method.upper()) for path, methods in document["paths"].items() for method in methods}
    assert described == {route for route in ROUTES if route[1] != "HEAD"}
    for schema in document["components"]["schemas"].values():
        jsonschema.Draft202012Validator.check_schema(schema)
    references = set(re.findall(r'"#/components/schemas/(\w+)"', json.dumps(document)))
    assert references <= document["components"]["schemas"].keys()


def test_every_parameter_and_every_problem_is_described(node: Any) -> None:
    document = node.get("/openapi.json").json()
    for path, methods in document["paths"].items():
        for operation in methods.values():
            assert operation["summary"], path
            assert all(each["description"] for each in operation["parameters"] if each["in"] == "query"), path
            assert "500" in operation["responses"]
            for status, response in operation["responses"].items():
                assert int(status) < 400 or "application/problem+json" in response["content"]


@pytest.mark.parametrize(
    "path", ["/v1/assets", "/v1/events", "/v1/graph", "/v1/runs", "/v1/tree", "/v1/quarantine", "/v1/diff?from=0-0"]
)
def test_answers_are_as_their_schema_says(node: Any, event: Any, key: str, path: str) -> None:
    run = {"run": {"id": "r1", "job": "j"}}
    node.post(event("asset.materialized", key, {"upstream": [f"{key}/up"], **run}), event("run.started", "r1"))
    document = node.get("/openapi.json").json()
    operation = document["paths"][path.partition("?")[0]]["get"]
    schema = operation["responses"]["200"]["content"]["application/json"]["schema"]
    answer = node.http.get(path)
    assert answer.status_code == 200
    jsonschema.validate(answer.json(), {**schema, "components": document["components"]})


def test_a_problem_and_a_receipt_are_as_their_schemas_say(node: Any, event: Any, key: str) -> None:
    components = node.get("/openapi.json").json()["components"]
    for name, answer in (
        ("Problem", node.get("/v1/asset")),
        ("Receipt", node.post(event("asset.observed", key))),
        ("Health", node.get("/health/live")),
    ):
        jsonschema.validate(answer.json(), {"$ref": f"#/components/schemas/{name}", "components": components})


def test_the_asyncapi_document_has_a_schema_for_every_event_type(node: Any, event: Any, key: str) -> None:
    document = node.get("/asyncapi.json").json()
    assert document["asyncapi"].startswith("3.")
    (channel,) = document["channels"].values()
    assert channel["address"] == "assetlog:{default}:events"
    assert channel["messages"].keys() == document["components"]["messages"].keys() == EVENT_TYPES.keys()
    schema = document["components"]["messages"]["asset.materialized"]["payload"]["schema"]
    jsonschema.validate(event("asset.materialized", key, {"upstream": []}), schema)
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.validate(event("asset.materialized", key, {"upstreams": []}), schema)
    assert ".sock" not in json.dumps(document)


def test_the_documentation_needs_nothing_from_elsewhere(node: Any) -> None:
    page = node.get("/docs")
    assert page.headers["content-type"].startswith("text/html")
    assert "connect-src 'self'" in page.headers["content-security-policy"]
    assert not re.findall(r"https?://", page.text)
    parts = re.findall(r'(?:src|href)="([^"]+)"', page.text)
    assert {"/docs/swagger-ui-bundle.js", "/docs/swagger-ui.css", "/docs/start.js"} <= set(parts)
    for part in parts:
        assert node.http.get(part).status_code == 200
    assert not re.findall(r"https?://", node.get("/docs/start.js").text)
    assert b"sourceMappingURL" not in node.get("/docs/swagger-ui-bundle.js").content[-200:]


def test_the_page_shows_the_same_api_in_the_older_form_it_understands(node: Any) -> None:
    new, old = node.get("/openapi.json").json(), node.get("/docs/openapi.json").json()
    assert old["openapi"] == "3.0.3"
    assert old["paths"].keys() == new["paths"].keys()
    assert '"null"' not in json.dumps(old)


def test_the_root_leads_to_the_documentation(node: Any) -> None:
    answer = node.get("/")
    assert (answer.status_code, answer.headers["location"]) == (307, "/docs")


@pytest.mark.parametrize("host", ["localhost", "127.0.0.1:8470", "[::1]:1", "LOCALHOST:80"])
def test_names_of_this_machine_are_answered(node: Any, host: str) -> None:
    assert node.http.get("/health/live", headers={"host": host}).status_code == 200


@pytest.mark.parametrize(
    "host", ["evil.example", "localhost.evil.example", "127.0.0.1.evil.example:80", "10.0.0.1", ""]
)
def test_foreign_host_names_are_refused(node: Any, host: str) -> None:
    answer = node.http.get("/v1/assets", headers={"host": host})
    assert is_problem(answer, 421)
    assert answer.json()["code"] == "unknown-host"
    assert answer.headers["x-content-type-options"] == "nosniff"


def test_hosts_can_be_allowed(running_node: Any, tmp_path: Any) -> None:
    node = running_node(home=tmp_path, allowed_hosts="catalog.example, other.example")
    try:
        assert node.http.get("/health/live", headers={"host": "catalog.example:80"}).status_code == 200
        assert node.http.get("/health/live", headers={"host": "third.example"}).status_code == 421
    finally:
        node.stop()


@pytest.mark.parametrize(("path", "name"), [("/v1/artifacts", "type"), ("/v1/runs", "state"), ("/v1/assets", "state")])
def test_the_word_null_is_no_way_to_leave_a_parameter_out(node: Any, path: str, name: str) -> None:
    answer = node.get(path, **{name: "null"})
    assert is_problem(answer, 400)
    assert answer.json()["errors"][0]["field"] == name
    assert node.get("/v1/assets", q="null").status_code == 200
