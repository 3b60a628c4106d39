"""Secrets are struck out before an event is stored; everything else of its bytes stays as it came."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from assetlog.schemas.codec import decode
from assetlog.schemas.secrets import (
    _NEEDLES,
    REDACTED,
    Redaction,
    _has_needle,
    _search,
    names_a_secret,
    redact,
    without_secrets,
)

JWT = "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxMjM0NTY3ODkwIn0.c2lnbmF0dXJl"
PEM = "-----BEGIN RSA PRIVATE KEY-----\nMIIEow\n-----END RSA PRIVATE KEY-----"


def raw_of(data: Any, type_name: str = "asset.observed", subject: str = "s3://lake/orders") -> bytes:
    event = {"specversion": "1.0", "id": "1", "source": "test", "type": type_name, "subject": subject, "data": data}
    return json.dumps(event, ensure_ascii=False).encode()


def redacted(data: Any, type_name: str = "asset.observed") -> Redaction:
    raw = raw_of(data, type_name)
    return redact(raw, decode(raw))


def metadata_of(redaction: Redaction) -> Any:
    return json.loads(redaction.raw)["data"]["metadata"]


@pytest.mark.parametrize(
    "name", ["password", "DB_PASSWORD", "client-secret", "apiKey", "api_key", "token", "Authorization", "private_key"]
)
def test_what_stands_under_the_name_of_a_secret_is_struck_out(name: str) -> None:
    assert metadata_of(redacted({"metadata": {"rows": 3, name: "hunter2"}})) == {"rows": 3, name: REDACTED}


@pytest.mark.parametrize("name", ["max_tokens", "author", "key", "secret_name", "primary_keys", "passed", "keyboard"])
def test_names_that_only_sound_alike_are_left_alone(name: str) -> None:
    assert redacted({"metadata": {name: "value"}}).struck == 0


def test_all_values_below_the_name_of_a_secret_are_struck_out() -> None:
    redaction = redacted({"metadata": {"secrets": {"a": "x", "b": [1, {"c": "y"}], "on": True, "none": None}}})
    below = metadata_of(redaction)["secrets"]
    assert below == {"a": REDACTED, "b": [REDACTED, {"c": REDACTED}], "on": True, "none": None}
    assert redaction.struck == 3


@pytest.mark.parametrize(
    "text,clean",
    [
        ("cannot reach postgres://me:hunter2@db/shop", f"cannot reach postgres://me:{REDACTED}@db/shop"),
        (f"with {JWT} in it", f"with {REDACTED} in it"),
        ("AKIAIOSFODNN7EXAMPLE", REDACTED),
        (PEM, REDACTED),
        ("Authorization: Bearer abcdef0123456789abcdef", f"Authorization: Bearer {REDACTED}"),
        ("host=db password=hunter2 user=me", f"host=db password={REDACTED} user=me"),
        ("https://x.example/?token=abc&page=2", f"https://x.example/?token={REDACTED}&page=2"),
        ("asl_0123456789ab_" + "x" * 43, REDACTED),
    ],
)
def test_what_looks_like_a_secret_is_struck_out_wherever_it_stands(text: str, clean: str) -> None:
    assert metadata_of(redacted({"metadata": {"note": ["", text]}})) == {"note": ["", clean]}
    failed = redacted({"error": text, "metadata": {"a": 1}}, "asset.failed")
    assert json.loads(failed.raw)["data"]["error"] == clean


@pytest.mark.parametrize(
    "text", ["me@example.org", "https://host/path", "the bearer of bad news", "a token of love", "key: value", "a@b:c"]
)
def test_ordinary_texts_are_left_alone(text: str) -> None:
    assert redacted({"metadata": {"note": text}}).struck == 0


def test_a_secret_behind_escapes_is_found() -> None:
    raw = raw_of({"metadata": {}}).replace(b'"metadata": {}', rb'"metadata": {"\u0070assword": "hunter2"}')
    assert b"hunter2" not in redact(raw, decode(raw)).raw


def test_keys_ids_and_the_run_are_never_touched() -> None:
    data = {"upstream": ["s3://AKIAIOSFODNN7EXAMPLE/x"], "run": {"id": JWT}, "metadata": {"password": "x"}}
    after = json.loads(redacted(data, "asset.materialized").raw)["data"]
    assert after == {**data, "metadata": {"password": REDACTED}}


def test_everything_else_of_the_bytes_stays_as_it_came() -> None:
    head = b'{"specversion":"1.0" , "id":"1","source":"t","type":"asset.observed","subject":"s3://a",'
    raw = head + b'"data":{"metadata":{"n":1.00e2,"pwd" :"x", "u":"\\u00e9"}}}'
    expected = raw.replace(b'"x"', b'"[redacted]"')
    assert redact(raw, decode(raw)) == Redaction(expected, 1)


def test_an_event_without_secrets_is_the_very_same_object() -> None:
    raw = raw_of({"metadata": {"rows": 1024, "author": "me"}})
    assert redact(raw, decode(raw)).raw is raw


def test_a_table_of_an_artifact_is_looked_through() -> None:
    table = [{"user": "a", "password": "x"}, {"user": "b", "password": ""}]
    raw = raw_of({"type": "table", "data": table}, "artifact.created", "users")
    assert json.loads(redact(raw, decode(raw)).raw)["data"]["data"] == [{**table[0], "password": REDACTED}, table[1]]


def test_data_of_a_version_not_known_yet_is_looked_through() -> None:
    event = json.loads(raw_of({"metadata": {"password": "x"}}))
    raw = json.dumps({**event, "dataversion": 99}).encode()
    assert json.loads(redact(raw, decode(raw)).raw)["data"]["metadata"] == {"password": REDACTED}


@pytest.mark.parametrize(
    "piece", ["eyJ-", "://:", "://a:b", "bearer ", "token = ", "-----BEGIN ", "asl_0_", "AKIA", "x@"]
)
@pytest.mark.timeout(60)
def test_no_text_takes_for_ever(piece: str) -> None:
    for text in (piece * (1_000_000 // len(piece)), piece + " " * 1_000_000, piece + "x" * 1_000_000):
        without_secrets(text)


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text() | st.sampled_from([JWT, PEM, "a://u:p@h", "token=x"]),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text() | st.just("password"), inner, max_size=3),
    max_leaves=12,
)


@given(st.dictionaries(st.text(max_size=9) | st.sampled_from(["password", "apiKey", "rows"]), JSON, max_size=4))
def test_redacting_is_idempotent_and_leaves_an_event_that_decodes(metadata: dict[str, Any]) -> None:
    once = redacted({"metadata": metadata})
    event = decode(once.raw)
    assert redact(once.raw, event) == Redaction(once.raw, 0)
    if not any(map(names_a_secret, metadata)) and once.struck == 0:
        assert metadata_of(once) == metadata


pieces = st.sampled_from([needle.decode() for needle in _NEEDLES]) | st.text(
    "0123456789abcdefABCDEFkKrRsS @", max_size=9
)


@given(st.lists(pieces | pieces.map(str.upper), max_size=6).map("".join))
def test_no_text_with_a_needle_is_passed_over(text: str) -> None:
    assert _has_needle(text.encode()) or not _search(text.encode())
