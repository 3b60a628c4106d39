"""What fired, by which events, and how long it took from the event to the function's first line."""

from __future__ import annotations

import statistics
from collections.abc import Iterable, Mapping

from msgspec import Struct

from assetlog.catalog.cli import output
from assetlog.catalog.cli.moments import duration
from assetlog.catalog.cli.output import Cell, Column
from assetlog.catalog.client import Client
from assetlog.catalog.demo.stage import Played
from assetlog.schemas.positions import parse_position, position_time
from assetlog.schemas.scheduling_shapes import Trigger, TriggerState

FIRINGS = (
    Column("state", keep=True),
    Column("consumer", keep=True),
    Column("fired by"),
    Column("of", keep=True),
    Column("first line", right=True),
    Column("took", right=True),
    Column("tries", right=True),
)


class Firing(Struct, kw_only=True):
    """A trigger as the demo shows it."""

    trigger: str
    consumer: str
    state: TriggerState
    partition: str | None
    by: list[str]
    """Keys of the assets whose events it consumed, in the order in which these came."""
    first_line: float | None
    """Seconds from the last of these events, as the log recorded it, to the function's first line."""
    took: float | None
    """Seconds of the last attempt."""
    attempt: int


def firings_of(client: Client, played: Played) -> list[Firing]:
    """The triggers of what the demo ran, in the order in which they fired."""
    triggers = [client.trigger(trigger, as_of=played.after) for trigger in played.first_lines]
    ordered = sorted(triggers, key=lambda trigger: parse_position(trigger.position))
    return [_firing(trigger, played.first_lines[trigger.id]) for trigger in ordered]


def firing_row(firing: Firing, names: Mapping[str, str]) -> list[Cell]:
    """A line of the table `FIRINGS`, with assets by their names."""
    return [
        output.state(firing.state),
        firing.consumer,
        " + ".join(names.get(key, key) for key in firing.by),
        firing.partition or "",
        duration(firing.first_line),
        duration(firing.took),
        str(firing.attempt),
    ]


def latency_text(firings: Iterable[Firing]) -> str:
    """How long it took from event to first line, in a sentence."""
    known = sorted(firing.first_line for firing in firings if firing.first_line is not None)
    if not known:
        return "Nothing fired."
    middle, most = duration(statistics.median(known)), duration(known[-1])
    return f"From the event on disk to the function's first line: {middle} in the middle, {most} at most."


def _firing(trigger: Trigger, first_line: int) -> Firing:
    last = max((parse_position(event.position) for event in trigger.events), default=None)
    return Firing(
        trigger=trigger.id,
        consumer=trigger.consumer,
        state=trigger.state,
        partition=trigger.partition,
        by=list(dict.fromkeys(event.key for event in trigger.events if event.key is not None)),
        first_line=None if last is None else first_line / 1000 - position_time(last).timestamp(),
        took=trigger.duration,
        attempt=trigger.attempt,
    )
