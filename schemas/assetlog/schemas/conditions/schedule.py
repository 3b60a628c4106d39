"""Leaves that the clock brings news to: cron and deadlines, as declared. When they tick, the consumers' side knows."""

from __future__ import annotations

import re
from typing import ClassVar

from assetlog.schemas.conditions.tree import Leaf
from assetlog.schemas.errors import Invalid

NICKNAMES = {
    "@hourly": "0 * * * *",
    "@daily": "0 0 * * *",
    "@midnight": "0 0 * * *",
    "@weekly": "0 0 * * 0",
    "@monthly": "0 0 1 * *",
    "@quarterly": "0 0 1 */3 *",
    "@yearly": "0 0 1 1 *",
    "@annually": "0 0 1 1 *",
}
"""What cron's short names stand for."""

_FIELD = re.compile(r"[0-9A-Za-z*/,#-]{1,200}")
_ZONE = re.compile(r"[A-Za-z][A-Za-z0-9_+-]*(?:/[A-Za-z0-9_+-]+){0,2}")
_TIME = re.compile(r"(?:[01][0-9]|2[0-3]):[0-5][0-9]")


class Cron(Leaf, frozen=True, eq=False):
    """A tick at every moment a cron expression names. Make one with `cron`, which checks it."""

    kind: ClassVar[str] = "cron"
    timed: ClassVar[bool] = True
    expression: str
    """Minute, hour, day of the month, month, day of the week."""
    time_zone: str = "UTC"

    @property
    def target(self) -> str:
        """Expression and zone."""
        return f"{self.expression} {self.time_zone}"

    @property
    def body(self) -> dict[str, str]:
        """Its JSON."""
        return {"expression": self.expression, "time_zone": self.time_zone}


class Deadline(Leaf, frozen=True, eq=False):
    """A daily tick that stands in for what it is joined to by `|`, once something of it arrived."""

    kind: ClassVar[str] = "deadline"
    timed: ClassVar[bool] = True
    at: str
    """The time of day, e.g. `08:00`."""
    time_zone: str = "UTC"

    @property
    def target(self) -> str:
        """Time and zone."""
        return f"{self.at} {self.time_zone}"

    @property
    def body(self) -> dict[str, str]:
        """Its JSON."""
        return {"at": self.at, "time_zone": self.time_zone}

    @property
    def expression(self) -> str:
        """Its ticks as a cron expression."""
        hour, minute = self.at.split(":")
        return f"{int(minute)} {int(hour)} * * *"


def cron(expression: str, time_zone: str = "UTC") -> Cron:
    """A tick at every moment that a cron expression of five fields, or a name such as `@daily`, tells in a time zone.

    Raises:
        Invalid: it has not the form of an expression, or the zone not that of a zone.

    >>> cron("@daily", "Europe/Berlin").id
    'cron:0 0 * * * Europe/Berlin'
    """
    fields = NICKNAMES.get(expression.strip().lower(), expression).upper().split()
    if len(fields) != 5 or not all(map(_FIELD.fullmatch, fields)):
        raise _invalid(
            "cron.expression",
            expression,
            "a cron expression has five fields: minute, hour, day of the month, month, day of the week",
            'Write it like "0 8 * * MON-FRI", or one of ' + ", ".join(NICKNAMES) + ".",
        )
    return Cron(" ".join(fields), _checked_zone(time_zone, "cron.time_zone"))


def deadline(at: str, time_zone: str = "UTC") -> Deadline:
    """A daily time by which to run with what arrived: `(orders & users) | deadline("08:00", "Europe/Berlin")`.

    Raises:
        Invalid: it is not a time of day such as `08:00`, or the zone has not the form of a zone.
    """
    if not _TIME.fullmatch(at):
        rule = "a deadline is a time of day, 00:00 to 23:59"
        raise _invalid("deadline", at, rule, 'Write it like "08:00", with both digits of the hour.')
    return Deadline(at, _checked_zone(time_zone, "deadline.time_zone"))


def _checked_zone(zone: str, field: str) -> str:
    if len(zone) > 64 or not _ZONE.fullmatch(zone):
        rule = "a time zone is a name of the IANA database"
        raise _invalid(field, zone, rule, 'Write it like "Europe/Berlin" or "UTC".')
    return zone


def _invalid(field: str, value: object, rule: str, hint: str) -> Invalid:
    return Invalid(
        f"{field} breaks a rule: {rule}.", code="invalid-condition", field=field, value=value, rule=rule, hint=hint
    )
