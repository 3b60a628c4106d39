"""What a target is told of a trigger."""

from __future__ import annotations

from typing import Any, Final

import msgspec

from assetlog.schemas.positions import format_position
from assetlog.schemas.work import Work

MAX_TOLD: Final = 1000
"""Events that are told at most; `count` says how many there are, and a node lists them all."""


def trigger_object(work: Work) -> dict[str, Any]:
    """A trigger as a plain object, the same for every kind of target.

    >>> work = Work(trigger="t", consumer="report", target={}, fired="2026-11-22T08:00:00Z", position="1-0")
    >>> trigger_object(work)["consumer"]
    'report'
    """
    return {
        "trigger": work.trigger,
        "consumer": work.consumer,
        "partition": work.partition,
        "attempt": work.attempt,
        "fired": work.fired,
        "position": work.position,
        "count": work.count,
        "events": [
            {"position": format_position(event.position), "key": event.key, "partition": event.partition}
            for event in work.events[:MAX_TOLD]
        ],
        "outlets": list(work.outlets),
    }


def message(work: Work) -> bytes:
    """The body of a webhook, and of an entry in somebody's stream: type, timestamp and data, in JSON."""
    told = {"type": "trigger.fired", "timestamp": work.fired, "data": trigger_object(work)}
    return msgspec.json.encode(told)
