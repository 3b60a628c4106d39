"""A node and an emitter on a log server of somebody else's: with users of few rights, and over TLS."""

from __future__ import annotations

import re
import shlex
import socket
import ssl
import threading
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
import redis
import trustme

from assetlog.consumers.log.connection import connect_sync
from assetlog.consumers.log.server import LogServer
from assetlog.producers.transports import redis_stream
from assetlog.schemas.codec import encode
from assetlog.schemas.errors import Unavailable
from assetlog.schemas.events.asset import AssetObserved
from assetlog.schemas.stream import DEFAULT_CATALOG, stream_key

DEPLOY = (Path(__file__).parents[2] / "docs" / "deploy.md").read_text(encoding="utf-8")
KEY = "s3://lake/orders"
PASSWORD = "secret"
TRIMMED_WITHIN = 30.0


@pytest.fixture
def users(redis_sync: redis.Redis, catalog_name: str) -> Iterator[dict[str, str]]:
    """The users of docs/deploy.md, for a catalog of this test; their passwords."""
    made: dict[str, str] = {}
    for line in re.findall(r"^ACL SETUSER (?:.*\\\n)*.*$", DEPLOY, re.MULTILINE):
        words = shlex.split(line.replace("\\\n", " ").replace(f"{{{DEFAULT_CATALOG}}}", f"{{{catalog_name}}}"))
        name = words[2]
        words = [f">{PASSWORD}" if word.startswith(">") else word for word in words]
        assert ask(redis_sync, *words)
        made[name] = PASSWORD
    ask(redis_sync, "ACL", "LOG", "RESET")
    yield made
    for name in made:
        ask(redis_sync, "ACL", "DELUSER", name)


def ask(client: Any, *words: str) -> Any:
    """Send a command as it is written."""
    return client.execute_command(*words)


def url_of(server: LogServer, user: str) -> str:
    return server.url.replace("unix://", f"unix://{user}:{PASSWORD}@")


def observed(key: str = KEY) -> bytes:
    return encode("asset.observed", "test", key, AssetObserved())


def refused(redis_sync: redis.Redis) -> set[tuple[str, str]]:
    """What the server has refused: user and command."""
    rows = ask(redis_sync, "ACL", "LOG")
    facts = [dict(zip(row[::2], row[1::2], strict=True)) for row in rows]
    return {(row[b"username"].decode(), row[b"object"].decode()) for row in facts}


def test_a_node_gets_along_with_the_rights_of_the_documented_user(
    tmp_path: Path,
    log_server: LogServer,
    redis_sync: redis.Redis,
    users: dict[str, str],
    catalog_name: str,
    running_node: Any,
    event: Any,
) -> None:
    url = url_of(log_server, "assetlog-node")
    settings = {"redis_url": url, "catalog": catalog_name, "archive_every": 20, "archive_keep_in_log": 5}
    node = running_node(home=tmp_path, **settings)
    try:
        receipt = node.post(*[event("asset.materialized", KEY) for _ in range(50)]).json()
        assert (len(receipt["accepted"]), receipt["ack"]) == (50, "disk")
        give_up = time.monotonic() + TRIMMED_WITHIN
        while redis_sync.xlen(stream_key(catalog_name)) > 40:
            assert time.monotonic() < give_up, "nothing was sealed and trimmed"
            time.sleep(0.05)
        assert len(node.get("/v1/events", limit=1000).json()["items"]) == 50
        assert "assetlog_log_entries" in node.get("/metrics").text
        assert node.get("/health/ready").status_code == 200
    finally:
        node.stop()
    assert refused(redis_sync) == set()


