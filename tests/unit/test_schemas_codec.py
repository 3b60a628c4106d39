"""What the one decoder accepts and refuses, and how it says so."""

from __future__ import annotations

import json
from typing import Any

import pytest

from assetlog.schemas.codec import MAX_EVENT_BYTES, decode, encode
from assetlog.schemas.errors import Invalid, TooLarge
from assetlog.schemas.events.asset import AssetMaterialized, AssetRetired


def event(data: Any = None, **attributes: Any) -> bytes:
    """A good event, but for what is given; an attribute of value `...` is left out."""
    whole: dict[str, Any] = {
        "specversion": "1.0",
        "id": "1",
        "source": "test",
        "type": "asset.materialized",
        "subject": "s3://a",
    }
    whole |= attributes | ({} if data is None else {"data": data})
    return json.dumps({name: value for name, value in whole.items() if value is not ...}).encode()


def raw(data: bytes, more: bytes = b"") -> bytes:
    """An event around data that no encoder would write."""
    return event()[:-1] + b',"data":' + data + more + b"}"


def refusal(text: bytes) -> Invalid:
    with pytest.raises(Invalid) as caught:
        decode(text)
    assert caught.value.rule, "an error names its rule"
    assert caught.value.hint, "an error names its remedy"
    return caught.value


BAD_BYTES = {
    "nothing": (b"", "malformed-json"),
    "no JSON": (b"hello", "malformed-json"),
    "cut off": (event()[:-1], "malformed-json"),
    "more behind it": (event() + b"x", "malformed-json"),
    "two events": (event() + event(), "malformed-json"),
    "a byte order mark": (b"\xef\xbb\xbf" + event(), "malformed-json"),
    "single quotes": (event().replace(b'"', b"'"), "malformed-json"),
    "a trailing comma": (event()[:-1] + b",}", "malformed-json"),
    "an unknown attribute, then no JSON": (event(hello=1)[:-1] + b",", "malformed-json"),
    "NaN": (raw(b'{"metadata":{"a":NaN}}'), "malformed-json"),
    "Infinity": (raw(b'{"metadata":{"a":Infinity}}'), "malformed-json"),
    "minus Infinity": (raw(b'{"duration":-Infinity}'), "malformed-json"),
    "a lone surrogate": (raw(rb'{"by":"\ud800x"}'), "malformed-json"),
    "a control character": (raw(b'{"by":"a\x01"}'), "malformed-json"),
    "UTF-16": (event().decode().encode("utf-16"), "invalid-utf8"),
    "Latin-1": (event(source="é").replace(rb"\u00e9", b"\xe9"), "invalid-utf8"),
    "an overlong encoding": (raw(b'{"by":"\xc0\x80"}'), "invalid-utf8"),
    "an encoded surrogate": (raw(b'{"by":"\xed\xa0\x80"}'), "invalid-utf8"),
    "nesting": (raw(b'{"metadata":' + b'{"a":' * 31 + b"1" + b"}" * 31 + b"}"), "too-deep"),
    "bombs of brackets": (b"[" * 1_000_000, "too-deep"),
    "size": (raw(b'{"by":"' + b"x" * MAX_EVENT_BYTES + b'"}'), "event-too-large"),
}


@pytest.mark.parametrize("text, code", BAD_BYTES.values(), ids=BAD_BYTES.keys())
def test_bytes_that_are_no_event_are_refused(text: bytes, code: str) -> None:
    error = refusal(text)
    assert (error.code, error.field) == (code, "")


def test_an_event_of_a_megabyte_is_the_largest() -> None:
    padding = MAX_EVENT_BYTES - len(raw(b'{"metadata":{"a":""}}'))
    decode(raw(b'{"metadata":{"a":"' + b"x" * padding + b'"}}'))
    with pytest.raises(TooLarge):
        decode(raw(b'{"metadata":{"a":"' + b"x" * (padding + 1) + b'"}}'))


def test_json_may_nest_thirty_two_deep() -> None:
    decode(raw(b'{"metadata":' + b'{"a":' * 30 + b"1" + b"}" * 30 + b"}"))


