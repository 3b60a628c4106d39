"""What happens to assets. The event's `subject` is the asset's key."""

from __future__ import annotations

from typing import Literal

from msgspec import Raw

from assetlog.schemas.events.common import (
    EMPTY,
    NOTHING,
    Column,
    ColumnRef,
    Data,
    Freshness,
    Name,
    RunRef,
    Seconds,
    Text,
)


class AssetMaterialized(Data, frozen=True, kw_only=True):
    """The asset was written."""

    upstream: tuple[Name, ...] = ()
    """Keys of the assets it was made from."""
    run: RunRef | None = None
    partition: Name | None = None
    """The part that was written, e.g. `2026-11-21`; None for the whole asset."""
    metadata: Raw = EMPTY
    """Facts about this materialization: any JSON object."""
    code_version: Name | None = None
    """The version of the code that wrote it, e.g. a git commit."""
    by: Name | None = None
    """The tool that wrote it, e.g. `dbt`."""
    duration: Seconds | None = None
    """How long the writing took, in seconds."""
    column_lineage: dict[str, tuple[ColumnRef, ...]] = {}
    """For each of its columns, the upstream columns it was made from."""


class AssetFailed(Data, frozen=True, kw_only=True):
    """A materialization failed. The asset itself is as it was."""

    error: Text
    """What went wrong, e.g. `ValueError: no rows`."""
    traceback: Text | None = None
    upstream: tuple[Name, ...] = ()
    """Keys of the assets it would have been made from."""
    run: RunRef | None = None
    partition: Name | None = None
    metadata: Raw = EMPTY
    """Facts gathered before the failure: any JSON object."""
    code_version: Name | None = None
    by: Name | None = None
    duration: Seconds | None = None
    """How long it ran before it failed, in seconds."""


class AssetObserved(Data, frozen=True, kw_only=True):
    """The asset was seen as it is; nothing was written."""

    run: RunRef | None = None
    partition: Name | None = None
    metadata: Raw = EMPTY
    """What was seen: any JSON object."""
    by: Name | None = None
    data_version: Name | None = None
    """A fingerprint of the content, where one is known."""


class AssetReferenced(Data, frozen=True, kw_only=True):
    """The asset was read by a run that names nothing it made from it."""

    run: RunRef | None = None
    by: Name | None = None
    metadata: Raw = EMPTY


class AssetChecked(Data, frozen=True, kw_only=True):
    """The asset was tested."""

    check: Name
    """The check's name; the newest result of each name counts."""
    passed: bool
    severity: Literal["warn", "error"] = "error"
    """Whether a failing result spoils the asset's state (`error`) or only shows (`warn`)."""
    description: Text | None = None
    run: RunRef | None = None
    partition: Name | None = None
    metadata: Raw = EMPTY
    by: Name | None = None


class AssetOverdue(Data, frozen=True, kw_only=True):
    """The asset's freshness policy was breached at the event's time."""

    reason: Text
    """Which policy was breached, in words."""
    due: str | None = None
    """When a materialization was due (RFC 3339)."""
    partition: Name | None = None


class AssetDescribed(Data, frozen=True, kw_only=True):
    """Something is now known about the asset. A field that is left out keeps what was known before."""

    name: Name | None = None
    group: Name | None = None
    description: Text | None = None
    """Markdown."""
    owners: tuple[Name, ...] | None = None
    tags: dict[str, str] | None = None
    url: Name | None = None
    """Where people look at it."""
    kind: Name | None = None
    """What sort of thing it is: table, file, model, dashboard, topic, ..."""
    columns: tuple[Column, ...] | None = None
    extra: Raw = NOTHING
    """Any JSON object."""
    upstream: tuple[Name, ...] = ()
    """Keys of assets it is declared to be made from."""
    freshness: Freshness | None = None
    run: RunRef | None = None
    by: Name | None = None


class AssetRetired(Data, frozen=True, kw_only=True):
    """The asset is gone or no longer of interest; any later event of it brings it back."""

    reason: Text | None = None
    by: Name | None = None


class AssetAliased(Data, frozen=True, kw_only=True):
    """Two keys name one thing. Reading by either finds the subject; stored state is never merged."""

    alias: Name
    """The other key."""
    by: Name | None = None


class AliasResolved(Data, frozen=True, kw_only=True):
    """A run-time alias (Airflow's AssetAlias) stood for an asset. The `subject` is the alias's name."""

    asset: Name
    """The asset's key."""
    run: RunRef | None = None
