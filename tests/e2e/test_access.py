"""Who comes in, and who does not: every route and method, with and without tokens, and the neighbours' lessons."""

from __future__ import annotations

import http.client
import json
import time
from collections.abc import Callable, Iterator
from typing import Any, get_args
from urllib.parse import urlsplit

import httpx
import pytest
from litestar import Litestar

from assetlog.catalog.access.gate import OPEN_PATHS
from assetlog.catalog.access.tokens import Scope, new_token
from assetlog.catalog.api.app import HANDLERS
from assetlog.catalog.api.openapi import specs_of

SCOPES: dict[tuple[str, str], set[Scope]] = {}
"""Path and method -> the scopes that let a token in there."""
for path, method, _, spec in specs_of(Litestar(HANDLERS, openapi_config=None, logging_config=None)):
    SCOPES.setdefault((path, method), set()).update(spec.scopes)
    SCOPES.setdefault((path, "OPTIONS"), set()).update(spec.scopes)
ROUTES = sorted(SCOPES)
CLOSED = [(path, method) for path, method in ROUTES if path not in OPEN_PATHS]
OPEN = [(path, method) for path, method in ROUTES if path in OPEN_PATHS and method != "OPTIONS"]

Issue = Callable[..., str]


@pytest.fixture(scope="module")
def guarded(running_node: Any, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Any]:
    """A node whose catalog has a token, so that it asks everybody for one."""
    node = running_node(home=tmp_path_factory.mktemp("home"))
    first = node.http.post("/v1/tokens", json={"name": "first", "scopes": ["admin"]})
    assert first.status_code == 201
    node.admin = {"authorization": f"Bearer {first.json()['token']}"}
    yield node
    node.stop()


@pytest.fixture(scope="module")
def issue(guarded: Any) -> Issue:
    """Makes a token and returns it."""

    def make(*scopes: Scope, **more: Any) -> str:
        body = {"name": "test", "scopes": scopes, **more}
        answer = guarded.http.post("/v1/tokens", json=body, headers=guarded.admin)
        assert answer.status_code == 201, answer.text
        return str(answer.json()["token"])

    return make


@pytest.fixture(scope="module")
def tokens(issue: Issue) -> dict[Scope, str]:
    """A token for each scope but `admin`."""
    return {scope: issue(scope) for scope in get_args(Scope) if scope != "admin"}


def bearer(token: str) -> dict[str, str]:
    return {"authorization": f"Bearer {token}"}


def url_of(path: str) -> str:
    parts = {"sha256": "0" * 64, "name": "start.js", "token_id": "0123456789ab", "trigger_id": "t1"}
    return path.format(**parts)


def code_of(answer: httpx.Response) -> tuple[int, str]:
    return answer.status_code, answer.json()["code"]


def raw_get(node: Any, path: str, **headers: str) -> tuple[int, bytes]:
    """GET a path exactly as it is written."""
    connection = http.client.HTTPConnection(urlsplit(node.url).netloc, timeout=10)
    try:
        connection.putrequest("GET", path, skip_accept_encoding=True)
        for name, value in headers.items():
            connection.putheader(name, value)
        connection.endheaders()
        answer = connection.getresponse()
        return answer.status, answer.read()
    finally:
        connection.close()


@pytest.mark.parametrize(("path", "method"), CLOSED)
def test_no_route_answers_without_a_token(guarded: Any, path: str, method: str) -> None:
    answer = guarded.http.request(method, url_of(path), params={"nonsense": "1"}, content=b"{")
    assert answer.status_code == 401
    assert answer.headers["www-authenticate"].startswith("Bearer")
    assert method == "HEAD" or answer.json()["code"] == "no-token"


@pytest.mark.parametrize(("path", "method"), CLOSED)
def test_no_route_answers_to_a_token_with_another_scope(
    guarded: Any, tokens: dict[Scope, str], path: str, method: str
) -> None:
    others = [token for scope, token in tokens.items() if scope not in SCOPES[path, method]]
    assert others
    for token in others:
        url, headers = url_of(path), bearer(token)
        answer = guarded.http.request(method, url, params={"nonsense": "1"}, content=b"{", headers=headers)
        assert answer.status_code == 403
        assert method == "HEAD" or answer.json()["code"] == "missing-scope"


