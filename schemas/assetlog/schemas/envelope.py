"""An event around its data: the attributes as they are sent, and the event as it is decoded."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated

from msgspec import Meta, Raw, Struct

from assetlog.schemas.events.common import EMPTY, Data


class Envelope(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, omit_defaults=True, gc=False):
    """The CloudEvents attributes, and the extensions assetlog knows."""

    specversion: str
    """The version of CloudEvents: `1.0`."""
    id: Annotated[str, Meta(min_length=1, max_length=512)]
    """Together with `source` it names the event for ever: the same two again are a duplicate. Best a UUIDv7."""
    source: Annotated[str, Meta(min_length=1, max_length=1500)]
    """What emits, as a URI reference, e.g. `airflow://prod/orders_dag/load`."""
    type: Annotated[str, Meta(min_length=1, max_length=255)]
    """What happened, e.g. `asset.materialized`."""
    subject: Annotated[str, Meta(min_length=1, max_length=4096)] | None = None
    """What it happened to: each type says what that is."""
    time: str | None = None
    """When it happened, by the clock of what emits: RFC 3339 with a zone and at most microseconds."""
    datacontenttype: str | None = None
    """The media type of `data`: JSON, so `application/json` where it is given."""
    dataschema: str | None = None
    """A URI of the data's schema; kept, not used."""
    dataversion: Annotated[int, Meta(ge=1, le=1_000_000)] = 1
    """The version of the type's data."""
    causationid: str | None = None
    """The id of the trigger this event comes from."""
    traceparent: str | None = None
    """The W3C trace it belongs to."""
    tracestate: str | None = None
    """More about that trace."""
    data: Raw = EMPTY
    """What the type says."""


class Event(Struct, frozen=True, gc=False):
    """A decoded event: keys canonical, time in UTC, data in the newest shape."""

    id: str
    source: str
    type: str
    subject: str | None
    time: datetime | None
    """When it happened, by its producer's clock; None where it does not say."""
    version: int
    data: Data | None
    """None for a version newer than this assetlog knows: kept, counted, skipped."""
    upstream: tuple[str, ...] = ()
    """Canonical keys of the upstream assets."""
    other: str | None = None
    """The canonical key of the second asset it names: an alias, or what an artifact is about."""
    causation_id: str | None = None
