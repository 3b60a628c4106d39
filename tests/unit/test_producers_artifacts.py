"""Artifacts: what each function stores, and what it refuses."""

from __future__ import annotations

import asyncio
import logging
import math
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import msgspec
import pytest

from assetlog.producers import (
    Artifact,
    Emitter,
    ImageArtifact,
    LinkArtifact,
    MarkdownArtifact,
    ProgressArtifact,
    TableArtifact,
    acreate_image_artifact,
    acreate_link_artifact,
    acreate_markdown_artifact,
    acreate_progress_artifact,
    acreate_table_artifact,
    aupdate_progress_artifact,
    create_image_artifact,
    create_link_artifact,
    create_markdown_artifact,
    create_progress_artifact,
    create_table_artifact,
    set_default_emitter,
    update_progress_artifact,
)
from assetlog.producers.artifacts.images import MOST_EMBEDDED
from assetlog.producers.testing import Captured, capture
from assetlog.schemas.errors import Invalid, Unavailable
from assetlog.schemas.events.artifact import ArtifactCreated, ArtifactUpdated
from assetlog.schemas.events.common import NOTHING
from assetlog.schemas.images import EMBEDDED_BYTES, MAX_IMAGE_BYTES, embedded

ROWS = [{"name": "Ada", "age": 36}, {"name": "Bob", "age": None}]


@pytest.fixture(autouse=True)
def captured(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Captured]:
    monkeypatch.setenv("ASSETLOG_HOME", str(tmp_path))
    with capture() as captured:
        yield captured


def created(captured: Captured) -> tuple[str | None, str, Any, str | None]:
    """Key, type, content, description of the one artifact."""
    [event] = captured.events("artifact.created")
    assert isinstance(event.data, ArtifactCreated)
    return event.subject, event.data.type, msgspec.json.decode(event.data.data), event.data.description


def test_markdown_is_stored_as_it_is(captured: Captured) -> None:
    artifact_id = create_markdown_artifact("# Größe", key="report-1", description="What it is")
    assert created(captured) == ("report-1", "markdown", "# Größe", "What it is")
    assert captured.events()[0].id == artifact_id


def test_an_artifact_needs_no_key(captured: Captured) -> None:
    create_markdown_artifact("text")
    assert created(captured)[0] is None


@pytest.mark.parametrize(
    "table", [ROWS, tuple(ROWS), {"name": ["Ada", "Bob"], "age": [36]}, [["name", "age"], ["Ada", 36], ["Bob", None]]]
)
def test_every_form_of_a_table_is_a_list_of_rows(captured: Captured, table: Any) -> None:
    create_table_artifact(table, key="people")
    assert created(captured) == ("people", "table", ROWS, None)


def test_numbers_that_json_lacks_become_null(captured: Captured) -> None:
    create_table_artifact([{"a": math.nan, "b": [math.inf]}])
    assert created(captured)[2] == [{"a": None, "b": [None]}]


@pytest.mark.parametrize("table", [[], {}])
def test_an_empty_table_is_one(captured: Captured, table: Any) -> None:
    create_table_artifact(table)
    assert created(captured)[2] == []


@pytest.mark.parametrize("table", ["text", 3, [1, 2], {"a": 1}, None, [{"a": 1}, 2]])
def test_what_is_no_table_is_refused(table: Any) -> None:
    with pytest.raises(Invalid, match="not a table"):
        create_table_artifact(table)


def test_link_and_image(captured: Captured) -> None:
    create_link_artifact("https://example.org", "Example", key="a")
    create_link_artifact("https://example.org")
    create_image_artifact("https://example.org/x.png", key="b")
    contents = [event.data.data for event in captured.events() if isinstance(event.data, ArtifactCreated)]
    assert [msgspec.json.decode(content) for content in contents] == [
        {"url": "https://example.org", "text": "Example"},
        {"url": "https://example.org"},
        {"url": "https://example.org/x.png"},
    ]


def test_progress_goes_on(captured: Captured) -> None:
    artifact_id = create_progress_artifact(0.0, key="load")
    assert update_progress_artifact(artifact_id, 50, description="half") == artifact_id
    [updated] = captured.events("artifact.updated")
    assert isinstance(updated.data, ArtifactUpdated)
    assert (updated.data.artifact, msgspec.json.decode(updated.data.data), updated.data.description) == (
        artifact_id,
        50,
        "half",
    )


@pytest.mark.parametrize(("given", "shown"), [(-5, 0), (140, 100), (math.inf, 100)])
def test_progress_outside_is_clamped_with_a_warning(
    captured: Captured, caplog: pytest.LogCaptureFixture, given: float, shown: float
) -> None:
    with caplog.at_level(logging.WARNING, "assetlog"):
        create_progress_artifact(given)
    assert created(captured)[2] == shown
    assert "outside 0 to 100" in caplog.text


@pytest.mark.parametrize("progress", [math.nan, "half", None])
def test_what_is_no_number_is_no_progress(progress: Any) -> None:
    with pytest.raises(Invalid):
        create_progress_artifact(progress)


@pytest.mark.parametrize("key", ["Report", "a b", "", "a_b", "x" * 256, "a\n"])
def test_a_bad_key_raises_at_the_call(key: str) -> None:
    with pytest.raises(Invalid) as caught:
        create_markdown_artifact("text", key=key)
    assert caught.value.code == "invalid-artifact-key"


@pytest.mark.parametrize("text", ["x" * 3_000_000, "\x00" * 900_000, "ü" * 2_000_000])
def test_large_markdown_is_cut_with_a_notice(captured: Captured, text: str) -> None:
    create_markdown_artifact(text)
    content = created(captured)[2]
    assert len(content) < len(text)
    assert "assetlog cut this text" in content


