"""Laws of the event contract, for any input."""

from __future__ import annotations

import contextlib
from collections.abc import Callable
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path
from typing import Any

import msgspec
import pytest
from hypothesis import assume, example, given
from hypothesis import strategies as st
from msgspec import Raw

from assetlog.schemas.codec import Event, _check_bytes, decode, decode_in_two_passes, encode
from assetlog.schemas.envelope import Envelope
from assetlog.schemas.errors import Invalid, masked
from assetlog.schemas.events import EVENT_TYPES
from assetlog.schemas.keys import MAX_KEY_LENGTH, _respelt, canonical_key
from assetlog.schemas.nesting import MAX_DEPTH, too_deep
from assetlog.schemas.one_pass import decode_plain
from assetlog.schemas.positions import MAX_MS, MAX_SEQ, format_position, parse_position, position_time
from assetlog.schemas.times import _RFC3339, format_time, parse_time


def plain_form(raw: bytes) -> bytes:
    """A good event without what sends it the long way: extension attributes."""
    event = msgspec.json.decode(raw)
    known = {name: value for name, value in event.items() if name in Envelope.__struct_fields__}
    return msgspec.json.encode(known | {"data": event.get("data", {})})


def attributes(raw: bytes) -> list[tuple[bytes, Raw]]:
    """Names and values of an event, in their order."""
    return [(name.encode(), value) for name, value in msgspec.json.decode(raw, type=dict[str, Raw]).items()]


EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
GOLDEN = {path.stem: path.read_bytes() for path in sorted((Path(__file__).parents[1] / "golden").iterdir())}

json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=20,
)
key_texts = st.text() | st.from_regex(r"[A-Za-z0-9+.-]{0,5}:?/{0,3}[ -~\s]{0,30}", fullmatch=True)
golden_events = st.sampled_from(sorted(GOLDEN)).map(GOLDEN.__getitem__)


def outcome(function: Callable[[Any], Any], given_value: Any) -> Any:
    """What a function gives, or what its refusal says."""
    try:
        return function(given_value)
    except Invalid as error:
        return error.code, error.field, error.detail, error.value, error.rule, error.hint


@given(key_texts)
@example("file:/" + "x" * (MAX_KEY_LENGTH - 7))
@example("s3://a /")
@example("s3://a?b &a")
def test_a_canonical_key_is_its_own_canonical_spelling(key: str) -> None:
    with contextlib.suppress(Invalid):
        canonical = canonical_key(key)
        assert canonical_key(canonical) == canonical
        assert len(canonical) <= MAX_KEY_LENGTH
        assert "#" not in canonical


@given(key_texts | st.from_regex(r"[a-z0-9+.-]{1,5}://[!-~]{0,30}", fullmatch=True))
@example("s3://")
@example("s3:///")
@example("s3://b/")
@example("s3://b\n")
@example("s3://a://b")
@example("s3://u:p@h")
@example("s3://" + "x" * (MAX_KEY_LENGTH - 5))
@example("s3://" + "x" * (MAX_KEY_LENGTH - 4))
def test_plain_keys_need_no_other_spelling(key: str) -> None:
    assert outcome(canonical_key.__wrapped__, key) == outcome(_respelt, key)


@given(
    st.from_regex(r"[a-z][a-z0-9+.-]{0,5}", fullmatch=True),
    st.from_regex(r"[!$-.0->A-Z\[-~]{1,20}", fullmatch=True).filter(lambda path: "@" not in path),
    st.lists(st.from_regex(r"[a-z]{1,3}=[a-z0-9]{0,3}", fullmatch=True), max_size=4),
    st.randoms(use_true_random=False),
)
def test_spellings_that_differ_only_in_form_are_one_key(scheme: str, path: str, query: list[str], random: Any) -> None:
    shuffled = random.sample(query, len(query))
    one = f"{scheme}://{path}" + ("?" + "&".join(query) if query else "")
    other = f"{scheme.upper()}://{path}/" + ("?" + "&".join(shuffled) if query else "") + "#somewhere"
    assert canonical_key(one) == canonical_key(other)


