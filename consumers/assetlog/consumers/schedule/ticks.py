"""When a cron expression ticks, in a time zone, with Debian cron's rules for the days on which clocks change.

A job at fixed times runs once a day whatever the clock does: a time that is skipped runs right after the gap, a time
that comes twice runs the first time. A job whose minutes or hours begin with ``*`` goes by real time: it has no tick in
the gap, and ticks in both of two equal hours. A tick is the same whatever moment one asks from.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

from assetlog.schemas.errors import Invalid

if TYPE_CHECKING:
    from cronsim import CronSim

_SPANS = tuple(timedelta(hours=hours) for hours in (1, 24, 32 * 24, 366 * 24))


def next_tick(expression: str, time_zone: str, after: datetime) -> datetime:
    """The first tick after a moment, in UTC.

    Args:
        expression: cron's five fields, as `conditions.cron` gives them.
        time_zone: a name of the IANA database.
        after: an aware moment; a tick at it does not count.

    Raises:
        Invalid: no such expression or zone, or no tick in the next 50 years.

    >>> next_tick("0 8 * * *", "Europe/Berlin", datetime(2026, 7, 1, 12, tzinfo=UTC)).isoformat()
    '2026-07-02T06:00:00+00:00'
    """
    for tick in _ticks(expression, time_zone, after):
        return tick
    raise _invalid("cron.expression", expression, "an expression names a moment of the next 50 years")


def ticks_between(expression: str, time_zone: str, after: datetime, until: datetime) -> Iterator[datetime]:
    """Every tick after one moment up to and including another, in order, in UTC.

    Raises:
        Invalid: no such expression or zone.
    """
    for tick in _ticks(expression, time_zone, after):
        if tick > until:
            return
        yield tick


def latest_tick(expression: str, time_zone: str, after: datetime, until: datetime) -> datetime | None:
    """The last tick after one moment up to and including another: of missed ticks only this one counts.

    It looks back from the end, so that a year without a node costs no more than an hour.

    Raises:
        Invalid: no such expression or zone.

    >>> from datetime import timedelta
    >>> woke = datetime(2026, 7, 1, 12, tzinfo=UTC)
    >>> latest_tick("0 8 * * *", "UTC", woke - timedelta(days=9), woke).isoformat()
    '2026-07-01T08:00:00+00:00'
    """
    starts = [max(after, until - span) for span in _SPANS if until - span > after]
    for start in [*starts, after]:
        found = list(ticks_between(expression, time_zone, start, until))
        if found:
            return found[-1]
    return None


def check_schedule(expression: str, time_zone: str) -> None:
    """Refuse an expression that never ticks, or a zone that is not known here.

    Raises:
        Invalid: what is wrong, with field, value and rule.
    """
    next_tick(expression, time_zone, datetime.now(UTC))


def _ticks(expression: str, time_zone: str, after: datetime) -> Iterator[datetime]:
    """Ticks after a moment in UTC, each once: two skipped times may move to the same end of the gap."""
    last = after.astimezone(UTC)
    for local in _cron(expression, last.astimezone(zone(time_zone))):
        tick = local.astimezone(UTC)
        if tick > last:
            last = tick
            yield tick


def _cron(expression: str, start: datetime) -> CronSim:
    from cronsim import CronSim, CronSimError

    if len(expression.split()) != 5:
        raise _invalid("cron.expression", expression, "a cron expression has five fields")
    try:
        return CronSim(expression, start)
    except CronSimError as error:
        raise _invalid("cron.expression", expression, f"cron's fields are in their ranges ({error})") from None


@lru_cache(maxsize=256)
def zone(name: str) -> ZoneInfo:
    """The time zone of a name.

    Raises:
        Invalid: the database does not know it.
    """
    try:
        return ZoneInfo(name)
    except (KeyError, ValueError, OSError):
        rule = "a time zone is a name of the IANA database"
        raise _invalid("cron.time_zone", name, rule, 'Write it like "Europe/Berlin" or "UTC".') from None


def _invalid(field: str, value: str, rule: str, hint: str = 'Write it like "0 8 * * MON-FRI".') -> Invalid:
    return Invalid(
        f"{field} breaks a rule: {rule}.", code="invalid-condition", field=field, value=value, rule=rule, hint=hint
    )
