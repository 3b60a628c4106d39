"""Events as functions see them: those that set them off, and those of an asset's past."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import datetime
from typing import Any

import msgspec

from assetlog.consumers.declare.outlets import is_named
from assetlog.consumers.work.sources import Sources
from assetlog.schemas.asset import Asset
from assetlog.schemas.conditions import AssetAlias, AssetRef
from assetlog.schemas.envelope import Event
from assetlog.schemas.events.common import RunRef
from assetlog.schemas.positions import format_position, position_time
from assetlog.schemas.work import WorkEvent

TOGETHER = 500
"""Events that are fetched at a time."""


class SeenEvent:
    """An event of an asset. What is not known from the trigger itself is fetched at first use.

    Attributes:
        position: where it stands in the log.
        key: the asset's key; None for a tick of the clock.
        partition_key: its partition; None for none.
        timestamp: when the log recorded it.
    """

    __slots__ = ("_event", "key", "partition_key", "position", "timestamp")

    def __init__(
        self, position: int, key: str | None, partition: str | None, event: Callable[[], Event | None]
    ) -> None:
        self.position = format_position(position)
        self.key = key
        self.partition_key = partition
        self.timestamp: datetime = position_time(position)
        self._event = event

    @property
    def event(self) -> Event | None:
        """The whole event; None if the log no longer holds it."""
        return self._event()

    @property
    def id(self) -> str | None:
        """The event's id."""
        return getattr(self.event, "id", None)

    @property
    def asset(self) -> Asset | None:
        """The asset; None for a tick of the clock."""
        return None if self.key is None else Asset(key=self.key)

    @property
    def extra(self) -> dict[str, Any]:
        """Its metadata."""
        raw = getattr(getattr(self.event, "data", None), "metadata", None)
        metadata: dict[str, Any] = {} if raw is None else msgspec.json.decode(raw)
        return metadata

    metadata = extra

    @property
    def source(self) -> str | None:
        """What emitted it."""
        return getattr(self.event, "source", None)

    @property
    def time(self) -> datetime | None:
        """When it happened, by its producer's clock."""
        return getattr(self.event, "time", None)

    @property
    def run(self) -> RunRef | None:
        """The run that it comes from."""
        return getattr(getattr(self.event, "data", None), "run", None)

    @property
    def source_run_id(self) -> str | None:
        """That run's id."""
        return self.run.id if self.run else None

    @property
    def source_dag_id(self) -> str | None:
        """That run's job, up to its last dot."""
        job = self.run.job if self.run else None
        return job and (job.rpartition(".")[0] or job)

    @property
    def source_task_id(self) -> str | None:
        """That run's job, from its last dot on."""
        job = self.run.job if self.run else None
        return job and job.rpartition(".")[2]

    def __repr__(self) -> str:
        return f"<event of {self.key} at {self.position}>"


def seen_events(consumed: Sequence[WorkEvent], sources: Sources) -> list[SeenEvent]:
    """The events of a trigger; their bodies are fetched when one is looked into, many at a time."""
    fetch = _Bodies([event.position for event in consumed], sources)
    return [
        SeenEvent(event.position, event.key, event.partition, lambda place=place: fetch.at(place))  # type: ignore[misc]
        for place, event in enumerate(consumed)
    ]


class _Bodies:
    def __init__(self, positions: list[int], sources: Sources) -> None:
        self._positions = positions
        self._sources = sources
        self._found: dict[int, Event | None] = {}

    def at(self, place: int) -> Event | None:
        if place not in self._found:
            first = place - place % TOGETHER
            events = self._sources.events(self._positions[first : first + TOGETHER])
            self._found |= dict(enumerate(events, first))
        return self._found[place]


class TriggeringEvents(Mapping[Any, list[SeenEvent]]):
    """The events that a trigger consumed, by asset: in the order in which they came, the assets by their first one.

    Look them up by an asset, its key or name, or by an alias of the condition.
    """

    def __init__(self, events: Sequence[SeenEvent], known: Sequence[Asset], aliases: Sequence[str], sources: Sources):
        self._by_key: dict[str, list[SeenEvent]] = {}
        for event in events:
            if event.key is not None:
                self._by_key.setdefault(event.key, []).append(event)
        self._assets = {asset.key: asset for asset in known}
        self._aliases = aliases
        self._sources = sources

    def __getitem__(self, asset: Asset | AssetAlias | AssetRef | str) -> list[SeenEvent]:
        if isinstance(asset, AssetAlias):
            return self._of_alias(asset)
        for each in self._each_asset():
            if is_named(each, asset):
                return self._by_key[each.key]
        raise KeyError(asset)

    def __iter__(self) -> Iterator[Asset | AssetAlias]:
        yield from self._each_asset()
        for name in self._aliases:
            alias = AssetAlias(name)
            if alias in self:
                yield alias

    def __len__(self) -> int:
        return sum(1 for _ in self)

    def _each_asset(self) -> Iterator[Asset]:
        return (self._assets.get(key, Asset(key=key)) for key in self._by_key)

    def _of_alias(self, alias: AssetAlias) -> list[SeenEvent]:
        keys = set(self._sources.behind(alias.name)) if alias.name in self._aliases else set()
        events = [event for key in keys for event in self._by_key.get(key, ())]
        if not events:
            raise KeyError(alias)
        return sorted(events, key=lambda event: event.timestamp)
