"""What the fold could not take, and what changed between two moments."""

from __future__ import annotations

from typing import Annotated

from litestar.handlers import HTTPRouteHandler
from msgspec import Meta, Struct

from assetlog.catalog.api.answer import Answer
from assetlog.catalog.api.parts import Plain, parts_of
from assetlog.catalog.api.query import Cursor, Listed, Nothing
from assetlog.catalog.api.reading import answer_page, as_of, encode
from assetlog.catalog.api.route import read
from assetlog.consumers.fold.digest import committed_digest
from assetlog.schemas.positions import format_position
from assetlog.schemas.shapes import Diff, Page, Quarantined, Shape

TAG = "audit"


class Between(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, rename={"from_": "from"}):
    """Which two moments."""

    from_: Annotated[str, Meta(description="The earlier moment: a time (RFC 3339) or a position.")]
    to: Annotated[str | None, Meta(description="The later moment; now unless given.")] = None
    limit: Annotated[int, Meta(ge=1, le=1000, description="Most items to answer.")] = 100
    cursor: Annotated[Cursor | None, Meta(description="`next` of the part before.")] = None


class Digest(Shape, kw_only=True):
    """What the node has folded, in one number; comparable between nodes of one version of assetlog and DuckDB."""

    position: str
    digest: str
    """32 hex digits."""


@read("/v1/quarantine", Listed, Page[Quarantined], tag=TAG)
async def list_quarantine(request: Plain, query: Listed) -> Answer:
    """Events that the fold could not take, each with its reason."""
    return await answer_page(request, query, parts_of(request).reader.quarantine)


@read("/v1/diff", Between, Diff, tag=TAG)
async def get_diff(request: Plain, query: Between) -> Answer:
    """What changed between two moments."""
    parts = parts_of(request)
    start = await as_of(parts, query.from_, "from")
    end = None if query.to is None else format_position(await as_of(parts, query.to, "to"))
    moment = Listed(as_of=end, limit=query.limit, cursor=query.cursor)

    def diff(at: int, limit: int, cursor: str | None) -> Diff:
        answer: Diff = parts.reader.diff(start, at, limit=limit, cursor=cursor)
        return answer

    return await answer_page(request, moment, diff)


@read("/v1/log/digest", Nothing, Digest, tag=TAG, problems=(503,))
async def get_digest(request: Plain, _: Nothing) -> Answer:
    """One number for everything the node has folded: nodes at the same position answer the same."""
    parts = parts_of(request)
    position, digest = await parts.ask(lambda: committed_digest(parts.reader.cursor))
    shown = Digest(position=format_position(position), digest=digest)
    return Answer(encode(shown), headers={"Cache-Control": "no-store", "Assetlog-Position": shown.position})


HANDLERS: list[HTTPRouteHandler] = [list_quarantine, get_diff, get_digest]
