"""Parts that several events share."""

from __future__ import annotations

from typing import Annotated

from msgspec import Meta, Raw, Struct

Name = Annotated[str, Meta(min_length=1, max_length=1500)]
"""A job, check, consumer or group name, a run id, a partition: 1 to 1,500 characters."""

Text = Annotated[str, Meta(max_length=65_536)]
"""Prose for people: at most 65,536 characters."""

Seconds = Annotated[float, Meta(ge=0)]

EMPTY = Raw(b"{}")
"""An empty JSON object: no metadata."""

NOTHING = Raw(b"null")
"""No JSON was sent, or null. Compare with ``==``."""


class Data(Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True, gc=False):
    """What an event says. Unknown fields are refused: a misspelt `upstreams` would lose lineage in silence."""


class RunRef(Data, frozen=True, kw_only=True):
    """The run an event comes from."""

    id: Name
    """The run's id, as its runtime gave it."""
    job: Name | None = None
    """What was executed: a flow, a DAG's task, a dbt model, a shell command."""


class Column(Data, frozen=True, kw_only=True):
    """One column of a table-like asset."""

    name: Name
    type: Name | None = None
    """The type in the asset's own system, e.g. `decimal(18,2)`."""
    description: Text | None = None


class ColumnRef(Data, frozen=True, kw_only=True):
    """A column of another asset."""

    asset: Name
    """The asset's key."""
    column: Name


class Freshness(Data, frozen=True, kw_only=True):
    """How fresh an asset has to be."""

    max_age: Seconds | None = None
    """Longest time between two materializations, in seconds."""
    cron: Name | None = None
    """When it is due, as a cron expression."""
    time_zone: Name | None = None
    """The zone of the cron expression, e.g. `Europe/Berlin`; UTC unless given."""


class Consumed(Data, frozen=True, kw_only=True):
    """A range of one asset's events that a trigger consumed."""

    key: Name
    partition: Name | None = None
    after: str
    """The position before the range."""
    up_to: str
    """The range's last position."""
    count: Annotated[int, Meta(ge=1)]
