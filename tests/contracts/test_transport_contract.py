"""What every transport promises, tried on each of them."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, NamedTuple

import pytest
import redis

from assetlog.consumers.log.server import LogServer
from assetlog.producers.transports import (
    Transport,
    batches,
    check_url,
    is_loopback,
    memory,
    open_transport,
    without_password,
)
from assetlog.schemas import codec
from assetlog.schemas.errors import Forbidden, Invalid, Unavailable
from assetlog.schemas.events.asset import AssetObserved
from assetlog.schemas.stream import EVENT_FIELD, stream_key


class Node(ThreadingHTTPServer):
    """A real HTTP server that takes events as a node does. `answers` are given first, in order, before it works."""

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.kept: list[bytes] = []
        self.posts: list[dict[str, str]] = []
        self.answers: list[tuple[int, dict[str, object], dict[str, str]]] = []
        self.largest = 1_000_000

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_address[1]}"

    def take(self, lines: list[bytes]) -> tuple[int, dict[str, object]]:
        accepted: list[object] = []
        rejected: list[object] = []
        for index, line in enumerate(lines):
            try:
                event = codec.decode(line)
            except Invalid as error:
                rejected.append({"index": index, "code": error.code, "detail": error.detail})
                continue
            duplicate = line in self.kept
            self.kept += [] if duplicate else [line]
            accepted.append({"id": event.id, "position": f"1-{len(self.kept)}", "duplicate": duplicate})
        status = 207 if accepted and rejected else 201 if accepted else 400
        return status, {"accepted": accepted, "ack": "disk", "rejected": rejected}


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: Node

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["content-length"]))
        self.server.posts.append(dict(self.headers) | {"path": self.path})
        headers: dict[str, str] = {}
        if self.server.answers:
            status, answer, headers = self.server.answers.pop(0)
        elif len(body) > self.server.largest:
            status, answer = 413, {"code": "too-large", "detail": "less, please"}
        else:
            status, answer = self.server.take(body.split(b"\n"))
        content = json.dumps(answer).encode()
        self.send_response(status)
        for name, value in {**headers, "content-length": str(len(content))}.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(content)

    def log_message(self, *_: object) -> None:
        """Quiet."""


@pytest.fixture
def node() -> Iterator[Node]:
    with Node() as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.01,))
        thread.start()
        yield server
        server.shutdown()
        thread.join()


class Case(NamedTuple):
    transport: Transport
    kept: Callable[[], list[bytes]]
    """What the destination holds now."""
    ack: str
    has_positions: bool = True


@pytest.fixture(params=["redis", "http", "file", "memory"])
def case(
    request: pytest.FixtureRequest,
    log_server: LogServer,
    redis_sync: redis.Redis,
    catalog_name: str,
    node: Node,
    tmp_path: Path,
) -> Iterator[Case]:
    url = f"memory:{catalog_name}"
    file = tmp_path / "with space.ndjson"
    cases: dict[str, Callable[[], Case]] = {
        "redis": lambda: Case(
            open_transport(log_server.url, catalog_name),
            lambda: entries(redis_sync, catalog_name),
            "disk",
        ),
        "http": lambda: Case(open_transport(node.url, catalog_name), lambda: node.kept, "disk"),
        "file": lambda: Case(
            open_transport(file.as_uri(), catalog_name), lambda: file.read_bytes().splitlines(), "disk", False
        ),
        "memory": lambda: Case(open_transport(url, catalog_name), lambda: memory.events(url), "memory"),
    }
    opened = cases[request.param]()
    yield opened
    opened.transport.close()
    memory.forget(url)


def entries(client: redis.Redis, catalog: str) -> list[bytes]:
    found: Any = client.xrange(stream_key(catalog))
    return [fields[EVENT_FIELD.encode()] for _, fields in found]


def event(key: str = "s3://lake/orders", event_id: str | None = None) -> bytes:
    return codec.encode("asset.observed", "test", key, AssetObserved(), event_id=event_id)


def test_a_batch_arrives_whole_in_order_and_byte_for_byte(case: Case) -> None:
    batch = [event(f"s3://lake/größe/{number}") for number in range(100)]
    receipt = case.transport.send(batch)
    assert case.kept() == batch
    assert [accepted.id for accepted in receipt.accepted] == [codec.decode(raw).id for raw in batch]
    assert receipt.rejected == []


def test_a_receipt_says_where_the_events_are(case: Case) -> None:
    receipt = case.transport.send([event(), event()])
    assert receipt.ack == case.ack
    positions = [accepted.position for accepted in receipt.accepted]
    assert all(positions) is case.has_positions
    assert len(set(positions)) == (2 if case.has_positions else 1)


def test_a_closed_transport_opens_again_when_it_is_used(case: Case) -> None:
    case.transport.send([event()])
    case.transport.close()
    case.transport.close()
    case.transport.send([event()])
    assert len(case.kept()) == 2


def test_batches_follow_each_other(case: Case) -> None:
    sent = [event(event_id=f"{number:03}") for number in range(30)]
    for start in range(0, 30, 7):
        case.transport.send(sent[start : start + 7])
    assert case.kept() == sent


@pytest.mark.parametrize("url", ["redis://127.0.0.1:1", "http://127.0.0.1:1", "unix:///nowhere/log.sock"])
def test_a_log_that_is_away_is_unavailable(url: str) -> None:
    with pytest.raises(Unavailable):
        open_transport(url, "default").send([event()])


def test_a_file_that_can_not_be_written_is_unavailable(tmp_path: Path) -> None:
    with pytest.raises(Unavailable, match="can't be written"):
        open_transport((tmp_path / "missing" / "events.ndjson").as_uri(), "default").send([event()])


@pytest.mark.parametrize("url", ["file://host/path", "file:///directory/", "ftp://host/x", "events.ndjson"])
def test_a_url_without_a_transport_is_refused(url: str) -> None:
    with pytest.raises(Invalid) as caught:
        open_transport(url, "default")
    assert caught.value.rule
    assert caught.value.hint


def test_a_shown_url_has_no_password() -> None:
    with pytest.raises(Invalid) as caught:
        check_url("ftp://me:secret@host/x")
    assert "secret" not in f"{caught.value} {caught.value.value}"
    assert without_password("rediss://:secret@h:1/0?password=secret") == "rediss://h:1/0"


def test_an_error_of_the_log_server_is_unavailable_and_the_next_send_works(
    log_server: LogServer, redis_sync: redis.Redis, catalog_name: str
) -> None:
    redis_sync.set(stream_key(catalog_name), "not a stream")
    transport = open_transport(log_server.url, catalog_name)
    with pytest.raises(Unavailable, match="WRONGTYPE"):
        transport.send([event()])
    redis_sync.delete(stream_key(catalog_name))
    assert len(transport.send([event()]).accepted) == 1
    transport.close()


def test_a_server_that_does_not_sync_acknowledges_memory(
    log_server: LogServer, redis_sync: redis.Redis, catalog_name: str
) -> None:
    redis_sync.config_set("appendfsync", "everysec")
    transport = open_transport(log_server.url, catalog_name)
    try:
        assert transport.send([event()]).ack == "memory"
    finally:
        redis_sync.config_set("appendfsync", "always")
        transport.close()


@pytest.fixture
def http(node: Node) -> Iterator[Transport]:
    transport = open_transport(node.url, "default", "secret-token")
    yield transport
    transport.close()


def test_a_node_refuses_single_events_and_keeps_the_others(node: Node, http: Transport) -> None:
    good = [event(), event()]
    receipt = http.send([good[0], b"{}", good[1], b"nonsense"])
    assert node.kept == good
    assert [rejected.index for rejected in receipt.rejected] == [1, 3]
    assert len(receipt.accepted) == 2


def test_a_batch_of_bad_events_alone_is_refused_event_by_event(http: Transport) -> None:
    receipt = http.send([b"{}", b"[]"])
    assert [rejected.index for rejected in receipt.rejected] == [0, 1]


def test_events_are_posted_as_ndjson_with_the_token(node: Node, http: Transport) -> None:
    http.send([event(), event()])
    [post] = node.posts
    assert post["path"] == "/v1/events"
    assert post["content-type"] == "application/x-ndjson"
    assert post["authorization"] == "Bearer secret-token"


@pytest.mark.parametrize("status", [429, 503])
def test_a_busy_node_is_asked_again_with_the_same_bytes(node: Node, http: Transport, status: int) -> None:
    node.answers = [(status, {"detail": "busy"}, {"retry-after": "0"}), (status, {"detail": "busy"}, {})]
    raw = event()
    assert len(http.send([raw]).accepted) == 1
    assert node.kept == [raw]
    assert len(node.posts) == 3


def test_a_node_that_asks_for_a_long_wait_is_not_waited_for(node: Node, http: Transport) -> None:
    node.answers = [(503, {"detail": "restarting"}, {"retry-after": "60"})]
    with pytest.raises(Unavailable, match="restarting"):
        http.send([event()])
    assert len(node.posts) == 1


@pytest.mark.parametrize("status", [401, 403])
def test_a_node_that_takes_nothing_from_us_is_forbidden(node: Node, http: Transport, status: int) -> None:
    node.answers = [(status, {"code": "forbidden", "detail": "no token"}, {})]
    with pytest.raises(Forbidden, match="no token"):
        http.send([event()])


def test_a_reserved_type_is_a_refusal_of_the_event(node: Node, http: Transport) -> None:
    node.answers = [(403, {"code": "reserved-type", "detail": "workers write it"}, {})]
    [rejected] = http.send([event()]).rejected
    assert rejected.code == "reserved-type"


def test_a_batch_that_is_too_large_is_halved(node: Node, http: Transport) -> None:
    batch = [event(f"s3://lake/{number}") for number in range(9)]
    node.largest = len(batch[0]) * 3
    receipt = http.send([*batch, b"{}"])
    assert node.kept == batch
    assert [rejected.index for rejected in receipt.rejected] == [9]
    assert len(receipt.accepted) == 9


def test_an_event_that_is_too_large_by_itself_is_refused(node: Node, http: Transport) -> None:
    node.largest = 10
    [rejected] = http.send([event()]).rejected
    assert rejected.code == "too-large"


@pytest.mark.parametrize(
    "answer",
    [
        (200, {"hello": "world"}, {}),
        (201, {"accepted": [], "ack": "disk"}, {}),
        (404, {"detail": "Not Found"}, {}),
        (302, {}, {"location": "http://127.0.0.1:1/"}),
        (500, {}, {}),
    ],
)
def test_something_that_is_not_a_node_is_unavailable(
    node: Node, http: Transport, answer: tuple[int, dict[str, object], dict[str, str]]
) -> None:
    node.answers = [answer]
    with pytest.raises(Unavailable):
        http.send([event()])


def test_a_proxy_of_the_environment_is_not_for_this_machine(
    node: Node, http: Transport, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:1")
    assert len(http.send([event()]).accepted) == 1


def test_only_addresses_of_this_machine_are_loopback() -> None:
    here = ["http://127.0.0.1:8470", "http://localhost", "http://[::1]:8470/x", "https://127.9.9.9"]
    elsewhere = ["http://127.example.org", "http://localhost.evil.org:80", "http://10.0.0.1:127", "http://h@10.0.0.1"]
    assert [is_loopback(url) for url in here + elsewhere] == [True] * 4 + [False] * 4


def test_batches_keep_every_event_and_both_limits() -> None:
    events = [b"x" * 3_000_000, b"x" * 3_000_000, b"x" * 3_000_000, *[b"{}"] * 6_000]
    pieces = list(batches(events))
    assert [event for piece in pieces for event in piece] == events
    assert max(map(len, pieces)) <= 5_000
    assert max(sum(map(len, piece)) for piece in pieces) < 8 << 20
    assert list(batches([])) == []
