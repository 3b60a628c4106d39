"""What happened to one version of an artifact: its creation, each update with its time, its retirement."""

from __future__ import annotations

from assetlog.consumers.views.access import Access, Row
from assetlog.consumers.views.artifacts_reader import artifact
from assetlog.consumers.views.paging import DEFAULT_LIMIT, check_limit, page, read_cursor
from assetlog.consumers.views.parts import time_text
from assetlog.schemas.artifact_shapes import ArtifactChange
from assetlog.schemas.codec import decode
from assetlog.schemas.events.artifact import ArtifactCreated, ArtifactRetired, ArtifactUpdated
from assetlog.schemas.events.common import NOTHING
from assetlog.schemas.positions import format_position
from assetlog.schemas.shapes import Page, Run


def artifact_history(
    access: Access,
    at: int,
    *,
    key: str | None = None,
    version: int | None = None,
    artifact_id: str | None = None,
    limit: int = DEFAULT_LIMIT,
    cursor: str | None = None,
) -> Page[ArtifactChange] | None:
    """The changes of one version, the newest first; None where there is no such version.

    A retired version is found by its id.

    Args:
        key: the artifact's key; the newest version unless `version` is given.
        version: 1 for the first of its key.
        artifact_id: the artifact's id, instead of its key.
    """
    if key is not None:
        found = artifact(access, at, key=key, version=version)
        artifact_id = None if found is None else found.id
    created = None if artifact_id is None else access.row("artifact_creation", p=at, id=artifact_id)
    if created is None:
        return None
    edge = read_cursor(cursor, int)
    rows = access.rows(
        "artifact_history",
        p=at,
        id=artifact_id,
        created=created[0],
        key=created[1],
        before=at + 1 if edge is None else edge,
        limit=check_limit(limit) + 1,
    )
    return page(
        rows,
        limit,
        at,
        lambda row: row[0],
        lambda shown: [
            _change(row, body) for row, body in zip(shown, access.bodies.fetch([row[0] for row in shown]), strict=True)
        ],
    )


def _change(row: Row, body: bytes | None) -> ArtifactChange:
    position, act, time = row
    change = ArtifactChange(act=act, time=time_text(time), position=format_position(position))
    said = None if body is None else decode(body).data
    if isinstance(said, ArtifactCreated | ArtifactUpdated):
        change.data = NOTHING if said.data == NOTHING and isinstance(said, ArtifactUpdated) else said.data
        change.description = said.description
        change.run = None if said.run is None else Run(id=said.run.id, job=said.run.job)
    elif isinstance(said, ArtifactRetired):
        change.description = said.reason
    return change
