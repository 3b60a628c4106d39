"""The commands of compose.yaml, run as they are but for addresses and directories: no Docker needed."""

from __future__ import annotations

import json
import os
import shlex
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
import redis
import yaml

from assetlog.consumers.log.binary import find_server

ROOT = Path(__file__).parents[2]
SERVICES: dict[str, Any] = yaml.safe_load((ROOT / "compose.yaml").read_text(encoding="utf-8"))["services"]
UNITS = {"s": 1, "m": 60}
HEALTHY_WITHIN = 60.0


class Place:
    """Where the composed services live in a test: free ports of this machine, directories of their own."""

    def __init__(self, home: Path) -> None:
        self.home = home
        self.log_port, self.port = free_ports(2)
        self.environment = {name: value for name, value in os.environ.items() if not name.startswith("ASSETLOG_")}
        self.environment |= {"PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"}
        self.environment |= {"ASSETLOG_HOME": str(home / "node"), "HOME": str(home)}
        given = SERVICES["node"]["environment"]
        self.environment |= dict(zip(given, self.here(list(given.values())), strict=True))
        self.running: dict[str, subprocess.Popen[bytes]] = {}

    def here(self, words: list[str]) -> list[str]:
        """A command of compose.yaml with this machine's addresses."""
        known = {"redis://valkey:6379": f"redis://127.0.0.1:{self.log_port}", "0.0.0.0": "127.0.0.1"}
        return [known.get(word, word).replace("8470", str(self.port)) for word in words]

    def start(self, name: str, command: list[str]) -> None:
        """Start a service in a directory of its own."""
        (self.home / name).mkdir()
        with (self.home / f"{name}.log").open("wb") as output:
            self.running[name] = subprocess.Popen(
                command, cwd=self.home / name, env=self.environment, stdout=output, stderr=subprocess.STDOUT
            )

    def stop(self, name: str) -> int:
        """End a service as Docker does: SIGTERM, and no longer than its grace period; its exit code."""
        grace = SERVICES[name]["stop_grace_period"]
        process = self.running[name]
        process.terminate()
        return process.wait(int(grace[:-1]) * UNITS[grace[-1]])

    def healthy(self, name: str) -> bool:
        """Whether a service's health check passes."""
        kind, *command = SERVICES[name]["healthcheck"]["test"]
        assert kind == "CMD"
        assert self.running[name].poll() is None, (self.home / f"{name}.log").read_text()
        if command == ["valkey-cli", "ping"]:  # the wheel brings the server only
            return answers(self.log_port)
        done = subprocess.run(self.here(command), env=self.environment, stderr=subprocess.DEVNULL, check=False)
        return done.returncode == 0

    def await_healthy(self, name: str) -> None:
        """Wait until a service's health check passes."""
        give_up = time.monotonic() + HEALTHY_WITHIN
        while not self.healthy(name):
            assert time.monotonic() < give_up, (self.home / f"{name}.log").read_text()
            time.sleep(0.1)

    def run(self, line: str, **variables: str) -> str:
        """Run an `assetlog` command against the node; what it prints."""
        environment = self.environment | {"ASSETLOG_URL": f"http://127.0.0.1:{self.port}"} | variables
        done = subprocess.run(shlex.split(line), env=environment, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stderr
        return done.stdout


def free_ports(count: int) -> list[int]:
    probes = [socket.create_server(("127.0.0.1", 0)) for _ in range(count)]
    ports = [int(probe.getsockname()[1]) for probe in probes]
    for probe in probes:
        probe.close()
    return ports


def answers(port: int) -> bool:
    with redis.Redis(port=port) as client:
        try:
            return bool(client.ping())
        except redis.RedisError:
            return False


@pytest.fixture
def place(tmp_path: Path) -> Iterator[Place]:
    made = Place(tmp_path)
    yield made
    for process in made.running.values():
        process.kill()
        process.wait()


def start_all(place: Place) -> None:
    program, *options = SERVICES["valkey"]["command"]
    assert program == "valkey-server"
    place.start("valkey", [str(find_server().path), *options, "--port", str(place.log_port), "--bind", "127.0.0.1"])
    place.await_healthy("valkey")
    node = place.here(["assetlog", *SERVICES["node"]["command"]])
    place.start("node", [*node, "--port", str(place.port)])
    place.await_healthy("node")


def test_the_composed_services_take_an_event_keep_it_and_stop(place: Place) -> None:
    start_all(place)
    assert "ack: disk" in place.run("assetlog emit asset.materialized s3://lake/orders --meta rows=7")
    assert "s3://lake/orders" in place.run("assetlog assets")
    assert place.stop("node") == 0
    assert not (place.home / "node" / "node.json").exists()
    assert place.stop("valkey") == 0
    assert (place.home / "valkey" / "appendonlydir").is_dir()


def test_the_composed_node_is_closed_once_there_is_a_token(place: Place) -> None:
    start_all(place)
    listed = f"http://127.0.0.1:{place.port}/v1/assets"
    assert httpx.get(listed, trust_env=False).status_code == 200
    made = json.loads(place.run("assetlog token create --name admin --scope admin --json", ASSETLOG_URL=""))
    give_up = time.monotonic() + HEALTHY_WITHIN
    while httpx.get(listed, trust_env=False).status_code != 401:
        assert time.monotonic() < give_up, "the node does not learn of the token"
        time.sleep(0.1)
    assert place.healthy("node")
    assert "ack: disk" in place.run("assetlog emit asset.materialized s3://lake/orders", ASSETLOG_TOKEN=made["token"])


def test_the_composed_node_outlives_its_log_server_and_says_that_it_is_gone(place: Place) -> None:
    start_all(place)
    place.run("assetlog emit asset.materialized s3://lake/orders")
    assert place.stop("valkey") == 0
    assert not place.healthy("node")
    url = f"http://127.0.0.1:{place.port}"
    assert httpx.get(f"{url}/health/ready", trust_env=False).json()["code"] == "log-unreachable"
    assert httpx.get(f"{url}/health/live", trust_env=False).status_code == 200
