"""What is different between two versions of an artifact: lines of text, rows of tables."""

from __future__ import annotations

import difflib
from collections import Counter
from collections.abc import Iterator, Sequence
from typing import Any

import msgspec
from msgspec import Raw

from assetlog.consumers.views.access import Access
from assetlog.consumers.views.artifacts_reader import artifact, artifact_versions
from assetlog.consumers.views.paging import write_cursor
from assetlog.schemas.artifact_shapes import ArtifactDiff, TableChange
from assetlog.schemas.errors import NotFound
from assetlog.schemas.positions import format_position, parse_position
from assetlog.schemas.shapes import Artifact

CONTEXT = 3
"""Lines around a change."""
LINES_COMPARED = 1_000
"""Where more lines than this lie between the first and the last difference, they are shown as one change: the time
to compare them grows with the square."""

Rows = list[dict[str, Any]]


def artifact_diff(
    access: Access, at: int, *, key: str, from_: int | None = None, to: int | None = None
) -> ArtifactDiff:
    """What is different between two versions of a key.

    Args:
        key: the artifact's key.
        from_: the earlier version; the one before `to` unless given.
        to: the later version; the newest unless given.

    Raises:
        NotFound: there is no such version, or none before the only one.
    """
    later = _needed(artifact(access, at, key=key, version=to), key, to)
    older = artifact(access, at, key=key, version=from_) if from_ is not None else _before(access, at, later)
    earlier = _needed(older, key, from_)
    diff = ArtifactDiff(key=key, from_=earlier.version, to=later.version, position=format_position(at))
    before, after = (msgspec.json.decode(each.data) for each in (earlier, later))
    names = (f"{key} v{earlier.version}", f"{key} v{later.version}")
    diff.lines = list(unified(_lines(before), _lines(after), names))
    if _is_table(before) and _is_table(after):
        _compare_rows(before, after, diff)
    return diff


def unified(before: Sequence[str], after: Sequence[str], names: tuple[str, str]) -> Iterator[str]:
    """A unified diff of lines.

    >>> list(unified(["a", "b"], ["a", "c"], ("x", "y")))
    ['--- x', '+++ y', '@@ -1,2 +1,2 @@', ' a', '-b', '+c']
    """
    head = _common(before, after)
    tail = _common(before[head:][::-1], after[head:][::-1])
    middles = before[head : len(before) - tail], after[head : len(after) - tail]
    if max(map(len, middles)) <= LINES_COMPARED:
        start, behind = max(0, head - CONTEXT), max(0, tail - CONTEXT)
        old, new = (each[start : len(each) - behind] for each in (before, after))
        return _shifted(difflib.unified_diff(old, new, *names, n=CONTEXT, lineterm=""), start)
    return _as_one_change(before, after, head, tail, names)


def _shifted(lines: Iterator[str], start: int) -> Iterator[str]:
    """A diff of what follows the first lines, with the numbers that its lines have in the whole."""
    for line in lines:
        yield _moved(line, start) if start and line.startswith("@@") else line


def _moved(header: str, start: int) -> str:
    _, old, new, _ = header.split(" ")
    return f"@@ {_range_moved(old, start)} {_range_moved(new, start)} @@"


def _range_moved(text: str, start: int) -> str:
    first, comma, count = text[1:].partition(",")
    return f"{text[0]}{int(first) + start}{comma}{count}"


def _as_one_change(
    before: Sequence[str], after: Sequence[str], head: int, tail: int, names: tuple[str, str]
) -> Iterator[str]:
    start, behind = max(0, head - CONTEXT), min(tail, CONTEXT)
    yield from (f"--- {names[0]}", f"+++ {names[1]}")
    sizes = [len(each) - tail + behind - start for each in (before, after)]
    yield f"@@ -{start + 1},{sizes[0]} +{start + 1},{sizes[1]} @@"
    yield from (f" {line}" for line in before[start:head])
    yield from (f"-{line}" for line in before[head : len(before) - tail])
    yield from (f"+{line}" for line in after[head : len(after) - tail])
    yield from (f" {line}" for line in after[len(after) - tail : len(after) - tail + behind])


def _common(one: Sequence[str], other: Sequence[str]) -> int:
    """How many lines two texts begin with in common."""
    return next((at for at, (a, b) in enumerate(zip(one, other, strict=False)) if a != b), min(len(one), len(other)))


def _before(access: Access, at: int, later: Artifact) -> Artifact | None:
    """The version before another one; some may be retired."""
    cursor = write_cursor(parse_position(later.position))
    return next(iter(artifact_versions(access, later.key or "", at, limit=1, cursor=cursor).items), None)


def _lines(data: Any) -> list[str]:
    if isinstance(data, str):
        return data.splitlines()
    if _is_table(data):
        return [_encode(row).decode() for row in data]
    return msgspec.json.format(_encode(data), indent=2).decode().splitlines()


def _is_table(data: Any) -> bool:
    return isinstance(data, list) and all(isinstance(row, dict) for row in data)


def _compare_rows(before: Rows, after: Rows, diff: ArtifactDiff) -> None:
    diff.by = _naming_column(before, after)
    if diff.by is None:
        one, other = (Counter(_encode(row) for row in rows) for rows in (before, after))
        diff.removed = [Raw(row) for row in (one - other).elements()]
        diff.added = [Raw(row) for row in (other - one).elements()]
        return
    old = {_encode(row[diff.by]): row for row in before}
    new = {_encode(row[diff.by]): row for row in after}
    diff.removed = [Raw(_encode(row)) for name, row in old.items() if name not in new]
    diff.added = [Raw(_encode(row)) for name, row in new.items() if name not in old]
    diff.changed = [
        TableChange(from_=Raw(_encode(old[name])), to=Raw(_encode(row)))
        for name, row in new.items()
        if name in old and old[name] != row
    ]


def _naming_column(before: Rows, after: Rows) -> str | None:
    """The first column, if every row of either table has one of its own there."""
    first = next(iter((after or before or [{}])[0]), None)
    for rows in (before, after):
        names = [row.get(first) for row in rows] if first is not None else [None]
        if None in names or len({_encode(name) for name in names}) < len(rows):
            return None
    return first


def _needed(found: Artifact | None, key: str, version: int | None) -> Artifact:
    if found is not None:
        return found
    which = "no two versions to compare" if version is None else f"no version {version}"
    raise NotFound(
        f"The artifact {key[:200]!r} has {which}.",
        code="artifact-not-found",
        field="key" if version is None else "version",
        value=key if version is None else version,
        rule="both versions are there and not retired",
        hint="See /v1/artifact/versions.",
    )


_encode = msgspec.json.Encoder().encode
