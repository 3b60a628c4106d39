"""Assets: one, many, their tree, and what belongs to one."""

from __future__ import annotations

from typing import Annotated, Literal

from litestar.handlers import HTTPRouteHandler
from msgspec import Meta

from assetlog.catalog.api.answer import Answer
from assetlog.catalog.api.parts import Plain, parts_of
from assetlog.catalog.api.query import AsOf, Listed
from assetlog.catalog.api.reading import (
    answer_list,
    answer_page,
    found,
    has_answer,
    moment,
    needed,
    not_modified,
    position_of,
    tag_of,
)
from assetlog.catalog.api.route import read
from assetlog.schemas.keys import canonical_key
from assetlog.schemas.positions import START
from assetlog.schemas.shapes import Artifact, Asset, AssetHealth, Check, EventShape, Page, Partition, TreeNode

TAG = "assets"

Sort = Literal["key", "last_materialization", "materializations", "failures", "first_seen"]
Key = Annotated[str, Meta(description="The asset's key; every spelling of it will do.")]


class Assets(Listed, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Which assets."""

    q: Annotated[str | None, Meta(description="Only assets with this text in key, name or description.")] = None
    prefix: Annotated[str | None, Meta(description="Only assets whose key begins so.")] = None
    scheme: Annotated[str | None, Meta(description="Only assets of this scheme, e.g. `s3`.")] = None
    group: Annotated[str | None, Meta(description="Only assets of this group.")] = None
    tag: Annotated[str | None, Meta(description="Only assets with this tag: `name` or `name=value`.")] = None
    owner: Annotated[str | None, Meta(description="Only assets of this owner.")] = None
    state: Annotated[AssetHealth | None, Meta(description="Only assets in this state.")] = None
    sort: Annotated[Sort, Meta(description="The order of the list: by key, or the greatest first.")] = "key"
    retired: Annotated[bool, Meta(description="Retired assets, too.")] = False


class OneAsset(AsOf, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Which asset."""

    key: Key


class OfAsset(Listed, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What belongs to one asset."""

    key: Key


class AssetEvents(OfAsset, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Which events of an asset."""

    after: Annotated[str | None, Meta(description="Only events behind this position.")] = None
    before: Annotated[str | None, Meta(description="Only events before this position.")] = None
    type: Annotated[str | None, Meta(description="Only events of this type.")] = None
    order: Annotated[Literal["asc", "desc"], Meta(description="Oldest or newest first.")] = "desc"


class Below(AsOf, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Where in the tree of keys."""

    prefix: Annotated[str, Meta(description="The step to look below; empty for the schemes.")] = ""


@read("/v1/assets", Assets, Page[Asset], tag=TAG)
async def list_assets(request: Plain, query: Assets) -> Answer:
    """Assets that match all that is asked for."""
    return await answer_page(
        request,
        query,
        parts_of(request).reader.assets,
        q=query.q,
        prefix=query.prefix,
        scheme=query.scheme,
        group=query.group,
        tag=query.tag,
        owner=query.owner,
        state=query.state,
        sort=query.sort,
        retired=query.retired,
    )


@read("/v1/asset", OneAsset, Asset, tag=TAG, problems=(400, 404, 503))
async def get_asset(request: Plain, query: OneAsset) -> Answer:
    """One asset, now or as of a moment."""
    key = canonical_key(query.key)
    parts = parts_of(request)
    at = await moment(parts, query)
    tag = tag_of(request, parts, at)
    if has_answer(request, tag):
        return not_modified(at, tag)
    asset = parts.memory.asset(key) if query.as_of is None and parts.memory is not None else None
    if asset is None:
        asset = needed(await parts.ask(parts.reader.asset, key, at), "asset", "key", key)
    return found(asset, at, tag)


@read("/v1/asset/events", AssetEvents, Page[EventShape], tag=TAG)
async def list_asset_events(request: Plain, query: AssetEvents) -> Answer:
    """The events about one asset, newest first."""
    return await answer_page(
        request,
        query,
        parts_of(request).reader.events,
        asset=canonical_key(query.key),
        after=position_of(query.after, "after") or START,
        before=position_of(query.before, "before"),
        type=query.type,
        order=query.order,
    )


@read("/v1/asset/partitions", OfAsset, Page[Partition], tag=TAG)
async def list_partitions(request: Plain, query: OfAsset) -> Answer:
    """The partitions of one asset."""
    return await answer_page(request, query, parts_of(request).reader.partitions, key=canonical_key(query.key))


@read("/v1/asset/checks", OfAsset, Page[Check], tag=TAG)
async def list_checks(request: Plain, query: OfAsset) -> Answer:
    """The newest result of each check of one asset."""
    return await answer_page(request, query, parts_of(request).reader.checks, key=canonical_key(query.key))


@read("/v1/asset/artifacts", OfAsset, Page[Artifact], tag=TAG)
async def list_asset_artifacts(request: Plain, query: OfAsset) -> Answer:
    """The artifacts about one asset, each in its newest version."""
    return await answer_page(request, query, parts_of(request).reader.artifacts, asset=canonical_key(query.key))


@read("/v1/tree", Below, Page[TreeNode], tag=TAG)
async def list_tree(request: Plain, query: Below) -> Answer:
    """The next steps of the tree of keys: schemes, then path segments."""
    return await answer_list(request, query, parts_of(request).reader.tree, prefix=query.prefix)


HANDLERS: list[HTTPRouteHandler] = [
    list_assets,
    get_asset,
    list_asset_events,
    list_partitions,
    list_checks,
    list_asset_artifacts,
    list_tree,
]
