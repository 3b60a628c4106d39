"""What the routes about consumers share: who is meant, who asks, what they send, what they are answered."""

from __future__ import annotations

from typing import Any, TypeVar

import msgspec
from msgspec import Struct

from assetlog.catalog.access.consumer_prefixes import covers
from assetlog.catalog.access.tokens import Scope
from assetlog.catalog.api import desk_answers
from assetlog.catalog.api.answer import Answer
from assetlog.catalog.api.body import read_body
from assetlog.catalog.api.consumer_answers import consumer_shape, last_triggers
from assetlog.catalog.api.desk import ask_now
from assetlog.catalog.api.desk_answers import Glimpse, Sees
from assetlog.catalog.api.parts import Parts, Plain
from assetlog.catalog.api.reading import POSITION_HEADER, encode, needed
from assetlog.catalog.api.split import form_of
from assetlog.schemas import explain
from assetlog.schemas.events.common import Name, Text
from assetlog.schemas.positions import format_position
from assetlog.schemas.scheduling_shapes import Consumer

TAG = "scheduling"
JSON = ("application/json",)
SCOPES: tuple[Scope, ...] = ("consumers:write",)
MAX_SMALL_BODY = 1_048_576
"""Bytes of a reason of 65,536 characters, each of them escaped, and room for more."""

Small = TypeVar("Small", bound=Struct)


class Why(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Why, and for whom."""

    reason: Text | None = None
    """Why, in words."""
    by: Name | None = None
    """Who asks; a token's name counts for more."""


class Who(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """For whom."""

    by: Name | None = None
    """Who asks; a token's name counts for more."""


def name_of(request: Plain) -> str:
    """The consumer's name in a request's path."""
    name: str = request.path_params["name"]
    return name


def known(glimpse: Glimpse | None, name: str) -> Glimpse:
    """A consumer that has to be there.

    Raises:
        NotFound: it is not.
    """
    seen: Glimpse = needed(glimpse, "consumer", "name", name)
    return seen


async def seen_now(parts: Parts, name: str) -> tuple[int, Glimpse]:
    """A consumer as it is now, if the caller may see it, and the position.

    Raises:
        NotFound: there is none.
    """
    at, seen = await ask_now(parts, lambda desk: desk_answers.consumer(desk, name, sees_of(parts)))
    return at, known(seen, name)


def sees_of(parts: Parts) -> Sees:
    """Which consumers the caller may see."""
    prefixes = parts.prefixes
    return lambda definition: covers(prefixes, definition)


def asker(parts: Parts, said: str | None = None) -> str:
    """Who asks, for the log: their token's name, else what they say themselves."""
    return said or "anonymous" if parts.caller is None else parts.caller.token.name


async def read_small(request: Plain, kind: type[Small]) -> Small:
    """A small JSON body; an empty one is as good as `{}`. JSON it must be, so that no foreign page can send it.

    Raises:
        Invalid: it is not of that kind.
    """
    form_of(request.headers.get("content-type", ""))
    body = await read_body(request, MAX_SMALL_BODY) or b"{}"
    try:
        return msgspec.json.decode(body, type=kind)
    except msgspec.ValidationError as error:
        raise explain.invalid(error, body, "", kind) from None
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise explain.malformed(str(error)) from None


def written(shape: Any, position: int, status: int = 200) -> Answer:
    """What a write came to, as of a position."""
    return Answer(encode(shape), status=status, headers={POSITION_HEADER: format_position(position)})


async def shape_of(parts: Parts, glimpse: Glimpse, at: int) -> Consumer:
    """The answer about one consumer."""
    (shape,) = await parts.ask(shapes_of, parts, [glimpse], at)
    return shape


def shapes_of(parts: Parts, glimpses: list[Glimpse], at: int) -> list[Consumer]:
    briefs = parts.reader.trigger_briefs(last_triggers(glimpses), at)
    return [consumer_shape(glimpse, briefs) for glimpse in glimpses]
