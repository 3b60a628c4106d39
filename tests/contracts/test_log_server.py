"""The embedded log server: private, one per data directory, adopted after a crash, brought back when it dies."""

from __future__ import annotations

import asyncio
import os
import re
import signal
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import redis

from assetlog.consumers.log.connection import connect_sync
from assetlog.consumers.log.home import HomeLock
from assetlog.consumers.log.server import LogServer
from assetlog.consumers.log.supervisor import Incident, Supervisor
from assetlog.schemas.errors import Broken, Conflict

NODE = """
import signal, sys
from pathlib import Path
from assetlog.consumers.log.server import LogServer
server = LogServer(Path(sys.argv[1]))
server.start()
print(server.pid, server.url, flush=True)
signal.pause()
"""

Node = tuple["subprocess.Popen[str]", int, str]
"""A node's process, its log server's process id, and the log's URL."""


@pytest.fixture
def home(tmp_path: Path) -> Path:
    return tmp_path / "home"


@pytest.fixture
def start_node(home: Path) -> Iterator[Callable[[], Node]]:
    """Starts a process that runs a log server on `home`, as a node does; whatever is left over ends with the test."""
    started: list[Node] = []

    def start() -> Node:
        process = subprocess.Popen([sys.executable, "-c", NODE, str(home)], stdout=subprocess.PIPE, text=True)
        assert process.stdout is not None
        pid, url = process.stdout.readline().split()
        started.append((process, int(pid), url))
        return started[-1]

    yield start
    for process, _, _ in started:
        process.kill()
        process.communicate()
    if (home / "log" / "server.json").exists():
        with LogServer(home):
            pass
    assert not any(runs(pid) for _, pid, _ in started)


def runs(pid: int) -> bool:
    """Whether a process runs; one that ended and waits to be reaped by its new parent does not."""
    state = subprocess.run(["ps", "-o", "stat=", "-p", str(pid)], capture_output=True, text=True, check=False).stdout
    return bool(state.strip()) and not state.startswith("Z")


def add(url: str, text: bytes) -> bytes:
    with connect_sync(url) as client:
        entry_id: bytes = client.xadd("a", {"event": text})
        return entry_id


def entries(url: str) -> list[bytes]:
    with connect_sync(url) as client:
        return [fields[b"event"] for _, fields in client.xrange("a")]


def aof_files(home: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in sorted((home / "log" / "appendonlydir").iterdir())}


def incr_file(home: Path) -> Path:
    (file,) = (home / "log" / "appendonlydir").glob("*.incr.aof")
    return file


def test_a_started_server_syncs_every_write_and_listens_only_on_a_private_socket(log_server: LogServer) -> None:
    with connect_sync(log_server.url) as client:
        wanted = {"appendonly": "yes", "appendfsync": "always", "port": "0", "maxmemory-policy": "noeviction"}
        assert {name: client.config_get(name)[name] for name in wanted} == wanted
    assert log_server.socket.is_socket()
    assert log_server.socket.parent.stat().st_mode & 0o077 == 0
    assert len(os.fsencode(log_server.socket)) <= 103


def test_stopping_leaves_no_process_and_no_socket_behind(home: Path) -> None:
    with LogServer(home) as server:
        pid, socket = server.pid, server.socket
    assert not runs(pid)
    assert not socket.parent.exists()
    assert not server.alive()


def test_a_restarted_server_holds_the_same_entries(home: Path) -> None:
    with LogServer(home) as server:
        add(server.url, b"one")
    with LogServer(home) as server:
        assert entries(server.url) == [b"one"]


def test_an_idle_or_restarted_server_appends_nothing(home: Path) -> None:
    with LogServer(home) as server:
        add(server.url, b"one")
    before = aof_files(home)
    for _ in range(2):
        with LogServer(home) as server:
            entries(server.url)
    assert aof_files(home) == before


def test_a_second_node_on_the_same_data_directory_is_refused_by_name(
    home: Path, start_node: Callable[[], Node]
) -> None:
    process, _, url = start_node()
    with pytest.raises(Conflict, match=str(process.pid)) as refused:
        LogServer(home).start()
    assert refused.value.code == "home-in-use"
    add(url, b"still there")


