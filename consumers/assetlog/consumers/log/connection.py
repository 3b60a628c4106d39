"""Connecting to a log server by URL, and knowing what it is and what its answers are worth."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Final
from urllib.parse import quote, urlsplit, urlunsplit

import redis
import redis.asyncio
from redis.asyncio.retry import Retry as AsyncRetry
from redis.backoff import NoBackoff
from redis.retry import Retry

from assetlog.schemas.errors import Invalid

SCHEMES: Final = ("redis", "rediss", "unix")
CONNECT_WITHIN = 5.0
"""Seconds to wait for a connection."""
ANSWER_WITHIN = 20.0
"""Seconds to wait for an answer; a disk that takes longer to fsync counts as unreachable."""


def connect(url: str, *, timeout: float = ANSWER_WITHIN) -> redis.asyncio.Redis:
    """An asyncio client for a log server; it connects at the first command.

    Nothing is sent twice by itself: whoever appends decides that (the ids make it safe).

    Args:
        url: `redis://`, `rediss://` (TLS) or `unix://`.
        timeout: seconds to wait for an answer.

    Raises:
        Invalid: the URL is of another kind, e.g. Sentinel's or a cluster's.
    """
    return redis.asyncio.Redis.from_url(check_url(url), retry=AsyncRetry(NoBackoff(), 0), **_options(timeout))


def connect_sync(url: str, *, timeout: float = ANSWER_WITHIN) -> redis.Redis:
    """A blocking client for a log server, usable from several threads; see `connect`."""
    return redis.Redis.from_url(check_url(url), retry=Retry(NoBackoff(), 0), **_options(timeout))


def check_url(url: str) -> str:
    """A log URL, unchanged.

    Raises:
        Invalid: not `redis://`, `rediss://` or `unix://` with one server.

    >>> check_url("redis://localhost:6379/0")
    'redis://localhost:6379/0'
    """
    parts = urlsplit(url)
    if parts.scheme in SCHEMES and "," not in parts.netloc and (parts.path if parts.scheme == "unix" else parts.netloc):
        return url
    many = "sentinel" in parts.scheme or "cluster" in parts.scheme or "," in parts.netloc
    raise Invalid(
        f"{public_url(url)[:100]!r} is not the URL of one log server.",
        code="unsupported-log-url" if many else "invalid-log-url",
        field="url",
        value=public_url(url),
        rule="a log URL is redis://HOST:PORT, rediss://HOST:PORT (TLS) or unix:///PATH and names one server",
        hint="Sentinel and Cluster are not supported yet: name the primary itself, e.g. redis://HOST:6379."
        if many
        else "Write it like redis://localhost:6379.",
    )


def public_url(url: str) -> str:
    """A URL without its password, fit for messages.

    >>> public_url("redis://me:secret@host:6379/0")
    'redis://me@host:6379/0'
    """
    parts = urlsplit(url)
    user, at, host = parts.netloc.rpartition("@")
    return urlunsplit((parts.scheme, user.partition(":")[0] + at + host, parts.path, "", ""))


def unix_url(socket: Path) -> str:
    """The URL of a log server on a unix socket.

    >>> unix_url(Path("/run/log.sock"))
    'unix:///run/log.sock'
    """
    return f"unix://{quote(str(socket))}"


def _options(timeout: float) -> dict[str, Any]:
    # RESP2 gives one shape of answers on every server; RESP3 adds a handshake per connection and nothing we use.
    return {
        "protocol": 2,
        "socket_timeout": timeout,
        "socket_connect_timeout": CONNECT_WITHIN,
        "health_check_interval": 30,
    }
