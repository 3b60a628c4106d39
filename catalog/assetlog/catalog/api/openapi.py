"""The API in OpenAPI 3.1, from what its routes declare."""

from __future__ import annotations

import inspect
from collections.abc import Iterator
from http import HTTPStatus
from importlib.metadata import version
from typing import Any

import msgspec
from litestar import Litestar
from litestar.handlers import HTTPRouteHandler
from litestar.routes import HTTPRoute
from msgspec import inspect as types

from assetlog.catalog.access.gate import OPEN_PATHS
from assetlog.catalog.api import arrow
from assetlog.catalog.api.json_schema import REF, Schemas, default_of
from assetlog.catalog.api.problems import PROBLEM_TYPE
from assetlog.catalog.api.query import Nothing
from assetlog.catalog.api.route import SPEC, Spec
from assetlog.schemas.shapes import Problem

ABOUT = (
    "One log for every data asset. Every answer carries `Assetlog-Position`; reads take `as_of`, a time or a position, "
    "and answer as of then. Errors are RFC 9457 problems with a stable `code` and a `hint`."
)
BEARER = "A token of `assetlog token create`. A node on loopback needs none as long as its catalog has none."
DENIALS = (401, 403, 429)
"""What every route but the open ones may answer to somebody without a good token, or with too many requests."""
TAGS = {
    "events": "The log: events in, events out.",
    "assets": "Assets, now and in the past.",
    "lineage": "What was made from what.",
    "artifacts": "What a person looks at.",
    "runs": "Runs and jobs.",
    "scheduling": "Consumers, what waits for them, and their triggers.",
    "audit": "What changed, and what could not be taken.",
    "access": "Tokens: who may do what.",
    "service": "The node itself.",
}


def openapi_document(app: Litestar) -> dict[str, Any]:
    """The description of an application, made once."""
    if "openapi" not in app.state:
        app.state["openapi"] = _document(app)
    made: dict[str, Any] = app.state["openapi"]
    return made


def specs_of(app: Litestar) -> Iterator[tuple[str, str, HTTPRouteHandler, Spec]]:
    """Path, method, handler and declaration of every route of ours."""
    for route in app.routes:
        if isinstance(route, HTTPRoute):
            for handler in route.route_handlers:
                spec: Spec | None = handler.opt.get(SPEC)
                if spec is not None:
                    for method in sorted(map(str, handler.http_methods)):
                        yield route.path_format, method, handler, spec


def _document(app: Litestar) -> dict[str, Any]:
    schemas = Schemas()
    schemas.of(Problem)
    paths: dict[str, dict[str, Any]] = {}
    for path, method, handler, spec in specs_of(app):
        if method != "HEAD":
            paths.setdefault(path, {})[method.lower()] = _operation(path, handler, spec, schemas)
    return {
        "openapi": "3.1.0",
        "info": {"title": "assetlog", "version": version("assetlog"), "description": ABOUT},
        "servers": [{"url": "/"}],
        "tags": [{"name": name, "description": text} for name, text in TAGS.items()],
        "paths": dict(sorted(paths.items())),
        "components": {
            "schemas": dict(sorted(schemas.components.items())),
            "headers": _headers(),
            "securitySchemes": {"token": {"type": "http", "scheme": "bearer", "description": BEARER}},
        },
    }


def _operation(path: str, handler: HTTPRouteHandler, spec: Spec, schemas: Schemas) -> dict[str, Any]:
    summary, _, description = (inspect.getdoc(handler.fn) or "").partition("\n\n")
    operation: dict[str, Any] = {
        "operationId": handler.name,
        "tags": [spec.tag],
        "summary": summary,
        "description": description,
        "parameters": [*_path_parameters(path), *_parameters(spec, schemas)],
        "responses": _responses(spec, schemas, () if path in OPEN_PATHS else DENIALS),
        "security": [] if path in OPEN_PATHS else [{"token": []}],
    }
    if spec.body is not None:
        schema = schemas.of(spec.body.shape)
        content = {content_type: {"schema": schema} for content_type in spec.body.content_types}
        operation["requestBody"] = {"required": True, "description": spec.body.description, "content": content}
    return operation