def test_a_node_may_hold_the_lock_before_its_server_starts(home: Path) -> None:
    with HomeLock(home) as lock, LogServer(home, lock=lock) as server:
        assert server.alive()
        with pytest.raises(Conflict):
            HomeLock(home).acquire()


def test_a_failed_start_gives_the_data_directory_free(home: Path) -> None:
    (home / "log").mkdir(parents=True)
    (home / "log" / "appendonlydir").write_text("not a directory")
    with pytest.raises(Broken):
        LogServer(home).start()
    with HomeLock(home):
        pass


def test_the_server_of_a_killed_node_is_adopted(home: Path, start_node: Callable[[], Node]) -> None:
    process, pid, url = start_node()
    add(url, b"before the crash")
    process.kill()
    process.wait()
    with LogServer(home) as server:
        assert (server.adopted, server.pid, server.url) == (True, pid, url)
        assert entries(server.url) == [b"before the crash"]
        assert server.alive()
    assert not runs(pid)


def test_a_left_over_server_with_other_settings_is_replaced(home: Path, start_node: Callable[[], Node]) -> None:
    process, pid, url = start_node()
    add(url, b"kept")
    with connect_sync(url) as client:
        client.config_set("appendfsync", "everysec")
    process.kill()
    process.wait()
    with LogServer(home) as server:
        assert not server.adopted
        assert not runs(pid)
        assert entries(server.url) == [b"kept"]


def test_a_left_over_server_whose_socket_is_gone_is_replaced(home: Path, start_node: Callable[[], Node]) -> None:
    process, pid, url = start_node()
    add(url, b"kept")
    process.kill()
    process.wait()
    Path(url.removeprefix("unix://")).unlink()
    with LogServer(home) as server:
        assert not runs(pid)
        assert entries(server.url) == [b"kept"]


def test_a_frozen_left_over_server_is_replaced(
    home: Path, start_node: Callable[[], Node], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("assetlog.consumers.log.server.ENDS_WITHIN", 0.3)
    process, pid, url = start_node()
    add(url, b"kept")
    process.kill()
    process.wait()
    os.kill(pid, signal.SIGSTOP)
    with LogServer(home) as server:
        assert not runs(pid)
        assert entries(server.url) == [b"kept"]


def test_a_record_naming_a_strangers_process_harms_nobody(home: Path) -> None:
    with subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE) as stranger:
        with LogServer(home):
            pass
        record = f'{{"pid":{stranger.pid},"socket":"/nowhere/log.sock","version":[9,1,2]}}'
        (home / "log" / "server.json").write_text(record)
        with LogServer(home) as server:
            assert not server.adopted
        assert stranger.poll() is None
        stranger.communicate(b"\n")


def test_a_directory_used_by_a_server_we_cannot_identify_is_left_alone(home: Path) -> None:
    (home / "log").mkdir(parents=True)
    holder = LogServer(home)._server_lock
    assert holder.try_acquire()
    with pytest.raises(Broken) as refused:
        LogServer(home).start()
    assert refused.value.code == "log-in-use"
    holder.release()


def test_killing_the_server_under_load_loses_no_acknowledged_entry(home: Path) -> None:
    with LogServer(home) as server:
        acknowledged: list[bytes] = []
        busy = threading.Event()

        def load() -> None:
            with connect_sync(server.url) as client:
                try:
                    for number in range(1_000_000):
                        client.xadd("a", {"event": str(number)})
                        acknowledged.append(str(number).encode())
                        if number == 500:
                            busy.set()
                except redis.RedisError:
                    pass

        loader = threading.Thread(target=load)
        loader.start()
        assert busy.wait(30)
        os.kill(server.pid, signal.SIGKILL)
        loader.join(30)
        assert not loader.is_alive()
        assert server.restart()
        stored = entries(server.url)
        assert stored[: len(acknowledged)] == acknowledged
        assert len(stored) - len(acknowledged) <= 1  # the one on its way


