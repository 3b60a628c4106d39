"""A log that is not the one that was folded: the node says which it is and what to do, and folds nothing of it."""

from __future__ import annotations

import shutil
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from assetlog.consumers.log.connection import connect_sync
from assetlog.consumers.log.server import LogServer
from assetlog.schemas.codec import encode
from assetlog.schemas.events.asset import AssetObserved
from assetlog.schemas.node_file import read_node_file
from assetlog.schemas.stream import EVENT_FIELD, stream_key

KEY = "s3://lake/orders"
NOTICES_WITHIN = 30.0


@pytest.fixture
def home(tmp_path: Path, running_node: Any, event: Any) -> Path:
    """A data directory whose node folded ten events and stopped; `older` beside it has the log after the fifth."""
    home = tmp_path / "home"
    node = running_node(home=home)
    for number in range(10):
        node.post(event("asset.materialized", KEY, {"metadata": {"number": number}}))
        if number == 4:
            shutil.copytree(home / "log", tmp_path / "older", ignore=shutil.ignore_patterns("*.json", "*.lock"))
    node.stop()
    return home


def replace_by_older_copy(home: Path) -> None:
    shutil.rmtree(home / "log")
    shutil.copytree(home.parent / "older", home / "log")


def replace_by_older_copy_written_to(home: Path) -> None:
    replace_by_older_copy(home)
    with LogServer(home) as server, connect_sync(server.url) as client:
        for _ in range(20):
            client.xadd(stream_key(), {EVENT_FIELD: encode("asset.observed", "test", "s3://other", AssetObserved())})


def replace_by_empty_log(home: Path) -> None:
    shutil.rmtree(home / "log")


def trim_everything(home: Path) -> None:
    with LogServer(home) as server, connect_sync(server.url) as client:
        client.xtrim(stream_key(), maxlen=0, approximate=False)


def trim_what_was_folded(home: Path) -> None:
    with LogServer(home) as server, connect_sync(server.url) as client:
        client.xtrim(stream_key(), maxlen=1, approximate=False)


CASES = [
    (replace_by_older_copy, "log-behind", "older copy"),
    (replace_by_older_copy_written_to, "log-replaced", "another way"),
    (replace_by_empty_log, "log-empty", "empty"),
    (trim_everything, "log-truncated", "trimmed behind our back"),
    (trim_what_was_folded, "log-truncated", "trimmed behind our back"),
]


@pytest.fixture
def node_on(running_node: Any) -> Iterator[Callable[[Path], Any]]:
    nodes: list[Any] = []

    def start(home: Path) -> Any:
        nodes.append(running_node(home=home))
        return nodes[-1]

    yield start
    for node in nodes:
        node.stop()


@pytest.mark.parametrize(("damage", "code", "says"), CASES, ids=[case[0].__name__ for case in CASES])
def test_a_log_that_is_not_the_one_that_was_folded_stops_the_fold_and_is_named(
    home: Path, node_on: Any, event: Any, damage: Callable[[Path], None], code: str, says: str
) -> None:
    damage(home)
    node = node_on(home)
    answer = node.get("/health/ready")
    assert answer.status_code == 503
    problem = answer.json()
    assert problem["code"] == code
    assert says in problem["detail"]
    assert "assetlog rebuild" in problem["hint"]
    refused = node.post(event("asset.materialized", KEY), wait=False)
    assert (refused.status_code, refused.json()["code"]) == (503, code)
    asset = node.get("/v1/asset", key=KEY).json()
    assert asset["materializations"] == 10
    assert node.get("/v1/asset", key="s3://other").status_code == 404


def test_a_log_that_is_replaced_under_a_running_node_stops_the_fold(home: Path, node_on: Any, event: Any) -> None:
    node = node_on(home)
    node.post(event("asset.materialized", KEY))
    announced = read_node_file(home)
    assert announced is not None
    with connect_sync(announced.log) as client:
        client.delete(stream_key())
        for _ in range(5):  # ids after the last folded one: only their content tells that the log is another
            client.xadd(stream_key(), {EVENT_FIELD: encode("asset.observed", "test", "s3://other", AssetObserved())})
    deadline = time.monotonic() + NOTICES_WITHIN
    while (answer := node.get("/health/ready")).status_code == 200:
        assert time.monotonic() < deadline, "the node did not notice"
        time.sleep(0.05)
    assert answer.json()["code"] in {"log-replaced", "log-truncated"}
    assert node.get("/v1/asset", key="s3://other").status_code == 404
    assert node.get("/v1/asset", key=KEY).json()["materializations"] == 11


def test_the_right_log_brought_back_lets_the_node_go_on(home: Path, running_node: Any, event: Any) -> None:
    shutil.copytree(home / "log", home.parent / "right", ignore=shutil.ignore_patterns("*.json", "*.lock"))
    replace_by_older_copy(home)
    node = running_node(home=home)
    assert node.get("/health/ready").status_code == 503
    node.stop()
    shutil.rmtree(home / "log")
    shutil.copytree(home.parent / "right", home / "log")
    again = running_node(home=home)
    assert again.get("/health/ready").status_code == 200
    assert again.post(event("asset.materialized", KEY)).status_code == 201
    again.stop()
