"""Asset keys, artifact keys and catalog names: what is accepted, and which spellings are one key."""

from __future__ import annotations

import pytest

from assetlog.schemas.errors import Invalid
from assetlog.schemas.keys import MAX_KEY_LENGTH, canonical_key, check_artifact_key
from assetlog.schemas.stream import check_catalog, stream_key

ACCEPTED = {
    # what Prefect 3.9 accepts
    "s3://bucket/folder/asset.csv": "s3://bucket/folder/asset.csv",
    "s3://": "s3://",
    "s3://ü/é": "s3://ü/é",
    "s3://a@c,d;e=f+g$h!i~j*k(l)": "s3://a@c,d;e=f+g$h!i~j*k(l)",
    "s3://" + "x" * 507: "s3://" + "x" * 507,
    # what Airflow 3.3 normalizes
    "s3://b/k/": "s3://b/k",
    "S3://B/k": "s3://B/k",
    "s3://b": "s3://b",
    "s3://b/": "s3://b",
    "s3://b//x//": "s3://b//x",
    "s3://u@b/k": "s3://u@b/k",
    "s3://b/k?z=1&a=2": "s3://b/k?a=2&z=1",
    "http://h/p?a=%20b": "http://h/p?a=%20b",
    "file:/tmp": "file:///tmp",
    "FILE:/tmp": "file:///tmp",
    "file:///tmp/": "file:///tmp",
    "file://tmp": "file://tmp",
    "x-foo://A/b/?q#z": "x-foo://A/b?q",
    "postgres://h/d/s/t": "postgres://h/d/s/t",
    # schemes with + - . and digits, and what has no host
    "s3a+b://x": "s3a+b://x",
    "my-lake://a": "my-lake://a",
    "snowflake.eu://a": "snowflake.eu://a",
    "2fa://a": "2fa://a",
    "asset://process_nothing": "asset://process_nothing",
    "s3:///": "s3:///",
    "s3:///?": "s3:///",
    "s3://a#b?c/": "s3://a",
    "s3://a?&&b&": "s3://a?b",
    "s3://a b/c d": "s3://a b/c d",
    "mongodb://host/a:b@c": "mongodb://host/a:b@c",
}

REFUSED = {
    "": "not empty",
    "a/b": "with ://",
    "s3:/a": "with ://",
    "my_asset": "with ://",
    "mailto:bob": "with ://",
    "://x": "scheme",
    "my_lake://a": "scheme",
    "s 3://a": "scheme",
    "ß://a": "scheme",
    "s3://a\n": "white space",
    " s3://a": "white space",
    "s3://a ": "white space",
    "s3://a /": "white space",
    "s3://a #b": "white space",
    "s3://a?b &a": "white space",
    "s3://a\u00a0": "white space",
    "s3://a\tb": "U+0009",
    "s3://a\x00b": "U+0000",
    "s3://a\u200bb": "U+200B",
    "s3://a\u202eb": "U+202E",
    "s3://a\u2028b": "U+2028",
    "s3://a\ud800b": "U+D800",
    "s3://a\x7fb": "U+007F",
    "s3://" + "x" * (MAX_KEY_LENGTH - 4): "at most 1500",
    "file:/" + "x" * (MAX_KEY_LENGTH - 7): "at most 1500",
}

WITH_PASSWORD = (
    "postgres://me:hunter2@host/db",
    "POSTGRES://me:hunter2@host",
    "postgres://:hunter2@host/db",
    "s3://a:hunter2@c,d;e=f+g$h!i~j*k(l)",
    "redis://me:x@hunter2@host?a#b",
    " postgres://me:hunter2@host/db",
    "my_db://me:hunter2@host/db",
    "postgres://me:hunter2@host/\x00",
    "me:hunter2@host/db",
    "postgres://me:hunter2@host/" + "x" * MAX_KEY_LENGTH,
)


@pytest.mark.parametrize("key, canonical", ACCEPTED.items())
def test_a_good_key_has_one_canonical_spelling(key: str, canonical: str) -> None:
    assert canonical_key(key) == canonical
    assert canonical_key(canonical) == canonical


@pytest.mark.parametrize("key, rule", REFUSED.items(), ids=ascii)
def test_a_bad_key_is_refused_with_its_rule(key: str, rule: str) -> None:
    with pytest.raises(Invalid) as caught:
        canonical_key(key)
    error = caught.value
    assert (error.code, error.field) == ("invalid-key", "key")
    assert rule in (error.rule or "")
    assert error.hint


@pytest.mark.parametrize("key", WITH_PASSWORD, ids=ascii)
def test_a_password_in_a_key_is_refused_and_never_repeated(key: str) -> None:
    with pytest.raises(Invalid) as caught:
        canonical_key(key)
    error = caught.value
    assert "hunter2" not in " ".join((str(error), error.detail, error.value or "", error.rule or "", repr(error)))


def test_the_longest_key_has_fifteen_hundred_characters() -> None:
    longest = "s3://" + "x" * (MAX_KEY_LENGTH - 5)
    assert canonical_key(longest) == longest


@pytest.mark.parametrize("key", ["daily-report", "a", "0", "-", "x" * 255])
def test_a_good_artifact_key_is_kept_as_it_is(key: str) -> None:
    assert check_artifact_key(key) == key


@pytest.mark.parametrize("key", ["", "Daily", "a_b", "a b", "ä", "a/b", "x" * 256, "a\n"], ids=ascii)
def test_a_bad_artifact_key_is_refused_with_its_rule(key: str) -> None:
    with pytest.raises(Invalid) as caught:
        check_artifact_key(key)
    assert caught.value.code == "invalid-artifact-key"
    assert "lower-case letters, digits and dashes" in (caught.value.rule or "")


def test_the_keys_of_a_catalog_share_a_cluster_slot() -> None:
    assert stream_key() == "assetlog:{default}:events"
    assert stream_key("team-a_2") == "assetlog:{team-a_2}:events"


@pytest.mark.parametrize("name", ["", "A", "-a", "_a", "a}b", "a{b", "a:b", "a b", "a" * 64, "a\n"], ids=ascii)
def test_a_catalog_name_can_not_reach_into_another_key(name: str) -> None:
    with pytest.raises(Invalid) as caught:
        check_catalog(name)
    assert caught.value.code == "invalid-catalog"
