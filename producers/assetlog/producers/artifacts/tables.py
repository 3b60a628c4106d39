"""Every form of a table as a list of row objects. Data frames are known by their methods; no library is imported."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from assetlog.producers.values import to_json
from assetlog.schemas.errors import Invalid

MOST_ROWS = 100_000
"""No more of a data frame are looked at: not even the smallest would fit into an event."""

Rows = list[dict[str, Any]]


def rows_of(table: Any) -> tuple[Rows, int]:
    """A table as rows, and how many it has in all.

    Raises:
        Invalid: it is no table.

    >>> rows_of({"name": ["Ada", "Bob"], "age": [36, 41]})
    ([{'name': 'Ada', 'age': 36}, {'name': 'Bob', 'age': 41}], 2)
    >>> rows_of([["name", "age"], ["Ada", 36]])
    ([{'name': 'Ada', 'age': 36}], 1)
    """
    if not isinstance(table, list | tuple | Mapping):
        return _rows_of_frame(table)
    rows = _rows_of_values(table)
    return rows, len(rows)


def rows_that_fit(rows: Rows, size: int) -> Rows:
    """The first rows, as many as a number of bytes holds."""
    if len(to_json(rows)[0]) <= size:
        return rows
    room = size
    for at, row in enumerate(rows):
        room -= len(to_json(row)[0]) + 1
        if room < 0:
            return rows[:at]
    return rows


def _rows_of_values(table: Any) -> Rows:
    if isinstance(table, Mapping):
        columns = {str(name): _as_list(column) for name, column in table.items()}
        if all(column is not None for column in columns.values()):
            return _transposed({name: column or [] for name, column in columns.items()})
    elif all(isinstance(row, Mapping) for row in table):
        return [{str(name): value for name, value in row.items()} for row in table]
    elif all(isinstance(row, list | tuple) for row in table):
        names = [str(name) for name in table[0]]
        return [dict(zip(names, row, strict=False)) for row in table[1:]]
    raise _no_table(table)


def _transposed(columns: Mapping[str, list[Any]]) -> Rows:
    """Columns as rows; a short column ends in nulls."""
    height = max(map(len, columns.values()), default=0)
    whole = [[*column, *[None] * (height - len(column))] for column in columns.values()]
    return [dict(zip(columns, values, strict=True)) for values in zip(*whole, strict=True)]


def _as_list(column: Any) -> list[Any] | None:
    """A column of values: a list, or an array or series that makes one of itself."""
    if isinstance(column, list | tuple):
        return list(column)
    convert = getattr(column, "to_list", None) or getattr(column, "tolist", None)
    made = convert() if callable(convert) else None
    return made if isinstance(made, list) else None


def _rows_of_frame(frame: Any) -> tuple[Rows, int]:
    """pandas has `to_dict`, polars `to_dicts`, pyarrow `to_pylist`."""
    if hasattr(frame, "collect_schema") and hasattr(frame, "collect"):  # a lazy frame of polars
        frame = frame.collect()
    if hasattr(frame, "to_dicts") and hasattr(frame, "height"):
        return frame.head(MOST_ROWS).to_dicts(), frame.height
    if hasattr(frame, "to_pylist") and hasattr(frame, "num_rows"):
        return frame.slice(0, MOST_ROWS).to_pylist(), frame.num_rows
    if hasattr(frame, "to_dict") and hasattr(frame, "notna") and hasattr(frame, "columns"):
        first = frame.head(MOST_ROWS).astype(object)
        rows = first.where(first.notna(), None).to_dict("records")  # what pandas calls missing is null
        return [{str(name): value for name, value in row.items()} for row in rows], len(frame)
    raise _no_table(frame)


def _no_table(table: Any) -> Invalid:
    return Invalid(
        f"A {type(table).__name__} like this is not a table.",
        code="invalid-data",
        field="table",
        value=table,
        rule="a table is a list of mappings, a mapping of names to lists, a list of lists with the names first, or a "
        "data frame of pandas, polars or pyarrow",
        hint="Give it in one of these forms.",
    )
