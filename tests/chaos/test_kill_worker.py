"""Workers that are killed at every named step, and node and log server meanwhile: each trigger runs, and ends once."""

from __future__ import annotations

import contextlib
import os
import signal
import time
from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from textwrap import dedent
from typing import TYPE_CHECKING, Any

import httpx
import pytest

from assetlog.schemas.ids import new_id

if TYPE_CHECKING:
    from tests.chaos.conftest import NodeProcess, Trial, Zygote

LEADER_POINTS = ("schedule.deciding", "schedule.fired", "schedule.handed")
POINTS = ("work.taken", "work.started", "work.told", "work.ran", "work.acked")
WITHIN = 60.0
CLAIM_AFTER = 1.0
MODULE = """
    import os
    from assetlog.consumers import Asset, dag, get_current_context, task

    DONE = {done!r}

    @dag(schedule="s3://raw", mode="each", backoff=0.05, attempts=100)
    def each_event():
        @task(outlets=[Asset("s3://made")])
        def make():
            with open(DONE, "a") as file:  # the sample target: it keeps the trigger's id, by which it knows repeats
                file.write(get_current_context()["run_id"] + "\\n")
        make()

    each_event()
"""


class Crew:
    """A node, and workers of one module beside it."""

    def __init__(self, zygote: Zygote, start_node: Callable[..., NodeProcess], directory: Path) -> None:
        self._zygote, self._start_node, self._directory = zygote, start_node, directory
        self.node = start_node()
        self.node.await_ready()
        self.done = directory / "done"
        self.module = directory / "killed.py"
        self.module.write_text(dedent(MODULE).format(done=str(self.done)))
        self.workers: list[int] = []
        self.emitted: set[str] = set()

    def work(self, crash_at: str = "") -> int:
        """Start a worker; its process id."""
        output = self._directory / f"worker-{len(self.workers)}.log"
        arguments = ["work", str(self.module), "--json", "--claim-after", str(CLAIM_AFTER)]
        environment = {"ASSETLOG_CRASH_AT": crash_at, "ASSETLOG_HOME": str(self.node.home)}
        pid = self._zygote.fork(arguments, environment, output)
        self.workers.append(pid)
        _until(lambda: '"consumers"' in _text(output) or not _runs(pid), lambda: _text(output))
        return pid

    def emit(self) -> None:
        """An event that is acknowledged, however often it is sent."""
        event_id = new_id()
        _until(lambda: self._sent(event_id), self.node.said)
        self.emitted.add(event_id)

    def _sent(self, event_id: str) -> bool:
        event = {"specversion": "1.0", "id": event_id, "source": "chaos", "type": "asset.materialized"}
        with contextlib.suppress(httpx.HTTPError, httpx.UnsupportedProtocol):
            url = f"{self.node.url}/v1/events"
            return httpx.post(url, json={**event, "subject": "s3://raw"}, trust_env=False).status_code == 201
        return False

    def lead_until_dead(self, crash_at: str) -> None:
        """Have a node lead until it meets its end at a step, then another; what was not acknowledged is sent again."""
        self.node.kill_node()
        self.node = leader = self._start_node(crash_at=crash_at)
        _until(lambda: leader.health() == "ready" or not leader.running, leader.said)  # it may have met it already
        deadline, unsure = time.monotonic() + WITHIN, []
        with ThreadPoolExecutor(4) as clients:  # at once: else work is handed out in the step that records its firing
            while self.node.running:
                ids = [new_id() for _ in range(4)]
                for event_id, acknowledged in zip(ids, clients.map(self._sent, ids), strict=True):
                    if acknowledged:
                        self.emitted.add(event_id)
                    else:
                        unsure.append(event_id)
                time.sleep(0.02)
                assert time.monotonic() < deadline, f"the leader lives, and passes no {crash_at}"
        self.node = self._start_node()
        self.node.await_ready()
        for event_id in unsure:
            _until(lambda event_id=event_id: self._sent(event_id), self.node.said)  # type: ignore[misc]
            self.emitted.add(event_id)

    def emit_until_dead(self, pid: int) -> None:
        """Give work until a worker has met its end."""
        deadline = time.monotonic() + WITHIN
        while _runs(pid):
            self.emit()
            time.sleep(0.02)
            assert time.monotonic() < deadline, "the worker lives"

    def renew_node(self) -> None:
        """Kill the node, and start it again."""
        self.node.kill_node()
        self.node = self._start_node()
        self.node.await_ready()

    def get(self, path: str, **params: Any) -> list[dict[str, Any]]:
        """Every item of a list."""
        items: list[dict[str, Any]] = []
        cursor: str | None = None
        while True:
            more = {} if cursor is None else {"cursor": cursor}
            page = httpx.get(f"{self.node.url}{path}", params={**params, **more, "limit": 1000}, trust_env=False).json()
            items += page["items"]
            cursor = page["next"]
            if cursor is None:
                return items

    def ended(self) -> bool:
        """Whether every event has fired, and every trigger has come to its end."""
        with contextlib.suppress(httpx.HTTPError, KeyError):
            states = Counter(trigger["state"] for trigger in self.get("/v1/triggers", consumer="each_event"))
            return states == {"succeeded": len(self.emitted)}
        return False

    def shown(self) -> str:
        """Where things stand, for a trial that does not come to its end."""
        states = Counter(trigger["state"] for trigger in self.get("/v1/triggers", consumer="each_event"))
        consumers = self.get("/v1/consumers")
        living = _text(self._directory / "worker-0.log")[-3000:]
        return f"{len(self.emitted)} events, {states}, {consumers}\nthe worker that lives said:\n{living}"

    def judge(self) -> None:
        """Every event fired once, every trigger ran and has one end."""
        _until(self.ended, self.shown)
        triggers = self.get("/v1/triggers", consumer="each_event")
        ids = {trigger["id"] for trigger in triggers}
        ends = Counter(
            item["event"]["subject"] for item in self.get("/v1/events", type="trigger.succeeded") if item["event"]
        )
        assert ends == dict.fromkeys(ids, 1)
        assert set(self.done.read_text().split()) == ids
        assert sum(trigger["count"] for trigger in triggers) == len(self.emitted)

    def end(self) -> None:
        """Leave no worker behind."""
        for pid in self.workers:
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
            _until(lambda pid=pid: not _runs(pid), str)  # type: ignore[misc]


