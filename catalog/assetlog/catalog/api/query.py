"""Query strings as typed Structs: one declaration checks a request, names what it breaks and documents it."""

from __future__ import annotations

import difflib
from typing import Annotated, Any, Literal, TypeVar
from urllib.parse import parse_qsl

import msgspec
from litestar import Request
from msgspec import Meta, Struct

from assetlog.schemas.errors import Invalid

Query = TypeVar("Query", bound=Struct)


Cursor = Annotated[str, Meta(pattern="^[A-Za-z0-9_-]+$")]


class Nothing(Struct, frozen=True, forbid_unknown_fields=True):
    """A route without parameters."""


class AsOf(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A read of the catalog, now or in the past."""

    as_of: Annotated[str | None, Meta(description="A time (RFC 3339, log time) or a position; now unless given.")] = (
        None
    )
    min_position: Annotated[
        str | None, Meta(description="Answer only when the fold is at least here; waits 5 s, then 503.")
    ] = None


class Listed(AsOf, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A read of a list."""

    limit: Annotated[int, Meta(ge=1, le=1000, description="Most items to answer.")] = 100
    cursor: Annotated[Cursor | None, Meta(description="`next` of the part before.")] = None


class Waiting(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A write that may wait until it is visible."""

    wait: Annotated[
        Literal["folded"] | None, Meta(description="`folded`: answer when it is visible, at most after 5 s.")
    ] = None


def read_query(request: Request[Any, Any, Any], kind: type[Query]) -> Query:
    """A request's query parameters.

    Raises:
        Invalid: a parameter is unknown, given twice, missing, or breaks its rule.
    """
    text = request.scope["query_string"]
    pairs = parse_qsl(text.decode("latin-1"), keep_blank_values=True) if text else []
    values = dict(pairs)
    if len(values) < len(pairs):
        raise _given_twice([name for name, _ in pairs])
    unknown = values.keys() - set(kind.__struct_encode_fields__)
    if unknown:
        raise _unknown(min(unknown), kind)
    try:
        query = msgspec.convert(values, kind, strict=False)
    except msgspec.ValidationError as error:
        raise _broken(str(error), values) from None
    if b"null" in text.lower():
        _refuse_null(query, values)
    return query


def _refuse_null(query: Struct, values: dict[str, str]) -> None:
    """Refuse the word `null` where it was taken for a parameter that is left out."""
    for field, name in zip(query.__struct_fields__, query.__struct_encode_fields__, strict=True):
        if name in values and getattr(query, field) is None:
            raise _broken(f"{name} is given, or left out - at `$.{name}`", values)


def _unknown(name: str, kind: type[Struct]) -> Invalid:
    known = kind.__struct_encode_fields__
    near = difflib.get_close_matches(name, known, 1, 0.5)
    listed = ", ".join(known) if known else "none"
    return Invalid(
        f"There is no parameter {name[:80]!r} here.",
        code="unknown-parameter",
        field=name,
        rule=f"the parameters are: {listed}",
        hint=f"Did you mean {near[0]}?" if near else "Leave it out.",
    )


def _given_twice(names: list[str]) -> Invalid:
    twice = next(name for name in names if names.count(name) > 1)
    return Invalid(
        f"The parameter {twice[:80]!r} is given twice.",
        code="invalid-parameter",
        field=twice,
        rule="a parameter is given once",
        hint="Give it once.",
    )


def _broken(text: str, values: dict[str, str]) -> Invalid:
    rule, _, path = text.partition(" - at `$.")
    name = path.rstrip("`")
    if "missing required field" in rule:
        name = rule.split("`")[1]
        rule = f"{name} is required"
    return Invalid(
        f"The parameter {name} breaks a rule: {rule}.",
        code="invalid-parameter",
        field=name,
        value=values.get(name),
        rule=rule,
        hint="See /docs for the parameters of every path.",
    )
