"""Artifacts: versions, updates laid over them, retirement, and content that is gone."""

from __future__ import annotations

from typing import Any

import pytest
from msgspec import Raw

from assetlog.schemas.codec import encode
from assetlog.schemas.errors import Invalid
from assetlog.schemas.events.artifact import ArtifactCreated, ArtifactUpdated
from assetlog.schemas.events.common import NOTHING


def create(projection: Any, n: int, key: str | None, text: str = "text", **row: Any) -> None:
    """An artifact with the id `a<n>` is made at `n`."""
    data = ArtifactCreated(type="markdown", data=Raw(b'"%s"' % text.encode()), description=row.pop("description", None))
    job = row.pop("job", None)
    projection.event(n, "artifact.created", aid=row.get("aid"), run=row.get("run"), job=job)
    projection.bodies[projection.at(n)] = encode("artifact.created", "test", key, data)
    row.setdefault("type", "markdown")
    projection.add("artifacts", pos=projection.at(n), act="created", id=f"a{n}", key=key, **row)


def update(projection: Any, n: int, artifact: str, text: str | None = None, description: str | None = None) -> None:
    data = NOTHING if text is None else Raw(b'"%s"' % text.encode())
    said = ArtifactUpdated(artifact=artifact, data=data, description=description)
    projection.event(n, "artifact.updated")
    projection.bodies[projection.at(n)] = encode("artifact.updated", "test", None, said)
    projection.add("artifacts", pos=projection.at(n), act="updated", id=artifact)


def retire(projection: Any, n: int, *, artifact: str | None = None, key: str | None = None) -> None:
    projection.event(n, "artifact.retired")
    projection.add("artifacts", pos=projection.at(n), act="retired", id=artifact, key=key)


def listed(projection: Any, n: int, **filters: Any) -> list[tuple[str, int]]:
    """Ids and versions of the list as of `n`."""
    return [(item.id, item.version) for item in projection.reader.artifacts(projection.at(n), **filters).items]


def test_an_artifact_says_where_it_comes_from(projection: Any) -> None:
    projection.key(1, 0, "s3://lake/a")
    create(projection, 1, "report", "# Hi", aid=0, run="r1", job="load", description="daily")
    artifact = projection.reader.artifact(projection.at(1), key="report")
    assert (artifact.id, artifact.key, artifact.version, artifact.type) == ("a1", "report", 1, "markdown")
    assert (bytes(artifact.data), artifact.description) == (b'"# Hi"', "daily")
    assert (artifact.run.id, artifact.run.job, artifact.asset) == ("r1", "load", "s3://lake/a")
    assert (artifact.created, artifact.updated) == (projection.time_text(1), projection.time_text(1))
    assert artifact.position == projection.text(1)


def test_every_creation_is_the_next_version_of_its_key(projection: Any) -> None:
    for n, key in enumerate(["report", None, "report", None, "other", "report"]):
        create(projection, n, key)
    assert listed(projection, 5) == [("a5", 3), ("a4", 1), ("a3", 1), ("a1", 1)]
    versions = projection.reader.artifact_versions("report", projection.at(5)).items
    assert [(item.id, item.version) for item in versions] == [("a5", 3), ("a2", 2), ("a0", 1)]
    assert listed(projection, 2) == [("a2", 2), ("a1", 1)]


def test_any_version_is_found(projection: Any) -> None:
    create(projection, 1, "report")
    create(projection, 2, "report")
    reader, at = projection.reader, projection.at(2)
    assert reader.artifact(at, key="report", version=1).id == "a1"
    assert reader.artifact(at, key="report", version=2).id == "a2"
    assert reader.artifact(at, key="report", version=3) is None
    assert reader.artifact(projection.at(1), key="report", version=2) is None
    assert reader.artifact(at, artifact_id="a1").version == 1
    assert reader.artifact(at, artifact_id="a3") is None


def test_an_update_is_laid_over_its_version(projection: Any) -> None:
    create(projection, 1, "report", "old", description="first")
    update(projection, 2, "a1", text="new")
    update(projection, 3, "a1", description="second")
    at = [projection.reader.artifact(projection.at(n), key="report") for n in (1, 2, 3)]
    assert [(bytes(item.data), item.description) for item in at] == [
        (b'"old"', "first"),
        (b'"new"', "first"),
        (b'"new"', "second"),
    ]
    assert [item.updated for item in at] == [projection.time_text(n) for n in (1, 2, 3)]
    assert {(item.version, item.created, item.position) for item in at} == {
        (1, projection.time_text(1), projection.text(1))
    }


def test_a_description_is_found_behind_any_number_of_updates(projection: Any) -> None:
    create(projection, 0, "progress", "0", description="how far")
    for n in range(1, 50):
        update(projection, n, "a0", text=str(n))
    artifact = projection.reader.artifact(projection.at(49), key="progress")
    assert (bytes(artifact.data), artifact.description) == (b'"49"', "how far")


def test_content_that_is_gone_is_null(projection: Any) -> None:
    create(projection, 1, "report")
    del projection.bodies[projection.at(1)]
    artifact = projection.reader.artifact(projection.at(1), key="report")
    assert (bytes(artifact.data), artifact.description) == (b"null", None)


def test_a_retired_version_is_hidden_and_its_number_stays_taken(projection: Any) -> None:
    create(projection, 1, "report")
    create(projection, 2, "report")
    retire(projection, 3, artifact="a2")
    assert listed(projection, 3) == [("a1", 1)]
    assert listed(projection, 2) == [("a2", 2)]
    assert projection.reader.artifact(projection.at(3), artifact_id="a2") is None
    create(projection, 4, "report")
    assert listed(projection, 4) == [("a4", 3)]


def test_a_retired_key_is_hidden_until_its_next_version(projection: Any) -> None:
    create(projection, 1, "report")
    retire(projection, 2, key="report")
    create(projection, 3, "other")
    assert listed(projection, 3) == [("a3", 1)]
    create(projection, 4, "report")
    assert listed(projection, 4) == [("a4", 2), ("a3", 1)]
    assert [item.version for item in projection.reader.artifact_versions("report", projection.at(4)).items] == [2]


def test_artifacts_are_filtered(projection: Any) -> None:
    projection.key(1, 0, "s3://lake/a")
    create(projection, 1, "daily-report", aid=0, run="r1")
    create(projection, 2, "daily-report", type="table", run="r2")
    create(projection, 3, None, aid=0)
    assert listed(projection, 3, q="DAILY") == [("a2", 2)]
    assert listed(projection, 3, type="markdown") == [("a3", 1), ("a1", 1)]
    assert listed(projection, 3, asset="s3://lake/a") == [("a3", 1), ("a1", 1)]
    assert listed(projection, 3, run="r1") == [("a1", 1)]
    assert listed(projection, 3, asset="s3://lake/none") == []


def test_artifacts_page_by_page(projection: Any) -> None:
    for n in range(5):
        create(projection, n, None)
    reader, at = projection.reader, projection.at(4)
    first = reader.artifacts(at, limit=3)
    second = reader.artifacts(at, limit=3, cursor=first.next)
    assert [item.id for item in first.items + second.items] == ["a4", "a3", "a2", "a1", "a0"]
    assert second.next is None


@pytest.mark.parametrize(
    "query", [{}, {"key": "a", "artifact_id": "b"}, {"key": "a", "version": 0}, {"artifact_id": "b", "version": 1}]
)
def test_an_unclear_question_for_an_artifact_is_refused(projection: Any, query: dict[str, Any]) -> None:
    with pytest.raises(Invalid):
        projection.reader.artifact(projection.at(1), **query)
