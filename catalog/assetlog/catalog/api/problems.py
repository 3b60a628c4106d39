"""From an exception to an answer: the one table of statuses, and the one shape of an error (RFC 9457)."""

from __future__ import annotations

import logging
from http import HTTPStatus
from typing import Any

import msgspec
from litestar import Request, Response
from litestar.exceptions import HTTPException, MethodNotAllowedException, NotFoundException

from assetlog.catalog.access.limits import TooFast
from assetlog.catalog.api.answer import Answer
from assetlog.schemas.errors import AssetlogError, Broken, Conflict, Forbidden, Invalid, NotFound, TooLarge, Unavailable
from assetlog.schemas.ids import new_id
from assetlog.schemas.shapes import Problem, ProblemItem

PROBLEM_TYPE = "application/problem+json"

STATUS_BY_CLASS: tuple[tuple[type[AssetlogError], int], ...] = (
    (TooLarge, 413),
    (Invalid, 400),
    (Forbidden, 403),
    (NotFound, 404),
    (Conflict, 409),
    (Unavailable, 503),
    (Broken, 503),
)
"""The class of an error decides its status ..."""

STATUS_BY_CODE = {
    "unknown-type": 422,
    "unsupported-media-type": 415,
    "unsupported-encoding": 415,
    "method-not-allowed": 405,
    "unknown-host": 421,
    "no-token": 401,
    "token-ended": 401,
    "too-many-requests": 429,
}
"""... unless its code does."""

RETRY_AFTER = "1"
"""Seconds after which a 503 is worth another try."""

_log = logging.getLogger("assetlog.api")
_encode = msgspec.json.Encoder().encode


def status_of(error: AssetlogError) -> int:
    """The HTTP status of an error.

    >>> status_of(Invalid("no", code="unknown-type"))
    422
    """
    if error.code in STATUS_BY_CODE:
        return STATUS_BY_CODE[error.code]
    return next((status for kind, status in STATUS_BY_CLASS if isinstance(error, kind)), 500)


def problem_of(error: AssetlogError) -> Problem:
    """An error as the body of its answer."""
    status = status_of(error)
    named = error.field is not None or error.rule is not None
    item = ProblemItem(field=error.field, value=error.value, rule=error.rule)
    return new_problem(status, error.code, error.detail, error.hint or None, [item] if named else [])


def new_problem(status: int, code: str, detail: str, hint: str | None, errors: list[ProblemItem]) -> Problem:
    """A problem; its type is a URN made of the code, for a machine to compare."""
    return Problem(
        type=f"urn:assetlog:problem:{code}",
        title=HTTPStatus(status).phrase,
        status=status,
        code=code,
        detail=detail,
        hint=hint,
        errors=errors,
    )


def problem_answer(problem: Problem) -> Answer:
    """The answer that carries a problem."""
    headers = {"Retry-After": RETRY_AFTER} if problem.status == 503 else None
    return Answer(_encode(problem), status=problem.status, media_type=PROBLEM_TYPE, headers=headers)


def problem_response(problem: Problem, headers: dict[str, str] | None = None) -> Response[bytes]:
    """The same for exception handlers, of whom Litestar wants its own class."""
    headers = {**(headers or {}), **({"Retry-After": RETRY_AFTER} if problem.status == 503 else {})}
    return Response(_encode(problem), status_code=problem.status, media_type=PROBLEM_TYPE, headers=headers)


def answer_error(_: Request[Any, Any, Any], error: AssetlogError) -> Response[bytes]:
    """What the API answers to one of our errors."""
    problem = problem_of(error)
    return problem_response(problem, headers_of(error, problem.status))


def headers_of(error: AssetlogError, status: int) -> dict[str, str]:
    """The headers that an error's answer has beside its problem."""
    if status == 401:
        return {"WWW-Authenticate": 'Bearer realm="assetlog"'}
    return {"Retry-After": str(error.retry_after)} if isinstance(error, TooFast) else {}


def answer_framework_error(request: Request[Any, Any, Any], error: HTTPException) -> Response[bytes]:
    """What the API answers when the framework refuses a request: no such path, wrong method and the like."""
    if isinstance(error, NotFoundException):
        return answer_error(request, _no_route(request))
    if isinstance(error, MethodNotAllowedException):
        return problem_response(problem_of(_wrong_method(request)), {"Allow": allowed(request)})
    if error.status_code >= 500:
        return answer_bug(request, error)
    code = HTTPStatus(error.status_code).phrase.lower().replace(" ", "-")
    return problem_response(new_problem(error.status_code, code, error.detail, None, []), error.headers)


def answer_bug(request: Request[Any, Any, Any], error: Exception) -> Response[bytes]:
    """What the API answers to a bug of ours: an id to look up in the log, and nothing of the exception itself."""
    incident = new_id()
    _log.error("request failed", extra={"incident": incident, "path": request.scope["path"]}, exc_info=error)
    detail = f"Something in assetlog broke. The node's log tells what, under the id {incident}."
    return problem_response(new_problem(500, "internal", detail, "Report it with that part of the log.", []))


def allowed(request: Request[Any, Any, Any]) -> str:
    """The methods of a request's path, as the Allow header lists them."""
    methods: dict[str, str] = request.app.state["methods"]
    return methods.get(request.scope["path"], "OPTIONS")


def _no_route(request: Request[Any, Any, Any]) -> NotFound:
    return NotFound(
        "There is nothing at this path.",
        code="no-such-path",
        field="path",
        value=request.scope["path"],
        rule="the path is one of those in /openapi.json",
        hint="See /docs for every path.",
    )


def _wrong_method(request: Request[Any, Any, Any]) -> Invalid:
    return Invalid(
        f"{request.scope['method']} is not possible here.",
        code="method-not-allowed",
        field="method",
        value=request.scope["method"],
        rule="the method is one that /openapi.json lists for the path",
        hint="See /docs for the methods of every path.",
    )


EXCEPTION_HANDLERS: dict[int | type[Exception], Any] = {
    AssetlogError: answer_error,
    HTTPException: answer_framework_error,
    Exception: answer_bug,
}
