"""Answering a question as of a moment: which moment, whether the client has the answer already, and the headers."""

from __future__ import annotations

import re
from collections.abc import Callable
from hashlib import blake2b
from typing import Any

import msgspec

from assetlog.catalog.api import arrow
from assetlog.catalog.api.answer import Answer
from assetlog.catalog.api.parts import Parts, Plain, parts_of
from assetlog.catalog.api.query import AsOf, Listed
from assetlog.catalog.api.route import SPEC
from assetlog.consumers.views.memory import Memory
from assetlog.schemas.errors import Invalid, NotFound
from assetlog.schemas.positions import format_position, last_position_at, parse_position
from assetlog.schemas.shapes import Page
from assetlog.schemas.times import parse_time

_POSITION = re.compile(r"\d+(-\d+)?", re.ASCII)
POSITION_HEADER = "Assetlog-Position"
NEXT_HEADER = "Assetlog-Next"
"""The cursor of a list's next part, for a client that does not look into an Arrow stream for it."""

encode = msgspec.json.Encoder().encode


async def answer(
    request: Plain,
    query: AsOf,
    question: Callable[..., Any],
    at_hand: Callable[[Memory], Any] | None = None,
    **options: Any,
) -> Answer:
    """The answer to a question as of the asked moment, or 304 where the client has it.

    Args:
        request: the request.
        query: says the moment.
        question: a method of the reader; it gets `at` and the options.
        at_hand: answers it for now from memory, or with None.
        options: what else the question needs.
    """
    parts = parts_of(request)
    at = await moment(parts, query)
    tag = tag_of(request, parts, at)
    if has_answer(request, tag):
        return not_modified(at, tag)
    if at_hand is not None and query.as_of is None and parts.memory is not None:
        now = at_hand(parts.memory)
        if now is not None:
            return found(now, at, tag)
    return found(await parts.ask(question, at=at, **options), at, tag)


async def answer_page(request: Plain, query: Listed, question: Callable[..., Any], **options: Any) -> Answer:
    """One part of a list. Its cursor carries the position: every part is of the same moment as the first."""
    at, cursor = await part_of(parts_of(request), query)

    def part() -> Any:
        page = question(at=at, limit=query.limit, cursor=cursor, **options)
        if page.next is not None:
            page.next = f"{format_position(at)}_{page.next}"
        return page

    return await listed(request, at, part)


async def answer_list(request: Plain, query: AsOf, question: Callable[..., Any], **options: Any) -> Answer:
    """A list that comes in one part."""
    at = await moment(parts_of(request), query)

    def whole() -> Page[Any]:
        return Page(items=list(question(at=at, **options)), position=format_position(at))

    return await listed(request, at, whole)


async def listed(request: Plain, at: int, question: Callable[[], Any]) -> Answer:
    """A page in the form that the client likes best: JSON, or Arrow."""
    parts = parts_of(request)
    as_arrow = arrow.prefers_arrow(request.headers.get("accept", ""))
    tag = tag_of(request, parts, at, b" arrow" if as_arrow else b"")
    if has_answer(request, tag):
        return _varying(not_modified(at, tag))
    if not as_arrow:
        return _varying(found(await parts.ask(question), at, tag))
    kind = request.scope["route_handler"].opt[SPEC].answer

    def encoded() -> tuple[bytes, str | None]:
        page = question()
        return arrow.encode(page, kind), page.next

    body, cursor = await parts.ask(encoded)
    further = {} if cursor is None else {NEXT_HEADER: cursor}
    return _varying(Answer(body, media_type=arrow.MEDIA_TYPE, headers=_headers(at, tag) | further))


def _varying(listed: Answer) -> Answer:
    """A list's answer, marked for caches as one of two forms."""
    listed.headers = {**listed.headers, "Vary": "Accept"}
    return listed


async def part_of(parts: Parts, query: Listed) -> tuple[int, str | None]:
    """The position and the reader's cursor of a part."""
    if query.cursor is None:
        return await moment(parts, query), None
    position, _, cursor = query.cursor.partition("_")
    if not _POSITION.fullmatch(position) or not cursor:
        raise _invalid_cursor(query.cursor)
    at = parse_position(position)
    await parts.until_folded(at)
    return at, cursor


