"""Artifacts: things a person looks at. Each create is the next version of its key.

An artifact made inside a `@materialize` function of one asset is about that asset, and belongs to its run.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from msgspec import Raw

from assetlog.producers.context import current_asset
from assetlog.producers.emitter import default_emitter
from assetlog.producers.notices import warn
from assetlog.producers.values import cut, safe_text, to_json
from assetlog.schemas.errors import Invalid
from assetlog.schemas.events.artifact import ArtifactCreated, ArtifactType, ArtifactUpdated
from assetlog.schemas.events.common import Data
from assetlog.schemas.ids import new_id
from assetlog.schemas.keys import check_artifact_key

CONTENT_BYTES = 768 << 10
"""Larger markdown and tables are cut, with a notice; an event has at most 1 MiB."""


def create_markdown_artifact(markdown: str, key: str | None = None, description: str | None = None) -> str:
    """Show a text in markdown. Returns the artifact's id.

    Args:
        key: lower-case letters, digits and dashes; each create is the next version of its key.
        description: what it is, in markdown.

    Raises:
        Invalid: the key breaks its rule.

    >>> create_markdown_artifact("# Sales", key="Sales")
    Traceback (most recent call last):
    assetlog.schemas.errors.Invalid: Artifact key 'Sales' is not allowed. Write it like daily-report.
    """
    text = safe_text(markdown, CONTENT_BYTES)
    if len(to_json(text)[0]) > CONTENT_BYTES:  # not ASCII: a character may take six bytes
        text = cut(text, CONTENT_BYTES // 6)
    notice = "" if len(text) == len(str(markdown)) else "\n\n*(assetlog cut this text: an event has at most 1 MiB)*"
    return _create("markdown", text + notice, key, description)


def create_table_artifact(
    table: Mapping[str, Sequence[Any]] | Sequence[Mapping[str, Any]] | Sequence[Sequence[Any]],
    key: str | None = None,
    description: str | None = None,
) -> str:
    """Show a table. Returns the artifact's id.

    Args:
        table: a list of row mappings, a mapping of columns to lists, or a list of rows, the first with the names.

    Raises:
        Invalid: the key breaks its rule, or the table is none.

    >>> rows_of({"name": ["Ada", "Bob"], "age": [36, 41]})
    [{'name': 'Ada', 'age': 36}, {'name': 'Bob', 'age': 41}]
    """
    rows = rows_of(table)
    kept = _rows_that_fit(rows)
    if len(kept) < len(rows):
        notice = f"(assetlog kept {len(kept):,} of {len(rows):,} rows: an event has at most 1 MiB)"
        description = f"{description} {notice}" if description else notice
    return _create("table", kept, key, description)


def create_link_artifact(
    link: str, link_text: str | None = None, key: str | None = None, description: str | None = None
) -> str:
    """Show a link. Returns the artifact's id.

    Raises:
        Invalid: the key breaks its rule.
    """
    data = {"url": link, "text": link_text} if link_text else {"url": link}
    return _create("link", data, key, description)


def create_image_artifact(image_url: str, key: str | None = None, description: str | None = None) -> str:
    """Show the image at a URL. Returns the artifact's id.

    Raises:
        Invalid: the key breaks its rule.
    """
    return _create("image", {"url": image_url}, key, description)


def create_progress_artifact(progress: float, key: str | None = None, description: str | None = None) -> str:
    """Show how far something is, in percent. Returns the artifact's id, for `update_progress_artifact`.

    Args:
        progress: 0 to 100; what lies outside is clamped, with a warning.

    Raises:
        Invalid: the key breaks its rule, or the progress is no number.
    """
    return _create("progress", _clamped(progress), key, description)


def update_progress_artifact(artifact_id: str, progress: float, description: str | None = None) -> str:
    """Show that something went on. Returns the artifact's id.

    Args:
        artifact_id: what `create_progress_artifact` returned.
        progress: 0 to 100; what lies outside is clamped, with a warning.
        description: a new one; None keeps the old.

    Raises:
        Invalid: the id is empty, or the progress is no number.
    """
    data = ArtifactUpdated(artifact=str(artifact_id), data=_raw(_clamped(progress)), description=description)
    default_emitter().emit("artifact.updated", None, data)
    return str(artifact_id)


def rows_of(table: Any) -> list[dict[str, Any]]:
    """A table in any of its three forms as a list of row objects.

    Raises:
        Invalid: it has none of them.
    """
    if isinstance(table, Mapping) and all(_is_row(column) for column in table.values()):
        height = max(map(len, table.values()), default=0)
        columns = {str(name): [*column, *[None] * (height - len(column))] for name, column in table.items()}
        return [dict(zip(columns, values, strict=True)) for values in zip(*columns.values(), strict=True)]
    if isinstance(table, list | tuple) and all(isinstance(row, Mapping) for row in table):
        return [{str(name): value for name, value in row.items()} for row in table]
    if isinstance(table, list | tuple) and all(_is_row(row) for row in table):
        names = [str(name) for name in table[0]]
        return [dict(zip(names, row, strict=False)) for row in table[1:]]
    raise Invalid(
        f"A {type(table).__name__} like this is not a table.",
        code="invalid-data",
        field="table",
        value=table,
        rule="a table is a list of mappings, a mapping of names to lists, or a list of lists with the names first",
        hint="For a data frame: df.to_dict('records').",
    )


def _is_row(value: Any) -> bool:
    return isinstance(value, list | tuple)


def _rows_that_fit(rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
    if len(to_json(rows)[0]) <= CONTENT_BYTES:
        return rows
    room = CONTENT_BYTES
    for at, row in enumerate(rows):
        room -= len(to_json(row)[0]) + 1
        if room < 0:
            return rows[:at]
    return rows


def _clamped(progress: float) -> float:
    try:
        number = float(progress)
    except (TypeError, ValueError):
        number = float("nan")
    if number != number:  # noqa: PLR0124 - the test for NaN
        raise Invalid(
            f"{progress!r} is no progress.",
            code="invalid-data",
            field="progress",
            value=progress,
            rule="a progress is a number from 0 to 100",
            hint="Give the part that is done, in percent.",
        )
    clamped = min(100.0, max(0.0, number))
    if clamped != number:
        warn("Progress %s is outside 0 to 100; %s is shown", progress, clamped)
    return clamped


def _create(artifact_type: ArtifactType, content: Any, key: str | None, description: str | None) -> str:
    if key is not None:
        check_artifact_key(key)
    data: Data = ArtifactCreated(
        type=artifact_type,
        data=_raw(content),
        description=None if description is None else cut(description, 65_536),
        asset=current_asset.get(),
    )
    return default_emitter().emit("artifact.created", key, data, event_id=new_id())


def _raw(content: Any) -> Raw:
    return Raw(to_json(content)[0])
