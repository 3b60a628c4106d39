"""Artifacts from the SDK to a real node and back: read at once, made exactly once, never in the way of a task."""

from __future__ import annotations

import asyncio
import itertools
import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from assetlog.producers import (
    Artifact,
    Emitter,
    ImageArtifact,
    LinkArtifact,
    MarkdownArtifact,
    ProgressArtifact,
    TableArtifact,
    create_image_artifact,
    create_link_artifact,
    create_markdown_artifact,
    create_progress_artifact,
    create_table_artifact,
    emit,
    flow,
    flush,
    materialize,
    set_default_emitter,
    task,
    update_progress_artifact,
)
from assetlog.schemas.errors import Conflict, Forbidden
from assetlog.schemas.images import EMBEDDED_BYTES, MAX_IMAGE_BYTES, blob_name

PNG = b"\x89PNG\r\n\x1a\n" + bytes(EMBEDDED_BYTES)
_numbers = itertools.count(1)

MANY = """
import json, sys, threading
from assetlog.producers import MarkdownArtifact
key, process = sys.argv[1:]
begin, made = threading.Barrier(8), []
def one(number):
    begin.wait()
    artifact, created = MarkdownArtifact.get_or_create(key=key, markdown=f"{process}-{number}")
    made.append([artifact.id, artifact.markdown, created])
threads = [threading.Thread(target=one, args=(number,)) for number in range(8)]
for thread in threads: thread.start()
for thread in threads: thread.join()
print(json.dumps(made))
"""


@pytest.fixture(autouse=True)
def sdk(node: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Emitter]:
    """The SDK emits to the node."""
    monkeypatch.setenv("ASSETLOG_URL", node.url)
    monkeypatch.setenv("ASSETLOG_HOME", str(tmp_path))
    with Emitter() as emitter:
        before = set_default_emitter(emitter)
        yield emitter
        set_default_emitter(before)


@pytest.fixture
def name() -> str:
    """An artifact key no other test uses."""
    return f"artifact-{next(_numbers)}"


def got(key: str) -> Any:
    found = Artifact.get(key)
    assert found is not None
    return found


def test_every_type_is_read_back_in_its_class_at_once(name: str) -> None:
    create_markdown_artifact("# x", key=name, description="text")
    assert (got(name).markdown, got(name).description, type(got(name))) == ("# x", "text", MarkdownArtifact)
    create_table_artifact({"n": [1, None]}, key=name)
    assert (got(name).table, type(got(name))) == ([{"n": 1}, {"n": None}], TableArtifact)
    create_link_artifact("https://example.org", "x", key=name)
    assert (got(name).link, got(name).link_text, type(got(name))) == ("https://example.org", "x", LinkArtifact)
    create_image_artifact("https://example.org/x.png", key=name)
    assert (got(name).image_url, type(got(name))) == ("https://example.org/x.png", ImageArtifact)
    artifact_id = create_progress_artifact(10, key=name)
    update_progress_artifact(artifact_id, 20)
    assert (got(name).progress, got(name).id, got(name).version) == (20, artifact_id, 5)
    assert type(got(name)) is ProgressArtifact
    Artifact(key=name, data={"any": [1]}).create()
    assert (got(name).data, type(got(name)), got(name).type) == ({"any": [1]}, Artifact, "json")


def test_a_key_nobody_made_is_none(name: str) -> None:
    assert Artifact.get(name) is None
    assert asyncio.run(MarkdownArtifact.aget(name)) is None


def test_the_steps_of_a_progress_are_kept(node: Any, name: str) -> None:
    artifact_id = create_progress_artifact(0, key=name)
    for percent in (25, 50, 75):
        update_progress_artifact(artifact_id, percent)
    flush()
    assert got(name).progress == 75
    items = node.get("/v1/artifact/history", key=name).json()["items"]
    assert [item["data"] for item in items] == [75, 50, 25, 0]


