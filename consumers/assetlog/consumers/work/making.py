"""The events of the assets that a function made, or failed to make."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from msgspec import Struct

from assetlog.consumers.declare.outlets import OutletEvents
from assetlog.producers.values import check_metadata, error_text, metadata_raw, traceback_text
from assetlog.schemas.asset import Asset
from assetlog.schemas.codec import decode, encode
from assetlog.schemas.conditions import AssetAlias
from assetlog.schemas.events.asset import AliasResolved, AssetFailed, AssetMaterialized
from assetlog.schemas.events.common import Data, RunRef
from assetlog.schemas.secrets import redact


class Making(Struct, frozen=True, kw_only=True):
    """What all events of one function, or of one task, have in common."""

    source: str
    redact: bool
    run: RunRef
    upstream: tuple[str, ...]
    partition: str | None
    duration: float

    def materialized(self, outlets: OutletEvents) -> list[bytes]:
        """The events of what it made; of an alias, what it stands for comes first.

        Raises:
            Invalid: the facts about an asset are no mapping, or too large.
        """
        events: list[bytes] = []
        for event in outlets.values():
            if isinstance(event.outlet, AssetAlias):
                for asset, extra in event.added:
                    events.append(self._event("alias.resolved", event.outlet.name, self._resolved(asset)))
                    events.append(self._made(asset, extra, self.partition))
            else:
                partitions: Sequence[str | None] = event.partitions or [self.partition]
                events += [self._made(event.outlet, event.extra, partition) for partition in partitions]
        return events

    def failed(self, outlets: Sequence[Any], error: BaseException) -> list[bytes]:
        """The events of what it was to make."""
        return [
            self._event(
                "asset.failed",
                asset.key,
                AssetFailed(
                    error=error_text(error),
                    traceback=traceback_text(error),
                    upstream=self._upstream_of(asset),
                    run=self.run,
                    partition=self.partition,
                    duration=self.duration,
                ),
            )
            for asset in outlets
            if isinstance(asset, Asset)
        ]

    def _made(self, asset: Asset, extra: Mapping[str, Any], partition: str | None) -> bytes:
        check_metadata(extra, "extra")
        made = AssetMaterialized(
            upstream=self._upstream_of(asset),
            run=self.run,
            partition=partition,
            metadata=metadata_raw(extra),
            duration=self.duration,
        )
        return self._event("asset.materialized", asset.key, made)

    def _resolved(self, asset: Asset) -> AliasResolved:
        return AliasResolved(asset=asset.key, run=self.run)

    def _upstream_of(self, asset: Asset) -> tuple[str, ...]:
        return tuple(key for key in self.upstream if key != asset.key)

    def _event(self, type_name: str, subject: str, data: Data) -> bytes:
        """An event that names its trigger as its cause, checked, and without what looks like a secret."""
        raw = encode(type_name, self.source, subject, data, causation_id=self.run.id)
        event = decode(raw)
        return redact(raw, event).raw if self.redact else raw