BAD_ATTRIBUTES = {
    "not an object": (b"[]", "invalid-attribute", ""),
    "no id": (event(id=...), "invalid-attribute", "id"),
    "an empty id": (event(id=""), "invalid-attribute", "id"),
    "a number as id": (event(id=1), "invalid-attribute", "id"),
    "a long id": (event(id="x" * 513), "invalid-attribute", "id"),
    "no specversion": (event(specversion=...), "invalid-attribute", "specversion"),
    "another specversion": (event(specversion="0.3"), "invalid-attribute", "specversion"),
    "an empty source": (event(source=""), "invalid-attribute", "source"),
    "white space in the source": (event(source="a b"), "invalid-attribute", "source"),
    "a line break in the source": (event(source="a\nb"), "invalid-attribute", "source"),
    "a long source": (event(source="x" * 1501), "invalid-attribute", "source"),
    "no type": (event(type=...), "invalid-attribute", "type"),
    "an unknown type": (event(type="asset.matrialized"), "unknown-type", "type"),
    "a type in upper case": (event(type="Asset.Materialized"), "unknown-type", "type"),
    "no subject": (event(subject=...), "invalid-attribute", "subject"),
    "an empty subject": (event(subject=""), "invalid-attribute", "subject"),
    "a subject that is no key": (event(subject="orders"), "invalid-key", "subject"),
    "a long subject": (event(subject="s3://" + "x" * 1500), "invalid-key", "subject"),
    "a hidden character in the subject": (event(subject="s3://a\u200bb"), "invalid-key", "subject"),
    "an artifact's key": (
        event({"type": "json", "data": 1}, type="artifact.created", subject="A B"),
        "invalid-artifact-key",
        "subject",
    ),
    "a number as time": (event(time=1763747570), "invalid-attribute", "time"),
    "a time without zone": (event(time="2026-11-21T17:52:50"), "invalid-time", "time"),
    "a time in nanoseconds": (event(time="2026-11-21T17:52:50.123456789Z"), "invalid-time", "time"),
    "the year 0": (event(time="0000-01-01T00:00:00Z"), "invalid-time", "time"),
    "version 0": (event(dataversion=0), "invalid-attribute", "dataversion"),
    "a version as text": (event(dataversion="1"), "invalid-attribute", "dataversion"),
    "a version of null": (event(dataversion=None), "invalid-attribute", "dataversion"),
    "XML": (event(datacontenttype="application/xml"), "invalid-attribute", "datacontenttype"),
    "a name that only ends in json": (event(datacontenttype="text/nojson"), "invalid-attribute", "datacontenttype"),
    "binary data": (event(data_base64="AA=="), "invalid-attribute", "data_base64"),
    "a misspelt attribute": (event(dataVersion=1), "invalid-attribute", "dataVersion"),
    "an extension with a dash": (event(**{"my-ext": 1}), "invalid-attribute", "my-ext"),
    "a long extension": (event(**{"x" * 21: 1}), "invalid-attribute", "x" * 21),
    "an extension that is an object": (event(region={"a": 1}), "invalid-attribute", "region"),
    "an extension that is a list": (event(region=[1]), "invalid-attribute", "region"),
    "an extension that is null": (event(region=None), "invalid-attribute", "region"),
    "an extension out of range": (event()[:-1] + b',"region":1e999}', "invalid-attribute", "region"),
    "a bad attribute beside an extension": (event(region="eu", id=1), "invalid-attribute", "id"),
    "a bad subject beside an extension": (event(region="eu", subject="x"), "invalid-key", "subject"),
}


@pytest.mark.parametrize("text, code, field", BAD_ATTRIBUTES.values(), ids=BAD_ATTRIBUTES.keys())
def test_a_wrong_attribute_is_refused_by_its_name(text: bytes, code: str, field: str) -> None:
    error = refusal(text)
    assert (error.code, error.field) == (code, field)


