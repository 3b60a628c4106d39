"""How a route is declared: its path, its query, its answer. The declaration serves the request and documents it."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any, NamedTuple, TypeVar

from litestar import route
from litestar.enums import HttpMethod
from litestar.handlers import HTTPRouteHandler
from msgspec import Struct

from assetlog.catalog.access.gate import authorize
from assetlog.catalog.access.tokens import Scope
from assetlog.catalog.api.answer import Answer
from assetlog.catalog.api.parts import Plain
from assetlog.catalog.api.query import read_query

Query = TypeVar("Query", bound=Struct)
Handler = Callable[[Plain, Query], Awaitable[Any]]

SPEC = "spec"
"""Where a handler's `opt` holds its `Spec`."""


class Body(NamedTuple):
    """What a route takes."""

    content_types: tuple[str, ...]
    shape: Any
    description: str


class Spec(NamedTuple):
    """What a route promises."""

    tag: str
    query: type[Struct]
    answer: Any
    """A shape, or None for an answer that is not JSON."""
    status: int = 200
    content_type: str = "application/json"
    body: Body | None = None
    statuses: dict[int, Any] = {}
    """Other answers that are no problems: status -> shape."""
    problems: tuple[int, ...] = ()
    scopes: tuple[Scope, ...] = ()
    """One of them lets a token in; `admin` always does."""


def read(
    path: str,
    query: type[Query],
    answer: Any,
    *,
    tag: str,
    problems: tuple[int, ...] = (400, 503),
    content_type: str = "application/json",
    scopes: tuple[Scope, ...] = ("catalog:read",),
) -> Callable[[Handler[Query]], HTTPRouteHandler]:
    """Declare a GET route (HEAD comes with it)."""
    spec = Spec(tag, query, answer, content_type=content_type, problems=problems, scopes=scopes)
    return lambda handler: _declare(path, [HttpMethod.GET, HttpMethod.HEAD], spec, handler)


def write(path: str, spec: Spec) -> Callable[[Handler[Any]], HTTPRouteHandler]:
    """Declare a POST route."""
    return lambda handler: _declare(path, [HttpMethod.POST], spec, handler)


def put(path: str, spec: Spec) -> Callable[[Handler[Any]], HTTPRouteHandler]:
    """Declare a PUT route."""
    return lambda handler: _declare(path, [HttpMethod.PUT], spec, handler)


def remove(path: str, spec: Spec) -> Callable[[Handler[Any]], HTTPRouteHandler]:
    """Declare a DELETE route."""
    return lambda handler: _declare(path, [HttpMethod.DELETE], spec, handler)


def _declare(path: str, methods: list[HttpMethod], spec: Spec, handler: Handler[Any]) -> HTTPRouteHandler:
    query, scopes = spec.query, spec.scopes

    async def serve(request: Plain) -> Answer:  # Litestar hands on what is an ASGI application by this annotation
        authorize(request.scope, scopes, path)  # here, not as a guard: Litestar copies the handler for each guard
        answer: Answer = await handler(request, read_query(request, query))
        return answer

    serve.__name__ = serve.__qualname__ = handler.__name__
    serve.__doc__ = handler.__doc__
    return route(path, http_method=methods, status_code=spec.status, opt={SPEC: spec}, name=handler.__name__)(serve)