@pytest.fixture
def crew(zygote: Zygote, start_node: Callable[..., NodeProcess], tmp_path: Path) -> Iterator[Crew]:
    """A node, and a worker that nobody kills."""
    crew = Crew(zygote, start_node, tmp_path)
    crew.work()
    yield crew
    crew.end()


@pytest.mark.timeout(300)
def test_kill_9_of_workers_at_every_step_with_node_and_log_server(trial: Trial, crew: Crew) -> None:
    rounds = trial.rounds(len(POINTS), 100)
    for number in range(rounds):
        crew.emit_until_dead(crew.work(f"{POINTS[number % len(POINTS)]}:{trial.chance.randint(1, 3)}"))
        if number % 5 == 2:
            crew.renew_node()
        if number % 5 == 4:
            crew.node.kill_log_server()
            crew.emit()
    crew.judge()
    trial.note(fault="kill -9 of workers at each step, node and log server meanwhile", lost=0, twice=0, equal=True)


@pytest.mark.timeout(300)
def test_kill_9_of_the_leader_at_every_step(trial: Trial, crew: Crew) -> None:
    rounds = trial.rounds(len(LEADER_POINTS), 100)
    for number in range(rounds):
        crew.lead_until_dead(f"{LEADER_POINTS[number % len(LEADER_POINTS)]}:{trial.chance.randint(1, 2)}")
    crew.judge()
    trial.note(fault="kill -9 of the scheduling leader at each step", lost=0, twice=0, equal=True)


def _runs(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True


def _text(path: Path) -> str:
    return path.read_text(errors="replace") if path.exists() else ""


def _until(holds: Callable[[], bool], why: Callable[[], str]) -> None:
    deadline = time.monotonic() + WITHIN
    while not holds():
        assert time.monotonic() < deadline, why()
        time.sleep(0.02)
