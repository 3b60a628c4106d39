"""What happens to assets. The event's `subject` is the asset's key."""

from __future__ import annotations

from typing import Literal

from assetlog.schemas.events.common import (
    EMPTY,
    NOTHING,
    Column,
    ColumnRef,
    Data,
    Freshness,
    Key,
    Name,
    Object,
    RunRef,
    Seconds,
    Text,
    Time,
)


class AssetMaterialized(Data, frozen=True, kw_only=True):
    """The asset was written."""

    upstream: tuple[Key, ...] = ()
    """Keys of the assets it was made from."""
    run: RunRef | None = None
    """The run it comes from."""
    partition: Name | None = None
    """The part that was written, e.g. `2026-11-21`; None for the whole asset."""
    metadata: Object = EMPTY
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
    """The full traceback."""
    upstream: tuple[Key, ...] = ()
    """Keys of the assets it would have been made from."""
    run: RunRef | None = None
    """The run it comes from."""
    partition: Name | None = None
    """The part it is about; None for the whole asset."""
    metadata: Object = EMPTY
    """Facts gathered before the failure: any JSON object."""
    code_version: Name | None = None
    """The version of the code that ran, e.g. a git commit."""
    by: Name | None = None
    """The tool or the person that says so."""
    duration: Seconds | None = None
    """How long it ran before it failed, in seconds."""


class AssetObserved(Data, frozen=True, kw_only=True):
    """The asset was seen as it is; nothing was written."""

    run: RunRef | None = None
    """The run it comes from."""
    partition: Name | None = None
    """The part it is about; None for the whole asset."""
    metadata: Object = EMPTY
    """What was seen: any JSON object."""
    by: Name | None = None
    """The tool or the person that says so."""
    data_version: Name | None = None
    """A fingerprint of the content, where one is known."""


class AssetReferenced(Data, frozen=True, kw_only=True):
    """The asset was read by a run that names nothing it made from it."""

    run: RunRef | None = None
    """The run it comes from."""
    by: Name | None = None
    """The tool or the person that says so."""
    metadata: Object = EMPTY
    """More facts: any JSON object."""


class AssetChecked(Data, frozen=True, kw_only=True):
    """The asset was tested."""

    check: Name
    """The check's name; the newest result of each name counts."""
    passed: bool
    """Whether the asset passed it."""
    severity: Literal["warn", "error"] = "error"
    """Whether a failing result spoils the asset's state (`error`) or only shows (`warn`)."""
    description: Text | None = None
    """What it tests, in words."""
    run: RunRef | None = None
    """The run it comes from."""
    partition: Name | None = None
    """The part it is about; None for the whole asset."""
    metadata: Object = EMPTY
    """More facts: any JSON object."""
    by: Name | None = None
    """The tool or the person that says so."""


class AssetOverdue(Data, frozen=True, kw_only=True):
    """The asset's freshness policy was breached at the event's time. Nodes tell it, once a breach."""

    reason: Text
    """Which policy was breached, in words."""
    due: Time | None = None
    """When a materialization was due (RFC 3339)."""
    partition: Name | None = None
    """The part it is about; None for the whole asset."""


class AssetDescribed(Data, frozen=True, kw_only=True):
    """Something is now known about the asset. A field that is left out keeps what was known before."""

    name: Name | None = None
    """What people call it."""
    group: Name | None = None
    """The group the catalog lists it in."""
    description: Text | None = None
    """Markdown."""
    owners: tuple[Name, ...] | None = None
    """Who answers for it: names or addresses."""
    tags: dict[str, str] | None = None
    """Words to find it by, each with a value, which may be empty."""
    url: Name | None = None
    """Where people look at it."""
    kind: Name | None = None
    """What sort of thing it is: table, file, model, dashboard, topic, ..."""
    columns: tuple[Column, ...] | None = None
    """Its columns, in order."""
    extra: Object = NOTHING
    """Any JSON object."""
    upstream: tuple[Key, ...] = ()
    """Keys of assets it is declared to be made from."""
    freshness: Freshness | None = None
    """How fresh it has to be."""
    run: RunRef | None = None
    """The run it comes from."""
    by: Name | None = None
    """The tool or the person that says so."""


class AssetRetired(Data, frozen=True, kw_only=True):
    """The asset is gone or no longer of interest; any later event of it but `asset.overdue` brings it back."""

    reason: Text | None = None
    """Why, in words."""
    by: Name | None = None
    """The tool or the person that says so."""


class AssetAliased(Data, frozen=True, kw_only=True):
    """Two keys name one thing. Reading by either finds the subject; stored state is never merged."""

    alias: Key
    """The other key."""
    by: Name | None = None
    """The tool or the person that says so."""


class AliasResolved(Data, frozen=True, kw_only=True):
    """A run-time alias (Airflow's AssetAlias) stood for an asset. The `subject` is the alias's name."""

    asset: Key
    """The asset's key."""
    run: RunRef | None = None
    """The run it comes from."""
