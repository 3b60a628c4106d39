"""Commands that run, look after and rebuild a node, as a person starts them."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import duckdb
import pytest

from assetlog.catalog.client import Client
from assetlog.catalog.demo.pipeline import customers, orders, revenue
from assetlog.catalog.demo.shop import DAYS
from assetlog.consumers.log.home import FileLock
from assetlog.consumers.log.server import LOCK_NAME
from assetlog.schemas.errors import Unavailable
from assetlog.schemas.shapes import EventShape

Assetlog = Callable[..., subprocess.CompletedProcess[str]]
COMMAND = [sys.executable, "-m", "assetlog.catalog.cli.main"]


@pytest.fixture
def environment(tmp_path: Path) -> dict[str, str]:
    kept = {name: value for name, value in os.environ.items() if not name.startswith("ASSETLOG_")}
    return kept | {"HOME": str(tmp_path), "ASSETLOG_HOME": str(tmp_path / "data"), "ASSETLOG_PORT": "0"}


@pytest.fixture
def assetlog(environment: dict[str, str], tmp_path: Path) -> Assetlog:
    """Runs a command to its end in a HOME of its own."""

    def run(*words: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [*COMMAND, *words], capture_output=True, text=True, env=environment, cwd=tmp_path, timeout=60, check=False
        )

    return run


@pytest.fixture
def up(environment: dict[str, str]) -> Iterator[subprocess.Popen[str]]:
    """`assetlog up`, once it has said where it is."""
    with subprocess.Popen(
        [*COMMAND, "up", "--json"], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True, env=environment
    ) as process:
        assert process.stdout is not None
        assert json.loads(process.stdout.readline())["ack"] == "disk"
        yield process
        process.send_signal(signal.SIGINT)
        assert process.wait(30) == 0


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP])
def test_a_node_ends_in_order_when_it_is_told_to_or_its_terminal_is_closed(
    environment: dict[str, str], tmp_path: Path, number: signal.Signals
) -> None:
    with subprocess.Popen([*COMMAND, "up", "--json"], stdout=subprocess.PIPE, text=True, env=environment) as node:
        assert node.stdout is not None
        node.stdout.readline()
        node.send_signal(number)
        assert node.wait(30) == 0
    data = tmp_path / "data"
    assert not (data / "node.json").exists()
    assert not FileLock(data / "log" / LOCK_NAME).held_elsewhere()


@pytest.mark.usefixtures("up")
def test_a_node_is_found_refuses_a_second_one_and_is_healthy(assetlog: Assetlog) -> None:
    assert assetlog("emit", "asset.materialized", "s3://lake/a").returncode == 0
    assert assetlog("assets", "--json").returncode == 0
    second = assetlog("up")
    assert (second.returncode, "already runs" in second.stderr) == (4, True)
    rebuild = assetlog("rebuild")
    assert (rebuild.returncode, "already runs" in rebuild.stderr) == (4, True)
    doctor = assetlog("doctor", "--json")
    assert doctor.returncode == 0
    assert {finding["status"] for finding in json.loads(doctor.stdout)["items"]} <= {"ok", "warn"}
    replay = assetlog("replay", "--into", "state.duckdb", "--json")
    assert replay.returncode == 0, replay.stderr


def test_the_log_outlives_the_node_and_folds_to_the_same(
    environment: dict[str, str], assetlog: Assetlog, tmp_path: Path
) -> None:
    with subprocess.Popen([*COMMAND, "up", "--json"], stdout=subprocess.PIPE, text=True, env=environment) as node:
        assert node.stdout is not None
        node.stdout.readline()
        assetlog("emit", "asset.materialized", "s3://lake/a", "--meta", "rows=1")
        assetlog("emit", "asset.failed", "s3://lake/a", "--data", '{"error": "disk full"}')
        assetlog("assets")
        node.send_signal(signal.SIGINT)
        assert node.wait(30) == 0
    rebuilt = json.loads(assetlog("rebuild", "--json").stdout)
    assert (rebuilt["entries"], rebuilt["equal"]) == (2, True)
    replayed = json.loads(assetlog("replay", "--into", "state.duckdb", "--json").stdout)
    assert replayed["digest"] == rebuilt["digest"]
    with duckdb.connect(tmp_path / "state.duckdb", read_only=True) as connection:
        assert connection.execute("select key, state from answers.assets").fetchall() == [("s3://lake/a", "failed")]
    again = assetlog("replay", "--into", "state.duckdb")
    assert again.returncode == 4


def test_settings_are_explained(assetlog: Assetlog, environment: dict[str, str]) -> None:
    rows = {
        row["name"]: row for row in json.loads(assetlog("config", "--log-level", "debug", "--json").stdout)["items"]
    }
    assert rows["log_level"]["origin"] == "flag"
    assert rows["port"]["origin"] == "environment ASSETLOG_PORT"
    assert rows["catalog"]["origin"] == "default"


def test_the_wrong_way_to_start_is_explained(assetlog: Assetlog, environment: dict[str, str]) -> None:
    serve = assetlog("serve")
    assert (serve.returncode, "--redis-url" in serve.stderr) == (2, True)
    environment["ASSETLOG_REDIS_URL"] = "redis://127.0.0.1:1/0"
    up = assetlog("up")
    assert (up.returncode, "assetlog serve" in up.stderr) == (2, True)


@pytest.mark.parametrize("shell", ["bash", "zsh"])
def test_a_shell_completes_the_commands(assetlog: Assetlog, shell: str) -> None:
    script = assetlog("completion", shell)
    assert script.returncode == 0, script.stderr
    assert "quarantine" in script.stdout


def test_the_demo_shows_what_the_node_answered(assetlog: Assetlog) -> None:
    demo = assetlog("demo", "--once", "--json")
    assert demo.returncode == 0, demo.stderr
    tour = json.loads(demo.stdout)
    assert tour["asset_before"]["state"] == "failed"
    assert tour["asset"]["state"] == "fresh"
    assert tour["diff"]["artifacts"] == 3
    of: dict[str, list[dict[str, Any]]] = {}
    for firing in tour["firings"]:
        of.setdefault(firing["consumer"], []).append(firing)
    both = {orders.key, customers.key}
    assert [set(firing["by"]) for firing in of["revenue"]] == [both] * 3  # fired by &
    assert [firing["partition"] for firing in of["revenue"]] == list(DAYS)
    assert all(set(firing["by"]) <= both for firing in of["sizes"])  # fired by |
    assert 4 <= len(of["sizes"]) <= 6
    assert [firing["state"] for firing in of["orders"]] == ["succeeded", "succeeded", "exhausted", "succeeded"]
    assert all(firing["first_line"] > -0.01 for firing in tour["firings"])
    assert (tour["dead_letter"]["consumer"], tour["dead_letter"]["attempt"]) == ("orders", 3)
    assert tour["waiting"]["pending"][0]["missing"] == [f"asset:{orders.key}"]


def test_the_demo_tells_its_story_to_people(assetlog: Assetlog) -> None:
    demo = assetlog("demo", "--once")
    assert demo.returncode == 0, demo.stderr
    assert demo.stderr == ""
    told = ("12,90 EUR", "failed → fresh", revenue.key, "46,608.24", "/docs", "exhausted", "it still waits for orders")
    for each in told:
        assert each in demo.stdout


def test_a_dead_letter_of_the_demo_is_retried_while_it_goes_on(environment: dict[str, str]) -> None:
    with subprocess.Popen([*COMMAND, "demo", "--json"], stdout=subprocess.PIPE, text=True, env=environment) as demo:
        try:
            assert demo.stdout is not None
            tour = json.loads(demo.stdout.readline())
            lost = tour["dead_letter"]["id"]
            with Client(tour["url"]) as client:
                client.retry_trigger(lost)
                coming = client.follow(tour["after"])
                next(told for told in coming if _type_and_subject(told) == ("trigger.succeeded", lost))
                assert client.trigger(lost).state == "succeeded"
        finally:
            demo.send_signal(signal.SIGTERM)
        assert demo.wait(30) == 0


def test_the_demo_goes_on_until_it_is_stopped_and_leaves_nothing(environment: dict[str, str]) -> None:
    with subprocess.Popen([*COMMAND, "demo", "--json"], stdout=subprocess.PIPE, text=True, env=environment) as demo:
        assert demo.stdout is not None
        tour = json.loads(demo.stdout.readline())
        with Client(tour["url"]) as client:
            assert client.asset(orders.key).state == "fresh"
        file = Path(urlsplit(tour["report_file"]["data"]["url"]).path)
        assert file.is_file()
        demo.send_signal(signal.SIGTERM)
        assert demo.wait(30) == 0
    assert not file.exists()
    with Client(tour["url"]) as client, pytest.raises(Unavailable):
        client.position()


def _type_and_subject(told: EventShape) -> tuple[str, str]:
    event = json.loads(bytes(told.event))
    return event["type"], event.get("subject", "")
