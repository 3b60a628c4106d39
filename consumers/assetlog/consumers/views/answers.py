"""Putting an answer about an asset together from its state, the graph and its last events."""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

import msgspec
from msgspec import Raw

from assetlog.consumers.fold.known import Direction, KnownAt
from assetlog.consumers.views.occurrences import occurrence
from assetlog.schemas.codec import Event
from assetlog.schemas.positions import format_position, position_time
from assetlog.schemas.shapes import NULL, Asset, AssetHealth, Occurrence, Seen
from assetlog.schemas.times import format_time


class Counts(NamedTuple):
    """What an asset's own events add up to; ranks and positions are 0 for none."""

    materializations: int = 0
    failures: int = 0
    observations: int = 0
    materialized: int = 0
    failed: int = 0
    overdue: int = 0
    retired_pos: int = 0
    active_pos: int = 0


class Told(NamedTuple):
    """What is told of an asset: texts, and JSON texts from `owners` on."""

    name: str | None = None
    grp: str | None = None
    kind: str | None = None
    description: str | None = None
    url: str | None = None
    owners: str | None = None
    tags: str | None = None
    columns: str | None = None
    extra: str | None = None
    freshness: str | None = None


class AssetState(NamedTuple):
    """An asset as of a position, without its links."""

    aid: int
    key: str
    first_pos: int
    told: Told
    counts: Counts
    state: AssetHealth
    state_reason: str | None

    @property
    def retired(self) -> bool:
        """Whether it is gone: no event came after its retirement."""
        return self.counts.retired_pos > self.counts.active_pos


def asset_answer(state: AssetState, known: KnownAt, partitions: int, events: Mapping[int, Event | None]) -> Asset:
    """The answer about an asset.

    Args:
        known: the graph as of the same position.
        partitions: how many it has.
        events: the events of its last materialization and failure, by rank; None where their bytes are gone.
    """
    told, counts, root = state.told, state.counts, state.aid
    return Asset(
        key=state.key,
        name=told.name,
        group=told.grp,
        kind=told.kind,
        description=told.description,
        owners=[] if told.owners is None else msgspec.json.decode(told.owners),
        tags={} if told.tags is None else msgspec.json.decode(told.tags),
        url=told.url,
        columns=Raw(b"[]" if told.columns is None else told.columns.encode()),
        extra=Raw(b"{}" if told.extra is None else told.extra.encode()),
        freshness=NULL if told.freshness is None else Raw(told.freshness.encode()),
        state=state.state,
        state_reason=state.state_reason,
        retired=state.retired,
        first_seen=seen(state.first_pos),
        last_materialization=_occurrence(counts.materialized, events),
        last_failure=_occurrence(counts.failed, events),
        materializations=counts.materializations,
        failures=counts.failures,
        observations=counts.observations,
        upstream=_keys(known, "up", root),
        downstream=_keys(known, "down", root),
        produced_by=known.jobs("makes", root),
        consumed_by=known.jobs("reads", root),
        partitions=partitions,
        aliases=known.aliases(root),
    )


def _keys(known: KnownAt, direction: Direction, root: int) -> list[str]:
    return sorted(known.key(other) for other in known.neighbours(direction, root))


def _occurrence(rank: int, events: Mapping[int, Event | None]) -> Occurrence | None:
    return None if not rank else occurrence(rank, events.get(rank))


def seen(position: int) -> Seen:
    """A position and when the log recorded it."""
    return Seen(position=format_position(position), time=format_time(position_time(position)))