@pytest.mark.parametrize(("path", "method"), OPEN)
def test_health_answers_to_everyone(guarded: Any, path: str, method: str) -> None:
    assert guarded.http.request(method, path).status_code == 200


@pytest.mark.parametrize("path", ["/nothing", "/v1", "/v1/tokens/x/y", "/docs/x/y", "/openapi.json/"])
def test_a_path_nobody_knows_tells_a_stranger_nothing(guarded: Any, path: str) -> None:
    assert guarded.http.get(path).status_code == 401


def test_each_scope_opens_its_routes_and_no_others(guarded: Any, issue: Issue, event: Any, key: str) -> None:
    body = json.dumps(event("asset.observed", key))
    kind = {"content-type": "application/json"}
    for scope, may_write, may_read, may_administer in (
        ("events:write", 201, 403, 403),
        ("catalog:read", 403, 200, 403),
        ("admin", 201, 200, 200),
    ):
        headers = bearer(issue(scope))
        assert guarded.http.post("/v1/events", content=body, headers=headers | kind).status_code == may_write
        assert guarded.http.get("/v1/assets", headers=headers).status_code == may_read
        assert guarded.http.get("/metrics", headers=headers).status_code == may_read
        assert guarded.http.get("/v1/tokens", headers=headers).status_code == may_administer


def test_what_is_no_good_token_is_none(guarded: Any, issue: Issue) -> None:
    good = issue("catalog:read")
    _, token_id, secret = good.split("_", 2)
    stranger = new_token("stranger", ["admin"]).text
    spellings = (f"asl_{token_id}_", f"asl_{token_id}_{secret[:-1]}", f"asl_{token_id}_{secret}x", good.upper())
    texts = ["x", stranger, *spellings]
    for text in texts:
        assert guarded.http.get("/v1/assets", headers=bearer(text)).status_code == 401, text
    for header in (good, f"Basic {good}", f"Bearer{good}", f"Bearer {good} {good}"):
        assert guarded.http.get("/v1/assets", headers={"authorization": header}).status_code == 401, header
    twice = [("authorization", f"Bearer {good}"), ("authorization", f"Bearer {good}")]
    assert guarded.http.get("/v1/assets", headers=twice).status_code == 401
    assert guarded.http.get("/v1/assets", params={"token": good}).status_code == 401
    assert guarded.http.get("/v1/assets", headers={"authorization": f"bearer {good}"}).status_code == 200


def test_a_revoked_token_is_refused_at_once_and_stays_listed(guarded: Any, issue: Issue) -> None:
    token = issue("catalog:read", name="leaver")
    token_id = token.split("_")[1]
    assert guarded.http.get("/v1/assets", headers=bearer(token)).status_code == 200
    assert guarded.http.delete(f"/v1/tokens/{token_id}", headers=guarded.admin).json()["state"] == "revoked"
    assert code_of(guarded.http.get("/v1/assets", headers=bearer(token))) == (401, "token-ended")
    listed = guarded.http.get("/v1/tokens", headers=guarded.admin)
    assert [row["state"] for row in listed.json()["items"] if row["id"] == token_id] == ["revoked"]
    assert token.split("_", 2)[2] not in listed.text
    assert "digest" not in listed.text


def test_a_token_ends_when_it_expires(guarded: Any, issue: Issue) -> None:
    token = issue("catalog:read", expires="1s")
    assert guarded.http.get("/v1/assets", headers=bearer(token)).status_code == 200
    deadline = time.monotonic() + 10
    while guarded.http.get("/v1/assets", headers=bearer(token)).status_code == 200:
        assert time.monotonic() < deadline
    assert code_of(guarded.http.get("/v1/assets", headers=bearer(token))) == (401, "token-ended")


