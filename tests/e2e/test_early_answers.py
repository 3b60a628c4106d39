"""An answer that comes before all of a body says that its connection is not to be used again."""

from __future__ import annotations

import socket
from typing import Any
from urllib.parse import urlsplit

import pytest

LIMIT = 16 * 1024 * 1024
PARTS = {
    "too large": (LIMIT + 1, "application/json", "413"),
    "of an unknown type": (100_000, "text/plain", "415"),
}


def test_a_body_that_is_read_in_whole_keeps_its_connection(node: Any) -> None:
    answer = node.http.post("/v1/events", content=b"{", headers={"content-type": "application/json"})
    assert (answer.status_code, answer.headers.get("connection")) == (400, None)


def test_a_large_body_that_comes_in_pieces_keeps_its_connection(node: Any, event: Any) -> None:
    answers = [
        node.post(*[event("asset.materialized", f"s3://early/{'x' * 900}") for _ in range(200)]) for _ in range(2)
    ]
    assert [(answer.status_code, answer.headers.get("connection")) for answer in answers] == [(201, None)] * 2


@pytest.mark.parametrize("size, content_type, status", PARTS.values(), ids=PARTS)
def test_a_body_that_is_refused_before_its_end_costs_its_connection(
    node: Any, size: int, content_type: str, status: str
) -> None:
    with _connected(node) as connection:
        _begin(connection, size, content_type, b" " * 1000)
        head = _head(connection)
        assert head.startswith(f"HTTP/1.1 {status} ")
        assert "\r\nconnection: close\r\n" in head


def test_the_rest_of_a_refused_body_does_not_reset_the_connection(node: Any) -> None:
    with _connected(node) as connection:
        _begin(connection, 100_000, "text/plain", b"")
        assert "\r\nconnection: close\r\n" in _head(connection)
        connection.sendall(b" " * 100_000)
        while connection.recv(65_536):
            pass


def _connected(node: Any) -> socket.socket:
    place = urlsplit(node.url)
    return socket.create_connection((place.hostname, place.port), timeout=30)


def _begin(connection: socket.socket, size: int, content_type: str, part: bytes) -> None:
    lines = ("POST /v1/events HTTP/1.1", "Host: localhost", f"Content-Type: {content_type}", f"Content-Length: {size}")
    connection.sendall("\r\n".join([*lines, "", ""]).encode() + part)


def _head(connection: socket.socket) -> str:
    head = b""
    while b"\r\n\r\n" not in head:
        piece = connection.recv(65_536)
        assert piece, head
        head += piece
    return head.decode().lower().replace("http/1.1", "HTTP/1.1", 1)
