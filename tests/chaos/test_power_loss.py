"""Power loss: what the kernel had not synced is gone, the rest is there. kill -9 alone does not show that.

strace notes the log server's writes and syncs. After the kill its file is cut to what was synced for sure, plus a torn
piece of what was not, and everything starts again from there.
"""

from __future__ import annotations

import re
import shutil
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
import redis

from assetlog.catalog.projection import PROJECTION
from assetlog.consumers.log.connection import connect_sync
from assetlog.consumers.log.server import running_server
from assetlog.schemas.stream import stream_key

if TYPE_CHECKING:
    from tests.chaos.conftest import NodeProcess, Trial

_CALL = re.compile(r"^(?P<thread>\d+) +(?P<call>write|fdatasync|fsync)\(\d+<(?P<file>[^>]*)>(?P<rest>.*)")
_RESUMED = re.compile(r"^(?P<thread>\d+) +<\.\.\. (?P<call>write|fdatasync|fsync) resumed>(?P<rest>.*)")


def traceable() -> str:
    """Why strace cannot trace here; nothing if it can."""
    if shutil.which("strace") is None:
        return "strace is not installed (Debian: apt-get install strace)"
    with subprocess.Popen(["sleep", "10"]) as sleeper:
        command = ["strace", "-o", "/dev/null", "-p", str(sleeper.pid)]
        with subprocess.Popen(command, stderr=subprocess.PIPE, text=True) as tracer:
            assert tracer.stderr is not None
            said = tracer.stderr.readline()
            sleeper.kill()
    return "" if "attached" in said else f"strace may not trace: {said.strip()}"


@pytest.fixture(scope="module", autouse=True)
def _traceable() -> None:
    if reason := traceable():
        pytest.skip(reason)


class Tracer:
    """Notes what a running log server writes to its file and what it syncs."""

    def __init__(self, pid: int, directory: Path) -> None:
        self._file = next((directory / "appendonlydir").glob("*.incr.aof"))
        self._notes = directory.parent.parent / "strace.txt"
        command = ["strace", "-f", "-y", "-s", "0", "-e", "trace=write,fdatasync,fsync", "-o", str(self._notes)]
        self._process = subprocess.Popen([*command, "-p", str(pid)], stderr=subprocess.PIPE, text=True)
        assert self._process.stderr is not None
        assert "attached" in self._process.stderr.readline()
        self._size = self._file.stat().st_size

    def synced(self) -> int:
        """Bytes of the file that were synced for sure, once the server is dead."""
        self._process.communicate(timeout=30)
        written = synced = self._size
        begun: dict[str, int] = {}
        for thread, call, result in _calls(self._notes, self._file):
            if call == "write" and result:
                written += int(result)
            elif call != "write" and not result:
                begun[thread] = written
            elif result == "0":
                synced = max(synced, begun.pop(thread, written))
        return synced

    def lose_power(self, keep: float) -> int:
        """Cut the file to what was synced and a share of the rest; how many bytes were lost."""
        synced, size = self.synced(), self._file.stat().st_size
        assert synced <= size
        left = synced + round((size - synced) * keep)
        with self._file.open("r+b") as file:
            file.truncate(left)
        return size - left


def _calls(notes: Path, file: Path) -> Iterator[tuple[str, str, str]]:
    """Thread, call and result of each call on a file; a call that another one interrupts comes twice, first bare."""
    open_: set[str] = set()
    for line in notes.read_text().splitlines():
        if (found := _CALL.match(line)) and found["file"] == str(file):
            if "<unfinished" in line:
                open_.add(found["thread"])
                yield found["thread"], found["call"], ""
                continue
        elif (found := _RESUMED.match(line)) and found["thread"] in open_:
            open_.discard(found["thread"])
        else:
            continue
        if result := re.search(r"= (\d+)$", found["rest"]):
            yield found["thread"], found["call"], result[1]


