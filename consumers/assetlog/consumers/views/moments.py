"""From what a caller calls a moment to the position that is read."""

from __future__ import annotations

import re
from datetime import UTC, datetime

from assetlog.consumers.views.access import Access
from assetlog.schemas.errors import Invalid
from assetlog.schemas.positions import format_position, last_position_at, parse_position, position_time
from assetlog.schemas.times import parse_time

_POSITION = re.compile(r"\d+(-\d+)?", re.ASCII)


def head(access: Access) -> int:
    """The last position that is folded, 0 for none."""
    return int(access.one("head"))


def resolve(access: Access, as_of: str | None) -> int:
    """The position that `?as_of=` means.

    Args:
        as_of: a position; an RFC 3339 time, which is log time: the last position recorded at or before it, 0 before
            the first event; None for the last position that is folded.

    Raises:
        Invalid: it is neither, or it lies in the future, where the answer could still change.
    """
    last = head(access)
    if as_of is None:
        return last
    if _POSITION.fullmatch(as_of):
        return check_past(parse_position(as_of), last, "as_of")
    moment = parse_time(as_of, "as_of")
    if moment > max(datetime.now(UTC), position_time(last)):
        raise _in_the_future("as_of", as_of, "the moment lies in the past")
    return int(access.one("position_at", p=min(last_position_at(moment), last)))


def check_past(position: int, last: int, field: str) -> int:
    """A position, unchanged, if it is at or before the last one folded."""
    if position <= last:
        return position
    rule = f"the position is at most the last one folded, {format_position(last)}"
    raise _in_the_future(field, format_position(position), rule)


def _in_the_future(field: str, text: str, rule: str) -> Invalid:
    return Invalid(
        f"{field} {text[:60]} lies in the future.",
        code="future-position",
        field=field,
        value=text,
        rule=rule,
        hint="Leave it out to read the present, or wait for a position with min_position.",
    )
