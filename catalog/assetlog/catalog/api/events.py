"""Events in, events out."""

from __future__ import annotations

from typing import Annotated, Literal

import msgspec
from litestar.handlers import HTTPRouteHandler
from msgspec import Meta, Raw

from assetlog.catalog.api.answer import Answer
from assetlog.catalog.api.body import read_body
from assetlog.catalog.api.metrics import stopwatch
from assetlog.catalog.api.parts import Parts, Plain, parts_of
from assetlog.catalog.api.query import Listed, Waiting
from assetlog.catalog.api.reading import answer_page, position_of
from assetlog.catalog.api.receipts import receipt, wait_folded
from assetlog.catalog.api.route import Body, Spec, read, write
from assetlog.catalog.api.split import FORMS, form_of, split_body
from assetlog.catalog.intake import Judged
from assetlog.schemas.keys import canonical_key
from assetlog.schemas.positions import START
from assetlog.schemas.shapes import EventShape, Page, Receipt

TAG = "events"


class Events(Listed, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Which events."""

    after: Annotated[str | None, Meta(description="Only events behind this position.")] = None
    before: Annotated[str | None, Meta(description="Only events before this position.")] = None
    type: Annotated[str | None, Meta(description="Only events of this type, or of a family such as `asset.*`.")] = None
    asset: Annotated[str | None, Meta(description="Only events about the asset of this key.")] = None
    run: Annotated[str | None, Meta(description="Only events of the run of this id.")] = None
    order: Annotated[Literal["asc", "desc"], Meta(description="Oldest or newest first.")] = "asc"


@write(
    "/v1/events",
    Spec(
        TAG,
        Waiting,
        Receipt,
        status=201,
        body=Body(tuple(FORMS), Raw, "One CloudEvent, an array of them, or one a line."),
        statuses={202: Receipt, 207: Receipt},
        problems=(400, 403, 409, 413, 415, 422, 503),
        scopes=("events:write",),
    ),
)
async def post_events(request: Plain, query: Waiting) -> Answer:
    """Append events: one CloudEvent, a JSON array, or NDJSON.

    The accepted bytes are stored as they came, except that secrets in metadata, errors and other free texts are
    struck out first; `redacted` says how many. Good events of a request are taken although others are bad:
    201 all taken, 207 some, 400 none (one bad event alone gets its own status: 422 unknown type, 403 reserved,
    409 id-conflict, 413 too large). `?wait=folded` answers when they are visible; after 5 s with 202 instead.
    """
    parts = parts_of(request)
    form = form_of(request.headers.get("content-type", ""))
    body = await read_body(request, parts.settings.max_body_bytes)
    raws = split_body(body, form, parts.settings.max_batch_events)
    judged = await take(parts, raws)
    return await receipt(parts, judged, await wait_folded(parts, judged, query.wait))


async def take(parts: Parts, raws: list[bytes]) -> list[Judged]:
    """Take events in, and count what came of it."""
    check = None
    if parts.caller is not None:
        parts.caller.events.take(len(raws))
        check = parts.caller.check_write if parts.caller.token.prefixes else None
    elapsed = stopwatch()
    judged = await parts.intake.take(raws, check)
    parts.metrics.append_seconds.observe(elapsed())
    rejected = sum(each.error is not None for each in judged)
    duplicates = sum(each.duplicate and each.error is None for each in judged)
    parts.metrics.rejected.inc(rejected)
    parts.metrics.duplicate.inc(duplicates)
    parts.metrics.accepted.inc(len(judged) - rejected - duplicates)
    return judged


@read("/v1/events", Events, Page[EventShape], tag=TAG)
async def list_events(request: Plain, query: Events) -> Answer:
    """The log: each event once, as it was accepted."""
    return await answer_page(
        request,
        query,
        parts_of(request).reader.events,
        after=position_of(query.after, "after") or START,
        before=position_of(query.before, "before"),
        type=query.type,
        asset=canonical_key(query.asset) if query.asset else None,
        run=query.run,
        order=query.order,
    )


def type_of(event: Raw) -> str:
    """The type of an accepted event; `gone` for one whose bytes the log no longer holds."""
    return "gone" if bytes(event) == b"null" else _typed.decode(event).type


class _Typed(msgspec.Struct, frozen=True):
    type: str


_typed = msgspec.json.Decoder(_Typed)

HANDLERS: list[HTTPRouteHandler] = [post_events, list_events]
