"""Backup and restore as docs/deploy.md tells: what comes back is what was there, or the node says what is not."""

from __future__ import annotations

import json
import shutil
import time
from argparse import Namespace
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from assetlog.catalog.cli import rebuild as rebuild_command
from assetlog.consumers.log.connection import connect_sync
from assetlog.consumers.log.server import LogServer, running_server
from assetlog.schemas.errors import Broken
from assetlog.schemas.stream import EVENT_FIELD, stream_key

KEY = "s3://lake/orders"
SEALING = {"archive_every": 20, "archive_keep_in_log": 5}
SEALS_WITHIN = 30.0

Rebuild = Callable[..., dict[str, Any]]


@pytest.fixture
def start(running_node: Any) -> Iterator[Any]:
    """Starts nodes that seal early, and stops them if the test did not."""
    nodes: list[Any] = []

    def start_node(home: Path) -> Any:
        nodes.append(running_node(home=home, **SEALING))
        return nodes[-1]

    yield start_node
    for node in nodes:
        if node._thread.is_alive():
            node.stop()


@pytest.fixture
def rebuild(capsys: pytest.CaptureFixture[str]) -> Rebuild:
    """Runs `assetlog rebuild` on a data directory; what it prints."""

    def run(home: Path, *, log_from_archive: bool = False) -> dict[str, Any]:
        capsys.readouterr()
        assert rebuild_command.run(Namespace(home=home, log_from_archive=log_from_archive, json=True)) == 0
        answer: dict[str, Any] = json.loads(capsys.readouterr().out)
        return answer

    return run


def fill(node: Any, event: Any, count: int, segments: int) -> None:
    """Write events, and wait until so many segments are sealed and the log is trimmed behind all but the last."""
    node.post(*[event("asset.materialized", f"{KEY}-{number % 7}") for number in range(count)])
    give_up = time.monotonic() + SEALS_WITHIN
    with connect_sync(node.node.log.url) as client:
        # a segment stays, and the entry that ends the one before
        while sealed(node.home) < segments or client.xlen(stream_key()) > 21:
            assert time.monotonic() < give_up, "nothing was trimmed"
            time.sleep(0.05)


def sealed(home: Path) -> int:
    manifest = home / "archive" / "default" / "manifest.jsonl"
    return len(manifest.read_text().splitlines()) if manifest.exists() else 0


def copy_log(home: Path, backup: Path) -> None:
    """The log's files under a running node: no rewrite may start while they are copied, none may be going on."""
    url = running_server(home)
    assert url is not None
    with connect_sync(url) as client:
        client.config_set("auto-aof-rewrite-percentage", 0)
        try:
            while client.info("persistence")["aof_rewrite_in_progress"]:
                time.sleep(0.05)
            shutil.copytree(home / "log" / "appendonlydir", backup / "log" / "appendonlydir")
        finally:
            client.config_set("auto-aof-rewrite-percentage", 100)


def copy_archive(home: Path, backup: Path) -> None:
    shutil.copytree(home / "archive", backup / "archive")


def test_what_was_copied_from_a_running_node_is_all_of_the_catalog(
    tmp_path: Path, start: Any, event: Any, rebuild: Rebuild
) -> None:
    home, backup = tmp_path / "home", tmp_path / "backup"
    node = start(home)
    fill(node, event, 50, segments=2)
    copy_log(home, backup)
    copy_archive(home, backup)
    node.stop()
    live, restored = rebuild(home), rebuild(backup)
    assert live["equal"] is True
    assert (restored["entries"], restored["digest"], restored["position"]) == (50, live["digest"], live["position"])
    again = start(backup)
    assert again.get("/health/ready").status_code == 200
    assert again.post(event("asset.materialized", KEY)).json()["ack"] == "disk"


def test_an_older_log_than_the_archive_goes_on_where_the_archive_ends(
    tmp_path: Path, start: Any, event: Any, rebuild: Rebuild
) -> None:
    home, backup = tmp_path / "home", tmp_path / "backup"
    node = start(home)
    fill(node, event, 50, segments=2)
    copy_log(home, backup)
    fill(node, event, 50, segments=5)
    copy_archive(home, backup)
    node.stop()
    behind = start(backup)
    assert behind.get("/health/ready").json()["code"] == "log-behind"
    behind.stop()
    rebuilt = rebuild(backup, log_from_archive=True)
    assert (rebuilt["entries"], rebuilt["equal"]) == (100, True)
    goes_on(start(backup), event, 100)


def test_a_lost_log_goes_on_where_the_archive_ends(tmp_path: Path, start: Any, event: Any, rebuild: Rebuild) -> None:
    home = tmp_path / "home"
    node = start(home)
    fill(node, event, 60, segments=3)
    node.stop()
    shutil.rmtree(home / "log")
    empty = start(home)
    assert empty.get("/health/ready").json()["code"] == "log-empty"
    empty.stop()
    rebuilt = rebuild(home, log_from_archive=True)
    assert (rebuilt["entries"], rebuilt["equal"]) == (60, True)
    goes_on(start(home), event, 60)


def test_an_older_log_that_was_written_to_is_whole_together_with_its_archive(
    tmp_path: Path, start: Any, event: Any, rebuild: Rebuild
) -> None:
    home, backup = tmp_path / "home", tmp_path / "backup"
    node = start(home)
    fill(node, event, 50, segments=2)
    copy_log(home, backup)
    fill(node, event, 50, segments=5)
    copy_archive(home, backup)
    node.stop()
    append(backup, event("asset.materialized", KEY))
    assert rebuild(backup)["entries"] == 101
    goes_on(start(backup), event, 101)


def test_a_foreign_log_does_not_go_on_where_the_archive_ends(
    tmp_path: Path, start: Any, event: Any, rebuild: Rebuild
) -> None:
    node = start(tmp_path)
    fill(node, event, 60, segments=3)
    node.stop()
    shutil.rmtree(tmp_path / "log")
    append(tmp_path, event("asset.materialized", KEY), position="1000-0")
    with pytest.raises(Broken) as caught:
        rebuild(tmp_path, log_from_archive=True)
    assert caught.value.code == "log-replaced"


def append(home: Path, event: dict[str, Any], position: str = "*") -> None:
    """Write straight to the log of a data directory whose node does not run."""
    with LogServer(home) as server, connect_sync(server.url) as client:
        client.xadd(stream_key(), {EVENT_FIELD: json.dumps(event)}, id=position)


def test_a_log_that_reaches_further_than_its_archive_is_left_alone(
    tmp_path: Path, start: Any, event: Any, rebuild: Rebuild
) -> None:
    node = start(tmp_path)
    fill(node, event, 50, segments=2)
    node.stop()
    rebuilt = rebuild(tmp_path, log_from_archive=True)
    assert (rebuilt["entries"], rebuilt["equal"]) == (50, True)
    goes_on(start(tmp_path), event, 50)


def goes_on(node: Any, event: Any, events: int) -> None:
    """The node is ready, shows every event once, and takes more."""
    assert node.get("/health/ready").status_code == 200
    assert node.post(event("asset.materialized", KEY)).json()["accepted"][0]["folded"] is True
    ids = [item["event"]["id"] for item in node.get("/v1/events", limit=1000).json()["items"]]
    assert len(set(ids)) == len(ids) == events + 1