def test_an_open_stream_ends_with_its_token(guarded: Any, issue: Issue, event: Any, key: str) -> None:
    token = issue("catalog:read")
    with guarded.http.stream("GET", "/v1/events/stream", headers=bearer(token)) as stream:
        parts = stream.iter_raw()
        assert next(parts).startswith(b"retry")
        guarded.http.delete(f"/v1/tokens/{token.split('_')[1]}", headers=guarded.admin)
        guarded.post(event("asset.observed", key), headers=guarded.admin)
        assert key.encode() not in b"".join(parts)


@pytest.mark.parametrize(
    "body",
    [
        {"name": "", "scopes": ["admin"]},
        {"name": "x", "scopes": []},
        {"name": "x", "scopes": ["root"]},
        {"name": "x", "scopes": ["catalog:read"], "prefixes": ["s3://team*"]},
        {"name": "x", "scopes": ["catalog:read"], "prefixes": ["*"]},
        {"name": "x", "scopes": ["admin"], "prefixes": ["s3://team-a/*"]},
        {"name": "x", "scopes": ["catalog:read"], "expires": "2020-01-01T00:00:00Z"},
        {"name": "x", "scopes": ["catalog:read"], "expires": "soon"},
        {"name": "x", "scopes": ["catalog:read"], "scope": "admin"},
        [],
    ],
)
def test_a_token_that_breaks_a_rule_is_not_made(guarded: Any, body: Any) -> None:
    answer = guarded.http.post("/v1/tokens", json=body, headers=guarded.admin)
    assert answer.status_code == 400
    assert answer.json()["errors"][0]["rule"]


def test_making_a_token_takes_json_so_that_no_foreign_page_can(guarded: Any) -> None:
    headers = {**guarded.admin, "content-type": "text/plain"}
    assert guarded.http.post("/v1/tokens", content=b"{}", headers=headers).status_code == 415


def test_a_node_without_tokens_is_open_to_its_machine(node: Any) -> None:
    assert node.get("/v1/tokens").json()["items"] == []
    assert node.get("/v1/assets").status_code == 200


def test_cve_2026_7723_nobody_injects_events_past_the_gate(guarded: Any, event: Any, key: str) -> None:
    assert guarded.post(event("asset.materialized", key)).status_code == 401
    upgrade = {"Connection": "Upgrade", "Upgrade": "websocket", "Sec-WebSocket-Version": "13"}
    for path in ("/v1/events", "/v1/events/stream", "/"):
        assert raw_get(guarded, path, **upgrade, **{"Sec-WebSocket-Key": "c2VjcmV0c2VjcmV0c2U="})[0] == 401
    assert guarded.http.get("/v1/asset", params={"key": key}, headers=guarded.admin).status_code == 404


@pytest.mark.parametrize(
    "path",
    [
        "/v1/assets/health",
        "/v1/assets/health/live",
        "/v1/asset?key=s3://lake/health/live",
        "/v1/asset?key=s3://lake/ready#/health/ready",
        "/v1/tokens/health/ready",
        "/v1/assets?/health/live",
        "/x/health/live",
        "/health/live/",
        "//health/live",
        "/health/live/x",
        "/health/live;/v1/assets",
        "/health/live/..;/v1/assets",
        "/health/live/../../v1/assets",
        "/health/live/..%2f..%2fv1/assets",
        "/health/live%2f..%2f..%2fv1%2fassets",
        "/v1/assets/..%2f..%2fhealth%2flive",
        "/v1/assets%3f/health/live",
        "/v1/assets%00/health/live",
        "/HEALTH/LIVE",
    ],
)
def test_cve_2026_3514_and_2024_28255_no_spelling_of_a_path_is_an_open_one(guarded: Any, path: str) -> None:
    assert raw_get(guarded, path, Host="localhost")[0] in (400, 401)


