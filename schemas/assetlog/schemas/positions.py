"""Where an event stands in the log: the Redis stream ID, as text outside and one integer inside.

``"<ms>-<seq>"`` becomes ``ms << 20 | seq``, which sorts the same and fits a signed 64-bit column.
"""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta

from assetlog.schemas.errors import Invalid
from assetlog.schemas.times import format_microseconds

SEQ_BITS = 20
MAX_SEQ = (1 << SEQ_BITS) - 1
MAX_MS = (1 << 43) - 1
START = 0
"""The position before the first event."""

_TEXT = re.compile(r"(\d{1,20})(?:-(\d{1,20}))?", re.ASCII)
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def parse_position(text: str) -> int:
    """The integer of a position such as ``1763747570910-0``; the sequence may be left out.

    >>> parse_position("1-2")
    1048578
    """
    match = _TEXT.fullmatch(text)
    ms, seq = (int(match[1]), int(match[2] or 0)) if match else (-1, 0)
    if not 0 <= ms <= MAX_MS or seq > MAX_SEQ:
        raise Invalid(
            f"{text[:60]!r} is not a position.",
            code="invalid-position",
            field="position",
            value=text,
            rule="a position is <milliseconds>-<sequence> as the log gave it",
            hint="Use a position from an answer's `position` field, e.g. 1763747570910-0.",
        )
    return ms << SEQ_BITS | seq


def format_position(position: int) -> str:
    """The text of a position.

    >>> format_position(1048578)
    '1-2'
    """
    return f"{position >> SEQ_BITS}-{position & MAX_SEQ}"


def position_time(position: int) -> datetime:
    """When the log recorded the event at this position (UTC, to the millisecond)."""
    return _EPOCH + timedelta(milliseconds=position >> SEQ_BITS)


def position_time_text(position: int) -> str:
    """When the log recorded the event at this position, as answers write it.

    >>> position_time_text(1500 << 20)
    '1970-01-01T00:00:01.500000Z'
    """
    return format_microseconds((position >> SEQ_BITS) * 1000)


def last_position_at(moment: datetime) -> int:
    """The last position the log can have given at or before a moment."""
    elapsed = moment - _EPOCH
    ms = (elapsed.days * 86_400_000) + elapsed.seconds * 1000 + elapsed.microseconds // 1000
    return max(0, min(ms, MAX_MS)) << SEQ_BITS | MAX_SEQ
