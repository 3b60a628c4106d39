"""Lineage that other tools send."""

from __future__ import annotations

from assetlog.schemas.events.common import EMPTY, Data, Object


class OpenlineageReceived(Data, frozen=True, kw_only=True):
    """An OpenLineage event arrived. The event's `subject` is the OpenLineage run's id."""

    event: Object
    """The OpenLineage event, verbatim."""
    understood: Object = EMPTY
    """What the receiver read from it."""
