"""Events in: what is taken, what a receipt says, and what is refused with which reason."""

from __future__ import annotations

import gzip
import json
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import httpx
import pytest

JSON = {"content-type": "application/json"}
NDJSON = {"content-type": "application/x-ndjson"}


def test_one_event_is_accepted_folded_and_on_disk(node: Any, event: Any, key: str) -> None:
    answer = node.post(event("asset.materialized", key))
    assert answer.status_code == 201
    receipt = answer.json()
    (accepted,) = receipt["accepted"]
    assert (receipt["ack"], receipt["folded"], receipt["rejected"]) == ("disk", True, [])
    assert (accepted["duplicate"], accepted["folded"], accepted["verdict"]) == (False, True, "folded")
    assert answer.headers["assetlog-position"] == accepted["position"]
    assert node.get("/v1/asset", key=key).json()["materializations"] == 1


def test_the_accepted_bytes_are_kept_as_they_came(node: Any, event: Any, key: str) -> None:
    made = event("asset.materialized", key, id="odd spacing")
    raw = json.dumps(made, indent=3).replace("\n", "\r\n").encode()
    answer = node.http.post("/v1/events?wait=folded", content=raw, headers=JSON)
    assert answer.status_code == 201
    listed = node.get("/v1/asset/events", key=key).content
    assert raw in listed


@pytest.mark.parametrize(
    "content_type",
    ["application/json", "application/json; charset=utf-8", "application/cloudevents-batch+json"],
)
def test_an_array_is_taken_in_order(node: Any, event: Any, key: str, content_type: str) -> None:
    events = [event("asset.observed", key) for _ in range(5)]
    answer = node.post(*events, headers={"content-type": content_type})
    accepted = answer.json()["accepted"]
    assert [each["id"] for each in accepted] == [each["id"] for each in events]
    positions = [tuple(map(int, each["position"].split("-"))) for each in accepted]
    assert positions == sorted(positions)


def test_lines_are_taken_and_blank_ones_skipped(node: Any, event: Any, key: str) -> None:
    lines = "\n\n".join(json.dumps(event("asset.observed", key)) for _ in range(3)) + "\r\n \n"
    answer = node.http.post("/v1/events", content=lines, headers=NDJSON)
    assert answer.status_code == 201
    assert len(answer.json()["accepted"]) == 3


def test_a_structured_cloudevent_is_one_event(node: Any, event: Any, key: str) -> None:
    answer = node.post(event("asset.observed", key), headers={"content-type": "application/cloudevents+json"})
    assert answer.status_code == 201


def test_a_gzip_body_is_unpacked(node: Any, event: Any, key: str) -> None:
    body = gzip.compress(json.dumps([event("asset.observed", key)]).encode())
    answer = node.http.post("/v1/events", content=body, headers={**JSON, "content-encoding": "gzip"})
    assert answer.status_code == 201


def test_good_events_are_kept_and_bad_ones_named(node: Any, event: Any, key: str) -> None:
    good, wrong, unknown = (event("asset.observed", key) for _ in range(3))
    wrong["data"], unknown["type"] = {"upstreams": []}, "asset.materialised"
    answer = node.post(good, wrong, unknown, good | {"id": "another"})
    assert answer.status_code == 207
    receipt = answer.json()
    assert [each["id"] for each in receipt["accepted"]] == [good["id"], "another"]
    first, second = receipt["rejected"]
    assert (first["index"], first["code"], first["field"]) == (1, "unknown-field", "data.upstreams")
    assert (second["index"], second["code"], second["field"]) == (2, "unknown-type", "type")
    assert second["hint"] == "Did you mean asset.materialized?"


@pytest.mark.parametrize("damage", [b'"\xff"', b"NaN", b"[" * 5000 + b"]" * 5000, b'"\\ud800"'], ids=str)
def test_an_event_that_is_no_json_does_not_spoil_its_neighbours(node: Any, event: Any, key: str, damage: bytes) -> None:
    good = json.dumps(event("asset.observed", key)).encode()
    bad = json.dumps(event("asset.observed", key, {"metadata": {"a": "DAMAGE"}})).encode().replace(b'"DAMAGE"', damage)
    answer = node.http.post("/v1/events", content=b"[" + b" ,\n".join([good, bad]) + b"]", headers=JSON)
    assert answer.status_code == 207
    assert [each["index"] for each in answer.json()["rejected"]] == [1]


