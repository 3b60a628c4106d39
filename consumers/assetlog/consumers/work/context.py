"""What a running function is told, by Airflow's names where it has one."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

from assetlog.consumers.declare.declaration import Declaration
from assetlog.consumers.declare.outlets import OutletEvents
from assetlog.consumers.work.history import InletEvents
from assetlog.consumers.work.seen import SeenEvent, TriggeringEvents, seen_events
from assetlog.consumers.work.sources import Sources
from assetlog.schemas.asset import Asset
from assetlog.schemas.conditions import AssetAlias, AssetLeaf, leaves
from assetlog.schemas.times import parse_time
from assetlog.schemas.work import Work


class Context(Mapping[str, Any]):
    """The context of a function: a mapping whose values are made when they are asked for, each also an attribute.

    Names: `run_id` (the trigger's id), `consumer` and `dag_id` (its name), `attempt` and `try_number`, `partition_key`,
    `fired`, `events`, `triggering_asset_events`, `inlet_events`, `outlet_events`, `inlets`, `outlets`; and those that
    Airflow sets to None for runs by assets: `logical_date`, `data_interval_start`, `data_interval_end`.
    """

    def __init__(self, values: Mapping[str, Callable[[], Any]]) -> None:
        self._makers = dict(values)
        self._values: dict[str, Any] = {}

    def __getitem__(self, name: str) -> Any:
        if name not in self._values:
            self._values[name] = self._makers[name]()
        return self._values[name]

    def __getattr__(self, name: str) -> Any:
        if name.startswith("_") or name not in self._makers:
            raise AttributeError(f"the context has no {name!r}")
        return self[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._makers)

    def __len__(self) -> int:
        return len(self._makers)

    def inside(self, **values: Callable[[], Any]) -> Context:
        """The context of a part of the run, which shares what was made already."""
        inner = Context({**{name: lambda name=name: self[name] for name in self._makers}, **values})  # type: ignore[misc]
        inner._values |= {name: value for name, value in self._values.items() if name not in values}
        return inner


def context_of(
    work: Work, declaration: Declaration, sources: Sources, inlets: Sequence[Asset], outlet_events: OutletEvents
) -> Context:
    """The context of a trigger's function.

    Args:
        inlets: the assets it reads beside those of its condition.
    """
    known = [Asset(leaf.key, name=leaf.name) for leaf in leaves(declaration.condition) if isinstance(leaf, AssetLeaf)]
    aliases = [leaf.name for leaf in leaves(declaration.condition) if isinstance(leaf, AssetAlias)]
    context: Context

    def events() -> list[SeenEvent]:
        return seen_events(sources.consumed(work), sources)

    context = Context(
        {
            "run_id": lambda: work.trigger,
            "consumer": lambda: work.consumer,
            "dag_id": lambda: work.consumer,
            "attempt": lambda: work.attempt,
            "try_number": lambda: work.attempt,
            "partition_key": lambda: work.partition,
            "fired": lambda: parse_time(work.fired),
            "logical_date": lambda: None,
            "data_interval_start": lambda: None,
            "data_interval_end": lambda: None,
            "events": events,
            "triggering_asset_events": lambda: TriggeringEvents(context["events"], known, aliases, sources),
            "inlet_events": lambda: InletEvents([*inlets, *known], sources),
            "outlet_events": lambda: outlet_events,
            "inlets": lambda: list(inlets),
            "outlets": lambda: list(outlet_events),
        }
    )
    return context