BAD_DATA = {
    "a list as data": ("asset.materialized", [], "invalid-data", "data"),
    "text as data": ("asset.materialized", "x", "invalid-data", "data"),
    "an unknown field": ("asset.materialized", {"upstreams": []}, "unknown-field", "data.upstreams"),
    "an unknown inner field": (
        "asset.materialized",
        {"run": {"id": "1", "name": "x"}},
        "unknown-field",
        "data.run.name",
    ),
    "a wrong type": ("asset.materialized", {"run": {"id": 4}}, "invalid-data", "data.run.id"),
    "a missing field": ("asset.failed", {}, "invalid-data", "data.error"),
    "an upstream that is no key": (
        "asset.materialized",
        {"upstream": ["s3://a", "b"]},
        "invalid-key",
        "data.upstream[1]",
    ),
    "an empty upstream": ("asset.materialized", {"upstream": [""]}, "invalid-data", "data.upstream[0]"),
    "a key alone as upstream": ("asset.materialized", {"upstream": "s3://a"}, "invalid-data", "data.upstream"),
    "a column of no key": (
        "asset.materialized",
        {"column_lineage": {"c": [{"asset": "x", "column": "y"}]}},
        "invalid-key",
        "data.column_lineage.c[0].asset",
    ),
    "metadata that is a list": ("asset.materialized", {"metadata": [1]}, "invalid-data", "data.metadata"),
    "metadata that is null": ("run.started", {"metadata": None}, "invalid-data", "data.metadata"),
    "a negative duration": ("run.succeeded", {"duration": -1}, "invalid-data", "data.duration"),
    "an unknown severity": (
        "asset.checked",
        {"check": "c", "passed": True, "severity": "info"},
        "invalid-data",
        "data.severity",
    ),
    "a wrong due time": ("asset.overdue", {"reason": "late", "due": "08:00"}, "invalid-time", "data.due"),
    "extra that is text": ("asset.described", {"extra": "x"}, "invalid-data", "data.extra"),
    "long prose": ("asset.described", {"description": "x" * 65_537}, "invalid-data", "data.description"),
    "a tag that is a number": ("asset.described", {"tags": {"tier": 1}}, "invalid-data", "data.tags[...]"),
    "an alias that is no key": ("asset.aliased", {"alias": "x"}, "invalid-key", "data.alias"),
    "an alias of itself": ("asset.aliased", {"alias": "S3://a/"}, "invalid-data", "data.alias"),
    "an alias for no key": ("alias.resolved", {"asset": "x"}, "invalid-key", "data.asset"),
    "an unknown artifact type": ("artifact.created", {"type": "pdf", "data": 1}, "invalid-data", "data.type"),
    "an artifact without data": ("artifact.created", {"type": "json"}, "invalid-data", "data.data"),
    "an artifact about no key": (
        "artifact.created",
        {"type": "json", "data": 1, "asset": "x"},
        "invalid-key",
        "data.asset",
    ),
    "markdown that is a number": ("artifact.created", {"type": "markdown", "data": 1}, "invalid-data", "data.data"),
    "a table of lists": ("artifact.created", {"type": "table", "data": [[1]]}, "invalid-data", "data.data"),
    "a link without url": ("artifact.created", {"type": "link", "data": {"text": "x"}}, "invalid-data", "data.data"),
    "an image with a title": (
        "artifact.created",
        {"type": "image", "data": {"url": "u", "title": "x"}},
        "invalid-data",
        "data.data",
    ),
    "progress over 100": ("artifact.created", {"type": "progress", "data": 100.5}, "invalid-data", "data.data"),
    "progress that is true": ("artifact.created", {"type": "progress", "data": True}, "invalid-data", "data.data"),
    "a condition that is a list": (
        "consumer.registered",
        {"condition": [], "target": {}},
        "invalid-data",
        "data.condition",
    ),
    "a target that is text": ("consumer.registered", {"condition": {}, "target": "x"}, "invalid-data", "data.target"),
    "a start that is no position": (
        "consumer.registered",
        {"condition": {}, "target": {}, "start": "x"},
        "invalid-position",
        "data.start",
    ),
    "an outlet that is no key": (
        "consumer.registered",
        {"condition": {}, "target": {}, "outlets": ["x"]},
        "invalid-key",
        "data.outlets[0]",
    ),
    "a tick at no time": ("consumer.due", {"kind": "cron", "due": "noon"}, "invalid-time", "data.due"),
    "a trigger of no position": (
        "trigger.fired",
        {"consumer": "c", "positions": ["1-0", "x"]},
        "invalid-position",
        "data.positions[1]",
    ),
    "a range of no key": (
        "trigger.fired",
        {"consumer": "c", "consumed": [{"key": "x", "after": "0-0", "up_to": "1-0", "count": 1}]},
        "invalid-key",
        "data.consumed[0].key",
    ),
    "a range to no position": (
        "trigger.fired",
        {"consumer": "c", "consumed": [{"key": "s3://x", "after": "0-0", "up_to": "z", "count": 1}]},
        "invalid-position",
        "data.consumed[0].up_to",
    ),
    "OpenLineage that is text": ("openlineage.received", {"event": "x"}, "invalid-data", "data.event"),
}


