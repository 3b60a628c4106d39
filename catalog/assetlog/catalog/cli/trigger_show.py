"""A trigger's card: what it consumed, how its attempts went."""

from __future__ import annotations

from typing import TYPE_CHECKING

from assetlog.catalog.cli import output
from assetlog.catalog.cli.moments import duration, recorded
from assetlog.catalog.cli.output import Cell, Styled

if TYPE_CHECKING:
    from assetlog.schemas.scheduling_shapes import Trigger

SHOWN_EVENTS = 20
"""Events that a terminal shows; a pipe gets all of the answer."""


def show_trigger(trigger: Trigger) -> None:
    """One trigger as a card."""
    output.say(Styled(trigger.consumer, "bold"), "  ", output.state(trigger.state))
    output.pairs(
        [
            ("trigger", trigger.id),
            ("partition", trigger.partition or ""),
            ("fired", output.when(trigger.fired)),
            ("by", trigger.by or ""),
            ("started", output.when(trigger.started) if trigger.started else ""),
            ("ended", output.when(trigger.ended) if trigger.ended else ""),
            ("took", duration(trigger.duration)),
            ("attempt", str(trigger.attempt or "")),
            ("worker", trigger.worker or ""),
            ("depth", f"{trigger.depth} triggers led to it" if trigger.depth > 1 else ""),
            ("error", Styled(trigger.error or "", "red")),
            ("consumed", event_lines(trigger)),
        ]
    )


def event_lines(trigger: Trigger) -> list[Cell]:
    """The events that a trigger consumed, a line each."""
    most = SHOWN_EVENTS if output.on_terminal() else len(trigger.events)
    lines: list[Cell] = []
    for event in trigger.events[:most]:
        partition = f" [{event.partition}]" if event.partition else ""
        when = output.when(recorded(event.position))
        time = when.text if isinstance(when, Styled) else when
        lines.append(f"{event.key or 'a tick of the clock'}{partition}  {time}  {event.position}")
    rest = trigger.count - len(lines)
    if rest > 0 and lines:
        lines.append(Styled(f"… {rest:,} more: --after {trigger.events[len(lines) - 1].position}", "dim"))
    return lines