def test_a_torn_end_of_the_log_is_cut_off(home: Path) -> None:
    with LogServer(home) as server:
        add(server.url, b"whole")
    with incr_file(home).open("ab") as file:
        file.write(b"*5\r\n$4\r\nXADD\r\n$1\r\na\r\n$1")
    with LogServer(home) as server:
        assert entries(server.url) == [b"whole"]


def test_a_damaged_log_is_explained_and_the_advised_command_repairs_it(home: Path) -> None:
    with LogServer(home) as server:
        add(server.url, b"whole")
    with incr_file(home).open("ab") as file:
        file.write(b"\0" * 100 + b"*1\r\n$4\r\nPING\r\n" * 100)
    with pytest.raises(Broken) as broken:
        LogServer(home).start()
    assert broken.value.code == "log-damaged"
    assert "append only file" in broken.value.detail
    (command,) = re.findall(r"`([^`]*--fix[^`]*)`", broken.value.hint)
    subprocess.run(["bash", "-c", command], input=b"y\n", check=True, capture_output=True, timeout=30)
    with LogServer(home) as server:
        assert entries(server.url) == [b"whole"]


class Told:
    """Collects what a supervisor tells, and lets a test wait for a kind of incident."""

    def __init__(self) -> None:
        self.incidents: asyncio.Queue[Incident] = asyncio.Queue()

    async def until(self, kind: str) -> Incident:
        async with asyncio.timeout(30):
            while (incident := await self.incidents.get()).kind != kind:
                pass
            return incident


async def test_a_server_that_dies_under_a_running_node_is_brought_back(home: Path) -> None:
    told = Told()
    with LogServer(home) as server:
        add(server.url, b"before")
        supervisor = Supervisor(server, told.incidents.put_nowait)
        running = asyncio.create_task(supervisor.run())
        url, pid = server.url, server.pid
        os.kill(pid, signal.SIGKILL)
        incident = await told.until("back")
        assert (incident.in_a_row, supervisor.restarts, supervisor.problem) == (1, 1, None)
        assert (server.url, server.alive()) == (url, True)
        assert server.pid != pid
        assert entries(server.url) == [b"before"]
        server.stop()
        await asyncio.wait_for(running, 30)
    assert not server.alive()


async def test_an_adopted_server_that_dies_is_brought_back(home: Path, start_node: Callable[[], Node]) -> None:
    told = Told()
    process, pid, _ = start_node()
    process.kill()
    process.wait()
    with LogServer(home) as server:
        running = asyncio.create_task(Supervisor(server, told.incidents.put_nowait).run())
        os.kill(pid, signal.SIGKILL)
        await told.until("back")
        assert server.alive()
        assert not server.adopted
        server.stop()
        await asyncio.wait_for(running, 30)


async def test_a_server_whose_socket_vanishes_is_brought_back(home: Path) -> None:
    told = Told()
    with LogServer(home) as server:
        running = asyncio.create_task(Supervisor(server, told.incidents.put_nowait).run())
        server.socket.unlink()
        await told.until("back")
        add(server.url, b"reachable again")
        server.stop()
        await asyncio.wait_for(running, 30)


async def test_a_server_that_does_not_come_back_is_reported_with_its_reason(
    home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("assetlog.consumers.log.supervisor.BACKOFF", (0.0, 0.01))
    told = Told()
    with LogServer(home) as server:
        add(server.url, b"whole")
        supervisor = Supervisor(server, told.incidents.put_nowait)
        running = asyncio.create_task(supervisor.run())
        healthy = incr_file(home).read_bytes()
        with incr_file(home).open("ab") as file:
            file.write(b"\0" * 100 + b"*1\r\n$4\r\nPING\r\n" * 100)
        os.kill(server.pid, signal.SIGKILL)
        incident = await told.until("failing")
        assert incident.code == "log-damaged"
        assert incident.in_a_row >= 3
        assert "--fix" in incident.hint
        assert supervisor.problem is not None
        incr_file(home).write_bytes(healthy)
        await told.until("back")
        assert entries(server.url) == [b"whole"]
        server.stop()
        await asyncio.wait_for(running, 30)