def test_a_large_table_keeps_the_rows_that_fit_and_says_so(captured: Captured) -> None:
    create_table_artifact([{"n": n, "text": "x" * 100} for n in range(20_000)], description="All")
    _, _, rows, description = created(captured)
    assert 1_000 < len(rows) < 20_000
    assert description is not None
    assert f"kept {len(rows):,} of 20,000 rows" in description


def png(size: int) -> bytes:
    return b"\x89PNG\r\n\x1a\n" + bytes(size - 8)


def test_a_small_image_stands_in_the_event(captured: Captured) -> None:
    create_image_artifact(image=png(EMBEDDED_BYTES), key="plot")
    key, kind, content, _ = created(captured)
    assert (key, kind, embedded(content["url"])) == ("plot", "image", png(EMBEDDED_BYTES))


def test_an_image_may_be_a_file(captured: Captured, tmp_path: Path) -> None:
    path = tmp_path / "plot.gif"
    path.write_bytes(b"GIF89a")
    create_image_artifact(image=path)
    assert created(captured)[2] == {"url": "data:image/gif;base64,R0lGODlh"}


def test_without_a_node_a_larger_image_stands_in_the_event_as_far_as_it_fits(captured: Captured) -> None:
    create_image_artifact(image=png(MOST_EMBEDDED))
    assert embedded(created(captured)[2]["url"]) == png(MOST_EMBEDDED)
    with pytest.raises(Invalid) as caught:
        create_image_artifact(image=png(MOST_EMBEDDED + 1))
    assert (caught.value.code, "ASSETLOG_URL" in caught.value.hint) == ("image-too-large", True)


@pytest.mark.parametrize(
    ("given", "code"),
    [
        ({"image": b"<svg xmlns='http://www.w3.org/2000/svg'/>"}, "unsupported-media-type"),
        ({"image": b""}, "unsupported-media-type"),
        ({"image": png(MAX_IMAGE_BYTES + 1)}, "image-too-large"),
        ({"image": "/nowhere/plot.png"}, "image-unreadable"),
        ({}, "invalid-data"),
        ({"image": b"GIF89a", "image_url": "https://example.org/x.png"}, "invalid-data"),
    ],
)
def test_what_is_no_image_raises_at_the_call(captured: Captured, given: Any, code: str) -> None:
    with pytest.raises(Invalid) as caught:
        create_image_artifact(**given)
    assert caught.value.code == code
    assert captured.events() == []


def test_every_object_creates_what_its_function_does(captured: Captured) -> None:
    made = [
        MarkdownArtifact(key="a", markdown="text").create(),
        TableArtifact(key="a", table={"n": [1]}).create(),
        LinkArtifact(key="a", link="https://example.org", link_text="x").create(),
        ImageArtifact(key="a", image_url="https://example.org/x.png").create(),
        ProgressArtifact(key="a", progress=120).create(),
        Artifact(key="a", data={"any": 1}, description="thing").create(),
        Artifact(key="a", type="link", data="https://example.org").create(),
    ]
    events = captured.events()
    assert [each.id for each in made] == [event.id for event in events]
    said = [event.data for event in events if isinstance(event.data, ArtifactCreated)]
    assert [(each.type, msgspec.json.decode(each.data)) for each in said] == [
        ("markdown", "text"),
        ("table", [{"n": 1}]),
        ("link", {"url": "https://example.org", "text": "x"}),
        ("image", {"url": "https://example.org/x.png"}),
        ("progress", 100),
        ("json", {"any": 1}),
        ("link", {"url": "https://example.org"}),
    ]


def test_a_type_that_does_not_exist_is_refused() -> None:
    with pytest.raises(Invalid, match="no type of artifact 'chart'"):
        Artifact(type="chart", data=1).create()


def test_the_async_twins_do_the_same(captured: Captured) -> None:
    async def all_of_them() -> None:
        await acreate_markdown_artifact("text", key="a", description="d")
        await acreate_table_artifact([{"n": 1}])
        await acreate_link_artifact("https://example.org", "x")
        await acreate_image_artifact("https://example.org/x.png")
        await aupdate_progress_artifact(await acreate_progress_artifact(1.0), 2, "two")
        await MarkdownArtifact(markdown="text").acreate()

    asyncio.run(all_of_them())
    told = [event.type for event in captured.events()]
    assert told == ["artifact.created"] * 5 + ["artifact.updated", "artifact.created"]


def test_an_update_may_leave_the_progress_as_it_is(captured: Captured) -> None:
    update_progress_artifact("some-id", description="waiting")
    [event] = captured.events("artifact.updated")
    assert isinstance(event.data, ArtifactUpdated)
    assert (event.data.data, event.data.description) == (NOTHING, "waiting")


@pytest.mark.parametrize("key", [None, "Report", ""])
def test_an_artifact_is_got_by_a_good_key(key: Any) -> None:
    for ask in (Artifact.get, MarkdownArtifact.get, lambda key: MarkdownArtifact.get_or_create(key, markdown="x")):
        with pytest.raises(Invalid) as caught:
            ask(key)
        assert caught.value.code == "invalid-artifact-key"


def test_what_has_no_node_can_not_be_asked() -> None:
    with pytest.raises(Invalid) as caught:
        Artifact.get("report")
    assert (caught.value.code, caught.value.field) == ("needs-a-node", "ASSETLOG_URL")
    assert "Getting an artifact needs a node" in str(caught.value)


def test_where_no_node_runs_it_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("ASSETLOG_URL", raising=False)
    with Emitter() as emitter:
        before = set_default_emitter(emitter)
        try:
            with pytest.raises(Unavailable, match="getting an artifact needs one"):
                Artifact.get("report")
        finally:
            set_default_emitter(before)