def _path_parameters(path: str) -> list[dict[str, Any]]:
    names = [part.strip("{}").partition(":")[0] for part in path.split("/") if part.startswith("{")]
    return [{"name": name, "in": "path", "required": True, "schema": {"type": "string"}} for name in names]


def _parameters(spec: Spec, schemas: Schemas) -> list[dict[str, Any]]:
    info = types.type_info(spec.query)
    assert isinstance(info, types.StructType)
    return [_parameter(field, schemas) for field in info.fields]


def _parameter(field: types.Field, schemas: Schemas) -> dict[str, Any]:
    description = ""
    kind = field.type
    if isinstance(kind, types.Metadata):
        description = (kind.extra_json_schema or {}).get("description", "")
        kind = kind.type
    schema = {key: value for key, value in schemas.of_info(kind).items() if key != "description"}
    if isinstance(schema.get("type"), list):  # a query parameter is absent, never null
        schema["type"] = schema["type"][0]
    schema = next((each for each in schema.get("anyOf", ()) if each != {"type": "null"}), schema)
    if default_of(field) not in (msgspec.NODEFAULT, None):
        schema = schema | {"default": default_of(field)}
    return {
        "name": field.encode_name,
        "in": "query",
        "required": field.required,
        "description": description,
        "schema": schema,
    }


def _responses(spec: Spec, schemas: Schemas, denials: tuple[int, ...]) -> dict[str, Any]:
    position = {"Assetlog-Position": {"$ref": "#/components/headers/Assetlog-Position"}}
    good = {"schema": {"type": "string"} if spec.answer is None else schemas.of(spec.answer)}
    responses: dict[str, Any] = {
        str(spec.status): {
            "description": HTTPStatus(spec.status).phrase,
            "headers": position,
            "content": {spec.content_type: good} | _as_arrow(spec),
        }
    }
    for status, shape in spec.statuses.items():
        content = {"application/json": {"schema": schemas.of(shape)}}
        responses[str(status)] = {"description": HTTPStatus(status).phrase, "headers": position, "content": content}
    problem = {PROBLEM_TYPE: {"schema": {"$ref": REF + "Problem"}}}
    for status in (*spec.problems, *denials, 500):
        responses[str(status)] = {"description": HTTPStatus(status).phrase, "content": problem}
    return dict(sorted(responses.items()))


def _as_arrow(spec: Spec) -> dict[str, Any]:
    """The second form of lists of the catalog."""
    listed = spec.query is not Nothing and arrow.item_of(spec.answer) is not None
    return {arrow.MEDIA_TYPE: {"schema": {"type": "string", "format": "binary"}}} if listed else {}


def _headers() -> dict[str, Any]:
    text = (
        "The position a read answers as of, or the last accepted event's; pass it as `min_position` to read your own "
        "writes, or as `as_of` to ask again about the same moment."
    )
    return {"Assetlog-Position": {"description": text, "schema": {"type": "string"}}}


def for_swagger_ui(document: dict[str, Any]) -> dict[str, Any]:
    """The same description in OpenAPI 3.0, the newest that the bundled Swagger UI shows."""
    old: dict[str, Any] = _older(document)
    return old | {"openapi": "3.0.3"}


def _older(value: Any) -> Any:
    if isinstance(value, list):
        return [_older(each) for each in value]
    if not isinstance(value, dict):
        return value
    old = {key: _older(each) for key, each in value.items()}
    if isinstance(old.get("type"), list):
        old["type"], old["nullable"] = old["type"][0], True
    if {"type": "null"} in old.get("anyOf", ()):
        old["anyOf"] = [each for each in old["anyOf"] if each != {"type": "null"}]
        old["nullable"] = True
    return old
