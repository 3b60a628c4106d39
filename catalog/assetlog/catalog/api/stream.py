"""The log as server-sent events: exact resume, each event once, and no queue per reader.

A reader is nothing but a position: it reads its next page from the projection, sends it, and goes on from
there; a slow one costs no memory, a lost one comes back with `Last-Event-ID`. Commits only wake it up.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator
from typing import Annotated

import msgspec
from litestar.handlers import HTTPRouteHandler
from msgspec import Meta, Struct

from assetlog.catalog.api.answer import StreamAnswer
from assetlog.catalog.api.events import TAG, type_of
from assetlog.catalog.api.parts import Parts, Plain, parts_of
from assetlog.catalog.api.reading import as_of, position_of
from assetlog.catalog.api.route import read
from assetlog.schemas.keys import canonical_key
from assetlog.schemas.positions import START, parse_position
from assetlog.schemas.shapes import EventShape

PAGE = 200
RETRY_MS = 1000
HEADERS = {
    "Content-Type": "text/event-stream; charset=utf-8",
    "Cache-Control": "no-store",
    "X-Accel-Buffering": "no",
}
HEARTBEAT = b": still here\n\n"

_encode = msgspec.json.Encoder().encode


class Followed(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Which events to follow, and from where."""

    after: Annotated[
        str | None,
        Meta(description="Begin behind this position or time; unless given, with what comes next. Last-Event-ID wins."),
    ] = None
    type: Annotated[str | None, Meta(description="Only events of this type, or of a family such as `asset.*`.")] = None
    asset: Annotated[str | None, Meta(description="Only events about the asset of this key.")] = None
    run: Annotated[str | None, Meta(description="Only events of the run of this id.")] = None


@read("/v1/events/stream", Followed, None, tag=TAG, content_type="text/event-stream")
async def stream_events(request: Plain, query: Followed) -> StreamAnswer:
    """The log as server-sent events, live once it has caught up.

    Each message has the position as its id, the event's type, and `{"position", "event"}` as its data.
    Reconnecting with `Last-Event-ID` (or `?after=`) goes on exactly behind that event. A comment comes every 15 s.
    """
    parts = parts_of(request)
    filters = {
        "type": query.type,
        "asset": canonical_key(query.asset) if query.asset else None,
        "run": query.run,
    }
    after = await _beginning(request, parts, query.after)
    return StreamAnswer(_messages(parts, after, filters), HEADERS)


async def _beginning(request: Plain, parts: Parts, after: str | None) -> int:
    last = request.headers.get("last-event-id")
    if last:
        return position_of(last, "Last-Event-ID") or START
    if after is None:
        return parts.projector.position
    if ":" in after:
        return await as_of(parts, after)
    return position_of(after, "after") or START


async def _messages(parts: Parts, after: int, filters: dict[str, str | None]) -> AsyncGenerator[bytes, None]:
    parts.metrics.streams.inc()
    try:
        yield b"retry: %d\n\n" % RETRY_MS
        while parts.welcome and not parts.stopping.is_set():
            at = parts.projector.position
            page = await _page(parts, after, at, filters) if at > after else []
            if page:
                yield b"".join(map(message, page))
                after = parse_position(page[-1].position)
            # a full page may have more behind it; else everything up to `at` is seen, whether it matched or not
            after = max(after, at) if len(page) < PAGE else after
            if len(page) < PAGE and not await _news(parts, after):
                yield HEARTBEAT
    finally:
        parts.metrics.streams.dec()


async def _page(parts: Parts, after: int, at: int, filters: dict[str, str | None]) -> list[EventShape]:
    page = await parts.ask(parts.reader.events, at=at, after=after, order="asc", limit=PAGE, **filters)
    return page.items


async def _news(parts: Parts, after: int) -> bool:
    """Wait until something is folded behind a position or the node stops; False when it is time for a heartbeat."""
    commit = asyncio.ensure_future(parts.projector.wait_for(after + 1, parts.settings.heartbeat_seconds))
    stop = asyncio.ensure_future(parts.stopping.wait())
    try:
        await asyncio.wait((commit, stop), return_when=asyncio.FIRST_COMPLETED)
        return stop.done() or (commit.done() and commit.result())
    finally:
        commit.cancel()
        stop.cancel()


def message(item: EventShape) -> bytes:
    r"""One event as a message. Line breaks between its JSON tokens become several data lines.

    >>> from msgspec import Raw
    >>> message(EventShape(position="1-0", event=Raw(b'{"type":"t"}')))
    b'id: 1-0\nevent: t\ndata: {"position":"1-0","event":{"type":"t"}}\n\n'
    """
    data = _encode(item).replace(b"\r\n", b"\n").replace(b"\r", b"\n").replace(b"\n", b"\ndata: ")
    return b"id: %s\nevent: %s\ndata: %s\n\n" % (item.position.encode(), type_of(item.event).encode(), data)


HANDLERS: list[HTTPRouteHandler] = [stream_events]
