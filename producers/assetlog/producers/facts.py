"""Saying what happened to an asset by a plain call, for code that no decorator fits."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, Literal

from assetlog.producers.emitter import default_emitter
from assetlog.producers.values import check_metadata, metadata_raw
from assetlog.schemas.asset import Asset, asset_key
from assetlog.schemas.events.asset import AssetChecked, AssetMaterialized, AssetObserved
from assetlog.schemas.events.common import Data


def materialized(
    asset: Asset | str,
    metadata: Mapping[str, Any] | None = None,
    *,
    upstream: Iterable[Asset | str] = (),
    partition: str | None = None,
    by: str | None = None,
    code_version: str | None = None,
    duration: float | None = None,
) -> str:
    """The asset was written. Returns the event's id.

    Args:
        metadata: facts about this materialization.
        upstream: the assets it was made from.
        partition: the part that was written.
        by: the tool that wrote it.
        duration: seconds it took.

    Raises:
        Invalid: a key or a value breaks its rule.
    """
    data = AssetMaterialized(
        upstream=tuple(asset_key(each) for each in upstream),
        metadata=_raw(metadata),
        partition=partition,
        by=by,
        code_version=code_version,
        duration=duration,
    )
    return _say("asset.materialized", asset, data)


def observe(
    asset: Asset | str,
    metadata: Mapping[str, Any] | None = None,
    *,
    partition: str | None = None,
    data_version: str | None = None,
    by: str | None = None,
) -> str:
    """The asset was seen as it is; nothing was written. Returns the event's id.

    Raises:
        Invalid: a key or a value breaks its rule.

    >>> len(observe("s3://lake/orders", {"rows": 1024}))  # doctest: +SKIP
    36
    """
    data = AssetObserved(metadata=_raw(metadata), partition=partition, data_version=data_version, by=by)
    return _say("asset.observed", asset, data)


def check(
    asset: Asset | str,
    name: str,
    passed: bool,
    severity: Literal["warn", "error"] = "error",
    metadata: Mapping[str, Any] | None = None,
    *,
    description: str | None = None,
    partition: str | None = None,
    by: str | None = None,
) -> bool:
    """The asset was tested. Returns `passed`, so that a caller can act on it.

    Args:
        name: the check's name; the newest result of each name counts.
        severity: whether a failing result spoils the asset's state (`error`) or only shows (`warn`).

    Raises:
        Invalid: a key or a value breaks its rule.
    """
    data = AssetChecked(
        check=name,
        passed=bool(passed),
        severity=severity,
        metadata=_raw(metadata),
        description=description,
        partition=partition,
        by=by,
    )
    _say("asset.checked", asset, data)
    return bool(passed)


def _say(event_type: str, asset: Asset | str, data: Data) -> str:
    emitter = default_emitter()
    if isinstance(asset, Asset):
        emitter.describe(asset)
    return emitter.emit(event_type, asset, data)


def _raw(metadata: Mapping[str, Any] | None) -> Any:
    check_metadata(metadata if metadata is not None else {})
    return metadata_raw(metadata)
