"""The projection of a node that does not run, as the archiver asks of it."""

from __future__ import annotations

import duckdb

from assetlog.consumers.fold.fold import Fold
from assetlog.consumers.fold.progress import Totals
from assetlog.schemas.errors import AssetlogError


class StoppedProjection:
    """A fold that stands still.

    Args:
        fold: opened by this process.
    """

    def __init__(self, fold: Fold) -> None:
        self.position = fold.position
        self.failure: AssetlogError | None = None
        self.hurried = False
        self._fold = fold

    def totals(self) -> Totals:
        """How many entries came to what."""
        return self._fold.totals

    def cursor(self) -> duckdb.DuckDBPyConnection:
        """A connection to the projection."""
        return self._fold.store.cursor()
