"""Consumers: what is scheduled on assets."""

from __future__ import annotations

from collections.abc import Callable
from typing import Annotated, Any

import msgspec
from litestar.handlers import HTTPRouteHandler
from msgspec import Meta, Struct

from assetlog.catalog.access.consumer_prefixes import covers, refuse_outside
from assetlog.catalog.api import desk_answers
from assetlog.catalog.api.answer import Answer
from assetlog.catalog.api.body import read_body
from assetlog.catalog.api.consumer_requests import (
    JSON,
    SCOPES,
    TAG,
    Who,
    Why,
    asker,
    known,
    name_of,
    read_small,
    seen_now,
    sees_of,
    shape_of,
    shapes_of,
    written,
)
from assetlog.catalog.api.desk import ask_at, ask_desk, ask_now
from assetlog.catalog.api.desk_answers import Filter, Glimpse
from assetlog.catalog.api.parts import Parts, Plain, parts_of
from assetlog.catalog.api.query import AsOf, Listed, Nothing
from assetlog.catalog.api.reading import as_of, found, has_answer, listed, not_modified, part_of, tag_of
from assetlog.catalog.api.registration import check_name, read_registration, same
from assetlog.catalog.api.route import Body, Spec, put, read, remove, write
from assetlog.catalog.api.split import form_of
from assetlog.catalog.scheduling import tell
from assetlog.catalog.targets import rules_of
from assetlog.consumers.deliver.check import check_target
from assetlog.consumers.schedule.definition import definition_of
from assetlog.consumers.schedule.desk import Desk
from assetlog.consumers.views.paging import read_cursor, write_cursor
from assetlog.schemas.codec import MAX_EVENT_BYTES
from assetlog.schemas.errors import Conflict, Forbidden
from assetlog.schemas.events.consumer import ConsumerPaused, ConsumerRegistered, ConsumerRemoved, ConsumerResumed
from assetlog.schemas.keys import canonical_key
from assetlog.schemas.positions import format_position
from assetlog.schemas.scheduling_shapes import Consumer
from assetlog.schemas.shapes import Page
from assetlog.schemas.targets import AnyTarget


