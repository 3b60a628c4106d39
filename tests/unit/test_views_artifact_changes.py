"""An artifact's history, and the difference of two versions."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from assetlog.consumers.views.artifact_diff import LINES_COMPARED, unified
from assetlog.schemas.artifact_shapes import ArtifactDiff
from assetlog.schemas.codec import encode
from assetlog.schemas.errors import NotFound
from assetlog.schemas.events.artifact import ArtifactCreated, ArtifactRetired, ArtifactUpdated
from assetlog.schemas.events.common import NOTHING


def create(projection: Any, n: int, key: str, content: Any, kind: Any = "table") -> None:
    """An artifact with the id `a<n>` is made at `n`."""
    data = ArtifactCreated(type=kind, data=msgspec.Raw(msgspec.json.encode(content)))
    projection.event(n, "artifact.created")
    projection.bodies[projection.at(n)] = encode("artifact.created", "test", key, data)
    projection.add("artifacts", pos=projection.at(n), act="created", id=f"a{n}", key=key, type=kind)


def update(projection: Any, n: int, artifact: str, progress: float | None, description: str | None = None) -> None:
    data = NOTHING if progress is None else msgspec.Raw(b"%g" % progress)
    said = ArtifactUpdated(artifact=artifact, data=data, description=description)
    projection.event(n, "artifact.updated")
    projection.bodies[projection.at(n)] = encode("artifact.updated", "test", None, said)
    projection.add("artifacts", pos=projection.at(n), act="updated", id=artifact)


def retire(projection: Any, n: int, artifact: str | None = None, key: str | None = None) -> None:
    projection.event(n, "artifact.retired")
    said = ArtifactRetired(artifact=artifact, reason="old")
    projection.bodies[projection.at(n)] = encode("artifact.retired", "test", key, said)
    projection.add("artifacts", pos=projection.at(n), act="retired", id=artifact, key=key)


def happened(projection: Any, n: int, **named: Any) -> list[tuple[str, Any, str | None]]:
    page = projection.reader.artifact_history(projection.at(n), **named)
    return [(each.act, msgspec.json.decode(each.data), each.description) for each in page.items]


def test_each_update_of_a_progress_is_kept_with_its_time(projection: Any) -> None:
    create(projection, 1, "load", 0, "progress")
    update(projection, 2, "a1", 50)
    update(projection, 3, "a1", None, "slow")
    expected = [("updated", None, "slow"), ("updated", 50, None), ("created", 0, None)]
    assert happened(projection, 3, key="load") == happened(projection, 3, artifact_id="a1") == expected
    assert happened(projection, 2, key="load") == expected[1:]
    items = projection.reader.artifact_history(projection.at(3), key="load").items
    assert [item.time for item in items] == [projection.time_text(n) for n in (3, 2, 1)]


def test_a_history_comes_in_parts(projection: Any) -> None:
    create(projection, 0, "load", 0, "progress")
    for n in range(1, 6):
        update(projection, n, "a0", n)
    first = projection.reader.artifact_history(projection.at(5), key="load", limit=4)
    rest = projection.reader.artifact_history(projection.at(5), key="load", limit=4, cursor=first.next)
    assert [msgspec.json.decode(each.data) for each in (*first.items, *rest.items)] == [5, 4, 3, 2, 1, 0]
    assert rest.next is None


def test_a_version_has_a_history_of_its_own(projection: Any) -> None:
    create(projection, 1, "load", 1, "progress")
    create(projection, 2, "load", 2, "progress")
    update(projection, 3, "a1", 10)
    assert happened(projection, 3, key="load") == [("created", 2, None)]
    assert happened(projection, 3, key="load", version=1) == [("updated", 10, None), ("created", 1, None)]


@pytest.mark.parametrize("named", [{"artifact": "a1"}, {"key": "load"}])
def test_a_retired_version_is_found_by_its_id(projection: Any, named: dict[str, str]) -> None:
    create(projection, 1, "load", 1, "progress")
    retire(projection, 2, **named)
    create(projection, 3, "load", 3, "progress")
    assert happened(projection, 3, artifact_id="a1") == [("retired", None, "old"), ("created", 1, None)]
    assert happened(projection, 3, artifact_id="a3") == [("created", 3, None)]


def test_content_that_is_gone_is_null(projection: Any) -> None:
    create(projection, 1, "load", 1, "progress")
    projection.bodies.clear()
    assert happened(projection, 1, key="load") == [("created", None, None)]


@pytest.mark.parametrize("named", [{"key": "none"}, {"artifact_id": "none"}, {"key": "load", "version": 2}])
def test_what_is_not_there_has_no_history(projection: Any, named: Any) -> None:
    create(projection, 1, "load", 1, "progress")
    assert projection.reader.artifact_history(projection.at(1), **named) is None


def compared(projection: Any, *contents: Any, kind: str = "table", **named: int) -> ArtifactDiff:
    for n, content in enumerate(contents):
        create(projection, n, "sales", content, kind)
    diff: ArtifactDiff = projection.reader.artifact_diff(projection.at(len(contents) - 1), key="sales", **named)
    return diff


def test_the_newest_version_is_compared_with_the_one_before(projection: Any) -> None:
    diff = compared(projection, "a\nb", "a\nB", "a\nB\nc", kind="markdown")
    assert (diff.from_, diff.to) == (2, 3)
    assert diff.lines == ["--- sales v2", "+++ sales v3", "@@ -1,2 +1,3 @@", " a", " B", "+c"]


def test_any_two_versions_are_compared(projection: Any) -> None:
    diff = compared(projection, "a", "b", "c", kind="markdown", from_=1, to=2)
    assert diff.lines[3:] == ["-a", "+b"]
    assert projection.reader.artifact_diff(projection.at(2), key="sales", from_=3, to=1).lines[3:] == ["-c", "+a"]


def test_a_retired_version_is_left_out(projection: Any) -> None:
    for n, text in enumerate("abc"):
        create(projection, n, "sales", text, "markdown")
    retire(projection, 3, artifact="a1")
    assert projection.reader.artifact_diff(projection.at(3), key="sales").from_ == 1


def test_rows_are_named_by_a_first_column_that_tells_them_apart(projection: Any) -> None:
    diff = compared(projection, [{"n": "x", "v": 1}, {"n": "y", "v": 2}], [{"n": "z", "v": 2}, {"n": "x", "v": 3}])
    rows = [[msgspec.json.decode(row) for row in some] for some in (diff.added, diff.removed)]
    assert (diff.by, rows) == ("n", [[{"n": "z", "v": 2}], [{"n": "y", "v": 2}]])
    [changed] = diff.changed
    assert (bytes(changed.from_), bytes(changed.to)) == (b'{"n":"x","v":1}', b'{"n":"x","v":3}')


def test_rows_without_a_name_are_counted(projection: Any) -> None:
    diff = compared(projection, [{"n": 1}, {"n": 1}, {"n": 2}], [{"n": 1}, {"n": 3}])
    assert (diff.by, diff.changed) == (None, [])
    assert [bytes(row) for row in diff.added] == [b'{"n":3}']
    assert [bytes(row) for row in diff.removed] == [b'{"n":1}', b'{"n":2}']


@pytest.mark.parametrize("contents", [(50, 75), ({"url": "a"}, {"url": "b"})])
def test_anything_else_is_compared_as_json(projection: Any, contents: Any) -> None:
    assert compared(projection, *contents, kind="json").lines


def test_equal_versions_have_no_difference(projection: Any) -> None:
    diff = compared(projection, [{"n": 1}], [{"n": 1}])
    assert (diff.lines, diff.added, diff.removed, diff.changed) == ([], [], [], [])


@pytest.mark.parametrize("named", [{}, {"to": 2}, {"from_": 2}])
def test_one_version_alone_has_nothing_to_compare(projection: Any, named: dict[str, int]) -> None:
    with pytest.raises(NotFound) as caught:
        compared(projection, "a", kind="markdown", **named)
    assert caught.value.code == "artifact-not-found"


def applied(before: list[str], diff: list[str]) -> list[str]:
    """What a unified diff makes of a text."""
    made: list[str] = []
    at = 0
    for line in diff[2:]:
        if line.startswith("@@"):
            old = line.split(" ")[1][1:]
            first, _, count = old.partition(",")
            start = int(first) - (0 if count == "0" else 1)
            made += before[at:start]
            at = start
        elif line[0] == "+":
            made.append(line[1:])
        else:
            assert before[at] == line[1:]
            made += [line[1:]] if line[0] == " " else []
            at += 1
    return made + before[at:]


LINES = st.lists(st.sampled_from("abcd"), max_size=30)


@given(before=LINES, after=LINES, times=st.sampled_from([1, 100]))
def test_a_diff_turns_one_text_into_the_other(before: list[str], after: list[str], times: int) -> None:
    before, after = before * times, after * times
    assert applied(before, list(unified(before, after, ("x", "y")))) == after


def test_texts_that_differ_all_over_are_one_change() -> None:
    head, tail = [f"h{n}" for n in range(10)], [f"t{n}" for n in range(10)]
    before = head + [f"a{n}" for n in range(LINES_COMPARED + 1)] + tail
    after = head + [f"b{n}" for n in range(50)] + tail
    diff = list(unified(before, after, ("x", "y")))
    assert diff[2] == f"@@ -8,{LINES_COMPARED + 7} +8,56 @@"
    assert diff.count(" h9") == diff.count(" t0") == 1
    assert applied(before, diff) == after
