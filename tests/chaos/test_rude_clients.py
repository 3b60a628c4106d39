"""Clients that read nothing, send for ever, or send a bomb: memory stays flat, and the others are answered."""

from __future__ import annotations

import contextlib
import gzip
import socket
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

import httpx
import pytest

if TYPE_CHECKING:
    from tests.chaos.conftest import NodeProcess, Trial

MIB = 1024 * 1024
PATIENCE = 2.0
ESTABLISHED = "01"
"""A connection's state in /proc/net/tcp."""
GROWS_AT_MOST = 150 * MIB
"""Generous: what it must not be is the size of a body, or all that is there to be read."""


@pytest.fixture(scope="module")
def node(
    tmp_path_factory: pytest.TempPathFactory, zygote: Any, node_process: Any, make_event: Any
) -> Iterator[NodeProcess]:
    """A node with events enough to fill the buffers of every connection."""
    home = tmp_path_factory.mktemp("rude") / "home"
    home.mkdir(mode=0o700)
    node: NodeProcess = node_process(zygote, home, home.parent / "node.log", patience_seconds=PATIENCE)
    node.await_ready()
    for _ in range(4):
        events = [make_event(f"{time.monotonic_ns()}-{number}") for number in range(2000)]
        for event in events:
            event["data"]["metadata"] = {"text": "x" * 1000}
        answer = httpx.post(
            f"{node.url}/v1/events", params={"wait": "folded"}, json=events, timeout=30, trust_env=False
        )
        answer.raise_for_status()
    yield node
    node.stop()


def memory(pid: int) -> int:
    """Resident bytes of a process."""
    path = Path(f"/proc/{pid}/statm")
    if not path.exists():
        pytest.skip("the system does not tell the memory of a process")
    return int(path.read_text().split()[1]) * 4096


@contextlib.contextmanager
def connections(node: NodeProcess, count: int, request: bytes = b"") -> Iterator[list[socket.socket]]:
    """Connections that have sent something, and read nothing."""
    place = urlsplit(node.url)
    with contextlib.ExitStack() as stack:
        made = []
        for _ in range(count):
            made.append(stack.enter_context(socket.create_connection((place.hostname, place.port or 0), timeout=30)))
            if request:
                made[-1].sendall(request)
        yield made


def get(path: str) -> bytes:
    return f"GET {path} HTTP/1.1\r\nHost: localhost\r\n\r\n".encode()


def answers(node: NodeProcess) -> bool:
    """Whether others are answered meanwhile."""
    return httpx.get(f"{node.url}/v1/assets", timeout=30, trust_env=False).status_code == 200


def grown(node: NodeProcess, seconds: float) -> int:
    """By how many bytes it grows meanwhile, at most."""
    start = highest = memory(node.pid)
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        highest = max(highest, memory(node.pid))
        assert answers(node)
        time.sleep(0.1)
    return highest - start


def ended(made: socket.socket, seconds: float) -> bool:
    """Whether the node ends a connection by itself."""
    made.settimeout(seconds)
    try:
        while made.recv(65536):
            pass
    except ConnectionError:
        return True
    except TimeoutError:
        return False
    return True


def held(node: NodeProcess, clients: list[socket.socket]) -> int:
    """How many connections the node still has. Nothing is read meanwhile: a client that reads is patient, not rude."""
    ours, port = {client.getsockname()[1] for client in clients}, urlsplit(node.url).port
    rows = [line.split()[1:4] for line in Path("/proc/net/tcp").read_text().splitlines()[1:]]
    ends = [(int(at[-4:], 16), int(to[-4:], 16)) for at, to, state in rows if state == ESTABLISHED]
    return sum(at == port and to in ours for at, to in ends)


def test_memory_stays_flat_under_readers_that_read_nothing(trial: Trial, node: NodeProcess) -> None:
    count = trial.rounds(200, 1000)
    with connections(node, count, get("/v1/events/stream?after=0-0")):
        growth = grown(node, 3)
        assert growth < GROWS_AT_MOST + count * MIB, f"{growth / MIB:.0f} MiB: more than a page for each"
    trial.note(fault="SSE readers that read nothing", remarks=f"{growth / MIB:.0f} MiB more")


