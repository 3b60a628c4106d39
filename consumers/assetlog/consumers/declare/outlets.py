"""What a function says of the assets it makes while it runs: `outlet_events[...]` and `yield Metadata(...)`."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from assetlog.consumers.declare.declaration import Made
from assetlog.consumers.declare.options import invalid
from assetlog.schemas.asset import Asset
from assetlog.schemas.conditions import AssetAlias, AssetRef

MAX_PARTITION_LENGTH = 250


class Metadata:
    """Facts about an asset that a task made; `yield` it from the task.

    Args:
        asset: the asset.
        extra: the facts, any JSON object.
        alias: the alias among the task's outlets that stands for the asset, if the asset itself is not among them.
    """

    __slots__ = ("alias", "asset", "extra")

    def __init__(
        self, asset: Asset, extra: Mapping[str, Any] | None = None, alias: AssetAlias | str | None = None
    ) -> None:
        self.asset = asset
        self.extra = dict(extra or {})
        self.alias = AssetAlias(alias) if isinstance(alias, str) else alias


class OutletEvent:
    """What is said of one outlet. `extra` becomes the event's metadata.

    Attributes:
        extra: facts about the asset, any JSON object; set it or add to it.
    """

    def __init__(self, outlet: Made) -> None:
        self.outlet = outlet
        self.extra: dict[str, Any] = {}
        self.partitions: list[str] = []
        self.added: list[tuple[Asset, dict[str, Any]]] = []
        """Assets that the alias stands for, with facts about each."""

    def add_partitions(self, partitions: str | Iterable[str]) -> None:
        """The asset was made in these partitions: one event for each.

        Raises:
            Invalid: the outlet is an alias, or a partition is no text of 1 to 250 characters.
        """
        if isinstance(self.outlet, AssetAlias):
            raise invalid("outlet_events", self.outlet.name, "an alias has no partitions", "Add them to an asset.")
        given = [partitions] if isinstance(partitions, str) else list(partitions)
        told: list[object] = list(given)
        for partition in told:
            if not isinstance(partition, str) or not partition.strip() or len(partition) > MAX_PARTITION_LENGTH:
                rule = f"a partition is a text of 1 to {MAX_PARTITION_LENGTH} characters, not blank"
                raise invalid("partition", partition, rule, 'Write it like "2026-11-21".')
        self.partitions += [partition for partition in dict.fromkeys(given) if partition not in self.partitions]

    def add(self, asset: Asset, extra: Mapping[str, Any] | None = None) -> None:
        """The alias stands for this asset, and it was made.

        Raises:
            Invalid: the outlet is an asset.
        """
        if not isinstance(self.outlet, AssetAlias):
            raise invalid("outlet_events", self.outlet.key, "only an alias stands for assets", "Set .extra instead.")
        one = (asset, dict(extra or {}))
        if one not in self.added:
            self.added.append(one)


class OutletEvents(Mapping[Any, OutletEvent]):
    """What is said of each outlet, by the outlet, its name or key, or its number.

    >>> events = OutletEvents([Asset("s3://lake/report")])
    >>> events[Asset("s3://lake/report")].extra = {"rows": 3}
    >>> events[0].extra
    {'rows': 3}
    """

    def __init__(self, outlets: Sequence[Made]) -> None:
        self._events = [OutletEvent(outlet) for outlet in outlets]

    def __getitem__(self, outlet: Asset | AssetAlias | AssetRef | str | int) -> OutletEvent:
        if isinstance(outlet, int):
            return self._events[outlet]
        for event in self._events:
            if is_named(event.outlet, outlet):
                return event
        known = ", ".join(map(repr, self)) or "none"
        raise KeyError(f"{outlet!r} is not among the outlets: {known}")

    def __iter__(self) -> Iterator[Made]:
        return (event.outlet for event in self._events)

    def __len__(self) -> int:
        return len(self._events)

    def take(self, metadata: Metadata) -> None:
        """What a function yields."""
        if metadata.alias is None:
            self[metadata.asset].extra.update(metadata.extra)
        else:
            self[metadata.alias].add(metadata.asset, metadata.extra)


def is_named(made: Made, by: object) -> bool:
    """Whether an outlet is meant: by itself, by name or by key."""
    if isinstance(by, AssetAlias):
        return made == by
    if isinstance(made, AssetAlias):
        return made.name == by
    if isinstance(by, AssetRef):
        return made.name == by.name
    return made == by or by in (made.key, made.name)
