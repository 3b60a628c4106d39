"""A projection whose file is damaged or foreign: it is set aside and folded again, or nothing was the matter."""

from __future__ import annotations

import shutil
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

import duckdb
import httpx
import pytest

from assetlog.catalog.projection import PROJECTION
from assetlog.consumers.fold.digest import state_digest
from assetlog.consumers.fold.fold import open_fold
from assetlog.consumers.fold.progress import MAX_POSITION
from assetlog.consumers.fold.rebuild import extend
from assetlog.consumers.log.bodies import Bodies
from assetlog.consumers.log.connection import connect_sync
from assetlog.consumers.log.server import LogServer

if TYPE_CHECKING:
    from tests.chaos.conftest import Trial

WAL = f"{PROJECTION}.wal"
SNAPSHOT_EVERY = 200


@pytest.fixture(scope="module")
def killed(tmp_path_factory: pytest.TempPathFactory, zygote: Any, node_process: Any, make_event: Any) -> Path:
    """A data directory whose node was killed: a part of its projection is checkpointed, a part is not."""
    home = tmp_path_factory.mktemp("killed") / "home"
    home.mkdir(mode=0o700)
    node = node_process(
        zygote, home, home.parent / "node.log", snapshot_every=SNAPSHOT_EVERY, crash_at="checkpoint.begin:2"
    )
    node.await_ready()
    for batch in range(2):
        events = [make_event(f"{batch}-{number}", 40) for number in range(1000)]
        answer = httpx.post(f"{node.url}/v1/events", params={"wait": "folded"}, json=events, trust_env=False)
        assert answer.json()["folded"]
        if not batch:
            _await_checkpoint(home)
    node.kill_node()
    node.kill_log_server()
    assert (home / WAL).stat().st_size > 10_000
    return home


@pytest.fixture
def folded(killed: Path, home: Path) -> Path:
    """A copy of it."""
    shutil.copytree(killed, home, dirs_exist_ok=True)
    return home


def _await_checkpoint(home: Path) -> None:
    deadline = time.monotonic() + 20
    while (home / WAL).exists() and (home / WAL).stat().st_size > 1000:
        assert time.monotonic() < deadline
        time.sleep(0.05)


@pytest.mark.timeout(600)
def test_a_bit_flip_is_detected_or_harmless(trial: Trial, killed: Path, folded: Path, tmp_path: Path) -> None:
    with LogServer(folded) as server, connect_sync(server.url) as client:
        log = Bodies(client, "default")
        want = _digest(folded / PROJECTION, log)
        copies = tmp_path / "copy"
        detected = 0
        for _ in range(trial.rounds(50, 500)):
            _copy_projection(killed, copies)
            victim = copies / trial.chance.choice([PROJECTION, WAL])
            content = bytearray(victim.read_bytes())
            content[trial.chance.randrange(len(content))] ^= 1 << trial.chance.randrange(8)
            victim.write_bytes(content)
            assert _digest(copies / PROJECTION, log) == want, f"seed {trial.seed}: a flipped bit changed what is said"
            detected += len(list(copies.glob("*.damaged-*"))) > 0
    trial.note(fault="bit flips in the DuckDB file and its write-ahead log", equal=True, lost=0, twice=0)
    trial.note(remarks=f"{detected} detected, the others harmless")


def _copy_projection(killed: Path, to: Path) -> None:
    shutil.rmtree(to, ignore_errors=True)
    to.mkdir()
    for name in (PROJECTION, WAL):
        shutil.copy(killed / name, to / name)


def _digest(path: Path, log: Bodies) -> str:
    fold, _ = open_fold(path, "default", log, snapshot_every=SNAPSHOT_EVERY)
    extend(fold, log, MAX_POSITION, lambda *_: None)
    digest = state_digest(fold.store.reader)
    fold.store.close()
    return digest


