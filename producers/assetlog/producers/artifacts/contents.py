"""What is stored for each type of artifact. Nothing here emits."""

from __future__ import annotations

from typing import Any

from msgspec import Raw, Struct

from assetlog.producers.artifacts.tables import rows_of, rows_that_fit
from assetlog.producers.notices import warn
from assetlog.producers.values import NOT_FINITE, cut, safe_text, to_json
from assetlog.schemas.errors import Invalid
from assetlog.schemas.events.artifact import ArtifactType

CONTENT_BYTES = 768 << 10
"""Larger markdown and tables are cut, with a notice; an event has at most 1 MiB."""
DESCRIPTION_LENGTH = 65_536


class Content(Struct, frozen=True, kw_only=True):
    """What an artifact shows."""

    type: ArtifactType
    raw: Raw
    """The content as the event holds it."""
    notice: str = ""
    """What was changed about it; goes to the description."""
    image: bytes = b""
    """What the node has to keep before the event can be shown."""

    def described(self, description: str | None) -> str | None:
        """A description with the notice."""
        parts = [part for part in (description, self.notice) if part]
        return cut(" ".join(parts), DESCRIPTION_LENGTH) if parts else description


def content_of(type_name: str, data: Any) -> Content:
    """Content of a type that is known by its name only: `json` takes anything.

    Raises:
        Invalid: there is no such type, or the data is not of it.
    """
    if type_name == "markdown":
        return markdown(data)
    if type_name == "table":
        return table(data)
    if type_name == "progress":
        return progress(data)
    if type_name in {"link", "image"} and isinstance(data, str):
        data = {"url": data}
    if type_name in {"link", "image", "json"}:
        kind: Any = type_name
        return Content(type=kind, raw=Raw(to_json(data)[0]))
    raise Invalid(
        f"There is no type of artifact {type_name[:60]!r}.",
        code="invalid-data",
        field="type",
        value=type_name,
        rule="a type is markdown, table, link, image, progress or json",
        hint="Use json for anything else.",
    )


def markdown(text: object) -> Content:
    """A text in markdown."""
    said = safe_text(text, CONTENT_BYTES)
    if len(to_json(said)[0]) > CONTENT_BYTES:  # not ASCII: a character may take six bytes
        said = cut(said, CONTENT_BYTES // 6)
    notice = "" if len(said) == len(str(text)) else "\n\n*(assetlog cut this text: an event has at most 1 MiB)*"
    return Content(type="markdown", raw=Raw(to_json(said + notice)[0]))


def table(given: Any) -> Content:
    """A table of any form.

    Raises:
        Invalid: it is none.
    """
    rows, height = rows_of(given)
    kept = rows_that_fit(rows, CONTENT_BYTES)
    raw, notes = to_json(kept)
    notices = []
    if len(kept) < height:
        notices.append(f"(assetlog kept {len(kept):,} of {height:,} rows: an event has at most 1 MiB)")
    if notes.get(NOT_FINITE):
        notices.append("(assetlog wrote NaN and Infinity as null: JSON has neither)")
    return Content(type="table", raw=Raw(raw), notice=" ".join(notices))


def link(url: str, text: str | None = None) -> Content:
    """A link."""
    return Content(type="link", raw=Raw(to_json({"url": str(url), "text": text} if text else {"url": str(url)})[0]))


def progress(done: object) -> Content:
    """How far something is, in percent.

    Raises:
        Invalid: it is no number.
    """
    return Content(type="progress", raw=Raw(to_json(clamped(done))[0]))


def clamped(given: Any) -> float:
    """A number from 0 to 100; what lies outside is clamped, with a warning.

    Raises:
        Invalid: it is no number.
    """
    try:
        number = float(given)
    except (TypeError, ValueError):
        number = float("nan")
    if number != number:  # noqa: PLR0124 - the test for NaN
        raise Invalid(
            f"{given!r} is no progress.",
            code="invalid-data",
            field="progress",
            value=given,
            rule="a progress is a number from 0 to 100",
            hint="Give the part that is done, in percent.",
        )
    within = min(100.0, max(0.0, number))
    if within != number:
        warn("Progress %s is outside 0 to 100; %s is shown", given, within)
    return within
