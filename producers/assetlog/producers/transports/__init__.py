"""Ways to the log, one file each, chosen by URL. None is imported before it is used.

redis:// rediss:// unix://   one XADD per event, pipelined    redis_stream
http:// https://             POST /v1/events of a node         node_api
file://                      lines of an NDJSON file           ndjson_file
memory:                      a list, for tests                 memory
"""

from __future__ import annotations

import importlib
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Protocol

from assetlog.schemas.errors import Invalid

if TYPE_CHECKING:
    from assetlog.schemas.shapes import Receipt

__all__ = [
    "MAX_BYTES",
    "MAX_EVENTS",
    "Transport",
    "batches",
    "check_url",
    "is_loopback",
    "open_transport",
    "without_password",
]

MAX_EVENTS = 5_000
"""Events a batch; a node takes up to 10,000."""
MAX_BYTES = 8 << 20
"""Bytes a batch; a node takes up to 16 MiB."""

LOOPBACK = ("127.", "localhost", "[::1]")

_MODULES = {
    "redis": "redis_stream",
    "rediss": "redis_stream",
    "unix": "redis_stream",
    "http": "node_api",
    "https": "node_api",
    "file": "ndjson_file",
    "memory": "memory",
}


class Transport(Protocol):
    """A way to the log."""

    def send(self, batch: Sequence[bytes]) -> Receipt:
        """Bring a batch of events to the log, in order; what it refuses stands in `rejected`.

        `position` is empty where the destination has none (files).

        Raises:
            Unavailable: the log can't be reached, or the outcome is unknown; send the same bytes again.
            Forbidden: the log takes nothing from this caller.
        """
        ...

    def close(self) -> None:
        """Let go of connections."""
        ...


def check_url(url: str) -> str:
    """A transport's URL, unchanged.

    Raises:
        Invalid: no transport has this scheme.
    """
    if url.partition(":")[0].lower() not in _MODULES:
        raise Invalid(
            "There is no transport for this URL.",
            code="invalid-url",
            field="url",
            value=without_password(url),
            rule="a URL begins with redis://, rediss://, unix://, http://, https://, file:// or memory:",
            hint="Set ASSETLOG_URL to a node (http://127.0.0.1:8470) or a log server (redis://127.0.0.1:6379).",
        )
    return url


def open_transport(url: str, catalog: str, token: str | None = None) -> Transport:
    """The transport of a URL. Connects at the first `send`, not here.

    Raises:
        Invalid: no transport has this scheme.
    """
    name = _MODULES[check_url(url).partition(":")[0].lower()]
    transport: Transport = importlib.import_module(f"{__name__}.{name}").open_transport(url, catalog, token)
    return transport


def batches(events: Sequence[bytes]) -> Iterator[Sequence[bytes]]:
    """Events in pieces that a transport takes at once.

    >>> [len(batch) for batch in batches([b"{}"] * 5_001)]
    [5000, 1]
    """
    start = size = 0
    for at, event in enumerate(events):
        if at > start and (at - start == MAX_EVENTS or size + len(event) >= MAX_BYTES):
            yield events[start:at]
            start, size = at, 0
        size += len(event) + 1
    if start < len(events):
        yield events[start:]


def is_loopback(url: str) -> bool:
    """Whether a URL stays on this machine.

    >>> is_loopback("http://127.0.0.1:8470"), is_loopback("http://127.example.org")
    (True, False)
    """
    authority = url.partition("://")[2].partition("/")[0].rpartition("@")[2]
    host = authority if authority.endswith("]") else authority.rpartition(":")[0] or authority
    numeric = host.replace(".", "").isdigit()
    return host in LOOPBACK or (numeric and host.startswith(LOOPBACK[0]))


def without_password(url: str) -> str:
    """A URL as it may be shown.

    >>> without_password("redis://me:secret@host/0?password=x")
    'redis://host/0'
    """
    scheme, separator, rest = url.partition("://")
    if not separator:
        return url
    authority, slash, path = rest.partition("?")[0].partition("/")
    return f"{scheme}://{authority.rpartition('@')[2]}{slash}{path}"
