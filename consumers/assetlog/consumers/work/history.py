"""`inlet_events[asset]`: the whole past of an asset that a function reads, fetched as far as it is looked at."""

from __future__ import annotations

import heapq
import itertools
from collections.abc import Callable, Iterator, Sequence
from datetime import datetime
from typing import Any, overload

from msgspec import Struct
from msgspec.structs import replace

from assetlog.consumers.declare.outlets import is_named
from assetlog.consumers.work.seen import SeenEvent
from assetlog.consumers.work.sources import Sources, event_of
from assetlog.schemas.asset import Asset
from assetlog.schemas.conditions import AssetAlias, AssetRef
from assetlog.schemas.positions import SEQ_BITS, format_position, last_position_at, parse_position
from assetlog.schemas.shapes import EventShape
from assetlog.schemas.times import parse_time


class Wanted(Struct, frozen=True):
    """Which events of an asset."""

    after: datetime | None = None
    before: datetime | None = None
    ascending: bool = True
    limit: int | None = None


ALL = Wanted()


class History(Sequence[SeenEvent]):
    """The materializations of an asset, or of all that an alias has stood for; the oldest first.

    It is fetched a thousand events at a time as it is walked through, and once: what happens meanwhile is not in it.
    """

    def __init__(self, keys: Callable[[], list[str]], sources: Sources, wanted: Wanted = ALL) -> None:
        self._keys = keys
        self._sources = sources
        self._wanted = wanted
        self._found: list[SeenEvent] = []
        self._more: Iterator[SeenEvent] | None = None

    def after(self, moment: datetime | str) -> History:
        """Those that were recorded at a moment or later."""
        return self._with(after=_moment(moment))

    def before(self, moment: datetime | str) -> History:
        """Those that were recorded at a moment or earlier."""
        return self._with(before=_moment(moment))

    def ascending(self, ascending: bool = True) -> History:
        """The oldest first, or with False the newest first."""
        return self._with(ascending=ascending)

    def limit(self, limit: int) -> History:
        """The first so many."""
        return self._with(limit=limit)

    @overload
    def __getitem__(self, place: int) -> SeenEvent: ...
    @overload
    def __getitem__(self, place: slice) -> list[SeenEvent]: ...
    def __getitem__(self, place: int | slice) -> SeenEvent | list[SeenEvent]:
        if isinstance(place, slice):
            ends = (place.start, place.stop)
            known = place.stop is not None and all(end is None or end >= 0 for end in ends) and (place.step or 1) > 0
            return self._first(place.stop if known else None)[place]
        if place >= 0:
            return self._first(place + 1)[place]
        if self._wanted.limit is None and self._more is None:
            return self._with(ascending=not self._wanted.ascending)[-place - 1]
        return self._first(None)[place]

    def __iter__(self) -> Iterator[SeenEvent]:
        place = 0
        while len(self._first(place + 1)) > place:
            yield self._found[place]
            place += 1

    def __len__(self) -> int:
        return len(self._first(None))

    def _with(self, **changes: Any) -> History:
        return History(self._keys, self._sources, replace(self._wanted, **changes))

    def _first(self, count: int | None) -> list[SeenEvent]:
        """At least the first events, if there are so many; all of them for None."""
        if self._more is None:
            self._more = itertools.islice(self._each(), self._wanted.limit)
        missing = None if count is None else max(0, count - len(self._found))
        self._found += itertools.islice(self._more, missing)
        return self._found

    def _each(self) -> Iterator[SeenEvent]:
        newest_first = not self._wanted.ascending
        streams = [self._of_key(key) for key in self._keys()]
        return heapq.merge(*streams, key=lambda event: parse_position(event.position), reverse=newest_first)

    def _of_key(self, key: str) -> Iterator[SeenEvent]:
        wanted = self._wanted
        filters = {
            "after": None if wanted.after is None else format_position(max(0, _start_of(wanted.after) - 1)),
            "before": None if wanted.before is None else format_position(last_position_at(wanted.before) + 1),
            "order": "asc" if wanted.ascending else "desc",
        }
        cursor = None
        while True:
            page = self._sources.history(key, cursor=cursor, **filters)
            yield from (_seen(key, shape) for shape in page.items)
            if (cursor := page.next) is None:
                return


class InletEvents:
    """The past of each asset that a function reads: by the asset, an alias, a name or key, or the inlet's number.

    Example:
        ``inlet_events[orders][-1].extra["rows"]``, or ``inlet_events[orders].after(monday).limit(10)``
    """

    def __init__(self, inlets: Sequence[Asset], sources: Sources) -> None:
        self._inlets = list(inlets)
        self._sources = sources
        self._known: dict[Any, History] = {}

    def __getitem__(self, inlet: Asset | AssetAlias | AssetRef | str | int) -> History:
        if isinstance(inlet, AssetAlias):
            return self._history(("alias", inlet.name), lambda: self._sources.behind(inlet.name))
        asset = self._inlets[inlet] if isinstance(inlet, int) else self._asset(inlet)
        return self._history(asset.key, lambda: [asset.key])

    def __len__(self) -> int:
        return len(self._inlets)

    def __iter__(self) -> Iterator[Asset]:
        return iter(self._inlets)

    def _asset(self, inlet: Asset | AssetRef | str) -> Asset:
        for each in self._inlets:
            if is_named(each, inlet):
                return each
        if isinstance(inlet, Asset):
            return inlet
        name = inlet.name if isinstance(inlet, AssetRef) else inlet
        return Asset(name) if "://" in name else Asset(name, self._sources.key_named(name))

    def _history(self, name: Any, keys: Callable[[], list[str]]) -> History:
        return self._known.setdefault(name, History(keys, self._sources))


def _seen(key: str, shape: EventShape) -> SeenEvent:
    event = event_of(shape)
    partition = getattr(getattr(event, "data", None), "partition", None)
    return SeenEvent(parse_position(shape.position), key, partition, lambda: event)


def _moment(moment: datetime | str) -> datetime:
    if isinstance(moment, str):
        return parse_time(moment)
    if moment.tzinfo is None:
        raise ValueError("a moment names its zone, e.g. datetime(2026, 11, 21, tzinfo=UTC)")
    return moment


def _start_of(moment: datetime) -> int:
    """The first position that the log can have given in a moment's millisecond."""
    return last_position_at(moment) >> SEQ_BITS << SEQ_BITS
