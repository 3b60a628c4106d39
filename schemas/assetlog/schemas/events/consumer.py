"""What is scheduled on assets. The event's `subject` is the consumer's name. Written by nodes and workers only."""

from __future__ import annotations

from typing import Annotated, Literal

from msgspec import Meta

from assetlog.schemas.events.common import EMPTY, Data, Key, Name, Object, Position, Seconds, Text, Time


class ConsumerRegistered(Data, frozen=True, kw_only=True):
    """A consumer was declared, or declared anew."""

    condition: Object
    """The condition tree, `{"any": [...]}` or `{"all": [...]}`."""
    target: Object
    """What a trigger runs: `{"kind": "python|webhook|airflow|prefect|dagster|stream", ...}`."""
    module: Name | None = None
    """The Python module that declares it."""
    mode: Literal["batch", "each"] = "batch"
    """One trigger for all that is queued (`batch`), or one for each event (`each`)."""
    batch_size: Annotated[int, Meta(ge=1)] | None = None
    """How many events a trigger takes at most."""
    debounce: Seconds | None = None
    """How long it waits for more events, in seconds; if ever more come, ten times as long at most."""
    within: Seconds | None = None
    """The window an AND's events must lie in, in seconds."""
    max_active: Annotated[int, Meta(ge=1)] | None = None
    """How many triggers run at a time at most."""
    when_paused: Literal["queue", "skip"] = "queue"
    """Whether events of a pause fire at its end (`queue`) or never (`skip`)."""
    start: Position | None = None
    """The position after which events count; the log's end unless given."""
    outlets: tuple[Key, ...] = ()
    """Keys of the assets it makes."""
    inlets: tuple[Key, ...] = ()
    """Keys of the assets it reads beside those of its condition."""
    partitions: Object = EMPTY
    """By a leaf's id, or `*` for the others: which partition of the consumer a partition of the leaf belongs to."""
    attempts: Annotated[int, Meta(ge=1, le=1000)] = 4
    """How often a trigger is tried at most, the first time included."""
    backoff: Seconds = 1.0
    """The pause after the first failed attempt, in seconds; each further one is twice as long, up to an hour."""
    timeout: Seconds | None = None
    """How long an attempt may take, in seconds."""
    description: Text | None = None
    """What it does, in words."""
    by: Name | None = None
    """The tool or the person that declares it."""


class ConsumerPaused(Data, frozen=True, kw_only=True):
    """A consumer no longer fires."""

    reason: Text | None = None
    """Why, in words."""
    by: Name | None = None
    """The tool or the person that says so."""


class ConsumerResumed(Data, frozen=True, kw_only=True):
    """A paused consumer fires again."""

    by: Name | None = None
    """The tool or the person that says so."""


class ConsumerRemoved(Data, frozen=True, kw_only=True):
    """A consumer is gone; its queue is released."""

    reason: Text | None = None
    """Why, in words."""
    by: Name | None = None
    """The tool or the person that says so."""


class ConsumerDue(Data, frozen=True, kw_only=True):
    """A cron tick or a deadline that mattered to a consumer."""

    kind: Literal["cron", "deadline", "freshness"]
    """What came due."""
    due: Time
    """The moment (RFC 3339)."""
    leaf: Name | None = None
    """The leaf of the condition it belongs to."""
