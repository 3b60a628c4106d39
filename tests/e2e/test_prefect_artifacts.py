"""A program that uses every artifact function as Prefect has it: only the line that imports them is another."""

from __future__ import annotations

import inspect
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from assetlog.producers import artifacts

PROGRAM = """
import asyncio
import math

from assetlog.producers import flow, task
from assetlog.producers.artifacts import (
    Artifact,
    ImageArtifact,
    LinkArtifact,
    MarkdownArtifact,
    ProgressArtifact,
    TableArtifact,
    acreate_image_artifact,
    acreate_link_artifact,
    acreate_markdown_artifact,
    acreate_table_artifact,
    create_image_artifact,
    create_link_artifact,
    create_markdown_artifact,
    create_progress_artifact,
    create_table_artifact,
    update_progress_artifact,
)


@task
def find_outliers():
    create_link_artifact(
        key="outliers", link="https://example.org/high.csv", link_text="High", description="## Too high"
    )
    create_link_artifact(key="outliers", link="https://example.org/low.csv", description="# Too low")


@task
def advance():
    progress_id = create_progress_artifact(progress=0.0, key="loading", description="Files that are loaded")
    for percent in range(10, 101, 10):
        update_progress_artifact(artifact_id=progress_id, progress=percent)


@task
def report(revenue):
    lines = ["# Sales", "", "| Region | Revenue |", "|:-------|--------:|", f"| North | {revenue:,} |"]
    markdown_report = "\\n".join(lines)
    create_markdown_artifact(key="sales-report", markdown=markdown_report, description="Sales of the quarter")


@task
def customers():
    rows = [{"id": "c-1", "churn": 0.85}, {"id": "c-2", "churn": math.nan}]
    create_table_artifact(key="at-risk", table=rows, description="# Who may leave")
    create_table_artifact(key="by-column", table={"id": [1, 2], "name": ["a", "b"]})
    create_table_artifact(key="by-row", table=[["id", "name"], [1, "a"]])
    create_image_artifact(image_url="https://example.org/cat.png", key="cat", description="A cat")


@flow
def pipeline():
    find_outliers()
    advance()
    report(500000)
    customers()


@flow
async def asynchronous():
    await acreate_markdown_artifact(markdown="text", key="async-text")
    await acreate_table_artifact(table=[{"n": 1}], key="async-table")
    await acreate_link_artifact(link="https://example.org", link_text="x", key="async-link")
    await acreate_image_artifact(image_url="https://example.org/x.png", key="async-image")
    found = await Artifact.aget("async-text")
    assert found is not None and found.data == "text"
    again, created = await MarkdownArtifact.aget_or_create(key="async-text", markdown="other")
    assert not created and again.data == "text"


pipeline()
asyncio.run(asynchronous())
MarkdownArtifact(markdown="by class", key="by-class", description="d").create()
LinkArtifact(link="https://example.org", link_text="x", key="class-link").create()
TableArtifact(table=[{"n": 1}], key="class-table").create()
ImageArtifact(image_url="https://example.org/x.png", key="class-image").create()
ProgressArtifact(progress=50, key="class-progress").create()
artifact, created = Artifact.get_or_create(key="got-or-created", description="d", data={"n": 1}, type="json")
assert created and artifact.key == "got-or-created"
assert Artifact.get(key="got-or-created").data == {"n": 1}
assert Artifact.get(key="nobody-made-this") is None
"""

PREFECTS = {
    "create_link_artifact": ["link", "link_text", "key", "description"],
    "create_markdown_artifact": ["markdown", "key", "description"],
    "create_table_artifact": ["table", "key", "description"],
    "create_progress_artifact": ["progress", "key", "description"],
    "update_progress_artifact": ["artifact_id", "progress", "description"],
    "create_image_artifact": ["image_url", "key", "description"],
}
"""Prefect's parameters, but for `client`."""


@pytest.mark.parametrize("name", PREFECTS)
def test_every_function_and_its_async_twin_take_what_prefects_takes(name: str) -> None:
    for spelling in (name, f"a{name}"):
        taken = list(inspect.signature(getattr(artifacts, spelling)).parameters)
        assert taken[: len(PREFECTS[name])] == PREFECTS[name]


def test_a_program_of_prefect_shows_what_it_means(node: Any, tmp_path: Path) -> None:
    environment = {**os.environ, "ASSETLOG_URL": node.url, "ASSETLOG_HOME": str(tmp_path)}
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM], env=environment, capture_output=True, text=True, timeout=60, check=False
    )
    assert done.returncode == 0, done.stderr
    items = node.get("/v1/artifacts", limit=100).json()["items"]
    shown = {item["key"]: (item["type"], item["version"], item["data"]) for item in items}
    table = [{"id": 1, "name": "a"}, {"id": 2, "name": "b"}]
    assert shown == {
        "outliers": ("link", 2, {"url": "https://example.org/low.csv"}),
        "loading": ("progress", 1, 100),
        "sales-report": ("markdown", 1, shown["sales-report"][2]),
        "at-risk": ("table", 1, [{"id": "c-1", "churn": 0.85}, {"id": "c-2", "churn": None}]),
        "by-column": ("table", 1, table),
        "by-row": ("table", 1, table[:1]),
        "cat": ("image", 1, {"url": "https://example.org/cat.png"}),
        "async-text": ("markdown", 1, "text"),
        "async-table": ("table", 1, [{"n": 1}]),
        "async-link": ("link", 1, {"url": "https://example.org", "text": "x"}),
        "async-image": ("image", 1, {"url": "https://example.org/x.png"}),
        "by-class": ("markdown", 1, "by class"),
        "class-link": ("link", 1, {"url": "https://example.org", "text": "x"}),
        "class-table": ("table", 1, [{"n": 1}]),
        "class-image": ("image", 1, {"url": "https://example.org/x.png"}),
        "class-progress": ("progress", 1, 50),
        "got-or-created": ("json", 1, {"n": 1}),
    }
    assert "| North | 500,000 |" in shown["sales-report"][2]
    runs = {item["key"]: (item["run"] or {}).get("job") for item in items}
    assert (runs["outliers"], runs["loading"], runs["at-risk"]) == ("find_outliers", "advance", "customers")
    assert (runs["async-text"], runs["async-image"], runs["by-class"]) == ("asynchronous", "asynchronous", None)
    first = node.get("/v1/artifact", key="outliers", version=1).json()
    assert (first["data"]["text"], first["description"]) == ("High", "## Too high")
    steps = node.get("/v1/artifact/history", key="loading").json()["items"]
    assert [step["data"] for step in steps] == [*range(100, 0, -10), 0]
