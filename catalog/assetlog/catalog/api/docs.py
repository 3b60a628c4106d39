"""The API's description, and pages that show it offline: Swagger UI from the swagger-ui-bundle package."""

from __future__ import annotations

from functools import lru_cache
from pathlib import Path
from typing import Any

import msgspec
from litestar.handlers import HTTPRouteHandler

from assetlog.catalog.api.answer import Answer
from assetlog.catalog.api.asyncapi import asyncapi_document
from assetlog.catalog.api.openapi import for_swagger_ui, openapi_document
from assetlog.catalog.api.parts import Plain, parts_of
from assetlog.catalog.api.query import Nothing
from assetlog.catalog.api.route import read
from assetlog.schemas.errors import NotFound

TAG = "service"

FILES = {
    "swagger-ui.css": "text/css",
    "swagger-ui-bundle.js": "text/javascript",
    "favicon-32x32.png": "image/png",
}

POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data:; "
    "connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)

PAGE = b"""\
<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<title>assetlog API</title>
<meta name="viewport" content="width=device-width, initial-scale=1">
<link rel="icon" href="/docs/favicon-32x32.png">
<link rel="stylesheet" href="/docs/swagger-ui.css">
</head>
<body>
<div id="api"></div>
<noscript>This page needs JavaScript; the description itself is at <a href="/openapi.json">/openapi.json</a>.</noscript>
<script src="/docs/swagger-ui-bundle.js"></script>
<script src="/docs/start.js"></script>
</body>
</html>
"""

START = b"""\
SwaggerUIBundle({
  url: "/docs/openapi.json", dom_id: "#api", deepLinking: true, validatorUrl: null,
  defaultModelsExpandDepth: 0, docExpansion: "list",
});
"""


@read("/", Nothing, None, tag=TAG, problems=(), content_type="text/html")
async def get_root(_: Plain, __: Nothing) -> Answer:
    """The way to the documentation."""
    return Answer(b"", status=307, headers={"Location": "/docs"})


@read("/docs", Nothing, None, tag=TAG, problems=(), content_type="text/html")
async def get_docs(_: Plain, __: Nothing) -> Answer:
    """A page that shows this API and tries it out; it needs nothing from elsewhere."""
    return _static(PAGE, "text/html")


@read("/docs/{name:str}", Nothing, None, tag=TAG, problems=(404,), content_type="application/octet-stream")
async def get_docs_file(request: Plain, _: Nothing) -> Answer:
    """A part of that page."""
    name = request.path_params["name"]
    if name == "start.js":
        return _static(START, "text/javascript")
    if name == "openapi.json":
        return _json(for_swagger_ui(openapi_document(request.app)))
    if name not in FILES:
        raise NotFound(f"The documentation has no part {name[:60]!r}.", code="no-such-path", hint="See /docs.")
    return _static(swagger_file(name), FILES[name])


@read("/openapi.json", Nothing, dict[str, Any], tag=TAG, problems=())
async def get_openapi(request: Plain, _: Nothing) -> Answer:
    """This API in OpenAPI 3.1."""
    return _json(openapi_document(request.app))


@read("/asyncapi.json", Nothing, dict[str, Any], tag=TAG, problems=())
async def get_asyncapi(request: Plain, _: Nothing) -> Answer:
    """The log in AsyncAPI 3: its channel, and the JSON Schema of every event type."""
    return _json(asyncapi_document(parts_of(request).projector.broker))


@lru_cache(maxsize=len(FILES))
def swagger_file(name: str) -> bytes:
    """A file of Swagger UI, without the reference to its source map, which is not served."""
    from swagger_ui_bundle import swagger_ui_path  # type: ignore[import-untyped]

    content = (Path(str(swagger_ui_path)) / name).read_bytes()
    head, marker, _ = content.rpartition(b"sourceMappingURL=")
    return head.rstrip(b"/*# \n") if marker else content


def _static(content: bytes, media_type: str) -> Answer:
    headers = {"Content-Security-Policy": POLICY, "Cache-Control": "max-age=3600"}
    return Answer(content, media_type=media_type, headers=headers)


def _json(document: dict[str, Any]) -> Answer:
    content = msgspec.json.encode(document)
    return Answer(content, headers={"Cache-Control": "max-age=60"})


HANDLERS: list[HTTPRouteHandler] = [get_root, get_docs, get_docs_file, get_openapi, get_asyncapi]