async def moment(parts: Parts, query: AsOf) -> int:
    """The position that a read answers as of, folded by now.

    Raises:
        Invalid: `as_of` or `min_position` is neither a time nor a position, or lies after the log's end.
        Unavailable: the fold has not come that far in time.
    """
    minimum = position_of(query.min_position, "min_position")
    if minimum is not None:
        await parts.until_folded(minimum)
    if query.as_of is None:
        return parts.projector.position
    return await as_of(parts, query.as_of)


async def as_of(parts: Parts, text: str, name: str = "as_of") -> int:
    """The position that a time or position names, folded by now; errors speak of the parameter `name`."""
    try:
        if _POSITION.fullmatch(text):
            return await _as_of_position(parts, parse_position(text))
        return await _as_of_time(parts, text)
    except Invalid as error:
        error.detail = error.detail.replace(error.field or "as_of", name, 1)
        error.field = name
        raise


async def _as_of_time(parts: Parts, text: str) -> int:
    wanted = last_position_at(parse_time(text, "as_of"))
    if wanted > parts.projector.position:
        await parts.until_folded(min(wanted, await parts.appender.last_position()))
    return await parts.ask(parts.reader.resolve, text)


async def _as_of_position(parts: Parts, wanted: int) -> int:
    if wanted > parts.projector.position:
        last = await parts.appender.last_position()
        if wanted > last:
            raise _after_the_end(wanted, last)
        await parts.until_folded(wanted)
    return wanted


def position_of(text: str | None, name: str) -> int | None:
    """The position that a parameter names.

    Raises:
        Invalid: it is not a position.
    """
    try:
        return None if text is None else parse_position(text)
    except Invalid as error:
        error.field = name
        raise


def found(result: Any, at: int, tag: str) -> Answer:
    """An answer with its position and tag."""
    return Answer(encode(result), headers=_headers(at, tag))


def not_modified(at: int, tag: str) -> Answer:
    """The client has the answer already."""
    return Answer(b"", status=304, headers=_headers(at, tag))


def tag_of(request: Plain, parts: Parts, at: int, form: bytes = b"") -> str:
    """The strong ETag of a question's answer: what was asked, in which form, and as of which position."""
    asked = parts.identity + request.scope["raw_path"] + b"?" + request.scope["query_string"] + form
    return f'"{format_position(at)}-{blake2b(asked, digest_size=8).hexdigest()}"'


def has_answer(request: Plain, tag: str) -> bool:
    """Whether the client says that it has the answer of this tag."""
    offered = request.headers.get("if-none-match")
    if offered is None:
        return False
    return offered.strip() == "*" or tag in (each.strip().removeprefix("W/") for each in offered.split(","))


def needed(item: Any, what: str, name: str, value: str) -> Any:
    """An item that has to be there.

    Raises:
        NotFound: it is None.
    """
    if item is None:
        raise NotFound(
            f"There is no {what} {value[:200]!r}.",
            code=f"{what}-not-found",
            field=name,
            value=value,
            rule=f"{name} names a known {what}",
            hint="It may be of a later moment than as_of asks for, or spelt otherwise; the lists show what is there.",
        )
    return item


def _headers(at: int, tag: str) -> dict[str, str]:
    return {POSITION_HEADER: format_position(at), "ETag": tag, "Cache-Control": "no-cache"}


def _invalid_cursor(cursor: str) -> Invalid:
    return Invalid(
        "The cursor is not one that this list gave.",
        code="invalid-cursor",
        field="cursor",
        value=cursor,
        rule="a cursor is the `next` of the same list, unchanged",
        hint="Begin again without a cursor.",
    )


def _after_the_end(wanted: int, last: int) -> Invalid:
    return Invalid(
        f"The log ends at {format_position(last)}, before {format_position(wanted)}.",
        code="future-position",
        field="as_of",
        value=format_position(wanted),
        rule="a position to look back from is in the log",
        hint="Leave as_of out for the newest state, or use min_position to wait for an event.",
    )
