"""Limits and cursors."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from assetlog.consumers.views.paging import check_limit, page, read_cursor, write_cursor
from assetlog.schemas.errors import Invalid


@given(st.tuples(st.text(), st.integers(-(2**63), 2**63 - 1)))
def test_a_cursor_gives_back_its_sort_key(key: tuple[str, int]) -> None:
    assert read_cursor(write_cursor(key), tuple[str, int]) == key


@given(st.text())
def test_a_cursor_fits_into_a_url(key: str) -> None:
    assert re.fullmatch(r"[A-Za-z0-9_-]+", write_cursor(key))


@given(st.text(min_size=1), st.data())
def test_a_cursor_that_was_changed_is_refused(key: str, data: st.DataObject) -> None:
    cursor = write_cursor(key)
    place = data.draw(st.integers(0, len(cursor) - 1))
    letter = data.draw(st.sampled_from("Az0_-!é=").filter(lambda letter: letter != cursor[place]))
    with pytest.raises(Invalid, match="cursor"):
        read_cursor(cursor[:place] + letter + cursor[place + 1 :], str)


@given(st.text())
def test_any_text_as_a_cursor_is_refused(text: str) -> None:
    with pytest.raises(Invalid) as refused:
        read_cursor(text, str)
    assert (refused.value.code, refused.value.field) == ("invalid-cursor", "cursor")
    assert refused.value.rule is not None


def test_a_cursor_of_another_list_is_refused() -> None:
    with pytest.raises(Invalid):
        read_cursor(write_cursor(["a", 1]), str)


def test_no_cursor_is_the_beginning() -> None:
    assert read_cursor(None, str) is None


@pytest.mark.parametrize("limit", [1, 100, 1000])
def test_a_limit_is_1_to_1000(limit: int) -> None:
    assert check_limit(limit) == limit


@pytest.mark.parametrize("limit", [-1, 0, 1001])
def test_a_limit_outside_is_refused(limit: int) -> None:
    with pytest.raises(Invalid, match="limit"):
        check_limit(limit)


def test_a_row_too_many_says_that_there_is_a_next_page() -> None:
    found = page(["a", "b", "c"], 2, 1 << 20, str, list)
    assert (found.items, found.next, found.position) == (["a", "b"], write_cursor("b"), "1-0")


def test_the_last_page_has_no_next() -> None:
    assert page(["a", "b"], 2, 0, str, list).next is None
