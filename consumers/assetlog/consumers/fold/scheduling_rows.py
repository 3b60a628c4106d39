"""What the projection keeps of consumers and triggers, and what their events do at the desk."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import msgspec

from assetlog.consumers.fold.scheduled import named_by
from assetlog.consumers.schedule.definition import definition_of
from assetlog.consumers.schedule.desk import Desk
from assetlog.schemas.codec import Event
from assetlog.schemas.events.consumer import ConsumerRegistered
from assetlog.schemas.events.registry import EVENT_TYPES
from assetlog.schemas.events.trigger import TriggerFired

CONSUMER_TYPES = tuple(name for name in EVENT_TYPES if name.startswith("consumer."))
TRIGGER_TYPES = tuple(name for name in EVENT_TYPES if name.startswith("trigger."))
ERROR_LENGTH = 2_000
"""Characters of an error that the projection keeps; the event has all of it."""

Row = tuple[Any, ...]


def refuse_unreadable(event: Event) -> None:
    """Refuse a declaration that no desk can work with.

    Raises:
        Invalid: its condition, target or partitions break a rule.
    """
    if isinstance(event.data, ConsumerRegistered):
        definition_of(event.subject or "", event.data)


def consumer_row(desk: Desk, position: int, event: Event) -> Row:
    """The row of a consumer's event."""
    name, act, data = event.subject or "", event.type.removeprefix("consumer."), event.data
    _ACTS[act](desk, position, name, data)
    return position, act, name, msgspec.json.encode(data).decode()


def trigger_rows(desk: Desk, position: int, event: Event) -> tuple[Row, list[Row]]:
    """The row of a trigger's event, and a row for all that it consumed."""
    trigger, act, data = event.subject or "", event.type.removeprefix("trigger."), event.data
    if isinstance(data, TriggerFired):
        said = desk.fire(position, trigger, data)
        row = (position, said.act, trigger, data.consumer, data.partition, None, data.depth, None, None, data.by)
        consumed = [(position, trigger, *one) for one in said.ranges]
        return (*row, said.reason), consumed
    if act == "retried":
        desk.retry(position, trigger)
    else:
        desk.told(act, trigger)
    fields = (getattr(data, name, None) for name in ("duration", "worker", "by"))
    error = getattr(data, "error", None) or getattr(data, "reason", None)
    said_error = None if error is None else error[:ERROR_LENGTH]
    consumer = data.consumer  # type: ignore[union-attr]
    return (position, act, trigger, consumer, None, getattr(data, "attempt", None), None, *fields, said_error), []


def _register(desk: Desk, position: int, name: str, data: ConsumerRegistered) -> None:
    desk.register(position, name, data)
    desk.known.scheduled.names(position, name, named_by(desk.consumers[name].definition.condition, data))


def _remove(desk: Desk, position: int, name: str, _: Any) -> None:
    desk.remove(name)
    desk.known.scheduled.names(position, name, frozenset())


_ACTS: dict[str, Callable[[Desk, int, str, Any], None]] = {
    "registered": _register,
    "paused": lambda desk, _, name, data: desk.pause(name, data.reason),
    "resumed": lambda desk, _, name, _data: desk.resume(name),
    "removed": _remove,
    "due": lambda desk, position, name, data: desk.tick(position, name, data.leaf),
}
