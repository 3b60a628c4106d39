"""A node whose events are sealed and indexed: readers get the same, also while somebody spoils the index."""

from __future__ import annotations

import random
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from assetlog.consumers.archive import body_index, body_maker

EVENTS = 70
WITHIN = 60.0


def until(condition: Callable[[], bool]) -> None:
    deadline = time.monotonic() + WITHIN
    while not condition():
        assert time.monotonic() < deadline, "it did not happen"
        time.sleep(0.02)


def test_readers_do_not_notice_that_the_index_of_a_running_node_is_spoilt(
    tmp_path: Path, running_node: Any, event: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(body_index, "RESERVE", 0)
    monkeypatch.setattr(body_maker, "IDLE_SECONDS", 0.02)
    node = running_node(home=tmp_path / "home", archive_every=20, archive_keep_in_log=5)
    try:
        for number in range(EVENTS):
            node.post(event("asset.materialized", f"s3://lake/{number % 7}", {"metadata": {"n": number}}), wait=False)
        folder = tmp_path / "home" / "bodies" / "default"
        until(lambda: len(list(folder.glob("*.bodies"))) == EVENTS // 20)
        whole = {path.name: path.read_bytes() for path in folder.glob("*.bodies")}
        said, chance = answers(node), random.Random(11)
        for _ in range(20):
            victim = folder / chance.choice(sorted(whole))
            content = bytearray(whole[victim.name])
            content[chance.randrange(len(content))] ^= 1 << chance.randrange(8)
            victim.write_bytes(content)
            assert answers(node) == said
            until(victim.exists)
    finally:
        node.stop()


def answers(node: Any) -> list[Any]:
    """Histories and what was so at a moment: all of it needs events that are sealed."""
    events = node.get("/v1/events", limit=1000, order="asc").json()["items"]
    moment = events[30]["position"]
    histories = [node.get("/v1/asset/events", key=f"s3://lake/{number}").json()["items"] for number in range(7)]
    return [events, histories, node.get("/v1/asset", key="s3://lake/3", as_of=moment).json()]
