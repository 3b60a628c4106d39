"""Groups of assets, and the run-time aliases that stood for some."""

from __future__ import annotations

from litestar.handlers import HTTPRouteHandler

from assetlog.catalog.api.answer import Answer
from assetlog.catalog.api.parts import Plain, parts_of
from assetlog.catalog.api.query import Listed
from assetlog.catalog.api.reading import answer_page
from assetlog.catalog.api.route import read
from assetlog.schemas.shapes import Alias, Group, Page

TAG = "assets"


@read("/v1/groups", Listed, Page[Group], tag=TAG)
async def list_groups(request: Plain, query: Listed) -> Answer:
    """The groups of assets."""
    return await answer_page(request, query, parts_of(request).reader.groups)


@read("/v1/aliases", Listed, Page[Alias], tag=TAG)
async def list_aliases(request: Plain, query: Listed) -> Answer:
    """Run-time aliases and the assets they stood for."""
    return await answer_page(request, query, parts_of(request).reader.aliases)


HANDLERS: list[HTTPRouteHandler] = [list_groups, list_aliases]