def test_an_emitter_can_append_and_nothing_else(
    log_server: LogServer, redis_sync: redis.Redis, users: dict[str, str], catalog_name: str
) -> None:
    url = url_of(log_server, "assetlog-emitter")
    transport = redis_stream.open_transport(url, catalog_name, None)
    receipt = transport.send([observed(), observed()])
    transport.close()
    assert (len(receipt.accepted), receipt.ack) == (2, "unknown")
    with connect_sync(url) as client:
        for words in (
            ["XRANGE", stream_key(catalog_name), "-", "+"],
            ["XTRIM", stream_key(catalog_name), "MAXLEN", "0"],
            ["DEL", stream_key(catalog_name)],
            ["XADD", stream_key("other"), "*", "event", "x"],
            ["CONFIG", "GET", "dir"],
            ["EVAL", "return 1", "0"],
            ["KEYS", "*"],
        ):
            with pytest.raises(redis.exceptions.NoPermissionError):
                ask(client, *words)
    assert redis_sync.xlen(stream_key(catalog_name)) == 2


class TlsFront:
    """A TLS end in front of a unix socket, as stunnel or a proxy is: the server program of the wheel has no TLS."""

    def __init__(self, context: ssl.SSLContext, behind: Path) -> None:
        self._context = context
        self._behind = behind
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port = int(self._listener.getsockname()[1])
        self._open: list[socket.socket] = []
        threading.Thread(target=self._accept, daemon=True).start()

    def close(self) -> None:
        """End it with every connection."""
        for each in [self._listener, *self._open]:
            with suppress(OSError):
                each.shutdown(socket.SHUT_RDWR)
            each.close()

    def _accept(self) -> None:
        with suppress(OSError):
            while True:
                plain, _ = self._listener.accept()
                threading.Thread(target=self._serve, args=(plain,), daemon=True).start()

    def _serve(self, plain: socket.socket) -> None:
        try:
            outer = self._context.wrap_socket(plain, server_side=True)
        except (ssl.SSLError, OSError):
            plain.close()
            return
        inner = socket.socket(socket.AF_UNIX)
        inner.connect(str(self._behind))
        self._open += [outer, inner]
        threading.Thread(target=pump, args=(inner, outer), daemon=True).start()
        pump(outer, inner)


def pump(source: socket.socket, sink: socket.socket) -> None:
    with suppress(OSError, ValueError):
        while data := source.recv(65_536):
            sink.sendall(data)
    with suppress(OSError):
        sink.shutdown(socket.SHUT_RDWR)


@pytest.fixture
def authority() -> trustme.CA:
    return trustme.CA()


@pytest.fixture
def front(log_server: LogServer, authority: trustme.CA) -> Iterator[TlsFront]:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert("localhost").configure_cert(context)
    opened = TlsFront(context, log_server.socket)
    yield opened
    opened.close()


@pytest.fixture
def certificate(tmp_path: Path, authority: trustme.CA) -> Path:
    path = tmp_path / "ca.pem"
    authority.cert_pem.write_to_path(str(path))
    return path


def test_node_and_emitter_speak_tls_to_a_server_they_trust(
    tmp_path: Path, front: TlsFront, certificate: Path, catalog_name: str, running_node: Any, event: Any
) -> None:
    url = f"rediss://localhost:{front.port}?ssl_ca_certs={certificate}"
    node = running_node(home=tmp_path / "home", redis_url=url, catalog=catalog_name)
    try:
        assert node.post(event("asset.materialized", KEY)).json()["accepted"][0]["folded"] is True
        transport = redis_stream.open_transport(url, catalog_name, None)
        position = transport.send([observed()]).accepted[0].position
        transport.close()
        asset = node.get("/v1/asset", key=KEY, min_position=position).json()
        assert (asset["materializations"], asset["observations"]) == (1, 1)
    finally:
        node.stop()


def test_a_server_without_a_trusted_certificate_gets_nothing(front: TlsFront, catalog_name: str) -> None:
    transport = redis_stream.open_transport(f"rediss://localhost:{front.port}", catalog_name, None)
    with pytest.raises(Unavailable, match="certificate"):
        transport.send([observed()])
