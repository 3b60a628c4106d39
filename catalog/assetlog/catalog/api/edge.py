"""What every request passes first and every answer last: host check, headers, timing, the access log."""

from __future__ import annotations

import ipaddress
import logging
from collections.abc import Iterable
from itertools import count
from secrets import token_hex
from time import perf_counter

import msgspec
from litestar.enums import ScopeType
from litestar.types import ASGIApp, HTTPScope, Message, Receive, Scope, Send

from assetlog.catalog.access.binding import lets_anonymous_in
from assetlog.catalog.access.gate import Gate
from assetlog.catalog.api.parts import Parts
from assetlog.catalog.api.problems import PROBLEM_TYPE, headers_of, problem_of
from assetlog.catalog.api.reading import POSITION_HEADER
from assetlog.catalog.settings import Settings
from assetlog.schemas.errors import AssetlogError, Invalid
from assetlog.schemas.positions import format_position

LOOPBACK_NAMES = ("localhost", "127.0.0.1", "::1")

SECURITY_HEADERS: tuple[tuple[bytes, bytes], ...] = (
    (b"x-content-type-options", b"nosniff"),
    (b"x-frame-options", b"DENY"),
    (b"referrer-policy", b"no-referrer"),
    (b"cross-origin-opener-policy", b"same-origin"),
    (b"cross-origin-resource-policy", b"same-origin"),
)
STRICT_POLICY = (b"content-security-policy", b"default-src 'none'; frame-ancestors 'none'")

UNMATCHED = "unmatched"
"""The route label of requests that no route takes: their paths are a client's invention."""

_POSITION = POSITION_HEADER.lower().encode()
_log = logging.getLogger("assetlog.access")


class Edge:
    """An ASGI application around the API."""

    def __init__(self, app: ASGIApp, parts: Parts) -> None:
        self._app = app
        self._parts = parts
        self._hosts = Hosts(parts.settings)
        self._gate = Gate(parts.keeper, lets_anonymous_in(parts.settings))
        self._prefix = token_hex(4)
        self._numbers = count(1)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one connection."""
        if scope["type"] == ScopeType.HTTP:
            await self._serve(scope, receive, send)
        else:
            await self._app(scope, receive, send)

    async def _serve(self, scope: HTTPScope, receive: Receive, send: Send) -> None:
        started = perf_counter()
        status = 500
        request_id = f"{self._prefix}-{next(self._numbers):x}"

        async def finish(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                message["headers"] = self._complete(message["headers"], request_id)
            await send(message)

        try:
            host = _host_of(scope)
            refusal = self._gate.admit(scope) if self._hosts.accept(host) else unknown_host(host)
            if refusal is None:
                await self._app(scope, receive, finish)
            else:
                await refuse(refusal, finish)
        finally:
            self._note(scope, status, perf_counter() - started, request_id)

    def _complete(self, headers: Iterable[tuple[bytes, bytes]], request_id: str) -> list[tuple[bytes, bytes]]:
        complete = [*headers, *SECURITY_HEADERS, (b"x-request-id", request_id.encode())]
        names = {name for name, _ in complete}
        if STRICT_POLICY[0] not in names:
            complete.append(STRICT_POLICY)
        if _POSITION not in names:
            complete.append((_POSITION, format_position(self._parts.projector.position).encode()))
        return complete

    def _note(self, scope: HTTPScope, status: int, seconds: float, request_id: str) -> None:
        route = scope.get("path_template") or UNMATCHED
        self._parts.metrics.request(scope["method"], route, status, seconds)
        if _log.isEnabledFor(logging.DEBUG):
            about = {"method": scope["method"], "path": scope["path"], "status": status, "request": request_id}
            _log.debug("answered", extra={**about, "ms": round(seconds * 1000, 2)})


class Hosts:
    """Which Host headers are answered: a foreign name that points here is a rebound DNS name, not ours."""

    def __init__(self, settings: Settings) -> None:
        names = (*LOOPBACK_NAMES, settings.host, *settings.allowed_hosts)
        self._names = {name.lower() for name in names}
        self._any = "*" in settings.allowed_hosts
        # a wildcard bind is reached by addresses we do not know; a literal address cannot be rebound
        self._addresses = settings.host in ("0.0.0.0", "::")  # noqa: S104 - compared, not bound

    def accept(self, host: str) -> bool:
        """Whether a Host header names this node."""
        name = without_port(host).lower()
        return name in self._names or self._any or (self._addresses and _is_address(name))


def without_port(host: str) -> str:
    """The name in a Host header.

    >>> without_port("[::1]:8470"), without_port("localhost:8470"), without_port("localhost")
    ('::1', 'localhost', 'localhost')
    """
    if host.startswith("["):
        return host[1:].partition("]")[0]
    return host.partition(":")[0]


def _is_address(name: str) -> bool:
    try:
        ipaddress.ip_address(name)
    except ValueError:
        return False
    return True


def _host_of(scope: HTTPScope) -> str:
    for name, value in scope["headers"]:
        if name == b"host":
            return value.decode("latin-1")
    return ""


def unknown_host(host: str) -> Invalid:
    """The request means another host."""
    return Invalid(
        "This node does not answer to that host name.",
        code="unknown-host",
        field="host",
        value=host,
        rule="the Host header names this node",
        hint="Use its address, or start it with --allowed-hosts (ASSETLOG_ALLOWED_HOSTS).",
    )


async def refuse(error: AssetlogError, send: Send) -> None:
    """Answer a request that does not come in."""
    problem = problem_of(error)
    named = {"content-type": PROBLEM_TYPE, **headers_of(error, problem.status)}
    headers = [(name.lower().encode(), value.encode()) for name, value in named.items()]
    await send({"type": "http.response.start", "status": problem.status, "headers": headers})
    await send({"type": "http.response.body", "body": msgspec.json.encode(problem), "more_body": False})
