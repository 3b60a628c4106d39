"""What happened to one asset, as lines."""

from __future__ import annotations

from collections.abc import Sequence

from assetlog.catalog.cli import output
from assetlog.catalog.cli.event_text import summary, told, type_cell
from assetlog.catalog.cli.moments import recorded
from assetlog.catalog.cli.output import Cell, Column
from assetlog.schemas.shapes import EventShape

COLUMNS = (
    Column("time", keep=True),
    Column("event", keep=True),
    Column("says"),
    Column("position", keep=True, from_width=110),
)


def print_history(events: Sequence[EventShape]) -> None:
    """The events as a table."""
    output.table(COLUMNS, (_row(event) for event in events), indent=2)


def _row(event: EventShape) -> list[Cell]:
    says = told(event.event)
    return [output.when(recorded(event.position)), type_cell(says), summary(says), event.position]
