"""The Litestar application: every route, the error table, nothing else. The node gives it its parts."""

from __future__ import annotations

from collections.abc import Iterable

from litestar import Litestar, Response, route
from litestar.datastructures import State
from litestar.enums import HttpMethod
from litestar.handlers import HTTPRouteHandler

from assetlog.catalog.api import artifacts, assets, audit, docs, events, groups, health, lineage, runs, stream
from assetlog.catalog.api.parts import Parts
from assetlog.catalog.api.problems import EXCEPTION_HANDLERS

HANDLERS: list[HTTPRouteHandler] = [
    *events.HANDLERS,
    *stream.HANDLERS,
    *assets.HANDLERS,
    *lineage.HANDLERS,
    *artifacts.HANDLERS,
    *runs.HANDLERS,
    *groups.HANDLERS,
    *audit.HANDLERS,
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


def options_handler(path: str, methods: str) -> HTTPRouteHandler:
    """What a path answers to OPTIONS: which methods it has."""

    async def options() -> Response[None]:
        return Response(None, status_code=204, headers={"Allow": methods})

    return route(path, http_method=[HttpMethod.OPTIONS], status_code=204)(options)


def build_app(parts: Parts) -> Litestar:
    """The API of a node. A guard that denies by default fits in at the application's level."""
    methods = methods_of(HANDLERS)
    options = [options_handler(path, names) for path, names in methods.items()]
    return Litestar(
        route_handlers=[*options, *HANDLERS],  # else Litestar makes its own, which forgets later methods
        exception_handlers=EXCEPTION_HANDLERS,
        openapi_config=None,
        logging_config=None,
        request_max_body_size=parts.settings.max_body_bytes,
        state=State({"parts": parts, "methods": methods}),
    )
