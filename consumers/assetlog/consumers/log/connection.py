"""Connecting to a log server by URL, and knowing what it is and what its receipts are worth."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Final, Literal
from urllib.parse import quote, urlsplit

import redis
import redis.asyncio
from msgspec import Struct
from redis.asyncio.retry import Retry as AsyncRetry
from redis.backoff import NoBackoff
from redis.retry import Retry

from assetlog.consumers.log.faults import explain
from assetlog.schemas.errors import Broken, Invalid
from assetlog.schemas.stream import DEFAULT_CATALOG, stream_key

Ack = Literal["disk", "memory", "unknown"]

OLDEST_EXTERNAL: Final = (7, 0)
"""The oldest Redis accepted by URL; every Valkey is newer."""
AUTO_REWRITE_SIZE: Final = 64 * 1024 * 1024
"""Bytes at which a server first rewrites its append-only file by itself (its default)."""
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
    if not parts.scheme:
        return url
    credentials, _, host = parts.netloc.rpartition("@")
    user = credentials.partition(":")[0]
    return f"{parts.scheme}://{user}{'@' if user else ''}{host}{parts.path}"


def unix_url(socket: Path) -> str:
    """The URL of a log server on a unix socket.

    >>> unix_url(Path("/run/log.sock"))
    'unix:///run/log.sock'
    """
    return f"unix://{quote(str(socket))}"


class ServerFacts(Struct, frozen=True, kw_only=True):
    """What a log server says of itself; None stands for what it would not tell."""

    kind: Literal["redis", "valkey"]
    version: tuple[int, ...]
    mode: str
    """`standalone`, `cluster` or `sentinel`."""
    role: str
    """`master` or `slave`."""
    replication_id: str
    """Changes at every restart and failover."""
    run_id: str
    aof_enabled: bool | None
    appendfsync: str | None
    no_appendfsync_on_rewrite: bool | None
    first_aof_pending: bool
    """The append-only file was just switched on and is not yet what a restart would load."""
    write_errors: tuple[str, ...]
    """Persistence statuses that are not `ok`, e.g. `aof_last_write_status: err`."""
    maxmemory_policy: str | None
    maxmemory: int
    """Bytes; 0 for no limit."""
    used_memory: int
    total_memory: int
    """Bytes of the server's machine; 0 when it does not say."""
    key_type: str
    """What the catalog's key holds: `stream`, `none`, or something that is not a log."""
    clock: float
    """The server's time when it answered, in seconds since 1970."""

    @property
    def ack(self) -> Ack:
        """What a receipt of this server is worth: `disk` only if every answer is known to follow an fsync."""
        if self.aof_enabled is False or self.first_aof_pending:
            return "memory"
        if self.aof_enabled is None or self.appendfsync is None:
            return "unknown"
        synced = self.appendfsync == "always" and self.no_appendfsync_on_rewrite is False
        return "disk" if synced and "aof_last_write_status: err" not in self.write_errors else "memory"

    @property
    def version_text(self) -> str:
        """E.g. `valkey 9.1.2`."""
        return f"{self.kind} {'.'.join(map(str, self.version))}"


async def inspect(client: redis.asyncio.Redis, catalog: str = DEFAULT_CATALOG) -> ServerFacts:
    """Ask a log server what it is; one round trip.

    Raises:
        Unavailable: it cannot be reached or is still loading.
        Broken: it refuses our user, or `INFO`.
    """
    try:
        return facts_of(await _questions(client.pipeline(transaction=False), catalog).execute(raise_on_error=False))
    except (redis.RedisError, OSError) as error:
        raise explain(error) from error


def inspect_sync(client: redis.Redis, catalog: str = DEFAULT_CATALOG) -> ServerFacts:
    """`inspect` with a blocking client."""
    try:
        return facts_of(_questions(client.pipeline(transaction=False), catalog).execute(raise_on_error=False))
    except (redis.RedisError, OSError) as error:
        raise explain(error) from error


def refuse_unfit(facts: ServerFacts, *, oldest: tuple[int, ...] = OLDEST_EXTERNAL) -> None:
    """Let only a server pass that can hold a log: no eviction, not a replica, not too old, one server, a stream.

    A server whose receipts are worth less than `disk` passes: the receipts say so.

    Args:
        oldest: the oldest Redis that will do; an embedded server may be older (`binary.OLDEST_EMBEDDED`).

    Raises:
        Broken: with code `log-evicts`, `log-read-only`, `log-too-old`, `log-mode` or `wrong-key-type`.
    """
    for unfit, code, detail, rule, hint in _objections(facts, oldest):
        if unfit:
            raise Broken(detail, code=code, field="url", rule=rule, hint=hint)


