"""What a node answered: decoded shapes, or the error that a problem stands for."""

from __future__ import annotations

from typing import TypeVar

import msgspec

from assetlog.schemas.errors import (
    AssetlogError,
    Broken,
    Conflict,
    Forbidden,
    Invalid,
    NotFound,
    TooLarge,
    Unavailable,
)
from assetlog.schemas.shapes import Problem, ProblemItem

Shape = TypeVar("Shape")

ERRORS: dict[int, type[AssetlogError]] = {
    400: Invalid,
    401: Forbidden,
    403: Forbidden,
    404: NotFound,
    405: Invalid,
    406: Invalid,
    409: Conflict,
    412: Conflict,
    413: TooLarge,
    415: Invalid,
    422: Invalid,
    429: Unavailable,
    502: Unavailable,
    503: Unavailable,
    504: Unavailable,
}
"""HTTP status -> the error a client raises; anything else is Broken."""


def decode(body: bytes, shape: type[Shape]) -> Shape:
    """An answer's body as a shape; fields this version does not know are left out.

    Raises:
        Broken: the body is not such a shape; something else than a node answered.
    """
    try:
        return msgspec.json.decode(body, type=shape)
    except msgspec.MsgspecError as error:
        raise Broken(
            f"The answer is not what a node says: {error}.",
            code="foreign-answer",
            hint="Check that ASSETLOG_URL names an assetlog node of this version or newer.",
        ) from None


def error_of(status: int, body: bytes) -> AssetlogError:
    """The error that an answer with this status stands for; an RFC 9457 body tells more."""
    kind = ERRORS.get(status, Broken)
    try:
        problem = msgspec.json.decode(body, type=Problem)
    except msgspec.MsgspecError:
        return kind(f"The node answered with status {status}.", code=f"http-{status}")
    first = problem.errors[0] if problem.errors else ProblemItem()
    return kind(
        problem.detail,
        code=problem.code,
        hint=problem.hint or "",
        field=first.field,
        value=first.value,
        rule=first.rule,
    )
