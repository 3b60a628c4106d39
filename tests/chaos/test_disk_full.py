"""A full disk: nothing acknowledged is lost, the node says what it waits for, and goes on when there is room."""

from __future__ import annotations

import contextlib
import os
import subprocess
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import httpx
import pytest

from assetlog.consumers.log.connection import connect_sync
from assetlog.consumers.log.server import LogServer
from assetlog.producers import Emitter
from assetlog.schemas import codec
from assetlog.schemas.stream import EVENT_FIELD, stream_key

if TYPE_CHECKING:
    from tests.chaos.conftest import Trial

SIZE = 64 * 1024 * 1024
LONG_SIZE = 1024 * 1024 * 1024
"""What the log of fifty rounds needs, with room."""
WAITS_WITHIN = 60.0


class Disk:
    """A small disk of its own, which can be filled."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._ballast = path / "ballast"

    def fill(self, leave: int) -> None:
        """Let so many bytes be free, or as few as there are."""
        with contextlib.suppress(OSError), self._ballast.open("ab", buffering=0) as file:
            while (left := self._free_bytes() - leave) > 0:
                file.write(bytes(min(left, 1 << 20)))

    def free(self) -> None:
        """Give the room back."""
        self._ballast.unlink(missing_ok=True)

    def _free_bytes(self) -> int:
        status = os.statvfs(self.path)
        return status.f_bavail * status.f_frsize


@pytest.fixture
def disk(tmp_path: Path, request: pytest.FixtureRequest) -> Iterator[Disk]:
    path = tmp_path / "disk"
    path.mkdir()
    size = LONG_SIZE if request.config.getoption("--chaos-long", default=False) else SIZE
    options = ["-o", f"size={size},mode=700"]
    done = subprocess.run(
        ["mount", "-t", "tmpfs", *options, "tmpfs", path], check=False, capture_output=True, text=True
    )
    if done.returncode:
        pytest.skip(f"no file system can be mounted: {done.stderr.strip()}")
    yield Disk(path)
    subprocess.run(["umount", "--lazy", path], check=True)


@pytest.fixture
def home(disk: Disk) -> Path:
    home = disk.path / "home"
    home.mkdir(mode=0o700)
    return home


@pytest.mark.timeout(600)
def test_a_disk_that_fills_up_loses_nothing_and_the_node_goes_on(
    trial: Trial, home: Path, disk: Disk, start_node: Any, load: Any, settle: Any
) -> None:
    node = start_node(snapshot_every=200)
    node.await_ready()
    clients = load(lambda: node.url)
    said: set[str] = set()
    for _ in range(trial.rounds(3, 50)):
        disk.fill(trial.chance.choice([0, trial.chance.randint(0, 1 << 20)]))
        full_until = time.monotonic() + trial.chance.uniform(0.5, 1.2)
        while time.monotonic() < full_until:
            said.add(node.health())
            time.sleep(0.05)
        assert node.running, node.said()
        disk.free()
        node.await_ready(WAITS_WITHIN)
    acknowledged = clients.stop()
    node.stop()
    assert said <= {"ready", "log-disk-full", "log-not-writable", "log-unreachable", "fold-waiting", "catching-up", ""}
    trial.note(fault="disk full under load, room again later", remarks=", ".join(sorted(said - {"ready", ""})))
    trial.judge(settle(home, acknowledged))


def test_a_node_that_starts_on_a_full_disk_says_so_and_spoils_nothing(
    trial: Trial, home: Path, disk: Disk, start_node: Any, load: Any, settle: Any
) -> None:
    node = start_node()
    node.await_ready()
    clients = load(lambda: node.url)
    time.sleep(0.5)
    node.kill_node()
    node.kill_log_server()
    acknowledged = clients.stop()
    for _ in range(trial.rounds(3, 50)):
        disk.fill(trial.chance.choice([0, trial.chance.randint(0, 200_000)]))
        node = start_node()
        deadline = time.monotonic() + 3
        while node.running and not node.url and time.monotonic() < deadline:
            time.sleep(0.02)
        if not node.running:
            assert "this is a bug" not in node.said(), node.said()
            assert "Free space" in node.said(), node.said()
        node.kill_node()
        node.kill_log_server()
        assert list(home.glob("catalog.duckdb.*-*")) == [], "a full disk is no damage"
        node.output.unlink()
    disk.free()
    trial.note(fault="a node started on a full disk")
    trial.judge(settle(home, acknowledged))


@pytest.fixture
def limit() -> Any:
    """Lets a process write no file beyond a size; None for any."""
    resource = pytest.importorskip("resource")
    if not hasattr(resource, "prlimit"):
        pytest.skip("this system cannot limit another process")

    def apply(pid: int, size: int | None) -> None:
        soft = resource.RLIM_INFINITY if size is None else size
        resource.prlimit(pid, resource.RLIMIT_FSIZE, (soft, resource.RLIM_INFINITY))

    return apply


@pytest.mark.timeout(600)
def test_a_commit_that_fails_is_of_unknown_outcome_and_the_fold_goes_on_once(
    trial: Trial, plain_home: Path, start_node: Any, load: Any, settle: Any, limit: Any
) -> None:
    node = start_node(home=plain_home, snapshot_every=200)
    node.await_ready()
    clients = load(lambda: node.url)
    readers = Readers(lambda: node.url)
    wal = plain_home / "catalog.duckdb.wal"
    refused = 0
    for _ in range(trial.rounds(5, 200)):
        size = wal.stat().st_size if wal.exists() else 0
        limit(node.pid, size + trial.chance.randint(0, 20_000))
        deadline = time.monotonic() + 1.5
        while time.monotonic() < deadline and (code := node.health()) != "fold-waiting":
            time.sleep(0.01)
        refused += code == "fold-waiting"
        limit(node.pid, None)
        node.await_ready()
        assert httpx.get(f"{node.url}/v1/assets", timeout=30, trust_env=False).status_code == 200
    acknowledged = clients.stop()
    assert readers.stop() <= {200, 503}
    node.stop()
    assert refused, "no commit was refused"
    trial.note(fault="commits that fail (a limit on the file's size)", remarks=f"{refused} times the fold waited")
    trial.judge(settle(plain_home, acknowledged))
    assert list(plain_home.glob("catalog.duckdb.*-*")) == [], "a failing commit is no damage"


class Readers:
    """Somebody who asks all the time: connections to the projection are open when it is opened again."""

    def __init__(self, url: Callable[[], str]) -> None:
        self._url, self._stop, self.answers = url, threading.Event(), set[int]()
        self._threads = [threading.Thread(target=self._run, args=[path]) for path in ("assets", "events", "runs")]
        for thread in self._threads:
            thread.start()

    def stop(self) -> set[int]:
        """The statuses of all answers."""
        self._stop.set()
        for thread in self._threads:
            thread.join()
        return self.answers

    def _run(self, path: str) -> None:
        with httpx.Client(timeout=30, trust_env=False) as http:
            while not self._stop.wait(0.02):
                self.answers.add(http.get(f"{self._url()}/v1/{path}").status_code)


@pytest.fixture
def plain_home(tmp_path: Path) -> Path:
    plain_home = tmp_path / "home"
    plain_home.mkdir(mode=0o700)
    return plain_home


def test_an_emitter_on_a_full_disk_never_breaks_its_task_and_says_what_is_lost(
    trial: Trial, home: Path, plain_home: Path, disk: Disk
) -> None:
    """Without a log: what was said to be in the spool is delivered later, what had no room is said to be lost."""
    socket = plain_home / "nowhere.sock"
    emitter = Emitter(f"unix://{socket}", home=home)
    acks: dict[str, str] = {}
    for round_ in range(trial.rounds(6, 100)):
        disk.fill(0 if round_ % 2 else trial.chance.randint(0, 20_000))
        for number in range(30):
            name = f"{round_}-{number}"
            size = trial.chance.choice([10, 3000])
            emission = emitter.emit("asset.observed", "s3://a", metadata={"x": "y" * size}, event_id=name, wait=True)
            acks[name] = emission.ack
        disk.free()
        name = f"{round_}-free"
        acks[name] = emitter.emit("asset.observed", "s3://a", event_id=name, wait=True).ack
    assert set(acks.values()) == {"spool", "lost"}
    with LogServer(plain_home) as server, connect_sync(server.url) as client:
        socket.symlink_to(server.socket)
        emitter.flush(60)
        emitter.close()
        entries: Any = client.xrange(stream_key())
        there = [codec.decode(fields[EVENT_FIELD.encode()]).id for _, fields in entries]
    kept = {name for name, ack in acks.items() if ack == "spool"}
    assert not kept - set(there), f"seed {trial.seed}"
    trial.note(fault="emitters on a full disk", lost=len(kept - set(there)), twice=len(there) - len(set(there)))
    trial.note(remarks=f"{len(kept)} spooled, {len(acks) - len(kept)} said to be lost")
