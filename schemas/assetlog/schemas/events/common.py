"""Parts that several events share."""

from __future__ import annotations

from typing import Annotated

from msgspec import Meta, Raw, Struct

Name = Annotated[str, Meta(min_length=1, max_length=1500)]
"""A job, check, consumer or group name, a run id, a partition: 1 to 1,500 characters."""

Text = Annotated[str, Meta(max_length=65_536)]
"""Prose for people: at most 65,536 characters."""

Seconds = Annotated[float, Meta(ge=0)]

KEY_START = "^([A-Za-z0-9][A-Za-z0-9+.-]*://|[Ff][Ii][Ll][Ee]:/)"

# The JSON Schemas say what they can of these; the whole rule is in the decoder (see meaning.py).
Key = Annotated[str, Meta(min_length=1, max_length=1500, title="asset key", extra_json_schema={"pattern": KEY_START})]
"""An asset's key: a URI such as `s3://lake/orders.parquet`."""

Time = Annotated[str, Meta(title="time", extra_json_schema={"format": "date-time"})]
"""RFC 3339 with a zone and at most microseconds, e.g. `2026-11-21T17:52:50.910608Z`."""

Position = Annotated[str, Meta(title="position", extra_json_schema={"pattern": "^[0-9]+(-[0-9]+)?$"})]
"""Where an event stands in the log, e.g. `1763747570910-0`."""

Object = Annotated[Raw, Meta(title="JSON object", extra_json_schema={"type": "object"})]
"""Any JSON object, kept as the text it came in."""

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
    """The column's name."""
    type: Name | None = None
    """The type in the asset's own system, e.g. `decimal(18,2)`."""
    description: Text | None = None
    """What it holds."""


class ColumnRef(Data, frozen=True, kw_only=True):
    """A column of another asset."""

    asset: Key
    """The asset's key."""
    column: Name
    """The column's name there."""


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

    key: Key
    """The asset's key."""
    partition: Name | None = None
    """The partition of the events; None for those without one."""
    after: Position
    """The position before the range."""
    up_to: Position
    """The range's last position."""
    count: Annotated[int, Meta(ge=1)]
    """How many events lie in the range."""
