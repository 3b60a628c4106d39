"""Data frames of the real libraries as tables."""

from __future__ import annotations

import datetime as dt
import math
from decimal import Decimal
from typing import Any

import msgspec
import pandas
import polars
import pyarrow
import pytest

from assetlog.producers.artifacts.contents import Content, table
from assetlog.producers.artifacts.tables import MOST_ROWS, rows_of
from assetlog.schemas.errors import Invalid

COLUMNS = {"name": ["Ada", "Bob"], "age": [36, None], "mean": [1.5, math.nan]}


def rows(content: Content) -> Any:
    return msgspec.json.decode(content.raw)


FRAMES = {
    "pandas": pandas.DataFrame(COLUMNS),
    "polars": polars.DataFrame(COLUMNS, strict=False),
    "polars-lazy": polars.DataFrame(COLUMNS, strict=False).lazy(),
    "pyarrow": pyarrow.table(COLUMNS),
    "pyarrow-batch": pyarrow.table(COLUMNS).to_batches()[0],
}


@pytest.mark.parametrize("library", FRAMES)
def test_a_data_frame_is_a_table(library: str) -> None:
    assert rows(table(FRAMES[library])) == [
        {"name": "Ada", "age": 36, "mean": 1.5},
        {"name": "Bob", "age": None, "mean": None},
    ]


@pytest.mark.parametrize("library", ["polars", "polars-lazy", "pyarrow", "pyarrow-batch"])
def test_not_a_number_is_told_where_null_is_something_else(library: str) -> None:
    assert "NaN and Infinity as null" in table(FRAMES[library]).notice


def test_what_pandas_calls_missing_is_null_without_a_word() -> None:
    frame = pandas.DataFrame(
        {
            "count": pandas.array([1, None], dtype="Int64"),
            "kind": pandas.Categorical(["a", None]),
            "time": [pandas.Timestamp("2026-01-01"), pandas.NaT],
        }
    )
    content = table(frame)
    assert rows(content) == [
        {"count": 1, "kind": "a", "time": "2026-01-01 00:00:00"},
        {"count": None, "kind": None, "time": None},
    ]
    assert content.notice == ""


def test_values_of_any_type_are_told() -> None:
    frame = polars.DataFrame({"price": [Decimal("1.10")], "day": [dt.date(2026, 1, 1)], "parts": [[{"a": 1}]]})
    assert rows(table(frame)) == [{"price": "1.10", "day": "2026-01-01", "parts": [{"a": 1}]}]


def test_columns_may_be_series() -> None:
    given = {"a": pandas.Series([1, 2]), "b": polars.Series([3, 4])}
    assert rows_of(given) == ([{"a": 1, "b": 3}, {"a": 2, "b": 4}], 2)


def test_of_a_large_frame_no_more_is_read_than_fits() -> None:
    frame = polars.DataFrame({"n": range(MOST_ROWS * 3)})
    read, height = rows_of(frame)
    assert (len(read), height) == (MOST_ROWS, MOST_ROWS * 3)
    content = table(frame)
    assert f"kept {len(rows(content)):,} of {MOST_ROWS * 3:,} rows" in content.notice


def test_infinity_becomes_null_with_a_notice() -> None:
    content = table([{"a": math.inf, "b": -math.inf, "c": 1}])
    assert rows(content) == [{"a": None, "b": None, "c": 1}]
    assert content.described("Sums") == "Sums (assetlog wrote NaN and Infinity as null: JSON has neither)"


@pytest.mark.parametrize("other", [pandas.Series([1]), polars.Series([1]), {1, 2}])
def test_what_has_no_columns_is_no_table(other: Any) -> None:
    with pytest.raises(Invalid, match="not a table"):
        table(other)
