"""Several nodes on one log: one of them schedules, another goes on when it ends, and none fires a thing twice."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from assetlog.consumers.fold.digest import committed_digest
from assetlog.consumers.log.connection import connect_sync
from assetlog.consumers.log.server import LogServer
from assetlog.schemas.stream import WORK_FIELD, lease_key, work_key
from assetlog.schemas.work import Work, decode_work

if TYPE_CHECKING:
    from tests.e2e.conftest import RunningNode

WITHIN = 30.0
ON = {"any": [{"asset": {"uri": "s3://a"}}, {"asset": {"uri": "s3://b"}}]}
TARGET = {"kind": "python", "function": "run", "pool": "test"}


class Nodes:
    """Two nodes on one log server."""

    def __init__(self, make: type[RunningNode], server: LogServer, catalog: str, folder: Path) -> None:
        self.catalog = catalog
        self._url, self._make, self._folder = server.url, make, folder
        self.running = [self.start("one"), self.start("two")]

    def start(self, name: str) -> RunningNode:
        return self._make(home=self._folder / name, redis_url=self._url, catalog=self.catalog)

    @property
    def leader(self) -> RunningNode:
        until(lambda: sum(node.node.parts.scheduler.leads for node in self.running) == 1)
        return next(node for node in self.running if node.node.parts.scheduler.leads)

    def work(self) -> list[Work]:
        """All work that was handed out."""
        with connect_sync(self._url) as client:
            entries: Any = client.xrange(work_key(self.catalog, "test"))
        return [decode_work(fields[WORK_FIELD.encode()]) for _, fields in entries]

    def lose_lease(self) -> None:
        """Somebody else holds the lease, as if the leader had slept for long."""
        with connect_sync(self._url) as client:
            client.set(lease_key(self.catalog, "scheduler"), "99 somebody else", px=1_000)


@pytest.fixture
def nodes(running_node: type[RunningNode], log_server: LogServer, catalog_name: str, tmp_path: Path) -> Iterator[Nodes]:
    nodes = Nodes(running_node, log_server, catalog_name, tmp_path)
    yield nodes
    for node in nodes.running:
        node.stop()


def until(holds: Callable[[], bool]) -> None:
    give_up = time.monotonic() + WITHIN
    while not holds():
        assert time.monotonic() < give_up, "it did not come about"
        time.sleep(0.01)


def consumed(works: list[Work]) -> Counter[int]:
    return Counter(event.position for work in works for event in work.events)


def test_another_node_goes_on_where_the_leader_ended(nodes: Nodes, event: Any) -> None:
    first = nodes.leader
    other = next(node for node in nodes.running if node is not first)
    assert first.http.put("/v1/consumers/report", json={"condition": ON, "target": TARGET}).status_code == 201
    first.post(event("asset.materialized", "s3://a"))
    until(lambda: len(nodes.work()) == 1)
    nodes.running.remove(first)
    first.stop()
    other.post(event("asset.materialized", "s3://b"))
    assert nodes.leader is other
    until(lambda: len(nodes.work()) == 2)
    assert set(consumed(nodes.work()).values()) == {1}
    assert {work.consumer for work in nodes.work()} == {"report"}


def test_a_leader_that_lost_the_lease_in_its_sleep_fires_nothing_and_nothing_is_lost(nodes: Nodes, event: Any) -> None:
    first = nodes.leader
    first.http.put("/v1/consumers/report", json={"condition": ON, "target": TARGET})
    nodes.lose_lease()
    for key in ("s3://a", "s3://b", "s3://a"):
        first.post(event("asset.materialized", key))
    until(lambda: sum(consumed(nodes.work()).values()) == 3)
    assert set(consumed(nodes.work()).values()) == {1}
    until(lambda: len(first.get("/v1/triggers", consumer="report").json()["items"]) == len(nodes.work()))


def test_every_node_says_the_same_of_triggers(nodes: Nodes, event: Any) -> None:
    one, two = nodes.running
    one.http.put("/v1/consumers/report", json={"condition": ON, "target": TARGET, "mode": "each"})
    for _ in range(20):
        two.post(event("asset.materialized", "s3://a"), wait=False)
    until(lambda: len(nodes.work()) == 20)
    last = one.do(one.node.parts.appender.last_position())
    until(lambda: all(node.node.parts.projector.position == last for node in nodes.running))
    answers = [node.get("/v1/triggers", consumer="report", limit=100).json()["items"] for node in nodes.running]
    assert answers[0] == answers[1]
    assert len(answers[0]) == 20
    digests = [committed_digest(node.node.parts.projector.cursor()) for node in nodes.running]
    assert digests[0] == digests[1]


def test_a_trigger_that_is_called_off_leaves_the_stream_of_work_and_comes_back_when_retried(
    nodes: Nodes, event: Any
) -> None:
    leader = nodes.leader
    other = next(node for node in nodes.running if node is not leader)
    leader.http.put("/v1/consumers/report", json={"condition": ON, "target": TARGET})
    leader.post(event("asset.materialized", "s3://a"))
    until(lambda: len(nodes.work()) == 1)
    trigger = nodes.work()[0].trigger
    until(lambda: other.get(f"/v1/triggers/{trigger}").status_code == 200)
    json = {"content-type": "application/json"}
    assert other.http.post(f"/v1/triggers/{trigger}/cancel", headers=json).status_code == 200
    until(lambda: nodes.work() == [])
    for _ in range(2):
        assert other.http.post(f"/v1/triggers/{trigger}/retry", headers=json).status_code == 200
        until(lambda: [work.trigger for work in nodes.work()] == [trigger])
        assert other.http.post(f"/v1/triggers/{trigger}/cancel", headers=json).status_code == 200
        until(lambda: nodes.work() == [])
