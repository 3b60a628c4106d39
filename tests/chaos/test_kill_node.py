"""kill -9 of node and log server in the middle of a load: what was acknowledged is there once."""

from __future__ import annotations

import json
import os
import random
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path
from typing import Any

import httpx
import pytest

from assetlog.schemas.ids import new_id

START_WITHIN = 30.0


class NodeProcess:
    """A node in a process of its own, started as a user starts it."""

    def __init__(self, home: Path) -> None:
        self.home = home
        (home / "node.json").unlink(missing_ok=True)  # a killed node leaves it behind
        command = [sys.executable, "-m", "assetlog.catalog.cli.main", "up", "--port", "0", "--data-dir", str(home)]
        with (home.parent / "node.log").open("ab") as output:
            self.process = subprocess.Popen(command, stdout=output, stderr=output)
        self.url = self._await_ready()

    def kill_node(self) -> None:
        """End the node's process at once; its log server lives on."""
        self.process.kill()
        self.process.wait()

    def kill_log_server(self) -> None:
        """End the log server at once."""
        record = json.loads((self.home / "log" / "server.json").read_bytes())
        os.kill(record["pid"], signal.SIGKILL)

    def stop(self) -> None:
        """End it as Ctrl-C does."""
        self.process.send_signal(signal.SIGINT)
        assert self.process.wait(30) == 0

    def _await_ready(self) -> str:
        deadline = time.monotonic() + START_WITHIN
        while time.monotonic() < deadline:
            assert self.process.poll() is None, (self.home.parent / "node.log").read_text()[-2000:]
            try:
                url = str(json.loads((self.home / "node.json").read_bytes())["api"])
                if httpx.get(f"{url}/health/ready", trust_env=False).status_code == 200:
                    return url
            except (OSError, ValueError, httpx.HTTPError):
                pass
            time.sleep(0.05)
        raise AssertionError((self.home.parent / "node.log").read_text()[-2000:])


class Load:
    """Clients that emit as fast as they can and remember what was acknowledged."""

    def __init__(self, url: str, clients: int = 3) -> None:
        self.acknowledged: list[str] = []
        self._url = url
        self._stop = threading.Event()
        self._threads = [threading.Thread(target=self._run) for _ in range(clients)]
        for thread in self._threads:
            thread.start()

    def stop(self) -> list[str]:
        """The ids of the acknowledged events."""
        self._stop.set()
        for thread in self._threads:
            thread.join()
        return self.acknowledged

    def _run(self) -> None:
        with httpx.Client(base_url=self._url, timeout=5, trust_env=False) as http:
            while not self._stop.is_set():
                events = [event(new_id()) for _ in range(random.choice([1, 1, 20]))]
                try:
                    receipt = http.post("/v1/events", json=events).json()
                except (httpx.HTTPError, ValueError):
                    time.sleep(0.01)
                    continue
                assert receipt.get("ack", "disk") == "disk"
                self.acknowledged += [taken["id"] for taken in receipt.get("accepted", ())]


def event(event_id: str) -> dict[str, Any]:
    return {
        "specversion": "1.0",
        "id": event_id,
        "source": "load",
        "type": "asset.materialized",
        "subject": f"s3://lake/{hash(event_id) % 5}",
        "data": {"upstream": ["s3://lake/raw"]},
    }


def ids_in_the_catalog(url: str) -> list[str]:
    """Every event's id, as `/v1/events` shows them."""
    found: list[str] = []
    with httpx.Client(base_url=url, timeout=30, trust_env=False) as http:
        after: str | None = None
        while True:
            params = {"limit": "1000", "order": "asc"} | ({"after": after} if after else {})
            page = http.get("/v1/events", params=params).raise_for_status().json()
            found += [item["event"]["id"] for item in page["items"]]
            if len(page["items"]) < 1000:
                return found
            after = page["items"][-1]["position"]


@pytest.mark.timeout(600)
@pytest.mark.parametrize("cycles", [20, pytest.param(1000, marks=pytest.mark.long)])
def test_every_acknowledged_event_is_there_once_after_kill_9_of_node_and_log_server(
    tmp_path: Path, cycles: int
) -> None:
    seed = int(os.environ.get("ASSETLOG_TEST_SEED", "0")) or random.SystemRandom().randrange(1 << 32)
    chance = random.Random(seed)
    home = tmp_path / "home"
    home.mkdir()
    acknowledged: list[str] = []
    for cycle in range(cycles):
        node = NodeProcess(home)
        load = Load(node.url)
        time.sleep(chance.uniform(0.05, 0.6))
        kills = [node.kill_node, node.kill_log_server]
        chance.shuffle(kills)
        for kill in kills[: chance.choice([1, 2])]:
            kill()
        if node.process.poll() is None:  # only the log server died: the node brings it back
            time.sleep(chance.uniform(0, 1))
            node.kill_node()
        acknowledged += load.stop()
        assert acknowledged, f"seed {seed}, cycle {cycle}: nothing was acknowledged"
    node = NodeProcess(home)
    found = ids_in_the_catalog(node.url)
    node.stop()
    assert len(found) == len(set(found)), f"seed {seed}: an event is there twice"
    assert set(acknowledged) <= set(found), f"seed {seed}: acknowledged events are gone"
    digests = _digests(home)
    assert digests["before"] == digests["after"], f"seed {seed}: a fresh fold of the log says something else"


def _digests(home: Path) -> dict[str, str | None]:
    """The state digest of the projection, and that of the log folded anew."""
    command = [sys.executable, "-m", "assetlog.catalog.cli.main", "rebuild", "--data-dir", str(home), "--json"]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    answer = json.loads(done.stdout)
    return {"before": answer["digest_before"], "after": answer["digest"]}
