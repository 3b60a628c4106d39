"""Answers from what is in memory, as of the fold's position; None where that is not enough and SQL must be asked.

Used on the event loop, which the work holds up meanwhile: so it takes on only what is small.
"""

from __future__ import annotations

from collections.abc import Callable

from assetlog.consumers.fold.hot import HotAssets
from assetlog.consumers.views.drawing import Drawing, draw
from assetlog.consumers.views.lineage_reader import around, everything
from assetlog.schemas.shapes import Asset, Lineage

MOST_NODES = 4_000
"""Assets in one answer: so many hold up other requests for some milliseconds."""


class Memory:
    """The newest answers that need no SQL."""

    def __init__(self, hot: HotAssets) -> None:
        self._hot = hot

    def asset(self, key: str) -> Asset | None:
        """The asset that a key or an alias names."""
        return self._hot.asset(key)

    def lineage(self, key: str, *, direction: str, depth: int, max_nodes: int) -> Lineage | None:
        """What an asset was made from, and what was made from it; see `lineage_reader.lineage`."""
        return self._drawn(lambda: around(self._hot.known(), key, direction, depth, max_nodes))

    def graph(self, *, limit: int) -> Lineage | None:
        """The lineage of all assets, if they are few."""
        known = self._hot.known()
        return self._drawn(lambda: (None, *everything(known, limit))) if known.size() <= MOST_NODES else None

    def _drawn(self, find: Callable[[], tuple[int | None, dict[int, int], bool]]) -> Lineage | None:
        root, depths, truncated = find()
        facts = self._hot.those(list(depths)) if len(depths) <= MOST_NODES else None
        if facts is None:
            return None
        known = self._hot.known()
        drawing = Drawing(depths, known.links_up(depths), facts, self._hot.ranks, root, truncated)
        return draw(known, drawing, self._hot.position)
