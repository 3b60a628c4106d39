"""Cutting a body into events: the bytes stay as they are, and one bad event does not hide the others."""

from __future__ import annotations

import contextlib
import json
from typing import Any, get_args

import pytest
from hypothesis import given
from hypothesis import strategies as st

from assetlog.catalog.api.split import Form, form_of, split_body
from assetlog.schemas.errors import Invalid, TooLarge

texts = st.text(st.characters(codec="utf-8"), max_size=20)
values = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**53), 2**53) | texts,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(texts, inner, max_size=3),
    max_leaves=8,
)
objects = st.dictionaries(texts, values, max_size=4)
spaces = st.text(" \t\n\r", max_size=3)


def join(raws: list[bytes], space: str) -> bytes:
    gap = space.encode()
    return gap + b"[" + gap + (gap + b"," + gap).join(raws) + gap + b"]" + gap


@given(st.lists(objects, min_size=1, max_size=6), spaces, st.booleans())
def test_an_array_is_cut_into_the_very_bytes_of_its_items(events: list[Any], space: str, ascii_only: bool) -> None:
    raws = [json.dumps(event, ensure_ascii=ascii_only).encode() for event in events]
    assert split_body(join(raws, space), "either", 10) == raws


@given(st.lists(objects, min_size=1, max_size=5), st.integers(0, 5), spaces)
def test_neighbours_of_a_damaged_item_are_cut_the_same(events: list[Any], place: int, space: str) -> None:
    raws = [json.dumps(event, ensure_ascii=False).encode() for event in events]
    damaged = [*raws[:place], b'{"bad": NaN, "s": "a,]}\\""}', *raws[place:]]
    assert split_body(join(damaged, space), "many", 10) == damaged


@given(st.lists(objects, min_size=1, max_size=6), st.sampled_from(["\n", "\r\n", "\n\n", "\n \t\n"]))
def test_lines_are_cut_at_line_ends_and_blank_ones_skipped(events: list[Any], end: str) -> None:
    lines = [json.dumps(event) for event in events]
    found = split_body((end.join(lines) + end).encode(), "lines", 10)
    assert [json.loads(raw) for raw in found] == events


@given(st.binary(max_size=60))
def test_whatever_a_body_holds_it_is_cut_or_refused(body: bytes) -> None:
    for form in get_args(Form):
        with contextlib.suppress(Invalid, TooLarge):
            raws = split_body(body, form, 20)
            assert raws
            assert all(raw in body for raw in raws)


@pytest.mark.parametrize("body", [b"[1,2", b"[1,2]]", b"[1,2}", b'["a', b"[1] x", b"{}", b'[{"a":1}[]', b"5"])
def test_what_is_no_array_is_refused_as_a_whole(body: bytes) -> None:
    with pytest.raises(Invalid) as refusal:
        split_body(body, "many", 10)
    assert refusal.value.code == "malformed-json"


def test_more_events_than_allowed_are_refused_and_just_as_many_are_not() -> None:
    assert len(split_body(b"[1,2,3]", "many", 3)) == 3
    with pytest.raises(TooLarge):
        split_body(b"[1,2,3,4]", "many", 3)


def test_a_content_type_says_what_a_body_holds() -> None:
    assert form_of("Application/CloudEvents+JSON; charset=utf-8") == "one"
    with pytest.raises(Invalid) as refusal:
        form_of("")
    assert refusal.value.code == "unsupported-media-type"
