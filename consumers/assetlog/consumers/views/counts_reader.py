"""How much the catalog holds."""

from __future__ import annotations

from assetlog.consumers.views.access import Access
from assetlog.consumers.views.tree_reader import shown_values
from assetlog.schemas.positions import format_position
from assetlog.schemas.shapes import Counts


def counts(access: Access, at: int) -> Counts:
    """How much there is as of a position. Aliases and retired assets do not count; runs are those that spoke."""
    [row] = access.rows("counts", **shown_values(access, at))
    events, assets, artifacts, runs, quarantined, skipped = row
    return Counts(
        events=events,
        assets=assets,
        artifacts=artifacts,
        runs=runs,
        quarantined=quarantined,
        skipped=skipped,
        position=format_position(at),
    )
