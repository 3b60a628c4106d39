"""Laws of users' values: whatever they are, an event comes of them that a node takes."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

import msgspec
from hypothesis import given, settings
from hypothesis import strategies as st

from assetlog.producers.transports import without_password
from assetlog.producers.values import METADATA_BYTES, cut, cut_front, error_text, metadata_raw, safe_text
from assetlog.schemas.codec import decode, encode
from assetlog.schemas.events.asset import AssetFailed, AssetObserved

KEYS = (
    st.text(st.characters(codec=None))
    | st.integers()
    | st.floats()
    | st.none()
    | st.booleans()
    | st.tuples(st.integers())
)
LEAVES = (
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.text(st.characters(codec=None))
    | st.binary()
    | st.datetimes()
    | st.decimals()
    | st.uuids()
    | st.complex_numbers()
    | st.builds(object)
)
VALUES = st.recursive(
    LEAVES, lambda inner: st.lists(inner) | st.dictionaries(KEYS, inner) | st.tuples(inner), max_leaves=8
)


@settings(max_examples=60)
@given(st.dictionaries(KEYS, VALUES, max_size=4))
def test_any_metadata_makes_a_valid_event(metadata: Mapping[Any, Any]) -> None:
    raw = metadata_raw(metadata)
    decode(encode("asset.observed", "test", "s3://a", AssetObserved(metadata=raw)))
    assert isinstance(msgspec.json.decode(raw), dict)


@given(
    st.dictionaries(st.text(min_size=1), st.integers(-(1 << 63), (1 << 63) - 1) | st.text() | st.lists(st.booleans()))
)
def test_plain_metadata_is_kept_as_it_is(metadata: dict[str, Any]) -> None:
    assert msgspec.json.decode(metadata_raw(metadata)) == metadata


@settings(max_examples=20)
@given(st.integers(1, 100), st.integers(1, 40))
def test_large_metadata_keeps_what_fits_and_names_what_it_drops(count: int, kilobytes: int) -> None:
    metadata = {f"name-{number}": "ü" * (kilobytes << 9) for number in range(count)}
    raw = metadata_raw(metadata)
    assert len(raw) <= METADATA_BYTES
    kept = msgspec.json.decode(raw)
    assert ("assetlog.truncated" in kept) is (len(msgspec.json.encode(metadata)) > METADATA_BYTES)
    assert {name: kept[name] for name in metadata if name in kept}.items() <= metadata.items()


@given(st.integers(0, 200))
def test_any_depth_makes_a_valid_event(depth: int) -> None:
    value: Any = datetime(2026, 1, 1)  # noqa: DTZ001 - a user's naive time
    for _ in range(depth):
        value = {"in": [value]}
    decode(encode("asset.observed", "test", "s3://a", AssetObserved(metadata=metadata_raw({"value": value}))))


@given(st.text(st.characters(codec=None)))
def test_any_exception_makes_a_valid_event(text: str) -> None:
    data = AssetFailed(error=error_text(ValueError(text)))
    decode(encode("asset.failed", "test", "s3://a", data))


@given(st.text(), st.integers(1, 100))
def test_cut_texts_have_their_length(text: str, length: int) -> None:
    assert len(cut(text, length)) == len(cut_front(text, length)) == min(len(text), length)
    assert safe_text(text, length) == cut(text, length)


@given(st.sampled_from(["redis", "http", "unix"]), st.from_regex(r"[a-z0-9:@%/?]{0,20}", fullmatch=True))
def test_a_shown_url_never_has_user_info(scheme: str, secret: str) -> None:
    assert "@" not in without_password(f"{scheme}://user:{secret.replace('/', '')}@host:1/path").partition("?")[0]