@pytest.mark.parametrize("type_name, data, code, field", BAD_DATA.values(), ids=BAD_DATA.keys())
def test_wrong_data_is_refused_by_its_path(type_name: str, data: Any, code: str, field: str) -> None:
    subject = "a-key" if type_name.startswith("artifact") else "s3://a"
    error = refusal(event(data, type=type_name, subject=subject))
    assert (error.code, error.field) == (code, field)


@pytest.mark.parametrize("number", [b"1e999", b"-1e999", b'{"deep":[1e400]}'])
@pytest.mark.parametrize("type_name, field", [("asset.materialized", "metadata"), ("asset.described", "extra")])
def test_a_number_that_no_float_holds_is_refused(number: bytes, type_name: str, field: str) -> None:
    text = raw(b'{"%s":{"a":%s}}' % (field.encode(), number)).replace(b"asset.materialized", type_name.encode())
    error = refusal(text)
    assert (error.code, error.field) == ("invalid-data", f"data.{field}")
    assert "range" in (error.rule or "")


def test_a_refusal_shows_the_culprit_and_the_nearest_word() -> None:
    error = refusal(event({"upstreams": ["s3://x"]}))
    assert (error.value, error.hint) == ('["s3://x"]', "Did you mean upstream?")
    error = refusal(event(type="asset.matrialized"))
    assert (error.value, error.hint) == ("asset.matrialized", "Did you mean asset.materialized?")
    error = refusal(event(dataVersion=1))
    assert error.hint == "Did you mean dataversion?"


def test_a_refusal_shows_at_most_two_hundred_characters_of_the_culprit() -> None:
    assert len(refusal(event(type="x" * 255)).value or "") == 201


@pytest.mark.parametrize(
    "data",
    [
        {"upstream": ["postgres://me:hunter2@h/d"]},
        {"upstream": ["postgres://me:hunter2@h/" + "x" * 1500]},
        {"uppstream": "postgres://me:hunter2@h/d"},
    ],
)
def test_a_refusal_never_repeats_a_password(data: Any) -> None:
    error = refusal(event(data))
    assert "hunter2" not in " ".join((str(error), error.value or "", error.rule or ""))


def test_attributes_of_null_are_absent() -> None:
    decoded = decode(event(time=None, datacontenttype=None, dataschema=None, causationid=None))
    assert (decoded.time, decoded.causation_id) == (None, None)


def test_extensions_stay_in_the_bytes_and_harm_nothing() -> None:
    plain = event({"by": "dbt"}, time="2026-11-21T17:52:50Z", causationid="c")
    assert decode(plain[:-1] + b',"region":"eu","attempt":2,"ok":true}') == decode(plain)


@pytest.mark.parametrize(
    "media_type", ["application/json", "Application/JSON; charset=utf-8", "text/json", "application/cloudevents+json"]
)
def test_every_json_media_type_is_accepted(media_type: str) -> None:
    assert decode(event(datacontenttype=media_type)).id == "1"


def test_a_newer_version_is_kept_without_its_data() -> None:
    decoded = decode(event({"anything": 1}, dataversion=2))
    assert (decoded.version, decoded.data, decoded.upstream, decoded.subject) == (2, None, (), "s3://a")


def test_an_event_without_data_says_nothing_more() -> None:
    assert decode(event(type="asset.retired")).data == AssetRetired()


def test_keys_are_canonical_and_the_data_stays_as_it_was() -> None:
    decoded = decode(event({"upstream": ["S3://B/", "s3://B"]}, subject="S3://Lake/?b&a#x"))
    assert decoded.subject == "s3://Lake?a&b"
    assert decoded.upstream == ("s3://B", "s3://B")
    assert isinstance(decoded.data, AssetMaterialized)
    assert decoded.data.upstream == ("S3://B/", "s3://B")


def test_the_last_of_two_equal_names_counts() -> None:
    assert decode(event()[:-1] + b',"subject":"s3://b"}').subject == "s3://b"


def test_a_new_event_has_an_id_a_time_and_the_newest_version() -> None:
    decoded = decode(encode("asset.retired", "test", "s3://a", AssetRetired(by="me"), causation_id="c"))
    assert decoded.id[14] == "7"
    assert decoded.time is not None
    assert (decoded.version, decoded.causation_id, decoded.data) == (1, "c", AssetRetired(by="me"))