def test_one_of_many_threads_and_processes_creates(node: Any, name: str) -> None:
    command = [sys.executable, "-c", MANY, name]
    processes = [subprocess.Popen([*command, str(n)], stdout=subprocess.PIPE) for n in range(4)]
    made = [each for process in processes for each in json.loads(process.communicate(timeout=60)[0])]
    assert len(made) == 32
    assert sum(created for _, _, created in made) == 1
    assert len({artifact_id for artifact_id, _, _ in made}) == 1
    [winner] = [text for _, text, created in made if created]
    assert {text for _, text, _ in made} == {winner}
    assert len(node.get("/v1/artifact/versions", key=name).json()["items"]) == 1


def test_one_of_many_creates_between_nodes_too(
    node: Any, running_node: Any, name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    other = running_node(home=tmp_path / "other", redis_url=node.node.log.url)
    try:
        command = [sys.executable, "-c", MANY, name]
        processes = []
        for n in range(4):
            monkeypatch.setenv("ASSETLOG_URL", (node, other)[n % 2].url)
            processes.append(subprocess.Popen([*command, str(n)], stdout=subprocess.PIPE))
        made = [each for process in processes for each in json.loads(process.communicate(timeout=60)[0])]
    finally:
        other.stop()
    assert (len(made), sum(created for _, _, created in made)) == (32, 1)
    assert len({(artifact_id, text) for artifact_id, text, _ in made}) == 1


def test_one_of_many_awaiting_creates(name: str) -> None:
    async def many() -> list[tuple[Artifact, bool]]:
        return await asyncio.gather(*(TableArtifact.aget_or_create(name, table=[{"n": n}]) for n in range(16)))

    made = asyncio.run(many())
    assert sum(created for _, created in made) == 1
    assert len({artifact.id for artifact, _ in made}) == 1


def test_what_exists_is_not_made_again(name: str) -> None:
    artifact_id = create_markdown_artifact("first", key=name)
    artifact, created = MarkdownArtifact.get_or_create(key=name, markdown="second", description="ignored")
    assert (artifact.id, artifact.data, artifact.description, created) == (artifact_id, "first", None, False)


def test_what_was_retired_is_made_again_once(name: str) -> None:
    for text in ("first", "second", "third"):
        artifact, created = MarkdownArtifact.get_or_create(key=name, markdown=text)
        assert (artifact.data, created) == (text, True)
        assert not MarkdownArtifact.get_or_create(key=name, markdown="not this")[1]
        emit("artifact.retired", name)
        flush()


def test_an_artifact_of_a_task_names_its_run_its_task_and_its_asset(node: Any, name: str, key: str) -> None:
    @task
    def report() -> str:
        return create_markdown_artifact("x", key=f"{name}-task")

    @materialize(key)
    def table() -> None:
        create_table_artifact([{"n": 1}], key=f"{name}-asset")
        MarkdownArtifact.get_or_create(key=f"{name}-once", markdown="x")

    @flow
    def nightly() -> None:
        report()
        table()

    nightly()
    of_task, of_asset, once = (got(f"{name}-{kind}") for kind in ("task", "asset", "once"))
    jobs = [node.get("/v1/run", id=each.run.id).json()["job"] for each in (of_task, of_asset, once)]
    assert [job.rpartition(".")[2] for job in jobs] == ["report", "table", "table"]
    assert (of_task.asset, of_asset.asset, once.asset) == (None, key, key)
    assert of_asset.run.id != of_task.run.id


def test_an_image_is_kept_before_its_event_arrives(node: Any, name: str) -> None:
    create_image_artifact(image=PNG, key=name)
    assert got(name).image_url == f"/v1/blobs/{blob_name(PNG)}"
    assert node.http.get(got(name).image_url).content == PNG


def test_an_image_of_get_or_create_is_kept(node: Any, name: str) -> None:
    content = PNG + b"once"
    artifact, created = ImageArtifact.get_or_create(name, image=content)
    assert created
    assert node.http.get(artifact.data["url"]).content == content


def test_an_image_waits_in_the_spool_while_no_node_answers(
    running_node: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    monkeypatch.delenv("ASSETLOG_URL")
    largest = b"\x89PNG\r\n\x1a\n" + bytes(MAX_IMAGE_BYTES - 8)
    with Emitter() as emitter:
        set_default_emitter(emitter)
        create_image_artifact(image=largest, key=name)
        assert not flush()
        waiting = tmp_path / "spool" / "node" / "blobs" / blob_name(largest)
        assert waiting.read_bytes() == largest
    node = running_node(home=tmp_path)
    try:
        with Emitter() as emitter:
            set_default_emitter(emitter)
            assert flush()
            shown = got(name).image_url
        assert node.http.get(shown).content == largest
        assert not waiting.exists()
    finally:
        node.stop()


def test_events_do_not_wait_for_a_node_that_can_keep_no_image(node: Any, sdk: Emitter, name: str) -> None:
    blobs = node.home / "archive" / "default" / "blobs"
    aside = blobs.with_name("aside")
    if blobs.exists():
        blobs.rename(aside)
    blobs.parent.mkdir(parents=True, exist_ok=True)
    blobs.write_text("in the way")
    content = PNG + name.encode()
    try:
        create_image_artifact(image=content, key=name)
        assert got(name).image_url == f"/v1/blobs/{blob_name(content)}"
        assert node.http.get(got(name).image_url).status_code == 503
    finally:
        blobs.unlink()
    assert flush()
    assert node.http.get(got(name).image_url).content == content


def test_an_image_that_can_not_be_kept_does_not_fail_the_task(
    sdk: Emitter, tmp_path: Path, name: str, caplog: pytest.LogCaptureFixture
) -> None:
    sdk._courier.images.limit = 0
    create_image_artifact(image=PNG, key=name)
    assert got(name).image_url.startswith("data:image/png;base64,")
    create_image_artifact(image=PNG + bytes(1 << 20), key=name)
    assert got(name).image_url.startswith("/v1/blobs/")
    assert "An image is lost" in caplog.text


def test_a_token_that_may_not_read_is_told_so(running_node: Any, tmp_path: Path, name: str) -> None:
    node = running_node(home=tmp_path / "guarded")
    admin = node.http.post("/v1/tokens", json={"name": "admin", "scopes": ["admin"]}).json()["token"]
    headers = {"authorization": f"Bearer {admin}"}
    wanted = {"name": "w", "scopes": ["events:write"]}
    token = node.http.post("/v1/tokens", json=wanted, headers=headers).json()["token"]
    try:
        with Emitter(node.url, token=token) as emitter:
            set_default_emitter(emitter)
            create_markdown_artifact("x", key=name)
            with pytest.raises(Forbidden) as caught:
                Artifact.get(name)
        assert caught.value.code == "missing-scope"
    finally:
        node.stop()


def test_who_may_not_see_the_first_version_is_told_so(
    running_node: Any, tmp_path: Path, name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("assetlog.producers.artifacts.getting.GIVE_UP_SECONDS", 0.0)
    node = running_node(home=tmp_path / "guarded")

    @materialize("s3://team-a/x")
    def theirs() -> None:
        MarkdownArtifact.get_or_create(key=name, markdown="theirs")

    @materialize("s3://team-b/x")
    def ours() -> Any:
        return MarkdownArtifact.get_or_create(key=name, markdown="ours")

    admin = node.http.post("/v1/tokens", json={"name": "admin", "scopes": ["admin"]}).json()["token"]
    wanted = {"name": "b", "scopes": ["events:write", "catalog:read"], "prefixes": ["s3://team-b/*"]}
    headers = {"authorization": f"Bearer {admin}"}
    limited = node.http.post("/v1/tokens", json=wanted, headers=headers).json()["token"]
    try:
        with Emitter(node.url, token=admin) as emitter:
            set_default_emitter(emitter)
            theirs()
        with Emitter(node.url, token=limited) as emitter:
            set_default_emitter(emitter)
            with pytest.raises(Conflict, match="does not show it"):
                ours()
    finally:
        node.stop()