@pytest.mark.parametrize("end", ["health", "ready", "health/live", "..;/x", "%2f..", "a;/health/live"])
def test_cve_2026_3514_an_asset_may_be_called_like_an_open_path(guarded: Any, event: Any, end: str, key: str) -> None:
    named = f"{key}/{end}"
    assert guarded.post(event("asset.observed", named), headers=guarded.admin).status_code == 201
    for path in ("/v1/asset", "/v1/asset/events", "/v1/lineage"):
        assert guarded.http.get(path, params={"key": named}).status_code == 401
        answer = guarded.http.get(path, params={"key": named}, headers=guarded.admin)
        assert answer.status_code == 200
        assert named in answer.text


def test_cve_2026_41490_quotes_in_keys_and_partitions_are_data(guarded: Any, event: Any, key: str) -> None:
    evil = f"{key}/'; drop table log; --"
    partition = "'); delete from keys; --"
    posted = guarded.post(event("asset.materialized", evil, {"partition": partition}), headers=guarded.admin)
    assert posted.status_code == 201
    for path, params in (
        ("/v1/asset/partitions", {"key": evil}),
        ("/v1/assets", {"q": "'; drop table log; --", "prefix": evil, "tag": "'=''", "group": "'"}),
        ("/v1/tree", {"prefix": f"{key}/'"}),
        ("/v1/runs", {"job": "'; drop table runs; --"}),
    ):
        assert guarded.http.get(path, params=params, headers=guarded.admin).status_code == 200
    partitions = guarded.http.get("/v1/asset/partitions", params={"key": evil}, headers=guarded.admin).json()
    assert [item["partition"] for item in partitions["items"]] == [partition]


@pytest.mark.parametrize("path", ["/docs/..%2f..%2fetc%2fpasswd", "/docs/%2fetc%2fpasswd", "/docs/../openapi.json"])
def test_cve_2025_51481_names_never_become_files(guarded: Any, path: str) -> None:
    status, body = raw_get(guarded, path, Authorization=guarded.admin["authorization"])
    assert status == 404
    assert b"root:" not in body


def test_cve_2025_59152_what_a_client_says_of_itself_changes_nothing(guarded: Any, issue: Issue) -> None:
    for name, value in (
        ("X-Forwarded-For", "127.0.0.1"),
        ("X-Real-IP", "127.0.0.1"),
        ("X-Forwarded-Host", "localhost"),
        ("X-Original-URL", "/health/live"),
        ("X-Rewrite-URL", "/health/live"),
        ("X-HTTP-Method-Override", "GET"),
    ):
        assert raw_get(guarded, "/v1/assets", **{name: value})[0] == 401
    assert raw_get(guarded, "/health/live", **{"X-Forwarded-Host": "evil.example"})[0] == 200


def test_asking_too_much_is_answered_with_when_to_come_again(running_node: Any, tmp_path: Any, event: Any) -> None:
    node = running_node(home=tmp_path, requests_per_second=3, events_per_second=10)
    try:
        assert node.http.get("/v1/assets").status_code == 200
        for name in ("one", "other"):
            made = node.http.post(
                "/v1/tokens", json={"name": name, "scopes": ["admin"]}, headers=getattr(node, "admin", {})
            )
            node.admin, node.first = bearer(made.json()["token"]), getattr(node, "admin", {})
        statuses = [node.http.get("/v1/assets", headers=node.first).status_code for _ in range(12)]
        assert statuses[0] == 200
        assert 429 in statuses
        refused = node.http.get("/v1/assets", headers=node.first)
        while refused.status_code != 429:
            refused = node.http.get("/v1/assets", headers=node.first)
        assert refused.json()["code"] == "too-many-requests"
        assert int(refused.headers["retry-after"]) >= 1
        assert node.http.get("/v1/assets", headers=node.admin).status_code == 200  # each token has its own
        many = [event("asset.observed", "s3://lake/x") for _ in range(50)]
        assert node.post(*many, headers=node.admin).status_code == 201
        again = node.post(*many, headers=node.admin)
        assert (again.status_code, again.json()["code"]) == (429, "too-many-requests")
    finally:
        node.stop()
