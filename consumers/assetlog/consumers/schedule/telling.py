"""The scheduler's events, as they are appended to the log."""

from __future__ import annotations

from hashlib import sha256
from typing import Final

from assetlog.consumers.schedule.clock import Tick
from assetlog.consumers.schedule.deciding import MAX_DEPTH, Intent
from assetlog.consumers.schedule.freshness import Breach
from assetlog.schemas.codec import encode
from assetlog.schemas.events.asset import AssetOverdue
from assetlog.schemas.events.consumer import ConsumerDue, ConsumerPaused
from assetlog.schemas.ids import derived_id
from assetlog.schemas.times import format_time

SOURCE: Final = "assetlog://scheduler"
"""The source of what schedulers record: one for all nodes, so that the same tick is the same event."""


def fired_event(intent: Intent) -> bytes:
    """A consumer fires."""
    return encode(
        "trigger.fired", SOURCE, intent.trigger, intent.data, event_id=f"{intent.trigger}:{intent.data.epoch}"
    )


def due_event(tick: Tick) -> bytes:
    """A tick came due: the same bytes whoever tells it."""
    due = format_time(tick.due)
    said = sha256(repr((tick.consumer, tick.leaf, due)).encode())
    return encode(
        "consumer.due",
        SOURCE,
        tick.consumer,
        ConsumerDue(kind=tick.kind, due=due, leaf=tick.leaf),
        event_id=derived_id(round(tick.due.timestamp() * 1000), said.digest()),
        time=due,
    )


def overdue_event(key: str, breach: Breach) -> bytes:
    """An asset is overdue: the same bytes whoever tells it."""
    due = format_time(breach.due)
    said = sha256(repr((key, due, breach.after, breach.reason)).encode())
    return encode(
        "asset.overdue",
        SOURCE,
        key,
        AssetOverdue(reason=breach.reason, due=due),
        event_id=derived_id(round(breach.due.timestamp() * 1000), said.digest()),
        time=due,
    )


def too_deep_event(consumer: str) -> bytes:
    """A consumer goes round in a circle, and is paused."""
    reason = (
        f"It fired as the {MAX_DEPTH}th of a chain of triggers, each set off by what the one before emitted: "
        "a circle. Break it, then resume."
    )
    return encode("consumer.paused", SOURCE, consumer, ConsumerPaused(reason=reason, by="assetlog"))
