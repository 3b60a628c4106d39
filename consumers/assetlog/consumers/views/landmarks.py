"""What a connection remembers of its projection because it never changes: where snapshots stand, where tables begin.

Statements that these answers save cost more in planning than in work.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Callable
from typing import Any

Ask = Callable[..., Any]
"""Answers a view that has one row of one value."""


class Landmarks:
    """The landmarks up to the greatest position that was asked for; beyond it they are looked up again.

    A snapshot that is missed because somebody asked for a position before it was folded costs time, never truth.
    """

    def __init__(self) -> None:
        self._snapshots: list[int] = []
        self._looked_up_to = 0
        self._begins: dict[str, int] = {}
        self._empty_up_to: dict[str, int] = {}

    def snapshot_before(self, ask: Ask, at: int) -> int:
        """The position of the last snapshot up to a position, 0 for none."""
        if at > self._looked_up_to:
            after = self._snapshots[-1] if self._snapshots else 0
            self._snapshots += ask("snapshots", after=after)
            self._looked_up_to = max(at, self._snapshots[-1] if self._snapshots else 0)
        place = bisect_right(self._snapshots, at)
        return self._snapshots[place - 1] if place else 0

    def is_snapped(self, ask: Ask, at: int) -> bool:
        """Whether a snapshot is known at or after a position."""
        self.snapshot_before(ask, at)
        return bool(self._snapshots) and self._snapshots[-1] >= at

    def is_empty(self, ask: Ask, begin: str, at: int) -> bool:
        """Whether a table has no rows up to a position; `begin` is the view that tells where it begins."""
        first = self._begins.get(begin)
        if first is None and at > self._empty_up_to.get(begin, 0):
            first, last = ask(begin, p=at)
            if first is None:
                self._empty_up_to[begin] = last or 0  # not `at`: it may not be folded yet
            else:
                self._begins[begin] = first
        return first is None or first > at
