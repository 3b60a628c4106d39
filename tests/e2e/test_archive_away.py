"""A node whose archive's store cannot be reached serves what it has, says so, and goes on when the store is back."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from assetlog.catalog import event_log
from assetlog.consumers.archive.places import LocalPlace
from assetlog.schemas.errors import Unavailable

SMALL = {"archive_every": 20, "archive_keep_in_log": 5}
EVENTS = 70
LAST = "s3://lake/6"
"""What the last event is about: that one is in the log."""
WITHIN = 60.0


class Store(LocalPlace):
    """A store whose network can be taken away; of its latest segments there are local copies, as of any store."""

    def __init__(self, directory: Path) -> None:
        super().__init__(directory)
        self.url = "store://catalog"
        self.reachable = True

    def read_manifest(self) -> bytes:
        if not self.reachable:
            raise Unavailable("The archive at store://catalog does not answer.", code="archive-unreachable")
        return super().read_manifest()


@pytest.fixture
def store(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Store:
    store = Store(tmp_path / "store")
    monkeypatch.setattr(event_log, "open_place", lambda *_: store)
    return store


def until(condition: Callable[[], Any]) -> Any:
    deadline = time.monotonic() + WITHIN
    while not (found := condition()):
        assert time.monotonic() < deadline, "it did not happen"
        time.sleep(0.05)
    return found


def test_a_node_starts_without_its_archive_and_goes_on_archiving_when_it_is_back(
    tmp_path: Path, running_node: Any, event: Any, store: Store
) -> None:
    settings = {"home": tmp_path / "home", **SMALL}
    node = running_node(**settings)
    for number in range(EVENTS):
        node.post(event("asset.materialized", f"s3://lake/{number % 7}"), wait=False)
    until(lambda: node.node.log.archive.count >= EVENTS - EVENTS % SMALL["archive_every"])
    node.stop()
    store.reachable = False
    node = running_node(**settings)
    try:
        (warning,) = until(lambda: node.get("/health/ready").json().get("warnings"))
        assert warning["field"] == "archive-unreachable"
        assert node.get("/v1/asset", key=LAST).json()["key"] == LAST
        assert node.post(event("asset.observed", "s3://lake/new")).status_code == 201
        store.reachable = True
        until(lambda: not node.get("/health/ready").json()["warnings"])
    finally:
        node.stop()


def test_a_node_that_knows_nothing_of_its_archive_does_not_start_without_it(
    tmp_path: Path, running_node: Any, store: Store
) -> None:
    store.reachable = False
    with pytest.raises(Unavailable) as refused:
        running_node(home=tmp_path / "home")
    assert refused.value.code == "archive-unreachable"