@pytest.mark.timeout(600)
def test_a_write_ahead_log_that_lost_its_end_heals(trial: Trial, killed: Path, folded: Path, tmp_path: Path) -> None:
    """DuckDB opens such a file without a word, its last commits gone: they are folded again from the log."""
    with LogServer(folded) as server, connect_sync(server.url) as client:
        log = Bodies(client, "default")
        want = _digest(folded / PROJECTION, log)
        copies = tmp_path / "copy"
        for round_ in range(trial.rounds(10, 100)):
            _copy_projection(killed, copies)
            if round_:
                with (copies / WAL).open("r+b") as file:
                    file.truncate(trial.chance.randrange((copies / WAL).stat().st_size))
            else:
                (copies / WAL).unlink()
            assert _digest(copies / PROJECTION, log) == want, f"seed {trial.seed}, round {round_}"
    trial.note(fault="DuckDB's write-ahead log truncated or deleted", equal=True, lost=0, twice=0)


def _text(path: Path) -> None:
    path.write_text("this is no database" * 1000)


def _nothing(path: Path) -> None:
    path.write_bytes(b"")


def _directory(path: Path) -> None:
    path.unlink()
    path.mkdir()
    (path / "something").write_text("else")


def _foreign(path: Path) -> None:
    path.unlink()
    with duckdb.connect(str(path)) as connection:
        connection.execute("create table orders as select range as id from range(100)")


def _half(path: Path) -> None:
    content = path.read_bytes()
    path.write_bytes(content[: len(content) // 2])


def _missing(path: Path) -> None:
    path.unlink()


def _spoiled_blocks(path: Path) -> None:
    """Opens, and is found bad when a table is read."""
    content = bytearray(path.read_bytes())
    for at in range(3 * 4096 + 500, len(content), 4096):
        content[at] ^= 1
    path.write_bytes(content)


SPOILT = [_text, _nothing, _directory, _foreign, _half, _missing, _spoiled_blocks]


@pytest.mark.parametrize("spoil", SPOILT, ids=[spoil.__name__[1:] for spoil in SPOILT])
def test_a_node_folds_again_by_itself_when_its_projection_is_something_else(
    trial: Trial, folded: Path, start_node: Any, settle: Any, spoil: Callable[[Path], None]
) -> None:
    """Its write-ahead log is still there, and fits no more."""
    spoil(folded / PROJECTION)
    node = start_node(snapshot_every=SNAPSHOT_EVERY)
    node.await_ready()
    assert len(httpx.get(f"{node.url}/v1/assets", trust_env=False).json()["items"]) == 80
    node.kill_node()
    node.kill_log_server()
    trial.note(fault=f"projection is {spoil.__name__[1:].replace('_', ' ')}", rounds=1)
    trial.judge(settle(folded, [f"{batch}-{number}" for batch in range(2) for number in range(1000)]))


def test_a_file_that_is_lost_under_a_running_node_is_folded_again_without_a_gap(
    trial: Trial, home: Path, start_node: Any, load: Any, settle: Any, until: Any
) -> None:
    """The next commit fails, the file cannot be opened again: what was read before has to be read once more."""
    resource = pytest.importorskip("resource")
    node = start_node(snapshot_every=SNAPSHOT_EVERY)
    node.await_ready()
    clients = load(lambda: node.url)
    for round_ in range(1, trial.rounds(2, 50) + 1):
        wanted = len(clients.acknowledged) + 200
        until(lambda wanted=wanted: len(clients.acknowledged) > wanted, 30, node.said)
        for name in (PROJECTION, WAL):
            with suppress(FileNotFoundError), (home / name).open("r+b") as file:  # right after a checkpoint: no log
                file.write(b"spoilt" * 2000)
        size = (home / PROJECTION).stat().st_size
        resource.prlimit(node.pid, resource.RLIMIT_FSIZE, (min(size, 4096), resource.RLIM_INFINITY))
        until(lambda: node.health() == "fold-waiting", 30, node.said)
        resource.prlimit(node.pid, resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))
        node.await_ready()
        assert len(list(home.glob(f"{PROJECTION}.damaged-*"))) >= round_, node.said()
    acknowledged = clients.stop()
    node.stop()
    trial.note(fault="projection spoilt under a running node")
    trial.judge(settle(home, acknowledged))
