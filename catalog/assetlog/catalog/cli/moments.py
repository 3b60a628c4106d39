"""Moments as people type them, and as a terminal shows them."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta

from assetlog.schemas.errors import Invalid
from assetlog.schemas.positions import format_position, last_position_at, parse_position, position_time
from assetlog.schemas.times import format_time, parse_time

AS_OF_HELP = "a time (2026-11-21T17:52Z; without a zone it is local), a position (1763747570910-0) or an age (-10m)"

_UNITS = {"s": 1, "m": 60, "h": 3600, "d": 86_400, "w": 604_800}
_AGE = re.compile(r"-?(\d{1,9})([smhdw])")
_POSITION = re.compile(r"\d+-\d+|\d{5,}")
_YEAR = 365 * 86_400
_STEPS = ((60, 1, "s"), (3600, 60, "m"), (2 * 86_400, 3600, "h"), (_YEAR, 86_400, "d"))


def moment(text: str, now: datetime | None = None) -> str | None:
    """What a person typed, as the API takes it: a position, or RFC 3339 in UTC; None for `now`.

    >>> moment("-10m", datetime(2026, 11, 21, 12, 0, tzinfo=UTC))
    '2026-11-21T11:50:00.000000Z'
    """
    now = now or datetime.now(UTC)
    if text == "now":
        return None
    if _POSITION.fullmatch(text):
        return text
    if age := _AGE.fullmatch(text):
        return _before(now, int(age[1]) * _UNITS[age[2]], text)
    return format_time(_written(text))


def position_of(text: str, behind: int = 0) -> str:
    """A moment as a position: for a time the last one it can have had; `behind` it by so many.

    >>> position_of("1970-01-01T00:00:00Z", behind=1)
    '1-0'
    """
    where = moment(text) or format_time(datetime.now(UTC))
    if ":" not in where:
        return where
    return format_position(last_position_at(parse_time(where)) + behind)


def _before(now: datetime, seconds: int, text: str) -> str:
    try:
        return format_time(now - timedelta(seconds=seconds))
    except OverflowError:
        raise _not_a_moment(text) from None


def _written(text: str) -> datetime:
    try:
        written = datetime.fromisoformat(text)
        return written.astimezone(UTC) if written.tzinfo is None else parse_time(written.isoformat())
    except (ValueError, OverflowError):
        raise _not_a_moment(text) from None


def _not_a_moment(text: str) -> Invalid:
    return Invalid(
        f"{text[:60]!r} names no moment.",
        code="invalid-moment",
        field="as_of",
        value=text,
        rule=f"a moment is {AS_OF_HELP}",
        hint="Write it like 2026-11-21T17:52:50Z, 2026-11-21 18:30, 1763747570910-0 or -10m.",
    )


def ago(text: str, now: datetime | None = None) -> str:
    """How long ago a time of the API was, in one unit.

    >>> ago("2026-11-21T11:50:00Z", datetime(2026, 11, 21, 12, 0, tzinfo=UTC))
    '10m ago'
    """
    seconds = ((now or datetime.now(UTC)) - parse_time(text)).total_seconds()
    if seconds < 1:
        return "just now" if seconds > -2 else f"in {_amount(-seconds)}"
    return f"{_amount(seconds)} ago"


def local(text: str, now: datetime | None = None) -> str:
    """A time of the API on the local clock, as short as today allows.

    >>> local("1999-12-31T12:00:00Z")
    '1999-12-31'
    """
    then = parse_time(text).astimezone()
    today = (now or datetime.now(UTC)).astimezone()
    if then.date() == today.date():
        return then.strftime("%H:%M:%S")
    return then.strftime("%d %b %H:%M") if abs(today - then) < timedelta(days=300) else then.strftime("%Y-%m-%d")


def full_local(text: str) -> str:
    """A time of the API on the local clock, whole: date, time and zone."""
    return parse_time(text).astimezone().isoformat(sep=" ", timespec="seconds")


def recorded(position: str) -> str:
    """When the log recorded the event at a position, as a time of the API: the log's order, whatever clocks said."""
    return format_time(position_time(parse_position(position)))


def duration(seconds: float | None) -> str:
    """A length of time, short.

    >>> duration(0.0423), duration(75), duration(None)
    ('42 ms', '1m 15s', '')
    """
    if seconds is None:
        return ""
    if seconds < 1:
        return f"{seconds * 1000:.0f} ms" if seconds >= 0.001 else f"{seconds * 1e6:.0f} µs"
    if seconds < 60:
        return f"{seconds:.1f} s"
    minutes, rest = divmod(round(seconds), 60)
    return f"{minutes}m {rest}s" if minutes < 60 else f"{minutes // 60}h {minutes % 60}m"


def _amount(seconds: float) -> str:
    for below, unit, letter in _STEPS:
        if seconds < below:
            return f"{int(seconds // unit)}{letter}"
    return f"{int(seconds // _YEAR)}y"
