"""Lineage that other tools send."""

from __future__ import annotations

from msgspec import Raw

from assetlog.schemas.events.common import EMPTY, Data


class OpenlineageReceived(Data, frozen=True, kw_only=True):
    """An OpenLineage event arrived. The event's `subject` is the OpenLineage run's id."""

    event: Raw
    """The OpenLineage event, verbatim."""
    understood: Raw = EMPTY
    """What the receiver read from it."""
