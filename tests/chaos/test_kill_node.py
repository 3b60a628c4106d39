"""kill -9 of node and log server in the middle of a load: what was acknowledged is there once."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import httpx
import pytest

if TYPE_CHECKING:
    from tests.chaos.conftest import Trial


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


@pytest.mark.timeout(300)
def test_kill_9_of_node_and_log_server_at_random(
    trial: Trial, home: Path, start_node: Any, load: Any, settle: Any
) -> None:
    node = start_node()
    clients = load(lambda: node.url)
    taken = 0
    for cycle in range(trial.rounds(20, 1000)):
        node.await_ready()
        before = len(clients.acknowledged)
        time.sleep(trial.chance.uniform(0.02, 0.3))
        kills = [node.kill_node, node.kill_log_server]
        trial.chance.shuffle(kills)
        for kill in kills[: trial.chance.choice([1, 2])]:
            kill()
        if node.running:  # only the log server died: the node brings it back
            time.sleep(trial.chance.uniform(0, 0.5))
            node.kill_node()
        assert clients._threads[0].is_alive(), f"seed {trial.seed}, cycle {cycle}: a client has ended"
        taken += len(clients.acknowledged) > before
        node = start_node()
    url = node.await_ready()
    acknowledged = clients.stop()
    found = ids_in_the_catalog(url)
    assert taken > trial.row["rounds"] / 2, "hardly a kill hit a load"
    assert clients.receipts == {"disk"}
    assert len(found) == len(set(found)), f"seed {trial.seed}: an event is there twice"
    assert set(acknowledged) <= set(found), f"seed {trial.seed}: acknowledged events are gone"
    node.stop()
    trial.note(fault="kill -9 of node, log server or both, at random", remarks=f"{len(acknowledged):,} acknowledged")
    trial.judge(settle(home, acknowledged))


def test_a_node_started_as_users_start_it_survives_kill_9(home: Path, settle: Any, make_event: Any) -> None:
    """The other trials fork nodes from a process that has loaded everything; this one does not."""
    command = [sys.executable, "-m", "assetlog.catalog.cli.main", "up", "--port", "0", "--data-dir", str(home)]
    ids = []
    for end in (signal.SIGKILL, signal.SIGINT):
        with subprocess.Popen([*command, "--json"], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL) as process:
            assert process.stdout is not None
            url = json.loads(process.stdout.readline())["api"]
            batch = [make_event(f"{end}-{number}") for number in range(10)]
            receipt = httpx.post(f"{url}/v1/events", json=batch, timeout=30, trust_env=False).json()
            ids += [taken["id"] for taken in receipt["accepted"]]
            os.kill(process.pid, end)
    assert len(ids) == 20
    assert tuple(settle(home, ids)) == (0, 0, True)