def test_when_none_is_good_it_is_a_problem_with_every_reason(node: Any, event: Any) -> None:
    answer = node.post(event("asset.observed", "no key"), event("asset.nothing", "s3://a"))
    assert (answer.status_code, answer.headers["content-type"]) == (400, "application/problem+json")
    problem = answer.json()
    assert (problem["code"], problem["accepted"]) == ("no-event-taken", [])
    assert [(each["index"], each["field"]) for each in problem["errors"]] == [(0, "subject"), (1, "type")]
    assert [each["code"] for each in problem["rejected"]] == ["invalid-key", "unknown-type"]


def bad_events() -> list[tuple[str, int, str, str, dict[str, Any]]]:
    """Name, status, code, field, and what is changed in a good event."""
    nested: Any = 1
    for _ in range(40):
        nested = [nested]
    return [
        ("unknown type", 422, "unknown-type", "type", {"type": "asset.exploded"}),
        ("version zero", 400, "invalid-attribute", "dataversion", {"dataversion": 0}),
        ("no version", 400, "invalid-attribute", "dataversion", {"dataversion": "new"}),
        ("wrong specversion", 400, "invalid-attribute", "specversion", {"specversion": "0.3"}),
        ("empty id", 400, "invalid-attribute", "id", {"id": ""}),
        ("id is a number", 400, "invalid-attribute", "id", {"id": 5}),
        ("source with a space", 400, "invalid-attribute", "source", {"source": "a b"}),
        ("data is not JSON", 400, "invalid-attribute", "datacontenttype", {"datacontenttype": "text/xml"}),
        ("attribute with a capital", 400, "invalid-attribute", "dataVersion", {"dataVersion": 1}),
        ("no subject", 400, "invalid-attribute", "subject", {"subject": None}),
        ("key without scheme", 400, "invalid-key", "subject", {"subject": "lake/orders"}),
        ("key too long", 400, "invalid-key", "subject", {"subject": "s3://" + "x" * 1500}),
        ("key with a control character", 400, "invalid-key", "subject", {"subject": "s3://a\u0007"}),
        ("upstream is no key", 400, "invalid-key", "data.upstream[1]", {"data": {"upstream": ["s3://a", "b"]}}),
        ("misspelt field", 400, "unknown-field", "data.upstreams", {"data": {"upstreams": []}}),
        ("metadata is a list", 400, "invalid-data", "data.metadata", {"data": {"metadata": []}}),
        ("nested too deep", 400, "too-deep", "", {"data": {"metadata": {"a": nested}}}),
        ("time without zone", 400, "invalid-time", "time", {"time": "2026-11-21T17:52:50"}),
        ("time with nanoseconds", 400, "invalid-time", "time", {"time": "2026-11-21T17:52:50.123456789Z"}),
        ("time in year 0", 400, "invalid-time", "time", {"time": "0000-01-01T00:00:00Z"}),
        ("time on no day", 400, "invalid-time", "time", {"time": "2026-02-30T00:00:00Z"}),
        ("reserved type", 403, "reserved-type", "type", {"type": "consumer.paused", "subject": "c"}),
        ("reserved source", 403, "reserved-type", "source", {"source": "assetlog://node/1"}),
        ("over 1 MiB", 413, "event-too-large", "", {"data": {"metadata": {"a": "x" * 1_048_576}}}),
    ]


@pytest.mark.parametrize(
    ("status", "code", "field", "change"), [pytest.param(*case[1:], id=case[0]) for case in bad_events()]
)
def test_a_bad_event_is_refused_with_field_rule_and_remedy(
    node: Any, event: Any, key: str, status: int, code: str, field: str, change: dict[str, Any]
) -> None:
    answer = node.post({**event("asset.materialized", key), **change})
    problem = answer.json()
    assert (answer.status_code, problem["status"], problem["code"]) == (status, status, code)
    assert answer.headers["content-type"] == "application/problem+json"
    (culprit,) = problem["errors"]
    assert (culprit["index"], culprit["field"]) == (0, field)
    assert culprit["rule"]
    assert problem["hint"]
    assert problem["rejected"][0]["code"] == code


