"""A node's projection file: opened while the libraries load, and again whenever the projector asks."""

from __future__ import annotations

import logging

from assetlog.catalog.event_log import EventLog
from assetlog.catalog.settings import Settings
from assetlog.consumers.fold.fold import Fold, open_fold

_log = logging.getLogger("assetlog.node")
PROJECTION = "catalog.duckdb"


class Projection:
    """Opens the projection of a node.

    Args:
        settings: the node's; they say where the file is.
        log: what the file is folded from.
    """

    def __init__(self, settings: Settings, log: EventLog) -> None:
        self._settings = settings
        self._log = log
        self._ahead: Fold | None = None

    def open_ahead(self) -> None:
        """Open the file for the first `open` to come.

        Raises:
            Broken, Unavailable: see `open_fold`.
        """
        self._ahead = self._open()

    def open(self) -> Fold:
        """The fold on the file; what `open_ahead` opened, the first time.

        Raises:
            Broken, Unavailable: see `open_fold`.
        """
        ahead, self._ahead = self._ahead, None
        return ahead or self._open()

    def close_unused(self) -> None:
        """Close what was opened ahead, if nobody took it."""
        if self._ahead is not None:
            self._ahead.close()
            self._ahead = None

    def _open(self) -> Fold:
        settings, log = self._settings, self._log
        fold, damage = open_fold(
            settings.home / PROJECTION,
            settings.catalog,
            log.bodies,
            server=log.facts.replication_id if log.facts else "",
            snapshot_every=settings.snapshot_every,
        )
        if damage is not None:
            _log.warning("the projection was set aside and is folded anew", extra={"reason": damage})
        return fold
