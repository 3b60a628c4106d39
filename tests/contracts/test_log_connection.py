"""What a log server says of itself: truthful receipts, and refusal of servers that cannot hold a log."""

from __future__ import annotations

import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import redis

from assetlog.consumers.log.binary import find_server
from assetlog.consumers.log.connection import connect, connect_sync, inspect, inspect_sync, refuse_unfit, unix_url
from assetlog.consumers.log.home import socket_path
from assetlog.consumers.log.launch import await_answer
from assetlog.consumers.log.server import LogServer
from assetlog.schemas.errors import Broken, Unavailable
from assetlog.schemas.stream import stream_key

RunServer = Callable[..., str]


@pytest.fixture
def run_server(tmp_path: Path) -> Iterator[RunServer]:
    """Starts a server that is set up otherwise than an embedded one; its URL."""
    running: list[subprocess.Popen[bytes]] = []
    socket = socket_path(tmp_path)

    def run(*options: str) -> str:
        always = ["--port", "0", "--unixsocket", str(socket), "--dir", str(tmp_path), "--save", ""]
        server = subprocess.Popen([find_server().path, *always, *options], stdout=subprocess.DEVNULL)
        running.append(server)
        assert await_answer(lambda: server.poll() is None, socket)
        return unix_url(socket)

    yield run
    for server in running:
        server.kill()
        server.wait()
    socket.unlink(missing_ok=True)
    socket.parent.rmdir()


@pytest.mark.parametrize(
    ("options", "ack"),
    [
        (["--appendonly", "yes", "--appendfsync", "always"], "disk"),
        (["--appendonly", "yes", "--appendfsync", "everysec"], "memory"),
        (["--appendonly", "yes", "--appendfsync", "no"], "memory"),
        (["--appendonly", "no", "--appendfsync", "always"], "memory"),
        (["--appendonly", "yes", "--appendfsync", "always", "--no-appendfsync-on-rewrite", "yes"], "memory"),
        (["--appendonly", "yes", "--appendfsync", "always", "--rename-command", "CONFIG", ""], "unknown"),
        (["--appendonly", "no", "--rename-command", "CONFIG", ""], "memory"),
    ],
)
def test_a_receipt_says_disk_only_when_every_answer_follows_an_fsync(
    run_server: RunServer, options: list[str], ack: str
) -> None:
    with connect_sync(run_server(*options)) as client:
        assert inspect_sync(client).ack == ack


def test_a_user_without_config_gets_unknown_receipts(log_server_url_of_user: str) -> None:
    with connect_sync(log_server_url_of_user) as client:
        facts = inspect_sync(client)
    assert (facts.ack, facts.appendfsync) == ("unknown", None)
    refuse_unfit(facts)


@pytest.fixture
def log_server_url_of_user(log_server: LogServer, redis_sync: redis.Redis) -> Iterator[str]:
    redis_sync.acl_setuser(
        "emitter", enabled=True, passwords=["+pw"], keys=["*"], categories=["+@all"], commands=["-config"]
    )
    yield log_server.url.replace("unix://", "unix://emitter:pw@")
    redis_sync.acl_deluser("emitter")


async def test_both_clients_see_the_same_server(redis_sync: redis.Redis, redis_async: redis.asyncio.Redis) -> None:
    facts, again = inspect_sync(redis_sync), await inspect(redis_async)
    assert (facts.kind, facts.version, facts.replication_id) == (again.kind, again.version, again.replication_id)
    assert facts.ack == "disk"
    refuse_unfit(facts)


@pytest.mark.parametrize(
    ("options", "code"),
    [
        (["--maxmemory-policy", "allkeys-lru"], "log-evicts"),
        (["--maxmemory-policy", "volatile-ttl", "--rename-command", "CONFIG", ""], "log-evicts"),
        (["--replicaof", "127.0.0.1", "1"], "log-read-only"),
        (["--cluster-enabled", "yes"], "log-mode"),
    ],
)
def test_a_server_that_cannot_hold_a_log_is_refused(run_server: RunServer, options: list[str], code: str) -> None:
    with connect_sync(run_server(*options)) as client, pytest.raises(Broken) as refused:
        refuse_unfit(inspect_sync(client))
    assert refused.value.code == code
    assert refused.value.hint


def test_a_key_of_another_type_is_refused(redis_sync: redis.Redis, catalog_name: str) -> None:
    redis_sync.set(stream_key(catalog_name), "not a stream")
    with pytest.raises(Broken, match="string") as refused:
        refuse_unfit(inspect_sync(redis_sync, catalog_name))
    assert refused.value.code == "wrong-key-type"


def test_a_wrong_password_is_told_apart_from_a_missing_server(log_server_url_of_user: str) -> None:
    with connect_sync(log_server_url_of_user.replace(":pw@", ":wrong@")) as client, pytest.raises(Broken) as refused:
        inspect_sync(client)
    assert refused.value.code == "log-auth"
    assert "wrong" not in str(refused.value)


async def test_a_missing_server_is_unavailable(tmp_path: Path) -> None:
    client = connect(unix_url(tmp_path / "none.sock"))
    with pytest.raises(Unavailable) as unreachable:
        await inspect(client)
    assert unreachable.value.code == "log-unreachable"
    await client.aclose()