@pytest.mark.parametrize(
    ("body", "code"),
    [
        (b"{", "malformed-json"),
        (b'{"specversion":"1.0",}', "malformed-json"),
        (b'{"id":"\xff"}', "invalid-utf8"),
        (b"[{]", "malformed-json"),
        (b"[", "malformed-json"),
        (b"", "no-events"),
        (b" \n", "no-events"),
        (b"[]", "no-events"),
        (b"null", "invalid-attribute"),
        (b'{"specversion":NaN}', "malformed-json"),
        (b'{"specversion":Infinity}', "malformed-json"),
    ],
)
def test_a_body_that_holds_no_event_is_a_problem(node: Any, body: bytes, code: str) -> None:
    answer = node.http.post("/v1/events", content=body, headers=JSON)
    assert (answer.status_code, answer.json()["code"]) == (400, code)
    assert answer.json()["errors"][0]["rule"]


def test_a_newer_version_of_a_known_type_is_kept(node: Any, event: Any, key: str) -> None:
    answer = node.post(event("asset.materialized", key, dataversion=99))
    assert answer.status_code == 201


def test_over_ten_thousand_events_are_too_many(node: Any, event: Any, key: str) -> None:
    answer = node.http.post("/v1/events", content=b"[" + b",".join([b"1"] * 10_001) + b"]", headers=JSON)
    assert (answer.status_code, answer.json()["code"]) == (413, "too-many-events")


@pytest.mark.parametrize("headers", [JSON, {**JSON, "content-encoding": "gzip"}], ids=["plain", "gzip"])
def test_a_body_over_16_mib_is_refused_before_it_fills_memory(node: Any, headers: dict[str, str]) -> None:
    body = b" " * (16 * 1024 * 1024 + 1)
    content = gzip.compress(body) if "content-encoding" in headers else body
    answer = httpx.post(f"{node.url}/v1/events", content=content, headers=headers, trust_env=False, timeout=30)
    assert (answer.status_code, answer.json()["code"]) == (413, "body-too-large")


def test_a_chunked_body_is_held_to_the_same_limit(node: Any) -> None:
    chunks = (b" " * 1024 * 1024 for _ in range(17))
    # a connection of its own: the node ends one whose sender goes on after the refusal
    answer = httpx.post(f"{node.url}/v1/events", content=chunks, headers=JSON, trust_env=False, timeout=30)
    assert answer.json()["code"] == "body-too-large"


@pytest.mark.parametrize(
    ("content", "code"), [(b"no gzip", "malformed-gzip"), (gzip.compress(b"[]" * 99, mtime=0)[:-9], "malformed-gzip")]
)
def test_a_broken_gzip_body_is_a_problem(node: Any, content: bytes, code: str) -> None:
    answer = node.http.post("/v1/events", content=content, headers={**JSON, "content-encoding": "gzip"})
    assert (answer.status_code, answer.json()["code"]) == (400, code)


@pytest.mark.parametrize(
    ("headers", "code"),
    [
        ({"content-type": "text/plain"}, "unsupported-media-type"),
        ({"content-type": "application/x-www-form-urlencoded"}, "unsupported-media-type"),
        ({}, "unsupported-media-type"),
        ({**JSON, "content-encoding": "br"}, "unsupported-encoding"),
    ],
)
def test_other_content_is_refused(node: Any, headers: dict[str, str], code: str) -> None:
    answer = node.http.post("/v1/events", content=b"{}", headers=headers)
    assert (answer.status_code, answer.json()["code"]) == (415, code)


def test_the_same_bytes_again_are_a_duplicate_with_the_first_position(node: Any, event: Any, key: str) -> None:
    made = event("asset.materialized", key)
    first = node.post(made).json()["accepted"][0]
    again = node.post(made).json()["accepted"][0]
    assert (first["duplicate"], again["duplicate"]) == (False, True)
    assert again["position"] == first["position"]
    assert len(node.get("/v1/asset/events", key=key).json()["items"]) == 1