def test_a_client_that_never_reads_its_answers_is_let_go(trial: Trial, node: NodeProcess, until: Any) -> None:
    many = get("/v1/events?limit=1000") * 50
    with connections(node, trial.rounds(20, 100)) as clients:
        for client in clients:
            client.settimeout(0.2)
            with contextlib.suppress(TimeoutError, ConnectionError):
                client.sendall(many)
        assert held(node, clients) > 0
        growth = grown(node, 3)
        assert growth < GROWS_AT_MOST, f"{growth / MIB:.0f} MiB"
        until(lambda: held(node, clients) == 0, 60, lambda: f"{held(node, clients)} are still there")
    trial.note(fault="clients that never read their answers", remarks=f"{growth / MIB:.0f} MiB more")


SLOW: dict[str, Callable[[], bytes]] = {
    "headers": lambda: b"GET /v1/assets HTTP/1.1\r\nHost: localhost\r\nX-",
    "body": lambda: b"POST /v1/events HTTP/1.1\r\nHost: localhost\r\nContent-Length: 1000000\r\n\r\n[",
    "nothing": lambda: b"",
}


@pytest.mark.parametrize("what", list(SLOW))
def test_a_slow_loris_is_let_go(trial: Trial, node: NodeProcess, what: str) -> None:
    with connections(node, trial.rounds(50, 500), SLOW[what]()) as clients:
        for _ in range(3):  # a byte now and then does not help
            time.sleep(PATIENCE / 4)
            for client in clients:
                with contextlib.suppress(ConnectionError):
                    client.sendall(b"x" if what != "nothing" else b"")
        assert answers(node)
        assert all(ended(client, PATIENCE * 10) for client in clients)
    trial.note(fault=f"slow loris: {what}")


def test_a_gzip_bomb_is_refused_and_costs_no_memory(trial: Trial, node: NodeProcess) -> None:
    bomb = gzip.compress(b"[" + b" " * (1 << 28), compresslevel=1)
    headers = {"content-encoding": "gzip", "content-type": "application/json"}
    before = memory(node.pid)
    for _ in range(trial.rounds(5, 50)):
        answer = httpx.post(f"{node.url}/v1/events", content=bomb, headers=headers, timeout=30, trust_env=False)
        assert (answer.status_code, answer.json()["code"]) == (413, "body-too-large")
    growth = memory(node.pid) - before
    assert growth < GROWS_AT_MOST, f"{growth / MIB:.0f} MiB"
    trial.note(fault="gzip bombs of 256 MiB", remarks=f"{growth / MIB:.0f} MiB more")


@pytest.mark.parametrize("declared", [True, False], ids=["declared", "chunked"])
def test_a_body_of_ten_gigabytes_is_refused_early(trial: Trial, node: NodeProcess, declared: bool) -> None:
    size = 10 * (1 << 30)
    framing = f"Content-Length: {size}" if declared else "Transfer-Encoding: chunked"
    head = f"POST /v1/events HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n{framing}\r\n\r\n"
    piece = b"x" * MIB if declared else b"100000\r\n" + b"x" * MIB + b"\r\n"
    before, sent = memory(node.pid), 0
    with connections(node, 1, head.encode()) as (client,):
        with contextlib.suppress(ConnectionError):
            while sent < size:
                client.sendall(piece)
                sent += MIB
        with contextlib.suppress(ConnectionError):
            assert client.recv(4096).startswith(b"HTTP/1.1 413")
    growth = memory(node.pid) - before
    assert sent < 100 * MIB
    assert growth < GROWS_AT_MOST, f"{growth / MIB:.0f} MiB"
    assert answers(node)
    trial.note(fault=f"body of 10 GB, {'declared' if declared else 'chunked'}", rounds=1)
    trial.note(remarks=f"refused after {sent // MIB} MiB, {growth / MIB:.0f} MiB more")


def test_ten_thousand_idle_connections_leave_room_for_others(trial: Trial, node: NodeProcess) -> None:
    resource = pytest.importorskip("resource")
    count = min(trial.rounds(2_000, 10_000), resource.getrlimit(resource.RLIMIT_NOFILE)[0] - 500)
    before = memory(node.pid)
    with connections(node, count) as clients:
        growth = memory(node.pid) - before
        assert answers(node)
        assert ended(clients[0], PATIENCE * 10)
        assert ended(clients[-1], PATIENCE * 10)
    assert growth < 2 * GROWS_AT_MOST, f"{growth / MIB:.0f} MiB"
    trial.note(fault="idle connections", rounds=count, remarks=f"{growth / MIB:.0f} MiB more")