def test_the_tracer_reads_what_strace_writes(tmp_path: Path) -> None:
    """Calls on other files do not count; a sync covers what was written before it began."""
    file, notes = Path("/log/a.incr.aof"), tmp_path / "strace.txt"
    notes.write_text(
        f'1 write(8<{file}>, ""..., 100) = 100\n'
        '1 write(9</log/other>, ""..., 7) = 7\n'
        f"2 fdatasync(8<{file}> <unfinished ...>\n"
        f'1 write(8<{file}>, ""..., 50) = 50\n'
        "2 <... fdatasync resumed>)       = 0\n"
        f"1 fdatasync(8<{file}> <unfinished ...>\n"
        "1 +++ killed by SIGKILL +++\n"
    )
    assert list(_calls(notes, file)) == [
        ("1", "write", "100"),
        ("2", "fdatasync", ""),
        ("1", "write", "50"),
        ("2", "fdatasync", "0"),
        ("1", "fdatasync", ""),
    ]


def lose_power_under_load(trial: Trial, node: NodeProcess, load: Any) -> tuple[list[str], set[str], int]:
    """Emit, lose power; what was acknowledged, what the receipts said, how many bytes were lost."""
    assert node.log_server is not None
    tracer = Tracer(node.log_server, node.home / "log")
    clients = load(lambda: node.url)
    deadline = time.monotonic() + 30
    while not clients.receipts:
        assert time.monotonic() < deadline, node.said()
        time.sleep(0.01)
    time.sleep(trial.chance.uniform(0.3, 0.8))
    node.kill_log_server()
    node.kill_node()
    acknowledged = clients.stop()
    return acknowledged, clients.receipts, tracer.lose_power(trial.chance.choice([0, trial.chance.random()]))


@pytest.mark.timeout(300)
def test_power_loss_takes_nothing_that_was_acknowledged(
    trial: Trial, home: Path, start_node: Any, load: Any, settle: Any
) -> None:
    acknowledged: list[str] = []
    gone = 0
    for _ in range(trial.rounds(5, 100)):
        node = start_node()
        node.await_ready()
        taken, receipts, lost = lose_power_under_load(trial, node, load)
        assert receipts == {"disk"}
        acknowledged += taken
        gone += lost
        _spoil_write_ahead_log(trial, home / f"{PROJECTION}.wal")
    trial.note(fault="power loss, appendfsync always", remarks=f"{len(acknowledged):,} acknowledged, {gone:,} B lost")
    trial.judge(settle(home, acknowledged))


def _spoil_write_ahead_log(trial: Trial, wal: Path) -> None:
    """The projection's own write-ahead log may lose its end too: what it held is folded again."""
    if wal.exists():
        with wal.open("r+b") as file:
            file.truncate(round(wal.stat().st_size * trial.chance.choice([1, trial.chance.random()])))


@pytest.mark.timeout(300)
def test_power_loss_under_everysec_loses_what_receipts_called_memory(
    trial: Trial, tmp_path: Path, start_node: Any, load: Any
) -> None:
    """The contrast: it shows that the harness would see a loss, and that the receipts tell the truth."""
    lost = 0
    for round_ in range(trial.rounds(1, 9)):
        home = tmp_path / f"home-{round_}" / "home"
        home.mkdir(mode=0o700, parents=True)
        node = start_node(home=home)
        node.await_ready()
        with connect_sync(running_server(home) or "") as client:
            client.config_set("appendfsync", "everysec")
        time.sleep(1.1)  # how long a node trusts what it knows of the server's settings
        acknowledged, receipts, _ = lose_power_under_load(trial, node, load)
        assert receipts == {"memory"}
        lost += len(set(acknowledged) - set(_ids_in_log(start_node, home)))
        assert lost, f"seed {trial.seed}: everysec lost nothing, so this simulation shows nothing"
    trial.note(fault="power loss, everysec: receipts say memory", lost=lost, remarks="lost as the receipts warn")


def _ids_in_log(start_node: Any, home: Path) -> list[str]:
    """The ids a node still has after it came back, whether or not it may fold on."""
    node = start_node(home=home)
    node_was_told = ("ready", "log-behind", "log-replaced", "log-empty", "log-truncated")
    deadline = time.monotonic() + 30
    while node.health() not in node_was_told:
        assert time.monotonic() < deadline, node.said()
        time.sleep(0.05)
    with connect_sync(running_server(home) or "") as client:
        ids = _entry_ids(client)
    node.kill_node()
    return ids


def _entry_ids(client: redis.Redis) -> list[str]:
    entries: Any = client.xrange(stream_key())
    return re.findall(r'"id":"([^"]+)"', " ".join(fields[b"event"].decode() for _, fields in entries))
