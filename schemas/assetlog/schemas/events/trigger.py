"""Firings of consumers. The event's `subject` is the trigger's id. Written by nodes and workers only."""

from __future__ import annotations

from typing import Annotated

from msgspec import Meta

from assetlog.schemas.events.common import Consumed, Data, Name, Seconds, Text

Attempt = Annotated[int, Meta(ge=1)]


class TriggerFired(Data, frozen=True, kw_only=True):
    """A consumer's condition came true."""

    consumer: Name
    epoch: Annotated[int, Meta(ge=0)] = 0
    """The leader's lease when it decided."""
    consumed: tuple[Consumed, ...] = ()
    """Ranges of consumed events."""
    positions: tuple[str, ...] = ()
    """Single consumed positions, in mode `each`."""
    partition: Name | None = None


class TriggerStarted(Data, frozen=True, kw_only=True):
    """A worker began a trigger."""

    consumer: Name
    attempt: Attempt = 1
    worker: Name | None = None


class TriggerSucceeded(Data, frozen=True, kw_only=True):
    """A trigger's work is done."""

    consumer: Name
    attempt: Attempt = 1
    duration: Seconds | None = None


class TriggerFailed(Data, frozen=True, kw_only=True):
    """An attempt failed; another may follow."""

    consumer: Name
    error: Text
    attempt: Attempt = 1
    traceback: Text | None = None
    duration: Seconds | None = None


class TriggerExhausted(Data, frozen=True, kw_only=True):
    """The last attempt failed; the trigger waits for a person (dead letter)."""

    consumer: Name
    error: Text
    attempt: Attempt = 1


class TriggerCancelled(Data, frozen=True, kw_only=True):
    """A person called it off."""

    consumer: Name
    reason: Text | None = None
    by: Name | None = None