def test_the_same_id_with_other_bytes_is_a_conflict(node: Any, event: Any, key: str) -> None:
    made = event("asset.materialized", key)
    node.post(made)
    answer = node.post({**made, "data": {"metadata": {"rows": 2}}})
    assert (answer.status_code, answer.json()["code"]) == (409, "id-conflict")
    assert node.get("/v1/asset", key=key).json()["materializations"] == 1


def test_twins_and_rivals_within_one_request_are_told_apart(node: Any, event: Any, key: str) -> None:
    made = event("asset.materialized", key)
    answer = node.post(made, made, {**made, "data": {"by": "another"}})
    receipt = answer.json()
    assert [each["duplicate"] for each in receipt["accepted"]] == [False, True]
    assert len({each["position"] for each in receipt["accepted"]}) == 1
    assert [(each["index"], each["code"]) for each in receipt["rejected"]] == [(2, "id-conflict")]


def test_twins_sent_at_once_are_appended_once(node: Any, event: Any, key: str) -> None:
    made = event("asset.materialized", key)
    with ThreadPoolExecutor(8) as senders:
        answers = list(senders.map(lambda _: node.post(made, wait=False).json()["accepted"][0], range(24)))
    assert len({each["position"] for each in answers}) == 1
    assert sum(not each["duplicate"] for each in answers) == 1


def test_metrics_count_what_came_of_events(node: Any, event: Any, key: str) -> None:
    def counts() -> dict[str, float]:
        lines = node.get("/metrics").text.splitlines()
        return {
            line.split('"')[1]: float(line.split()[-1]) for line in lines if line.startswith("assetlog_events_total")
        }

    before = counts()
    made = event("asset.observed", key)
    node.post(made, made, {**made, "id": ""})
    after = counts()
    assert {name: after[name] - before[name] for name in after} == {"accepted": 1, "duplicate": 1, "rejected": 1}


def test_an_artifact_is_created_with_the_next_version(node: Any) -> None:
    body = {"type": "markdown", "data": "# Today", "key": "daily-report", "description": "as usual"}
    versions = [node.http.post("/v1/artifacts?wait=folded", json=body).json()["version"] for _ in range(2)]
    assert versions == [1, 2]
    created = node.http.post("/v1/artifacts", json=body)
    assert created.status_code == 201
    assert created.json()["version"] is None
    newest = node.get("/v1/artifact", key="daily-report", min_position=created.json()["position"]).json()
    assert (newest["version"], newest["data"], newest["id"]) == (3, "# Today", created.json()["id"])


@pytest.mark.parametrize(
    ("change", "field", "code"),
    [
        ({"key": "Daily Report"}, "key", "invalid-artifact-key"),
        ({"data": 5}, "data", "invalid-data"),
        ({"asset": "nowhere"}, "asset", "invalid-key"),
        ({"kind": "x"}, "kind", "unknown-field"),
        ({"type": "poem"}, "type", "invalid-attribute"),
        ({"run": {"id": ""}}, "run.id", "invalid-attribute"),
    ],
)
def test_a_bad_artifact_is_refused_in_the_words_of_the_request(
    node: Any, change: dict[str, Any], field: str, code: str
) -> None:
    answer = node.http.post("/v1/artifacts", json={"type": "markdown", "data": "x", **change})
    problem = answer.json()
    assert (answer.status_code, problem["code"], problem["errors"][0]["field"]) == (400, code, field)


def test_ten_thousand_lines_are_taken_at_once_and_each_has_its_receipt(node: Any, event: Any, key: str) -> None:
    events = [event("asset.observed", key) for _ in range(9_999)]
    lines = "\n".join(map(json.dumps, [*events, events[0]]))
    answer = node.http.post("/v1/events?wait=folded", content=lines, headers=NDJSON)
    assert answer.status_code == 201
    accepted = answer.json()["accepted"]
    assert [each["id"] for each in accepted] == [each["id"] for each in [*events, events[0]]]
    assert [each["duplicate"] for each in accepted] == [False] * 9_999 + [True]
    assert accepted[-1]["position"] == accepted[0]["position"]
    assert node.get("/v1/asset", key=key).json()["observations"] == 9_999
