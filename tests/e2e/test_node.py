"""The composition root: starting, refusing to start, stopping, and coming back with everything there."""

from __future__ import annotations

import asyncio
import os
import signal
import socket
import stat
import time
from pathlib import Path
from typing import Any

import httpx
import pytest

from assetlog.catalog.access.binding import refuse_open_bind
from assetlog.catalog.node import Node
from assetlog.catalog.settings import Settings
from assetlog.schemas.errors import Broken, Conflict, Unavailable
from assetlog.schemas.node_file import FILE_NAME, read_node_file


def test_a_node_announces_itself_and_takes_that_back(running_node: Any, tmp_path: Path) -> None:
    node = running_node(home=tmp_path)
    announced = read_node_file(tmp_path)
    assert announced is not None
    assert (announced.api, announced.pid, announced.catalog) == (node.url, os.getpid(), "default")
    assert announced.log.startswith("unix://")
    assert node.node.parts.appender.ack == "disk"  # known before the first receipt
    assert stat.S_IMODE((tmp_path / FILE_NAME).stat().st_mode) == 0o600
    node.stop()
    assert not (tmp_path / FILE_NAME).exists()
    with pytest.raises(httpx.ConnectError):
        httpx.get(f"{node.url}/health/live", trust_env=False)


def test_a_restarted_node_has_everything(running_node: Any, event: Any, tmp_path: Path) -> None:
    key, made = "s3://lake/orders", []
    for count in range(1, 4):
        node = running_node(home=tmp_path)
        made.append(event("asset.materialized", key, {"upstream": [f"s3://lake/raw-{count}"]}))
        node.post(made[-1])
        again = node.post(*made).json()["accepted"]
        assert [each["duplicate"] for each in again] == [True] * count
        asset = node.get("/v1/asset", key=key).json()
        assert (asset["materializations"], len(asset["upstream"])) == (count, count)
        node.stop()


def test_a_rival_of_an_event_from_before_the_restart_is_a_conflict(
    running_node: Any, event: Any, tmp_path: Path
) -> None:
    made = event("asset.materialized", "s3://lake/orders")
    node = running_node(home=tmp_path)
    node.post(made)
    node.stop()
    node = running_node(home=tmp_path)
    try:
        assert node.post({**made, "data": {"by": "another"}}).status_code == 409
    finally:
        node.stop()


def test_a_second_node_on_the_same_data_directory_is_refused(running_node: Any, tmp_path: Path) -> None:
    node = running_node(home=tmp_path)
    try:
        with pytest.raises(Conflict, match="already runs"):
            running_node(home=tmp_path)
        assert node.get("/health/ready").status_code == 200
    finally:
        node.stop()


def test_a_taken_port_is_refused_before_anything_starts(running_node: Any, tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        settings = Settings(home=tmp_path, port=taken.getsockname()[1])
        with pytest.raises(Broken, match="cannot listen") as refusal:
            asyncio.run(Node(settings).start())
    assert "--port" in refusal.value.hint
    assert not (tmp_path / "log").exists()
    running_node(home=tmp_path).stop()


def test_a_log_server_that_is_not_there_is_named_without_its_password(running_node: Any, tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as unused:
        port = unused.getsockname()[1]
    with pytest.raises(Unavailable) as refusal:
        running_node(home=tmp_path, redis_url=f"redis://me:hunter2@127.0.0.1:{port}")
    assert "hunter2" not in str(refusal.value)
    assert refusal.value.hint


@pytest.mark.parametrize("host", ["0.0.0.0", "::", "192.168.1.5", "node.example"])
def test_strangers_are_let_in_only_by_decision(host: str) -> None:
    with pytest.raises(Broken, match="everyone who reaches it") as refusal:
        refuse_open_bind(Settings(host=host))
    assert "--allow-anonymous" in refusal.value.hint
    refuse_open_bind(Settings(host=host, allow_anonymous=True))


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost", "::1", "127.0.0.2"])
def test_loopback_needs_no_decision(host: str) -> None:
    refuse_open_bind(Settings(host=host))


def test_an_external_log_server_is_left_running(running_node: Any, event: Any, log_server: Any, tmp_path: Path) -> None:
    node = running_node(home=tmp_path, redis_url=log_server.url, catalog="external")
    assert node.post(event("asset.observed", "s3://a")).json()["ack"] == "disk"
    node.stop()
    assert log_server.alive()
    assert not (tmp_path / "log").exists()


def test_two_nodes_of_one_log_show_each_others_events(
    running_node: Any, event: Any, log_server: Any, tmp_path: Path
) -> None:
    first, second = (
        running_node(home=tmp_path / name, redis_url=log_server.url, catalog="shared") for name in ("one", "two")
    )
    try:
        position = first.post(event("asset.materialized", "s3://a")).json()["accepted"][0]["position"]
        assert second.get("/v1/asset", key="s3://a", min_position=position).json()["materializations"] == 1
    finally:
        first.stop()
        second.stop()


def test_a_log_server_that_dies_is_brought_back_and_nothing_is_lost(
    running_node: Any, event: Any, tmp_path: Path
) -> None:
    node = running_node(home=tmp_path)
    try:
        key = "s3://lake/orders"
        node.post(event("asset.materialized", key))
        server = node.node.log.server
        os.kill(server.pid, signal.SIGKILL)
        made, deadline = event("asset.materialized", key), time.monotonic() + 30
        answer = node.post(made)
        while answer.status_code == 503 and time.monotonic() < deadline:
            assert answer.json()["code"] != "internal"
            answer = node.post(made)
        assert answer.status_code in (201, 202)
        position = answer.json()["accepted"][0]["position"]
        assert node.get("/v1/asset", key=key, min_position=position).json()["materializations"] == 2
    finally:
        node.stop()


def test_another_log_is_noticed_and_reported_while_reads_go_on(running_node: Any, event: Any, tmp_path: Path) -> None:
    node = running_node(home=tmp_path)
    node.post(event("asset.materialized", "s3://a"))
    node.stop()
    for file in (tmp_path / "log").rglob("*"):
        if file.is_file() and "appendonly" in str(file):
            file.unlink()
    node = running_node(home=tmp_path)
    try:
        answer = node.get("/health/ready")
        assert (answer.status_code, answer.json()["code"]) == (503, "log-empty")
        assert "rebuild" in answer.json()["hint"]
        assert node.get("/v1/asset", key="s3://a").status_code == 200
        refused = node.post(event("asset.materialized", "s3://b"))
        assert (refused.status_code, refused.json()["code"]) == (503, "log-empty")
        assert "assetlog_fold_running 0.0" in node.get("/metrics").text
    finally:
        node.stop()


def test_a_node_that_others_reach_does_not_start_without_tokens(running_node: Any, tmp_path: Path) -> None:
    with pytest.raises(Broken, match="everyone who reaches it"):
        running_node(home=tmp_path, host="0.0.0.0")
    node = running_node(home=tmp_path)  # nothing of the first is left
    assert node.get("/health/ready").status_code == 200
    node.stop()
