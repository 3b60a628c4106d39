"""Artifacts: what each function stores, and what it refuses."""

from __future__ import annotations

import logging
import math
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import msgspec
import pytest

from assetlog.producers import (
    create_image_artifact,
    create_link_artifact,
    create_markdown_artifact,
    create_progress_artifact,
    create_table_artifact,
    update_progress_artifact,
)
from assetlog.producers.testing import Captured, capture
from assetlog.schemas.errors import Invalid
from assetlog.schemas.events.artifact import ArtifactCreated, ArtifactUpdated

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