class Consumers(Listed, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Which consumers."""

    q: Annotated[str | None, Meta(description="Only consumers with this text in name or description.")] = None
    asset: Annotated[
        str | None, Meta(description="Only consumers that wait for the asset of this key, read it or make it.")
    ] = None
    paused: Annotated[bool | None, Meta(description="Only consumers that are paused, or only those that are not.")] = (
        None
    )
    module: Annotated[str | None, Meta(description="Only consumers that this Python module declares.")] = None


class Registering(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """How to register."""

    replace: Annotated[bool, Meta(description="Take the name over from another module.")] = False


@read("/v1/consumers", Consumers, Page[Consumer], tag=TAG)
async def list_consumers(request: Plain, query: Consumers) -> Answer:
    """Consumers, by name."""
    parts = parts_of(request)
    wanted = Filter(query.q, canonical_key(query.asset) if query.asset else None, query.paused, query.module)
    at, cursor = await part_of(parts, query)
    after, sees = read_cursor(cursor, str) or "", sees_of(parts)

    def look(desk: Desk) -> list[Glimpse]:
        return desk_answers.consumers(desk, wanted, sees, after, query.limit + 1)

    first = query.cursor is None and query.as_of is None
    at, glimpses = await (ask_now(parts, look) if first else ask_at(parts, at, look))

    def page() -> Page[Consumer]:
        shown = glimpses[: query.limit]
        further = len(glimpses) > query.limit
        following = f"{format_position(at)}_{write_cursor(shown[-1].definition.name)}" if further else None
        return Page(items=shapes_of(parts, shown, at), next=following, position=format_position(at))

    return await listed(request, at, page)


@read("/v1/consumers/{name:str}", AsOf, Consumer, tag=TAG, problems=(400, 404, 503))
async def get_consumer(request: Plain, query: AsOf) -> Answer:
    """One consumer."""
    parts, name = parts_of(request), name_of(request)
    at, seen = await ask_desk(parts, query, lambda desk: desk_answers.consumer(desk, name, sees_of(parts)))
    glimpse = known(seen, name)
    tag = tag_of(request, parts, at)
    if has_answer(request, tag):
        return not_modified(at, tag)
    return found(await shape_of(parts, glimpse, at), at, tag)


@put(
    "/v1/consumers/{name:str}",
    Spec(
        TAG,
        Registering,
        Consumer,
        body=Body(JSON, ConsumerRegistered, "The consumer; its condition may also be a key, or a list of them."),
        statuses={201: Consumer},
        problems=(400, 403, 409, 413, 415, 503),
        scopes=SCOPES,
    ),
)
async def put_consumer(request: Plain, query: Registering) -> Answer:
    """Declare a consumer, or declare it anew.

    What is declared already changes nothing. A changed condition keeps what waits on the leaves it keeps; `released`
    lists the positions of what no longer waits. `start`, a time or a position, says from where on events count for
    leaves that are new; from now on unless given.
    """
    parts, name = parts_of(request), check_name(name_of(request))
    form_of(request.headers.get("content-type", ""))
    declared = read_registration(name, await read_body(request, MAX_EVENT_BYTES), _check_of(parts))
    refuse_outside(parts.prefixes, definition_of(name, declared))
    if declared.start is not None:
        start = format_position(await as_of(parts, declared.start, "start"))
        declared = msgspec.structs.replace(declared, start=start)
    async with parts.deciding:
        before = await _before(parts, name)
        if before is not None and not query.replace:
            _refuse_other_module(before, declared)
        if before is None or not same(before.definition.data, declared):
            await tell(parts, "consumer.registered", name, declared)
        at, seen = await ask_now(parts, lambda desk: desk_answers.consumer(desk, name, _everyone))
    shape = await shape_of(parts, known(seen, name), at)
    if before is not None and seen is not None and seen.definition.registered != before.definition.registered:
        shape.released = list(map(format_position, seen.released))
    return written(shape, at, 201 if before is None else 200)


@remove("/v1/consumers/{name:str}", Spec(TAG, Nothing, Consumer, problems=(400, 404, 503), scopes=SCOPES))
async def delete_consumer(request: Plain, _: Nothing) -> Answer:
    """Remove a consumer, with what waits for it. Triggers that have fired go on. The answer is how it was."""
    parts, name = parts_of(request), name_of(request)
    async with parts.deciding:
        at, glimpse = await seen_now(parts, name)
        shape = await shape_of(parts, glimpse, at)
        position = await tell(parts, "consumer.removed", name, ConsumerRemoved(by=asker(parts)))
    return written(shape, position)


@write(
    "/v1/consumers/{name:str}/pause",
    Spec(TAG, Nothing, Consumer, body=Body(JSON, Why, "Why."), problems=(400, 404, 413, 415, 503), scopes=SCOPES),
)
async def pause_consumer(request: Plain, _: Nothing) -> Answer:
    """Let a consumer no longer fire. What comes meanwhile waits, or is passed over, as it was declared."""
    parts, name = parts_of(request), name_of(request)
    why = await read_small(request, Why)
    async with parts.deciding:
        at, glimpse = await seen_now(parts, name)
        if not glimpse.paused or glimpse.paused_reason != why.reason:
            paused = ConsumerPaused(reason=why.reason, by=asker(parts, why.by))
            await tell(parts, "consumer.paused", name, paused)
            at, glimpse = await seen_now(parts, name)
    return written(await shape_of(parts, glimpse, at), at)


@write(
    "/v1/consumers/{name:str}/resume",
    Spec(TAG, Nothing, Consumer, body=Body(JSON, Who, "Who."), problems=(400, 404, 413, 415, 503), scopes=SCOPES),
)
async def resume_consumer(request: Plain, _: Nothing) -> Answer:
    """Let a paused consumer fire again."""
    parts, name = parts_of(request), name_of(request)
    who = await read_small(request, Who)
    async with parts.deciding:
        at, glimpse = await seen_now(parts, name)
        if glimpse.paused:
            await tell(parts, "consumer.resumed", name, ConsumerResumed(by=asker(parts, who.by)))
            at, glimpse = await seen_now(parts, name)
    return written(await shape_of(parts, glimpse, at), at)


def _check_of(parts: Parts) -> Callable[[AnyTarget], None]:
    """What this node refuses of a target."""
    rules = rules_of(parts.settings)
    return lambda target: check_target(target, rules)


def _everyone(_: Any) -> bool:
    return True


async def _before(parts: Parts, name: str) -> Glimpse | None:
    """The consumer that has the name already.

    Raises:
        Forbidden: it is one that the caller may not see.
    """
    _, before = await ask_now(parts, lambda desk: desk_answers.consumer(desk, name, _everyone))
    if before is not None and not covers(parts.prefixes, before.definition):
        raise Forbidden(
            "This token may not change the consumer that has this name.",
            code="outside-prefix",
            field="name",
            value=name,
            rule="a token with a prefix changes consumers of assets below it only",
            hint="Take another name.",
        )
    return before


def _refuse_other_module(before: Glimpse, declared: ConsumerRegistered) -> None:
    theirs = before.definition.data.module
    if theirs == declared.module:
        return
    raise Conflict(
        f"The consumer {before.definition.name!r} is declared by {_origin(theirs)}, not by {_origin(declared.module)}.",
        code="consumer-of-other-module",
        field="module",
        value=declared.module,
        rule="one module declares a consumer",
        hint="Take another name, or take this one over with ?replace=true (`--replace`).",
    )


def _origin(module: str | None) -> str:
    return "hand" if module is None else f"the module {module}"


HANDLERS: list[HTTPRouteHandler] = [
    list_consumers,
    get_consumer,
    put_consumer,
    delete_consumer,
    pause_consumer,
    resume_consumer,
]
