"""Firings of consumers. The event's `subject` is the trigger's id. Written by nodes and workers only."""

from __future__ import annotations

from typing import Annotated

from msgspec import Meta

from assetlog.schemas.events.common import Consumed, Data, Name, Position, Seconds, Text

Attempt = Annotated[int, Meta(ge=1)]


class TriggerFired(Data, frozen=True, kw_only=True):
    """A consumer's condition came true."""

    consumer: Name
    """The consumer's name."""
    epoch: Annotated[int, Meta(ge=0)] = 0
    """The leader's lease when it decided."""
    consumed: tuple[Consumed, ...] = ()
    """Ranges of consumed events."""
    positions: tuple[Position, ...] = ()
    """Single consumed positions, in mode `each`."""
    partition: Name | None = None
    """The partition it fires for; None for none."""
    depth: Annotated[int, Meta(ge=1)] = 1
    """How many triggers led to it, itself included: each was set off by what the one before emitted."""
    by: Name | None = None
    """Who fired it by hand; None where its condition did."""
    dropped: Text | None = None
    """Why it runs nothing, e.g. that its events were deleted from the queue; None for one that runs."""


class TriggerStarted(Data, frozen=True, kw_only=True):
    """A worker began a trigger."""

    consumer: Name
    """The consumer's name."""
    attempt: Attempt = 1
    """Which attempt it is, from 1."""
    worker: Name | None = None
    """The worker that runs it."""


class TriggerSucceeded(Data, frozen=True, kw_only=True):
    """A trigger's work is done."""

    consumer: Name
    """The consumer's name."""
    attempt: Attempt = 1
    """Which attempt it is, from 1."""
    duration: Seconds | None = None
    """How long the attempt took, in seconds."""


class TriggerFailed(Data, frozen=True, kw_only=True):
    """An attempt failed; another may follow."""

    consumer: Name
    """The consumer's name."""
    error: Text
    """What went wrong, e.g. `KeyError: 'price'`."""
    attempt: Attempt = 1
    """Which attempt it is, from 1."""
    traceback: Text | None = None
    """The full traceback."""
    duration: Seconds | None = None
    """How long the attempt took, in seconds."""


class TriggerExhausted(Data, frozen=True, kw_only=True):
    """The last attempt failed; the trigger waits for a person (dead letter)."""

    consumer: Name
    """The consumer's name."""
    error: Text
    """What went wrong, e.g. `KeyError: 'price'`."""
    attempt: Attempt = 1
    """Which attempt it is, from 1."""


class TriggerCancelled(Data, frozen=True, kw_only=True):
    """A person called it off."""

    consumer: Name
    """The consumer's name."""
    reason: Text | None = None
    """Why, in words."""
    by: Name | None = None
    """The tool or the person that says so."""


class TriggerRetried(Data, frozen=True, kw_only=True):
    """A person had it tried once more, from the first attempt on."""

    consumer: Name
    """The consumer's name."""
    by: Name | None = None
    """The tool or the person that says so."""
