"""Telling the catalog what a module declares."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any
from urllib.parse import quote

import msgspec

from assetlog.consumers.declare.declaration import Declaration
from assetlog.consumers.work.names import Names
from assetlog.consumers.work.sources import Node, Sources
from assetlog.producers.values import metadata_raw
from assetlog.schemas import shapes
from assetlog.schemas.asset import Asset
from assetlog.schemas.codec import decode, encode
from assetlog.schemas.events.asset import AssetDescribed
from assetlog.schemas.scheduling_shapes import Consumer

_COMPARED = ("name", "group", "kind", "description", "url", "owners", "tags", "columns", "extra", "freshness")


def register(declared: Iterable[Declaration], pool: str, node: Node, names: Names, *, replace: bool) -> list[Consumer]:
    """Register consumers; one that is known as it is stays as it is.

    Args:
        pool: the workers' pool of those that name none.
        replace: take names over from other modules.

    Raises:
        Conflict: another module declares a consumer of one of the names.
        Unavailable: the node cannot be reached.
    """
    told = []
    for each in declared:
        body = each.registration(pool, tuple(asset.key for asset in names.inlets(each)))
        path = f"/v1/consumers/{quote(each.name, safe='')}"
        told.append(node.put(path, body, Consumer, replace="true" if replace else None))
    return told


def descriptions(declared: Iterable[Declaration], sources: Sources, names: Names, source: str) -> list[bytes]:
    """The events that say of assets what the catalog does not know yet: name, group, what they are made from."""
    found: dict[str, bytes] = {}
    for each in declared:
        upstream = [asset.key for asset in names.inlets(each)]
        for made in each.outlets:
            if isinstance(made, Asset) and made.key not in found:
                event = _description(made, upstream, sources.asset(made.key), source)
                found |= {} if event is None else {made.key: event}
    return list(found.values())


def _description(asset: Asset, upstream: Sequence[str], known: shapes.Asset | None, source: str) -> bytes | None:
    told = asset.properties.known()
    upstream = [key for key in upstream if key != asset.key]
    if known is not None and _says(known, told) and set(upstream) <= set(known.upstream):
        return None
    if not told and not upstream:
        return None
    if "extra" in told:
        told["extra"] = metadata_raw(told["extra"])
    raw = encode("asset.described", source, asset.key, AssetDescribed(**told, upstream=tuple(upstream)))
    decode(raw)
    return raw


def _says(known: shapes.Asset, told: Mapping[str, Any]) -> bool:
    """Whether the catalog knows all of this already."""
    fields = {name: value for name, value in told.items() if name in _COMPARED}
    return all(_plain(getattr(known, name)) == _plain(value) for name, value in fields.items())


def _plain(value: Any) -> Any:
    return msgspec.json.decode(msgspec.json.encode(value))
