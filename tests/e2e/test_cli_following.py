"""Following the log: `Client.follow` and `assetlog events --follow`, over lost connections and node restarts."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import threading
from pathlib import Path
from queue import Queue
from typing import Any

import pytest

from assetlog.catalog.client import Client


def follow(client: Client, after: str | None, into: Queue[str], count: int) -> threading.Thread:
    """Put the positions of the next events into a queue."""

    def work() -> None:
        for _, event in zip(range(count), client.follow(after), strict=False):
            into.put(event.position)

    thread = threading.Thread(target=work, daemon=True)
    thread.start()
    return thread


def test_events_are_followed_as_they_come(node: Any, event: Any, key: str) -> None:
    seen: Queue[str] = Queue()
    with Client(node.url) as client:
        thread = follow(client, client.position(), seen, 3)
        posted = [node.post(event("asset.observed", key)).json()["accepted"][0]["position"] for _ in range(3)]
        thread.join(30)
    assert [seen.get(timeout=1) for _ in posted] == posted


def test_a_follower_sees_each_event_once_over_a_restart(running_node: Any, event: Any, tmp_path: Path) -> None:
    node = running_node(home=tmp_path)
    seen: Queue[str] = Queue()

    def emit(node: Any) -> str:
        answer = node.post(event("asset.observed", "s3://lake/a")).json()
        return str(answer["accepted"][0]["position"])

    with Client(node.url) as client:
        positions = [emit(node)]
        thread = follow(client, "0-0", seen, 3)
        assert seen.get(timeout=30) == positions[0]
        node.stop()
        again = running_node(home=tmp_path, port=int(node.url.rpartition(":")[2]))
        positions += [emit(again), emit(again)]
        thread.join(30)
        again.stop()
    assert [seen.get(timeout=1), seen.get(timeout=1)] == positions[1:]


@pytest.mark.parametrize("form", ["--raw", "--json"])
def test_the_command_follows_until_its_reader_leaves(node: Any, event: Any, key: str, form: str) -> None:
    answer = node.post(event("asset.observed", key)).json()["accepted"][0]
    command = [sys.executable, "-m", "assetlog.catalog.cli.main", "events", "--follow", "--after", "0-0", form]
    environment = {**os.environ, "ASSETLOG_URL": node.url}
    with subprocess.Popen([*command, "--asset", key], stdout=subprocess.PIPE, env=environment) as process:
        assert process.stdout is not None
        line = json.loads(process.stdout.readline())
        process.stdout.close()
        node.post(event("asset.observed", key))
        assert process.wait(30) == 0
    assert (line["id"] if form == "--raw" else line["position"]) == answer["id" if form == "--raw" else "position"]