@given(st.from_regex(r"[a-z]{1,8}", fullmatch=True), st.text(min_size=1).map(lambda text: "pässwörd" + text))
def test_no_error_about_a_key_repeats_its_password(user: str, password: str) -> None:
    assume(not set(password) & set("/?#"))
    with pytest.raises(Invalid) as caught:
        canonical_key(f"postgres://{user}:{password}@host/db")
    assert "pässwörd" not in str(caught.value) + (caught.value.value or "") + (caught.value.rule or "")


@given(st.text())
def test_masking_twice_changes_nothing_more(text: str) -> None:
    assert masked(masked(text)) == masked(text)


@given(st.integers(0, MAX_MS), st.integers(0, MAX_SEQ), st.integers(0, MAX_MS), st.integers(0, MAX_SEQ))
def test_positions_come_back_and_keep_the_logs_order(ms: int, seq: int, other_ms: int, other_seq: int) -> None:
    position, other = parse_position(f"{ms}-{seq}"), parse_position(f"{other_ms}-{other_seq}")
    assert format_position(position) == f"{ms}-{seq}"
    assert (position < other) == ((ms, seq) < (other_ms, other_seq))


@given(st.timedeltas(min_value=timedelta(0), max_value=timedelta(days=80_000)))
def test_a_position_keeps_the_millisecond_it_was_recorded_in(elapsed: timedelta) -> None:
    moment = EPOCH + elapsed
    position = parse_position(f"{elapsed // timedelta(milliseconds=1)}-7")
    assert timedelta(0) <= moment - position_time(position) < timedelta(milliseconds=1)


@given(
    st.datetimes(timezones=st.just(UTC)),
    st.integers(-1439, 1439).map(lambda minutes: timezone(timedelta(minutes=minutes))),
)
def test_times_come_back_from_any_zone(moment: datetime, zone: timezone) -> None:
    assume(2 <= moment.year <= 9998)
    local = moment.astimezone(zone)
    assert parse_time(local.isoformat()) == local
    assert parse_time(format_time(local)) == local


@given(
    st.from_regex(
        r"[0-9]{4}-[0-9W]{2}.[0-9-]{2}[Tt ][0-9]{2}:[0-9:]{2,3}[0-9]{2}([.,]?[0-9]{0,7})[Zz0]", fullmatch=True
    )
)
@example("2026-W47-6T17:52:50.910608Z")
@example("2026-11-21T24:00:00.000000Z")
@example("2026-11-21T24:00:00.000Z")
@example("2026-11-21T17:52:50.Z")
@example("2026-11-21T17:52:50.9106081Z")
@example("2026-11-21T17:52:50.910\n")
def test_a_time_is_read_only_if_it_is_rfc_3339(text: str) -> None:
    with contextlib.suppress(Invalid):
        moment = parse_time(text)
        match = _RFC3339.fullmatch(text)
        assert match
        assert match["zone"]
        assert len(match["fraction"] or "") <= 6
        assert moment.tzinfo is UTC


