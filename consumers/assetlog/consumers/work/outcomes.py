"""How an attempt can fail other than by any exception."""

from __future__ import annotations

from collections.abc import Sequence


class AttemptFailed(Exception):
    """An attempt failed, and more is to be said of it. The cause (`raise … from error`) is what is told.

    Args:
        says: what went wrong; the cause's text unless given.
        events: encoded events to append together with the failure.
    """

    def __init__(self, says: str | None = None, *, events: Sequence[bytes] = ()) -> None:
        super().__init__(says or "")
        self.events = tuple(events)


class Exhausted(AttemptFailed):
    """No attempt can succeed: none follows, the trigger goes to the dead letters at once."""


class RetryLater(AttemptFailed):
    """The attempt failed, and it is known when the next one may help.

    Args:
        seconds: the pause before the next attempt, instead of the backoff's.
    """

    def __init__(self, seconds: float, says: str | None = None, *, events: Sequence[bytes] = ()) -> None:
        super().__init__(says or f"told to come again in {seconds:g} s", events=events)
        self.seconds = max(0.0, float(seconds))
