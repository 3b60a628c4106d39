"""How much a caller may ask for: token buckets, one second deep."""

from __future__ import annotations

import math
import time
from collections.abc import Callable

from assetlog.schemas.errors import Unavailable


class TooFast(Unavailable):
    """The caller asks for more than its share."""

    code = "too-many-requests"

    def __init__(self, what: str, rate: float, wait: float) -> None:
        self.retry_after = max(1, math.ceil(wait))
        """Seconds after which another try has a chance."""
        super().__init__(
            f"More than {rate:g} {what} a second came from this token.",
            field="authorization",
            rule=f"a token is good for {rate:g} {what} a second",
            hint=f"Come again in {self.retry_after} s (Retry-After), or send events in batches.",
        )


class Bucket:
    """Lets so much through a second.

    A request larger than what is left passes once anything is left; those after it wait until it is made up for.

    Args:
        rate: how much a second; 0 for no limit.
        what: what is counted, for the error.
        clock: seconds that only grow.

    >>> now = [0.0]
    >>> bucket = Bucket(2, "requests", clock=lambda: now[0])
    >>> bucket.take(1), bucket.take(1)
    (None, None)
    """

    __slots__ = ("_at", "_clock", "_left", "_rate", "_what")

    def __init__(self, rate: float, what: str, clock: Callable[[], float] = time.monotonic) -> None:
        self._rate = rate
        self._what = what
        self._clock = clock
        self._left = rate
        self._at = clock()

    def take(self, count: int) -> None:
        """Let something through.

        Raises:
            TooFast: there is nothing left for now.
        """
        if not self._rate:
            return
        now = self._clock()
        self._left = min(self._rate, self._left + (now - self._at) * self._rate)
        self._at = now
        if self._left <= 0 or self._left < min(1.0, count, self._rate):
            raise TooFast(self._what, self._rate, (min(1.0, self._rate) - self._left) / self._rate)
        self._left -= count