@given(st.datetimes(timezones=st.just(UTC)), st.integers(0, 6))
def test_a_time_of_any_exactness_is_the_moment_it_names(moment: datetime, digits: int) -> None:
    step = 10 ** (6 - digits)
    moment = moment.replace(microsecond=moment.microsecond // step * step)
    fraction = f".{moment.microsecond:06d}"[: digits + 1] if digits else ""
    assert parse_time(f"{moment:%Y-%m-%dT%H:%M:%S}".zfill(19) + fraction + "Z") == moment


def depth(value: Any) -> int:
    """How deep a value nests, by plain recursion."""
    if isinstance(value, dict):
        return 1 + max(map(depth, value.values()), default=0)
    return 1 + max(map(depth, value), default=0) if isinstance(value, list) else 0


@given(json_values, st.integers(0, 6))
@example('"[[{{\\"[', 0)
@example(["]", "}", ["\\", '"']], 1)
def test_depth_is_exact_whatever_the_strings_hold(value: Any, limit: int) -> None:
    assert too_deep(msgspec.json.encode(value), limit) == (depth(value) > limit)


@given(st.integers(MAX_DEPTH - 2, MAX_DEPTH + 2), st.sampled_from([(b"[", b"]"), (b'{"a":', b"}")]))
def test_depth_is_exact_at_the_limit(levels: int, brackets: tuple[bytes, bytes]) -> None:
    text = brackets[0] * levels + (b"" if brackets[0] == b"[" else b"1") + brackets[1] * levels
    assert too_deep(text) == (levels > MAX_DEPTH)


def refuses_or_decodes(raw: bytes) -> None:
    with contextlib.suppress(Invalid):
        decode(raw)


@given(st.binary())
def test_any_bytes_are_decoded_or_refused(raw: bytes) -> None:
    refuses_or_decodes(raw)


@given(json_values)
def test_any_json_is_decoded_or_refused(value: Any) -> None:
    refuses_or_decodes(msgspec.json.encode(value))


@given(golden_events, st.data())
def test_a_good_event_with_damaged_bytes_is_decoded_or_refused(raw: bytes, data: st.DataObject) -> None:
    start = data.draw(st.integers(0, len(raw)))
    end = data.draw(st.integers(start, min(len(raw), start + 20)))
    refuses_or_decodes(raw[:start] + data.draw(st.binary(max_size=20)) + raw[end:])


@given(golden_events, st.data())
def test_a_good_event_with_any_other_value_is_decoded_or_refused(raw: bytes, data: st.DataObject) -> None:
    event = msgspec.json.decode(raw)
    part = event if data.draw(st.booleans()) else event["data"]
    name = data.draw(st.sampled_from(sorted(part)) | st.text(max_size=10))
    part[name] = data.draw(json_values)
    refuses_or_decodes(msgspec.json.encode(event))


def long_way(raw: bytes) -> Event:
    """What `decode` would be without its short way."""
    _check_bytes(raw)
    return decode_in_two_passes(raw)


def both_ways_agree(raw: bytes) -> None:
    assert outcome(decode, raw) == outcome(long_way, raw)


PLAIN = {name: plain_form(raw) for name, raw in GOLDEN.items()}
plain_events = st.sampled_from(sorted(PLAIN)).map(PLAIN.__getitem__)
ODD: dict[str, list[Any]] = {
    "specversion": ["1.0", "0.3", 1.0],
    "type": [*sorted(EVENT_TYPES), "", "asset", "Asset.retired"],
    "dataversion": [0, 1, 1.0, 2, True, "1", None],
    "datacontenttype": ["application/json", "Text/JSON; charset=x", "text/xml", None],
    "source": ["a b", "a\n", "", "\u00e9", "\ud7ff", "\u200b", "x" * 1501],
    "subject": [None, "", "orders", "S3://B/", "s3://u:p@h", "s3://\u200b", "s3://" + "x" * 1500],
    "time": ["2026-11-21T17:52:50Z", "2026-11-21t17:52:50.1+01:00", "2026-02-30T00:00:00Z", "now", None, 1],
    "region": ["eu", 1, True, None, {}, [1]],
    "dataVersion": [1],
}
odd_times = st.sampled_from(ODD["time"])


@pytest.mark.parametrize("raw", PLAIN.values(), ids=PLAIN.keys())
def test_plain_events_of_every_type_go_the_short_way(raw: bytes) -> None:
    assert decode_plain(raw) == long_way(raw)


@pytest.mark.parametrize("name", ODD)
@pytest.mark.parametrize("kind", ["asset.retired.v1", "asset.aliased.v1", "artifact.retired.v1", "run.started.v1"])
def test_both_ways_agree_on_an_odd_attribute(kind: str, name: str) -> None:
    event = msgspec.json.decode(PLAIN[kind])
    for value in ODD[name]:
        both_ways_agree(msgspec.json.encode(event | {name: value}))
    event.pop(name, None)
    both_ways_agree(msgspec.json.encode(event))


@given(plain_events | golden_events, st.data())
def test_both_ways_agree_on_damaged_bytes(raw: bytes, data: st.DataObject) -> None:
    start = data.draw(st.integers(0, len(raw)))
    end = data.draw(st.integers(start, min(len(raw), start + 20)))
    both_ways_agree(raw[:start] + data.draw(st.binary(max_size=20)) + raw[end:])


@given(plain_events | golden_events, st.data())
def test_both_ways_agree_on_attributes_of_any_value_and_order(raw: bytes, data: st.DataObject) -> None:
    event = msgspec.json.decode(raw)
    for name in data.draw(st.sets(st.sampled_from(sorted(ODD)), max_size=2)):
        event[name] = data.draw(st.sampled_from(ODD[name]) | json_values)
    for name in data.draw(st.sets(st.sampled_from(sorted(event)), max_size=1)):
        del event[name]
    order = data.draw(st.permutations(sorted(event)))
    both_ways_agree(msgspec.json.encode({name: event[name] for name in order}))


@given(plain_events, st.data())
def test_both_ways_agree_on_data_of_any_value(raw: bytes, data: st.DataObject) -> None:
    event = msgspec.json.decode(raw)
    fields = EVENT_TYPES[event["type"]].data.__struct_fields__
    for name in data.draw(st.sets(st.sampled_from(fields), max_size=2)):
        event["data"][name] = data.draw(json_values | odd_times)
    both_ways_agree(msgspec.json.encode(event))


@given(plain_events, plain_events, st.data())
@example(b'{"type":"asset.retired","type":"x"}', b"{}", None)
def test_both_ways_agree_on_names_that_come_twice(raw: bytes, other: bytes, data: st.DataObject | None) -> None:
    """The attributes of one event, some of another's between them, in the order of a JSON text."""
    pairs = [*attributes(raw), *(attributes(other) if data else [])]
    if data is not None:
        pairs = data.draw(st.permutations(pairs))
        pairs = pairs[data.draw(st.integers(0, 8)) :]
    both_ways_agree(b"{" + b",".join(b'"%s":%s' % pair for pair in pairs) + b"}")


@given(plain_events, st.integers(26, 36), st.sampled_from(["metadata", "data", "extra"]), st.booleans())
def test_both_ways_agree_on_depth_even_where_a_later_name_hides_it(
    raw: bytes, levels: int, field: str, hidden: bool
) -> None:
    deep = b'{"a":' * levels + b"1e999" + b"}" * levels
    event = msgspec.json.decode(raw)
    own = msgspec.json.encode(event["data"])
    twice = b'{"%s":%s,%s' % (field.encode(), deep, own[1:])
    event["data"] = Raw(own if hidden else twice)
    text = msgspec.json.encode(event)
    both_ways_agree(text[:1] + b'"data":' + twice + b"," + text[1:])


@given(golden_events)
def test_what_was_decoded_is_encoded_to_the_same(raw: bytes) -> None:
    event = decode(raw)
    assert event.data is not None
    again = encode(
        event.type, event.source, event.subject, event.data, event_id=event.id, causation_id=event.causation_id
    )
    assert msgspec.structs.replace(decode(again), time=event.time) == event


@given(st.dictionaries(st.text(), json_values, max_size=5))
def test_metadata_comes_back_as_it_was_given(metadata: dict[str, Any]) -> None:
    assume(depth(metadata) <= MAX_DEPTH - 2)
    given_text = Raw(msgspec.json.encode(metadata))
    data = EVENT_TYPES["asset.materialized"].data(metadata=given_text)
    decoded = decode(encode("asset.materialized", "test", "s3://a", data)).data
    assert getattr(decoded, "metadata", None) == given_text
