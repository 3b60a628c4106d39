"""A process that is killed at every named point: what was acknowledged is there once, whatever had just happened."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import duckdb
import httpx
import pytest

from assetlog.catalog.projection import PROJECTION
from assetlog.consumers.crash_points import POINTS

if TYPE_CHECKING:
    from tests.chaos.conftest import NodeProcess, Trial

DIES_WITHIN = 30.0
UNDER_LOAD = ("append.sending", "append.answered", "commit.before", "commit.after", "snapshot.before", "snapshot.after")
WHEN_IDLE = ("checkpoint.begin", "checkpoint.end")
REBUILDING = ("rebuild.folded", "rebuild.set-aside", "rebuild.swapping", "rebuild.swapped")
ARCHIVING = ("archive.written", "archive.renamed", "archive.listed", "archive.trimmed")
ELSEWHERE = ("log.launched", "set-aside.between")
WORKING = ("work.taken", "work.started", "work.ran", "work.told", "work.acked")  # in test_kill_worker
LEADING = ("schedule.deciding", "schedule.fired", "schedule.handed")  # in test_kill_worker, too


def test_every_named_point_is_tried() -> None:
    assert sorted(POINTS) == sorted([*UNDER_LOAD, *WHEN_IDLE, *REBUILDING, *ARCHIVING, *ELSEWHERE, *WORKING, *LEADING])


@pytest.fixture
def die(start_node: Callable[..., NodeProcess], load: Any) -> Callable[[str], list[str]]:
    """Runs a node until it is killed at a point; the ids of what it acknowledged meanwhile."""

    def run(crash_at: str) -> list[str]:
        node = start_node(crash_at=crash_at, snapshot_every=20)
        clients = load(lambda: node.url, assets=1)
        try:
            node.await_end(DIES_WITHIN)
        finally:
            acknowledged: list[str] = clients.stop()
        assert ".exit" not in {path.suffix for path in node.output.parent.iterdir()}, node.said()
        return acknowledged

    return run


@pytest.mark.timeout(300)
def test_kill_9_at_every_point_of_append_fold_and_snapshot(trial: Trial, home: Path, die: Any, settle: Any) -> None:
    times = trial.rounds(1, 20)
    acknowledged = [*die("commit.before"), *die("commit.after")]  # the making of the tables
    for point in UNDER_LOAD:
        for _ in range(times):
            acknowledged += die(f"{point}:{trial.chance.randint(2, 8)}")
    trial.note(fault="kill -9 at each point of append, fold, snapshot", rounds=2 + times * len(UNDER_LOAD))
    trial.judge(settle(home, acknowledged))


@pytest.mark.timeout(300)
def test_kill_9_at_every_point_of_a_checkpoint(
    trial: Trial, home: Path, start_node: Any, make_event: Any, settle: Any
) -> None:
    delays = ["", *(f"+{trial.chance.uniform(0.0001, 0.008):.6f}" for _ in range(trial.rounds(2, 100)))]
    points = ["checkpoint.end", *(f"checkpoint.begin{delay}" for delay in delays)]
    acknowledged = []
    for round_, point in enumerate(points):
        node = start_node(crash_at=point, snapshot_every=20)
        ids = [f"{round_}-{number}" for number in range(500)]
        node.await_ready()
        answer = httpx.post(f"{node.url}/v1/events", json=[make_event(each) for each in ids], trust_env=False)
        assert answer.status_code == 201
        acknowledged += ids
        node.await_end(DIES_WITHIN)
    trial.note(fault="kill -9 before, during and after a checkpoint", rounds=len(points))
    trial.judge(settle(home, acknowledged))


@pytest.mark.timeout(300)
def test_kill_9_at_every_point_of_sealing_and_trimming(
    trial: Trial, home: Path, start_node: Any, load: Any, settle: Any
) -> None:
    acknowledged: list[str] = []
    times = trial.rounds(1, 20)
    for point in ARCHIVING:
        for _ in range(times):
            crash_at = f"{point}:{trial.chance.randint(1, 4)}"
            node = start_node(crash_at=crash_at, snapshot_every=20, archive_every=100, archive_keep_in_log=10)
            clients = load(lambda node=node: node.url, assets=1)
            try:
                node.await_end(DIES_WITHIN)
            finally:
                acknowledged += clients.stop()
    trial.note(fault="kill -9 at each point of sealing and trimming", rounds=times * len(ARCHIVING))
    trial.judge(settle(home, acknowledged))


@pytest.mark.timeout(300)
@pytest.mark.parametrize("projection", ["right", "wrong", "missing"])
def test_kill_9_at_every_point_of_a_rebuild(
    trial: Trial, home: Path, zygote: Any, die: Any, settle: Any, until: Any, projection: str
) -> None:
    acknowledged = die("commit.after:9")
    spoil = {"right": lambda: None, "wrong": lambda: _make_wrong(home), "missing": lambda: _remove_projection(home)}
    for point in REBUILDING:
        spoil[projection]()
        output = home.parent / "rebuild.log"
        arguments = ["rebuild", "--data-dir", str(home), "--json"]
        pid = zygote.fork(arguments, {"ASSETLOG_CRASH_AT": point}, output)
        until(lambda pid=pid: not _exists(pid), DIES_WITHIN)
        assert not output.with_name("rebuild.log.exit").exists(), output.read_text()
        if point == REBUILDING[trial.chance.randrange(len(REBUILDING))]:
            acknowledged += die("commit.after:3")
    trial.note(fault=f"kill -9 at each point of a rebuild, projection {projection}", rounds=len(REBUILDING))
    trial.judge(settle(home, acknowledged))


def test_kill_9_while_the_log_server_starts(
    trial: Trial, home: Path, start_node: Any, die: Any, settle: Any, make_event: Any
) -> None:
    acknowledged: list[str] = []
    for _ in range(trial.rounds(2, 20)):
        node = start_node(crash_at="log.launched")
        node.await_end(DIES_WITHIN)
        assert node.log_server is None, "the record names a server that nobody could write down"
        node = start_node()  # finds the server by its socket, and that it is fit
        node.await_ready()
        assert node.log_server is not None
        acknowledged += [str(len(acknowledged))]
        httpx.post(f"{node.url}/v1/events", json=make_event(acknowledged[-1]), trust_env=False).raise_for_status()
        node.stop()
    trial.note(fault="kill -9 of a node while it starts its log server")
    trial.judge(settle(home, acknowledged))


def test_kill_9_between_the_halves_of_setting_a_projection_aside(
    trial: Trial, home: Path, start_node: Any, die: Any, settle: Any
) -> None:
    acknowledged = die("commit.after:9")
    (home / PROJECTION).write_bytes(b"this is no DuckDB file" * 1000)
    assert (home / f"{PROJECTION}.wal").exists()
    node = start_node(crash_at="set-aside.between")
    node.await_end(DIES_WITHIN)
    assert (home / f"{PROJECTION}.wal").exists()
    assert not (home / PROJECTION).exists()
    acknowledged += die("commit.after:3")
    trial.note(fault="kill -9 between setting aside a projection and its write-ahead log", rounds=1)
    trial.judge(settle(home, acknowledged))


def _make_wrong(home: Path) -> None:
    if not (home / PROJECTION).exists():  # the last kill came between the old one and the new one
        return
    with duckdb.connect(str(home / PROJECTION)) as connection:
        connection.execute("delete from log where pos = (select max(pos) from log)")


def _remove_projection(home: Path) -> None:
    for name in (PROJECTION, f"{PROJECTION}.wal"):
        (home / name).unlink(missing_ok=True)


def _exists(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True
