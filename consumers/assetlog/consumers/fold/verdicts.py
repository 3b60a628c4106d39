"""What became of the latest entries, for whoever waits for their own."""

from __future__ import annotations

from collections import OrderedDict
from typing import Literal

from assetlog.consumers.fold.fold import Commit
from assetlog.schemas.errors import Invalid

Verdict = Literal["folded", "duplicate", "quarantined"]
KEPT = 100_000


class Verdicts:
    """Remembers the entries that were not folded; all others up to the position were."""

    def __init__(self) -> None:
        self._exceptions: OrderedDict[int, int | Invalid] = OrderedDict()

    def note(self, commit: Commit) -> None:
        """Take a commit's exceptions, and forget the oldest."""
        self._exceptions.update(commit.duplicates)
        self._exceptions.update(commit.quarantined)
        while len(self._exceptions) > KEPT:
            self._exceptions.popitem(last=False)

    def of(self, position: int) -> Verdict:
        """What became of the entry at a folded position."""
        exception = self._exceptions.get(position)
        if exception is None:
            return "folded"
        return "quarantined" if isinstance(exception, Invalid) else "duplicate"

    def reason(self, position: int) -> Invalid | None:
        """Why the entry at a position is in the quarantine."""
        exception = self._exceptions.get(position)
        return exception if isinstance(exception, Invalid) else None
