"""What the projector asks of the log beside reading on."""

from __future__ import annotations

from typing import Protocol

from assetlog.consumers.fold.fold import Fold
from assetlog.consumers.fold.progress import Mark


class Log(Protocol):
    """What the projector asks of the log beside reading on."""

    def check(self, mark: Mark | None, first: int | None) -> None:
        """Raise Broken if the log is not the one that was folded, from the first entry up to the mark."""

    def holds(self, mark: Mark) -> bool:
        """Whether the entry at the mark is there, unchanged: quick enough for every batch."""

    def catch_up(self, fold: Fold, up_to: int) -> None:
        """Fold on to a position that was folded before, by a file that is gone."""

    def last_position(self) -> int:
        """Where the log ends."""

    def fill(self, fold: Fold) -> int:
        """Fold on as far as the archive reaches, the quick way; how many entries that were."""
