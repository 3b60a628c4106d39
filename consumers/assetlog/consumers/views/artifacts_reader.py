"""Artifacts: which versions there are, from columns; what they say, from the bodies."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from msgspec import Raw, Struct

from assetlog.consumers.views.access import Access, Row
from assetlog.consumers.views.paging import DEFAULT_LIMIT, check_limit, page, read_cursor
from assetlog.consumers.views.parts import time_text
from assetlog.consumers.views.subjects import find_numbers
from assetlog.schemas.codec import decode
from assetlog.schemas.errors import Invalid
from assetlog.schemas.events.artifact import ArtifactCreated, ArtifactUpdated
from assetlog.schemas.events.common import NOTHING
from assetlog.schemas.positions import format_position
from assetlog.schemas.shapes import Artifact, Page, Run

UPDATES_AT_ONCE = 20
"""So many updates of an artifact are read at a time, from the newest back, until content and description are found."""


class Content(Struct, gc=False):
    """What an artifact says now: its creation, and its updates laid over it."""

    created: int
    updates: list[int]
    """Positions not read yet, the newest first."""
    data: Raw | None = None
    description: str | None = None

    @property
    def settled(self) -> bool:
        """Whether nothing older can change it."""
        return self.data is not None and self.description is not None

    def take(self, body: bytes | None) -> None:
        """Lay what is known over an older event's bytes; bytes that are gone say nothing."""
        said = None if body is None else decode(body).data
        if not isinstance(said, ArtifactCreated | ArtifactUpdated):
            return
        if self.data is None and (isinstance(said, ArtifactCreated) or said.data != NOTHING):
            self.data = said.data
        if self.description is None:
            self.description = said.description


def artifacts(
    access: Access,
    at: int,
    *,
    q: str | None = None,
    type: str | None = None,  # noqa: A002 - the parameter's public name
    asset: str | None = None,
    run: str | None = None,
    limit: int = DEFAULT_LIMIT,
    cursor: str | None = None,
) -> Page[Artifact]:
    """The newest version of each artifact key and the artifacts without a key, the newest first.

    Filters apply to versions: with `run`, it is the newest version that this run made. Content that the log no
    longer holds is null.

    Args:
        q: text in the artifact's key, in any case.
        type: markdown, table, link, image, progress or json.
        asset: only artifacts about the asset with this key, or an alias of it.
        run: only artifacts of the run with this id.
    """
    rows = access.rows(
        "artifacts",
        p=at,
        before=_before(cursor, at),
        q=q,
        type=type,
        aids=None if asset is None else find_numbers(access, asset, at),
        run=run,
        limit=check_limit(limit) + 1,
    )
    return _page(access, rows, limit, at)


def artifact_versions(
    access: Access, key: str, at: int, *, limit: int = DEFAULT_LIMIT, cursor: str | None = None
) -> Page[Artifact]:
    """The versions of an artifact key that are not retired, the newest first."""
    rows = access.rows("artifact_versions", p=at, key=key, before=_before(cursor, at), limit=check_limit(limit) + 1)
    return _page(access, rows, limit, at)


def artifact(
    access: Access, at: int, *, key: str | None = None, version: int | None = None, artifact_id: str | None = None
) -> Artifact | None:
    """One version of an artifact, None where there is none or it is retired.

    Args:
        key: the artifact's key; the newest version unless `version` is given.
        version: 1 for the first of its key.
        artifact_id: the artifact's id, instead of its key.

    Raises:
        Invalid: neither key nor id, both, or a version below 1.
    """
    _check_choice(key, version, artifact_id)
    if artifact_id is not None:
        row = access.row("artifact_by_id", p=at, id=artifact_id)
    elif version is not None:
        row = access.row("artifact_version", p=at, key=key, version=version)
    else:
        row = access.row("artifact_versions", p=at, key=key, before=at + 1, limit=1)
    return None if row is None else _artifacts(access, [row], at)[0]


def _before(cursor: str | None, at: int) -> int:
    edge = read_cursor(cursor, int)
    return at + 1 if edge is None else edge


def _page(access: Access, rows: Sequence[Row], limit: int, at: int) -> Page[Artifact]:
    return page(rows, limit, at, lambda row: row[0], lambda shown: _artifacts(access, shown, at))


def _artifacts(access: Access, positions: Sequence[Row], at: int) -> list[Artifact]:
    """The versions created at these positions, as of `at`."""
    if not positions:
        return []
    rows = access.rows("artifact_rows", positions=[position for (position,) in positions])
    updated: dict[str, datetime] = {}
    updates: dict[str, list[int]] = {}
    for artifact_id, position, time in access.rows("artifact_updates", p=at, ids=[row[1] for row in rows]):
        updated.setdefault(artifact_id, time)
        updates.setdefault(artifact_id, []).append(position)
    contents = [Content(row[0], updates.get(row[1], [])) for row in rows]
    _read(access, contents)
    return [_artifact(row, content, updated.get(row[1])) for row, content in zip(rows, contents, strict=True)]


def _read(access: Access, contents: Sequence[Content]) -> None:
    """Fill contents from the bodies, from the newest update back to the creation."""
    open_contents = list(contents)
    while open_contents:
        wanted = [(content, position) for content in open_contents for position in _next_positions(content)]
        bodies = access.bodies.fetch([position for _, position in wanted])
        for (content, _), body in zip(wanted, bodies, strict=True):
            content.take(body)
        open_contents = [content for content in open_contents if content.updates and not content.settled]


def _next_positions(content: Content) -> list[int]:
    """The next updates to read, and the creation once they are through."""
    chunk, content.updates = content.updates[:UPDATES_AT_ONCE], content.updates[UPDATES_AT_ONCE:]
    return chunk if content.updates else [*chunk, content.created]


def _artifact(row: Row, content: Content, updated: datetime | None) -> Artifact:
    position, artifact_id, key, type_name, version, created, run, job, asset = row
    return Artifact(
        id=artifact_id,
        key=key,
        version=version,
        type=type_name,
        data=NOTHING if content.data is None else content.data,
        description=content.description,
        created=time_text(created),
        updated=time_text(created if updated is None else updated),
        run=None if run is None else Run(id=run, job=job),
        asset=asset,
        position=format_position(position),
    )


def _check_choice(key: str | None, version: int | None, artifact_id: str | None) -> None:
    if (key is None) == (artifact_id is None):
        raise _invalid("key", key, "an artifact is asked for by its key or by its id, one of them")
    if version is not None and (key is None or version < 1):
        raise _invalid("version", version, "a version is 1 or more, and goes with a key")


def _invalid(field: str, value: Any, rule: str) -> Invalid:
    return Invalid(
        f"No artifact can be found so: {rule}.", code="invalid-artifact-query", field=field, value=value, rule=rule
    )
