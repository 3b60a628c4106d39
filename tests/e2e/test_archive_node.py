"""Nodes that archive: readers do not notice, a wiped node comes back, and of several only one seals and trims."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import httpx
import pytest
import redis

from assetlog.catalog.cli.main import main
from assetlog.consumers.log.connection import connect_sync
from assetlog.consumers.log.home import place_of
from assetlog.consumers.log.server import LogServer
from assetlog.consumers.log.trim import read_record
from assetlog.schemas.node_file import read_node_file
from assetlog.schemas.positions import parse_position
from assetlog.schemas.stream import archive_key, lease_key, stream_key

EVENTS = 70
SMALL = {"archive_every": 20, "archive_keep_in_log": 5}
WITHIN = 60.0


def until(condition: Callable[[], Any]) -> Any:
    """Wait for something to come true."""
    deadline = time.monotonic() + WITHIN
    while not (found := condition()):
        assert time.monotonic() < deadline, "it did not happen"
        time.sleep(0.05)
    return found


def trimmed(client: redis.Redis, catalog: str = "default") -> int:
    """Where the trim ended last."""
    found: Any = client.hget(archive_key(catalog), "trimmed")
    return parse_position(found.decode()) if found else 0


def wipe(home: Path) -> None:
    for file in home.glob("catalog.duckdb*"):
        file.unlink()


@pytest.fixture
def archived(tmp_path: Path, running_node: Any, event: Any) -> tuple[Path, dict[str, Any]]:
    """The data directory of a stopped node whose log is sealed and trimmed, and what the node answered before."""
    home = tmp_path / "home"
    node = running_node(home=home, **SMALL)
    for number in range(EVENTS):
        node.post(event("asset.materialized", f"s3://lake/{number % 7}", {"metadata": {"n": number}}), wait=False)
    node.post(event("asset.checked", "s3://lake/0", {"check": "rows", "passed": True}))
    announced = read_node_file(home)
    assert announced is not None
    with connect_sync(announced.log) as client:
        until(lambda: client.xlen(stream_key()) < EVENTS // 2)
    said = answers(node)
    node.stop()
    return home, said


def answers(node: Any) -> dict[str, Any]:
    """What a node says of everything, now and of a moment whose events are sealed."""
    events = node.get("/v1/events", limit=1000).json()
    moment = events["items"][10]["position"]
    return {
        "digest": node.get("/v1/log/digest").json(),
        "events": events["items"],
        "assets": node.get("/v1/assets").json()["items"],
        "then": node.get("/v1/assets", as_of=moment).json()["items"],
        "history": node.get("/v1/asset/events", key="s3://lake/3").json()["items"],
        "lag": "assetlog_fold_lag_events 0.0" in node.get("/metrics").text,
    }


def test_readers_do_not_notice_that_events_left_the_log(archived: tuple[Path, dict[str, Any]]) -> None:
    _, said = archived
    assert len(said["events"]) == EVENTS + 1
    assert [item["event"]["data"]["metadata"]["n"] for item in said["events"][:EVENTS]] == list(range(EVENTS))
    assert len(said["history"]) == 10
    assert said["lag"]
    assert {item["last_materialization"]["metadata"]["n"] for item in said["then"]} == set(range(4, 11))


def test_a_wiped_node_comes_back_from_the_archive_and_goes_on(
    archived: tuple[Path, dict[str, Any]], running_node: Any, event: Any, capsys: pytest.CaptureFixture[str]
) -> None:
    home, said = archived
    wipe(home)
    node = running_node(home=home, **SMALL)
    assert node.get("/health/ready").status_code == 200
    assert answers(node) == said
    assert node.post(event("asset.materialized", "s3://lake/new")).status_code == 201
    before = node.get("/v1/log/digest").json()
    node.stop()
    assert main(["rebuild", "--data-dir", str(home), "--json"]) == 0
    rebuilt = json.loads(capsys.readouterr().out)
    assert (rebuilt["digest"], rebuilt["equal"]) == (before["digest"], True)
    assert main(["archive", "seal", "--data-dir", str(home), "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["events"] == EVENTS + 2
    assert main(["archive", "verify-hashes", "--data-dir", str(home), "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["verified"] == EVENTS + 2
    assert main(["archive", "status", "--data-dir", str(home)]) == 0
    assert f"{EVENTS + 2} (" in capsys.readouterr().out


def test_a_log_trimmed_by_others_beyond_the_archive_stops_the_fold(
    archived: tuple[Path, dict[str, Any]], running_node: Any
) -> None:
    home, _ = archived
    with LogServer(home) as server, connect_sync(server.url) as client:
        client.xtrim(stream_key(), maxlen=1, approximate=False)
    wipe(home)
    node = running_node(home=home, **SMALL)
    try:
        answer = node.get("/health/ready")
        assert (answer.status_code, answer.json()["code"]) == (503, "log-truncated")
    finally:
        node.stop()


def test_a_node_that_was_away_while_the_log_was_trimmed_reads_on_from_the_archive(
    log_server: LogServer,
    redis_sync: redis.Redis,
    catalog_name: str,
    tmp_path: Path,
    running_node: Any,
    event: Any,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("assetlog.consumers.log.trim.ALIVE_SECONDS", -1)  # the trim waits for nobody
    shared = {"redis_url": log_server.url, "catalog": catalog_name, "archive_url": str(tmp_path / "archive"), **SMALL}
    here, away = (running_node(home=tmp_path / name, **shared) for name in ("here", "away"))
    try:
        here.post(event("asset.materialized", "s3://lake/0"))
        projector = away.node.parts.projector
        assert away.do(projector.wait_for(here.node.parts.projector.position, WITHIN))
        away.do(projector._subscription._subscriber.stop())
        left = projector.position
        here.post(*(event("asset.materialized", f"s3://lake/{number % 7}") for number in range(EVENTS)))
        until(lambda: trimmed(redis_sync, catalog_name) > left)
        assert projector.position == left
        away.do(projector.resume())
        assert away.do(projector.wait_for(here.node.parts.projector.position, WITHIN))
        assert answers(away) == answers(here)
        assert away.get("/health/ready").status_code == 200
    finally:
        here.stop()
        away.stop()


class ServeProcess:
    """`assetlog serve` on a data directory of its own."""

    def __init__(self, home: Path, log: str, archive: Path, catalog: str) -> None:
        self.home = home
        words = ["serve", "--port", "0", "--data-dir", str(home), "--redis-url", log, "--catalog", catalog]
        words += ["--archive-url", str(archive), "--archive-every", "20", "--archive-keep-in-log", "5"]
        home.parent.mkdir(exist_ok=True)
        self.process = subprocess.Popen(
            [sys.executable, "-m", "assetlog.catalog.cli.main", *words, "--json"], stdout=subprocess.PIPE, text=True
        )
        assert self.process.stdout is not None
        self.http = httpx.Client(base_url=json.loads(self.process.stdout.readline())["api"], trust_env=False)

    def digest(self) -> dict[str, str]:
        """What it has folded, and how far."""
        answer: dict[str, str] = self.http.get("/v1/log/digest").json()
        return answer

    def end(self, number: int) -> None:
        """End it by a signal."""
        self.http.close()
        self.process.send_signal(number)
        self.process.wait(30)
        assert self.process.stdout is not None
        self.process.stdout.close()


def test_two_nodes_fold_alike_and_one_archives_until_it_is_killed(
    log_server: LogServer, redis_sync: redis.Redis, catalog_name: str, tmp_path: Path, event: Any
) -> None:
    nodes = [ServeProcess(tmp_path / name, log_server.url, tmp_path / "archive", catalog_name) for name in "ab"]

    def post(node: ServeProcess) -> None:
        batch = [event("asset.materialized", f"s3://lake/{number % 7}") for number in range(EVENTS)]
        assert node.http.post("/v1/events", json=batch, params={"wait": "folded"}).status_code == 201

    def leader() -> str | None:
        held: Any = redis_sync.get(lease_key(catalog_name, "archiver"))
        return held.split()[1].decode() if held else None

    try:
        first = until(leader)
        post(nodes[0])
        until(lambda: trimmed(redis_sync, catalog_name))
        one, other = until(lambda: (found := [node.digest() for node in nodes])[0] == found[1] and found)
        assert one == other
        record = read_record(redis_sync, catalog_name)
        assert record is not None
        killed = next(node for node in nodes if place_of(node.home) == first)
        nodes.remove(killed)
        killed.end(signal.SIGKILL)
        post(nodes[0])
        assert until(lambda: leader() not in {first, None} and leader()) == place_of(nodes[0].home)
        until(lambda: (read_record(redis_sync, catalog_name) or record).position > record.position)
        wipe(killed.home)
        nodes.append(ServeProcess(killed.home, log_server.url, tmp_path / "archive", catalog_name))
        assert until(lambda: nodes[1].digest() == nodes[0].digest())
    finally:
        for node in nodes:
            node.end(signal.SIGINT)
    assert [path.name for path in (tmp_path / "archive").iterdir()] == [catalog_name]


def test_an_archive_that_cannot_be_written_is_told_by_a_node_that_is_ready(
    tmp_path: Path, running_node: Any, event: Any
) -> None:
    node = running_node(home=tmp_path / "home", **SMALL)
    try:
        in_the_way = node.home / "archive"
        in_the_way.write_text("a file where the archive's directory would be")
        for _ in range(EVENTS):
            node.post(event("asset.observed", "s3://lake/a"), wait=False)
        (warning,) = until(lambda: node.get("/health/ready").json()["warnings"])
        assert warning["field"] == "seal-failed"
        assert node.get("/health/ready").json()["status"] == "ready"
        assert "assetlog_archive_well 0.0" in node.get("/metrics").text
        in_the_way.unlink()
        until(lambda: not node.get("/health/ready").json()["warnings"])
        assert "assetlog_archive_well 1.0" in node.get("/metrics").text
    finally:
        node.stop()
