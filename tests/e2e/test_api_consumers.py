"""Consumers by the API: declared, paused, run by hand, explained, their queues listed and deleted."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any
from urllib.parse import quote

import httpx
import pytest

PYTHON = {"kind": "python", "function": "report", "pool": "nobody-works-here"}

Put = Callable[..., httpx.Response]
Make = Callable[..., list[str]]


def pause(node: Any, name: str, **body: Any) -> httpx.Response:
    answer: httpx.Response = node.http.post(f"/v1/consumers/{name}/pause", json=body)
    return answer


def explain(node: Any, name: str, **params: Any) -> Any:
    return node.get(f"/v1/consumers/{name}/explain", **params).json()


def events_of(node: Any, subject: str) -> list[str]:
    """The types of the events about a consumer or a trigger."""
    listed = node.get("/v1/events", order="asc", limit=1000, after="0-0").json()["items"]
    return [item["event"]["type"] for item in listed if item["event"].get("subject") == subject]


def test_a_consumer_is_declared_and_shown(node: Any, put: Put, name: str, key: str) -> None:
    answer = put({"any": [{"asset": key}, {"asset": f"{key}/other"}]}, outlets=["s3://out/"], max_active=1)
    assert answer.status_code == 201
    shown = answer.json()
    assert (shown["name"], shown["condition_text"]) == (name, f"{key} | {key}/other")
    assert shown["condition"] == {"any": [{"asset": {"uri": key}}, {"asset": {"uri": f"{key}/other"}}]}
    assert (shown["target"], shown["outlets"], shown["max_active"]) == (PYTHON, ["s3://out"], 1)
    assert (shown["paused"], shown["queued"], shown["last_trigger"], shown["released"]) == (False, 0, None, [])
    assert answer.headers["assetlog-position"] >= shown["position"]
    assert node.get(f"/v1/consumers/{name}").json() == shown


@pytest.mark.parametrize("listed", [False, True])
def test_a_condition_may_be_a_key_or_a_list_of_keys(put: Put, key: str, listed: bool) -> None:
    other = f"{key}/other"
    shown = put([key, other] if listed else key).json()
    both = {"all": [{"asset": {"uri": key}}, {"asset": {"uri": other}}]}
    assert shown["condition"] == (both if listed else {"asset": {"uri": key}})


def test_a_declaration_that_changes_nothing_appends_nothing(node: Any, put: Put, name: str, key: str) -> None:
    first = put(key, outlets=["s3://out/"], by="ada").json()
    again = put({"asset": {"uri": key}}, outlets=["s3://OUT/".lower()], by="bob", start="0-0")
    assert (again.status_code, again.json()) == (200, first)
    assert events_of(node, name) == ["consumer.registered"]
    changed = put(key, outlets=["s3://out"], description="daily")
    assert (changed.status_code, changed.json()["description"]) == (200, "daily")
    assert events_of(node, name) == ["consumer.registered"] * 2


def test_the_past_shows_how_it_was_declared_then(node: Any, put: Put, name: str, key: str) -> None:
    before = node.get("/v1/assets").headers["assetlog-position"]
    first = put(key).json()
    second = put(f"{key}/other").json()
    assert node.get(f"/v1/consumers/{name}", as_of=before).status_code == 404
    assert node.get(f"/v1/consumers/{name}", as_of=first["position"]).json() == first
    assert node.get(f"/v1/consumers/{name}").json()["condition"] == second["condition"]
    past = node.get("/v1/consumers", as_of=first["position"], asset=key).json()
    assert [item["position"] for item in past["items"]] == [first["position"]]


def test_another_module_takes_a_name_over_only_when_asked_to(put: Put, key: str) -> None:
    assert put(key, module="pipeline").status_code == 201
    refused = put(key, module="other")
    assert (refused.status_code, refused.json()["code"]) == (409, "consumer-of-other-module")
    assert put(key, module="other", params={"replace": "true"}).json()["module"] == "other"


@pytest.mark.parametrize(
    ("field", "body"),
    [
        ("condition", {"condition": None}),
        ("condition.any", {"condition": {"any": []}}),
        ("condition.all[1].asset", {"condition": {"all": [{"asset": "s3://a"}, {"asset": "nothing"}]}}),
        ("condition", {"condition": "nothing"}),
        ("condition", {"condition": [1]}),
        ("cron.expression", {"condition": {"cron": "0 0 30 2 *"}}),
        ("cron.time_zone", {"condition": {"cron": {"expression": "@daily", "time_zone": "Mars/Base"}}}),
        ("target.kind", {"target": {"kind": "pigeon"}}),
        ("target", {"target": 1}),
        ("target.url", {"target": {"kind": "webhook", "url": "https://user:pw@example.com"}}),
        ("target.secret", {"target": {"kind": "webhook", "url": "https://example.com", "secret": "whsec_x"}}),
        ("outlets[1]", {"outlets": ["s3://a", "b"]}),
        ("inlets[0]", {"inlets": ["b"]}),
        ("mode", {"mode": "some"}),
        ("batch_size", {"batch_size": 0}),
        ("attempts", {"attempts": 0}),
        ("partitions.asset:s3://b", {"partitions": {"asset:s3://b": {"map": "identity"}}}),
        ("partitions.*", {"partitions": {"*": {"map": "start-of"}}}),
        ("start", {"start": "soon"}),
        ("start", {"start": "99999999999999-0"}),
        ("conditions", {"conditions": {}}),
    ],
)
def test_a_declaration_that_breaks_a_rule_is_refused_with_the_field(
    node: Any, put: Put, name: str, field: str, body: dict[str, Any]
) -> None:
    fields = dict(body)
    refused = put(fields.pop("condition", "s3://a"), **fields)
    assert refused.status_code == 400, refused.text
    (error,) = refused.json()["errors"]
    assert (error["field"], bool(error["rule"])) == (field, True)
    assert node.get(f"/v1/consumers/{name}").status_code == 404


@pytest.mark.parametrize("called", [" x", "x ", "x" * 201, "tab\there", "\x7f"])
def test_a_name_that_breaks_the_rule_is_refused(put: Put, called: str) -> None:
    refused = put("s3://a", called=called)
    assert (refused.status_code, refused.json()["code"]) == (400, "invalid-name")


@pytest.mark.parametrize("called", ["täglich", "a b", "100%", "what?", "a#b", "%2f", "x" * 200, "a:b@c", "..."])
def test_names_are_what_people_write(node: Any, put: Put, called: str) -> None:
    assert put("s3://a", called=called).json()["name"] == called
    path = f"/v1/consumers/{quote(called, safe='')}"
    assert node.get(path).json()["name"] == called
    assert node.get(f"{path}/explain").json()["consumer"] == called


def test_consumers_are_listed_by_name_and_filtered(node: Any, put: Put, event: Any, key: str) -> None:
    other = f"{key}/other"
    node.post(event("asset.described", key, {"group": f"group of {key}"}))
    declared = {
        "exact": {"asset": key},
        "pattern": {"pattern": f"{key}*"},
        "group": {"group": f"group of {key}"},
        "stale": {"stale": key},
        "elsewhere": {"asset": other},
    }
    names = {word: f"{key}-{word}".rpartition("/")[2] for word in declared}
    for word, condition in declared.items():
        assert put(condition, called=names[word], description=f"about {word}", module=key).status_code == 201
    put(other, called=f"{names['exact']}-inlet", inlets=[key], module=key)
    put(other, called=f"{names['exact']}-outlet", outlets=[key], module=key)
    pause(node, names["group"])

    def listed(**params: Any) -> list[str]:
        return [item["name"] for item in node.get("/v1/consumers", **{"module": key, **params}).json()["items"]]

    about = [names["exact"], f"{names['exact']}-inlet", f"{names['exact']}-outlet", names["group"]]
    assert listed(asset=key) == [*about, names["pattern"], names["stale"]]
    assert listed(q="ABOUT STALE") == [names["stale"]]
    assert listed(paused=True) == [names["group"]]
    assert names["group"] not in listed(paused=False)
    assert listed() == sorted(listed())
    first = node.get("/v1/consumers", module=key, limit=2).json()
    put(key, called="a-late-one", module=key)
    second = node.get("/v1/consumers", module=key, limit=2, cursor=first["next"]).json()
    assert [item["name"] for item in (*first["items"], *second["items"])] == sorted(listed())[1:5]
    assert second["position"] == first["position"]


def test_what_nobody_has_heard_of_is_waited_for_already(node: Any, put: Put, name: str, key: str) -> None:
    put({"pattern": f"{key}/**"})
    assert [item["name"] for item in node.get("/v1/consumers", asset=f"{key}/new").json()["items"]] == [name]


def test_a_paused_consumer_says_so_and_goes_on_when_resumed(node: Any, put: Put, name: str, key: str) -> None:
    put(key)
    paused = pause(node, name, reason="the source is broken", by="ada").json()
    assert (paused["paused"], paused["paused_reason"]) == (True, "the source is broken")
    assert pause(node, name, reason="the source is broken").json() == paused
    assert "paused (the source is broken)" in explain(node, name)["says"]
    resumed = node.http.post(f"/v1/consumers/{name}/resume", json={}).json()
    assert (resumed["paused"], resumed["paused_reason"]) == (False, None)
    node.http.post(f"/v1/consumers/{name}/resume", json={})
    assert events_of(node, name) == ["consumer.registered", "consumer.paused", "consumer.resumed"]


def test_a_removed_consumer_is_gone(node: Any, put: Put, name: str, key: str) -> None:
    declared = put(key).json()
    assert node.http.delete(f"/v1/consumers/{name}").json() == declared
    assert node.get(f"/v1/consumers/{name}").status_code == 404
    assert node.get(f"/v1/consumers/{name}", as_of=declared["position"]).json() == declared
    assert put(key).status_code == 201


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("GET", ""),
        ("DELETE", ""),
        ("POST", "/pause"),
        ("POST", "/resume"),
        ("POST", "/trigger"),
        ("GET", "/explain"),
        ("GET", "/queue"),
        ("DELETE", "/queue"),
    ],
)
def test_who_is_not_there_is_not_found(node: Any, method: str, path: str) -> None:
    options: dict[str, Any] = {"json": {}} if method == "POST" else {}
    missing = node.http.request(method, f"/v1/consumers/nobody{path}", **options)
    assert (missing.status_code, missing.json()["code"]) == (404, "consumer-not-found")


def test_what_is_posted_is_json_so_that_no_foreign_page_can(node: Any, put: Put, name: str, key: str) -> None:
    put(key)
    for path in (f"/v1/consumers/{name}/trigger", f"/v1/consumers/{name}/pause", "/v1/asset/materialize?key=s3://a"):
        assert node.http.post(path, content=b"{}", headers={"content-type": "text/plain"}).status_code == 415
        assert node.http.post(path).status_code == 415
    empty = {"content-type": "application/json"}
    assert node.http.post(f"/v1/consumers/{name}/pause", headers=empty).json()["paused"] is True
    wrong = node.http.post(f"/v1/consumers/{name}/pause", json={"why": "x"})
    assert (wrong.status_code, wrong.json()["errors"][0]["field"]) == (400, "why")


def test_a_consumer_is_run_by_hand_also_while_paused(node: Any, put: Put, name: str, key: str) -> None:
    put({"manual": True}, outlets=[key])
    pause(node, name)
    fired = node.http.post(f"/v1/consumers/{name}/trigger", json={"by": "ada", "partition": "mon"})
    assert fired.status_code == 201
    trigger = fired.json()
    assert (trigger["consumer"], trigger["by"], trigger["partition"]) == (name, "ada", "mon")
    assert (trigger["state"], trigger["count"], trigger["events"]) == ("fired", 0, [])
    seen = node.get(f"/v1/consumers/{name}").json()
    assert (seen["active"], seen["last_trigger"]["id"]) == (1, trigger["id"])
    assert explain(node, name)["last_trigger"]["id"] == trigger["id"]
    assert node.get(f"/v1/triggers/{trigger['id']}").json()["by"] == "ada"


def test_an_asset_is_materialized_by_who_makes_it(node: Any, put: Put, name: str, key: str) -> None:
    def materialize(**params: Any) -> httpx.Response:
        answer: httpx.Response = node.http.post("/v1/asset/materialize", params={"key": key, **params}, json={})
        return answer

    assert (materialize().status_code, materialize().json()["code"]) == (404, "no-producer")
    put({"manual": True}, outlets=[key])
    assert (materialize().status_code, materialize().json()["consumer"]) == (201, name)
    put({"manual": True}, called=f"{name}-too", outlets=[f"{key}/"])
    several = materialize()
    assert (several.status_code, several.json()["code"]) == (409, "several-producers")
    assert name in several.json()["hint"]
    assert materialize(consumer=f"{name}-too").json()["consumer"] == f"{name}-too"
    assert materialize(consumer="nobody").json()["code"] == "no-producer"


def test_an_asset_tells_which_consumers_wait_for_it_read_it_and_make_it(
    node: Any, put: Put, name: str, event: Any, make: Make, key: str
) -> None:
    (at,) = make(key)
    alias = f"{key}/alias"
    node.post(event("asset.aliased", key, {"alias": alias}))
    first = put({"stale": alias}, called=f"{name}-waits").json()["position"]
    put("s3://elsewhere", called=f"{name}-reads", inlets=[key])
    last = put("s3://elsewhere", called=f"{name}-makes", outlets=[key]).json()["position"]

    def told(**params: Any) -> tuple[list[str], list[str]]:
        asset = node.get("/v1/asset", key=key, **params).json()
        (listed,) = node.get("/v1/assets", prefix=key, **params).json()["items"]
        assert (listed["consumed_by"], listed["produced_by"]) == (asset["consumed_by"], asset["produced_by"])
        return asset["consumed_by"], asset["produced_by"]

    assert told() == told(as_of=last) == ([f"{name}-reads", f"{name}-waits"], [f"{name}-makes"])
    assert told(as_of=first) == ([f"{name}-waits"], [])
    put("s3://elsewhere", called=f"{name}-waits")
    node.http.delete(f"/v1/consumers/{name}-makes")
    assert told() == ([f"{name}-reads"], [])
    assert told(as_of=last) == ([f"{name}-reads", f"{name}-waits"], [f"{name}-makes"])
    assert told(as_of=at) == ([], [])


def test_what_a_node_delivers_is_tried_for_hours(put: Put, key: str, name: str) -> None:
    webhook = {"kind": "webhook", "url": "https://example.com/hook"}
    assert put(key, target=webhook).json()["attempts"] == 15
    assert put(key, target=webhook, attempts=2).json()["attempts"] == 2
    assert put(key, called=f"{name}-python").json()["attempts"] == 4


def test_lists_come_as_arrow_too(node: Any, put: Put, key: str) -> None:
    put(key)
    accept = {"accept": "application/vnd.apache.arrow.stream"}
    for path in ("/v1/consumers", "/v1/triggers"):
        answer = node.http.get(path, headers=accept)
        assert (answer.status_code, answer.headers["content-type"]) == (200, accept["accept"])


def test_an_answer_that_the_client_has_is_not_sent_again(node: Any, put: Put, name: str, key: str) -> None:
    put(key)
    for path in (f"/v1/consumers/{name}", f"/v1/consumers/{name}/explain", "/v1/consumers"):
        first = node.get(path)
        again = node.http.get(path, headers={"if-none-match": first.headers["etag"]})
        assert again.status_code == 304