def facts_of(answers: list[Any]) -> ServerFacts:
    """The facts in the answers to `INFO`, `CONFIG GET`s, `TYPE` and `TIME`; a refused `CONFIG GET` counts as unknown.

    Raises:
        redis.RedisError: `INFO`, `TYPE` or `TIME` was refused.
    """
    info, appendonly, appendfsync, on_rewrite, policy, key_type, clock = answers
    for needed in (info, clock):
        if isinstance(needed, Exception):
            raise needed
    mode = info.get("redis_mode") or info.get("server_mode") or "standalone"
    if isinstance(key_type, Exception):
        if mode == "standalone":
            raise key_type
        key_type = b"unknown"
    valkey = "valkey_version" in info
    aof_enabled = _told(appendonly, "appendonly") or {1: "yes", 0: "no"}.get(info.get("aof_enabled"))
    suppressed = _told(on_rewrite, "no-appendfsync-on-rewrite")
    statuses = ("aof_last_write_status", "aof_last_bgrewrite_status")
    return ServerFacts(
        kind="valkey" if valkey else "redis",
        version=_version(info["valkey_version" if valkey else "redis_version"]),
        mode=mode,
        role=info.get("role", "master"),
        replication_id=info.get("master_replid", ""),
        run_id=info.get("run_id", ""),
        aof_enabled=None if aof_enabled is None else aof_enabled == "yes",
        appendfsync=_told(appendfsync, "appendfsync"),
        no_appendfsync_on_rewrite=None if suppressed is None else suppressed == "yes",
        first_aof_pending=_first_aof_pending(info),
        write_errors=tuple(f"{name}: {info[name]}" for name in statuses if info.get(name, "ok") != "ok"),
        maxmemory_policy=_told(policy, "maxmemory-policy") or info.get("maxmemory_policy"),
        maxmemory=info.get("maxmemory", 0),
        used_memory=info.get("used_memory", 0),
        total_memory=info.get("total_system_memory", 0),
        key_type=key_type.decode(),
        clock=clock[0] + clock[1] / 1e6,
    )


def _questions(pipeline: Any, catalog: str) -> Any:
    pipeline.info()
    for name in ("appendonly", "appendfsync", "no-appendfsync-on-rewrite", "maxmemory-policy"):
        pipeline.config_get(name)
    pipeline.type(stream_key(catalog))
    pipeline.time()
    return pipeline


def _first_aof_pending(info: dict[str, Any]) -> bool:
    # A rewrite without a base may also be the first of a log that grew: those start at this size by themselves.
    rewriting = info.get("aof_rewrite_in_progress") or info.get("aof_rewrite_scheduled")
    grown = info.get("aof_current_size", 0) >= AUTO_REWRITE_SIZE
    return bool(rewriting) and not info.get("aof_base_size") and not grown


def _told(answer: Any, name: str) -> str | None:
    return answer.get(name) if isinstance(answer, dict) else None


def _version(text: str) -> tuple[int, ...]:
    return tuple(int(part) for part in str(text).split(".")[:3] if part.isdigit())


def _objections(facts: ServerFacts, oldest: tuple[int, ...]) -> list[tuple[bool, str, str, str, str]]:
    """Every reason to refuse a server: whether it holds, code, detail, rule, hint."""
    return [
        (
            facts.mode != "standalone",
            "log-mode",
            f"The log server runs as {facts.mode}.",
            "the log lives on one server: Sentinel and Cluster are not supported yet",
            "Name a standalone primary in the log's URL.",
        ),
        (
            facts.kind == "redis" and facts.version < oldest,
            "log-too-old",
            f"The log server is {facts.version_text}.",
            f"Redis {'.'.join(map(str, oldest))} or newer, or Valkey",
            "Upgrade it, or leave the URL out: a node then starts a server of its own.",
        ),
        (
            facts.role != "master",
            "log-read-only",
            "The log server is a replica and takes no writes.",
            "the log is appended on the primary",
            "Name the primary in the log's URL.",
        ),
        (
            facts.maxmemory_policy not in ("noeviction", None),
            "log-evicts",
            f"The log server may evict the log: its maxmemory-policy is {facts.maxmemory_policy}.",
            "maxmemory-policy is noeviction",
            "Run CONFIG SET maxmemory-policy noeviction (and CONFIG REWRITE), or use a server without a cache on it.",
        ),
        (
            facts.key_type not in ("stream", "none"),
            "wrong-key-type",
            f"The log's key holds a {facts.key_type}, not a stream.",
            "the catalog's key is a stream, or does not exist yet",
            "Rename that key, or choose another catalog name.",
        ),
    ]


def _options(timeout: float) -> dict[str, Any]:
    # RESP2 gives one shape of answers on every server; RESP3 adds a handshake per connection and nothing we use.
    return {
        "protocol": 2,
        "socket_timeout": timeout,
        "socket_connect_timeout": CONNECT_WITHIN,
        "health_check_interval": 30,
    }
