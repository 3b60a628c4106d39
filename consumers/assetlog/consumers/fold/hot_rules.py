"""What each event type changes in the assets in memory. The same rules as the rows and asset_state.sql."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

import msgspec
from msgspec import Raw

from assetlog.consumers.fold.rank import rank
from assetlog.consumers.fold.rows import naive, recorded
from assetlog.consumers.fold.sorted_list import insert
from assetlog.consumers.views.occurrences import occurrence
from assetlog.schemas.codec import Event
from assetlog.schemas.events.common import NOTHING
from assetlog.schemas.keys import canonical_key

if TYPE_CHECKING:
    from assetlog.consumers.fold.hot import HotAsset, HotAssets

Rule = Callable[["HotAssets", int, Event], None]


def _materialized(hot: HotAssets, position: int, event: Event) -> None:
    data: Any = event.data
    of = _rank(position, event)
    hot.note_rank(event.subject or "", of)
    asset = _active(hot, position, event)
    job = _job(event)
    if asset is not None:
        asset.shape.materializations += 1
        insert(asset.shape.produced_by, job)
        if data.partition is not None:
            asset.partitions.add(data.partition)
        if of > asset.materialized:
            asset.materialized = of
            asset.shape.last_materialization = occurrence(of, event)
    refs = (canonical_key(ref.asset) for refs in data.column_lineage.values() for ref in refs)
    for up in (*event.upstream, *refs):
        _link(hot, position, up, event.subject or "", job)


def _failed(hot: HotAssets, position: int, event: Event) -> None:
    asset = _active(hot, position, event)
    if asset is None:
        return
    data: Any = event.data
    asset.shape.failures += 1
    insert(asset.shape.produced_by, _job(event))
    if data.partition is not None:
        asset.partitions.add(data.partition)
    of = _rank(position, event)
    if of > asset.failed:
        asset.failed = of
        asset.shape.last_failure = occurrence(of, event)


def _observed(hot: HotAssets, position: int, event: Event) -> None:
    asset = _active(hot, position, event)
    if asset is not None:
        asset.shape.observations += 1


def _referenced(hot: HotAssets, position: int, event: Event) -> None:
    asset = _active(hot, position, event)
    if asset is not None:
        insert(asset.shape.consumed_by, _job(event))


def _checked(hot: HotAssets, position: int, event: Event) -> None:
    asset = _active(hot, position, event)
    if asset is not None:
        data: Any = event.data
        asset.checks[data.check, data.partition] = not data.passed and data.severity == "error"


def _described(hot: HotAssets, position: int, event: Event) -> None:
    asset = _active(hot, position, event)
    data: Any = event.data
    if asset is not None:
        for field, value in _told(data).items():
            setattr(asset.shape, field, value)
    for up in event.upstream:
        _link(hot, position, up, event.subject or "", _job(event))


def _told(data: Any) -> Mapping[str, Any]:
    """The fields of the answer that a description sets; empty text takes a text away."""
    texts = ("name", "group", "kind", "description", "url")
    told: dict[str, Any] = {field: getattr(data, field) or None for field in texts if getattr(data, field) is not None}
    if data.owners is not None:
        told["owners"] = list(data.owners)
    if data.tags is not None:
        told["tags"] = dict(data.tags)
    for field in ("columns", "freshness"):
        if getattr(data, field) is not None:
            told[field] = Raw(msgspec.json.encode(getattr(data, field)))
    if data.extra != NOTHING:
        told["extra"] = data.extra.copy()
    return told


def _overdue(hot: HotAssets, position: int, event: Event) -> None:
    asset = _active(hot, position, event)
    if asset is not None:
        asset.overdue_pos = position


def _retired(hot: HotAssets, position: int, event: Event) -> None:
    asset = hot.find(event.subject or "", position)
    if asset is not None:
        asset.retired_pos = position


def _aliased(hot: HotAssets, _position: int, _event: Event) -> None:
    hot.forget_all()


def _mentions(hot: HotAssets, position: int, event: Event) -> None:
    """Events that only name an asset: it may be met here for the first time."""
    if event.other is not None:
        hot.find(event.other, position)


def _active(hot: HotAssets, position: int, event: Event) -> HotAsset | None:
    asset = hot.find(event.subject or "", position)
    if asset is not None:
        asset.active_pos = position
    return asset


def _link(hot: HotAssets, position: int, up: str, down: str, job: str | None) -> None:
    upstream, downstream = hot.find(up, position), hot.find(down, position)
    up_key, down_key = hot.root_key(up), hot.root_key(down)
    if upstream is not None:
        insert(upstream.shape.consumed_by, job)
    if up_key == down_key:
        return
    if upstream is not None:
        insert(upstream.shape.downstream, down_key)
    if downstream is not None:
        insert(downstream.shape.upstream, up_key)
        downstream.upstream[up_key] = hot.number(up_key)


def _rank(position: int, event: Event) -> int:
    return rank(naive(event.time) if event.time is not None else recorded(position), position)


def _job(event: Event) -> str | None:
    reference = getattr(event.data, "run", None)
    return None if reference is None else reference.job


RULES: dict[str, Rule] = {
    "asset.materialized": _materialized,
    "asset.failed": _failed,
    "asset.observed": _observed,
    "asset.referenced": _referenced,
    "asset.checked": _checked,
    "asset.overdue": _overdue,
    "asset.described": _described,
    "asset.retired": _retired,
    "asset.aliased": _aliased,
    "alias.resolved": _mentions,
    "artifact.created": _mentions,
}
