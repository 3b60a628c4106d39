"""What is scheduled on assets. The event's `subject` is the consumer's name. Written by nodes and workers only."""

from __future__ import annotations

from typing import Annotated, Literal

from msgspec import Meta, Raw

from assetlog.schemas.events.common import Data, Name, Seconds, Text


class ConsumerRegistered(Data, frozen=True, kw_only=True):
    """A consumer was declared, or declared anew."""

    condition: Raw
    """The condition tree, `{"any": [...]}` or `{"all": [...]}`."""
    target: Raw
    """What a trigger runs: `{"kind": "python|webhook|airflow|prefect|dagster|stream", ...}`."""
    module: Name | None = None
    """The Python module that declares it."""
    mode: Literal["batch", "each"] = "batch"
    batch_size: Annotated[int, Meta(ge=1)] | None = None
    debounce: Seconds | None = None
    within: Seconds | None = None
    """The window an AND's events must lie in, in seconds."""
    max_active: Annotated[int, Meta(ge=1)] | None = None
    when_paused: Literal["queue", "skip"] = "queue"
    start: str | None = None
    """The position after which events count; the log's end unless given."""
    outlets: tuple[Name, ...] = ()
    """Keys of the assets it makes."""


class ConsumerPaused(Data, frozen=True, kw_only=True):
    """A consumer no longer fires."""

    reason: Text | None = None
    by: Name | None = None


class ConsumerResumed(Data, frozen=True, kw_only=True):
    """A paused consumer fires again."""

    by: Name | None = None


class ConsumerRemoved(Data, frozen=True, kw_only=True):
    """A consumer is gone; its queue is released."""

    reason: Text | None = None
    by: Name | None = None


class ConsumerDue(Data, frozen=True, kw_only=True):
    """A cron tick or a deadline that mattered to a consumer."""

    kind: Literal["cron", "deadline", "freshness"]
    due: str
    """The moment (RFC 3339)."""
    leaf: Name | None = None
    """The leaf of the condition it belongs to."""
