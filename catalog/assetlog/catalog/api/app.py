"""The Litestar application: every route, the error table, nothing else. The node gives it its parts."""

from __future__ import annotations

from collections.abc import Iterable

from litestar import Litestar, Response, route
from litestar.datastructures import State
from litestar.enums import HttpMethod
from litestar.handlers import HTTPRouteHandler
from litestar.plugins import PluginProtocol

from assetlog.catalog.access.gate import authorize
from assetlog.catalog.access.tokens import Scope
from assetlog.catalog.api import (
    artifacts,
    assets,
    audit,
    blobs,
    consumer_queue,
    consumers,
    docs,
    events,
    groups,
    health,
    lineage,
    runs,
    stream,
    tokens,
    triggers,
)
from assetlog.catalog.api.parts import Parts, Plain
from assetlog.catalog.api.problems import EXCEPTION_HANDLERS
from assetlog.catalog.api.route import SPEC, Spec

HANDLERS: list[HTTPRouteHandler] = [
    *events.HANDLERS,
    *stream.HANDLERS,
    *assets.HANDLERS,
    *lineage.HANDLERS,
    *artifacts.HANDLERS,
    *blobs.HANDLERS,
    *runs.HANDLERS,
    *groups.HANDLERS,
    *consumers.HANDLERS,
    *consumer_queue.HANDLERS,
    *triggers.HANDLERS,
    *audit.HANDLERS,
    *tokens.HANDLERS,
    *health.HANDLERS,
    *docs.HANDLERS,
]


def methods_of(handlers: Iterable[HTTPRouteHandler]) -> dict[str, str]:
    """Path -> its methods, as the Allow header lists them."""
    methods: dict[str, set[str]] = {}
    for handler in handlers:
        for path in handler.paths:
            methods.setdefault(path, {"OPTIONS"}).update(map(str, handler.http_methods))
    return {path: ", ".join(sorted(names)) for path, names in methods.items()}


def scopes_of(handlers: Iterable[HTTPRouteHandler]) -> dict[str, set[Scope]]:
    """Path -> the scopes that let a token do something there.

    Raises:
        KeyError: a route is declared without `read`, `write` or `remove`, so nobody would look who asks.
    """
    scopes: dict[str, set[Scope]] = {}
    for handler in handlers:
        spec: Spec = handler.opt[SPEC]
        for path in handler.paths:
            scopes.setdefault(path, set()).update(spec.scopes)
    return scopes


def options_handler(path: str, methods: str, scopes: Iterable[Scope]) -> HTTPRouteHandler:
    """What a path answers to OPTIONS: which methods it has."""
    one_of = sorted(scopes)

    async def options(request: Plain) -> Response[None]:
        authorize(request.scope, one_of, path)
        return Response(None, status_code=204, headers={"Allow": methods})

    return route(path, http_method=[HttpMethod.OPTIONS], status_code=204)(options)


class App(Litestar):
    """Litestar without the plugins for models we do not use: pydantic's loads all of pydantic's first version."""

    @staticmethod
    def _get_default_plugins(plugins: list[PluginProtocol]) -> list[PluginProtocol]:
        return plugins


def build_app(parts: Parts) -> Litestar:
    """The API of a node; `Edge` with its gate belongs around it."""
    methods = methods_of(HANDLERS)
    scopes = scopes_of(HANDLERS)
    options = [options_handler(path, names, scopes[path]) for path, names in methods.items()]
    return App(
        route_handlers=[*options, *HANDLERS],  # else Litestar makes its own, which forgets later methods
        exception_handlers=EXCEPTION_HANDLERS,
        openapi_config=None,
        logging_config=None,
        request_max_body_size=parts.settings.max_body_bytes,
        state=State({"parts": parts, "methods": methods}),
    )
