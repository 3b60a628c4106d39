"""For users' tests: what the code under test emits is kept in memory instead of being sent.

    with capture() as captured:
        load_orders()
    assert captured.assets() == ["s3://lake/orders"]

With pytest, ask for the fixture `assetlog_events`; it is there as soon as assetlog is installed.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import msgspec

from assetlog.producers.emitter import Emitter, set_default_emitter
from assetlog.producers.transports import memory
from assetlog.schemas import codec
from assetlog.schemas.codec import Event
from assetlog.schemas.events.asset import AssetMaterialized
from assetlog.schemas.ids import new_id

MATERIALIZED = "asset.materialized"
MAX_SHOWN = 200


class Captured:
    """What was emitted. `print` it to see it; it also stands in pytest's report of a failed test."""

    def __init__(self, emitter: Emitter, url: str) -> None:
        self.emitter = emitter
        self._url = url
        self._kept = memory.events(url)

    def raw(self) -> list[bytes]:
        """The events' bytes, oldest first."""
        self.emitter.flush()
        return list(self._kept)

    def events(self, event_type: str | None = None, subject: str | None = None) -> list[Event]:
        """The events decoded, oldest first.

        Args:
            event_type: only those of this type (`asset.materialized`) or family (`asset.*`).
            subject: only those about this asset, artifact or run.
        """
        decoded = map(codec.decode, self.raw())
        return [event for event in decoded if _is_of(event, event_type) and subject in {None, event.subject}]

    def assets(self) -> list[str]:
        """The keys of the assets that were materialized, each once, in the order of their first materialization."""
        return list(dict.fromkeys(str(event.subject) for event in self.events(MATERIALIZED)))

    def edges(self) -> set[tuple[str, str]]:
        """What was made from what: (upstream, downstream) of all materializations."""
        made = self.events(MATERIALIZED)
        return {(key, str(event.subject)) for event in made for key in getattr(event.data, "upstream", ())}

    def metadata(self, key: str) -> dict[str, Any]:
        """The metadata of the newest materialization of an asset.

        Raises:
            AssertionError: it was not materialized.
        """
        made = [event.data for event in self.events(MATERIALIZED, key)]
        if not made:
            raise AssertionError(f"{key} was not materialized. {self}")
        assert isinstance(made[-1], AssetMaterialized)
        return msgspec.json.decode(made[-1].metadata, type=dict[str, Any])

    def clear(self) -> None:
        """Forget what was emitted so far."""
        self.emitter.flush()
        self._kept.clear()

    def __str__(self) -> str:
        events = self.events()
        lines = [f"{len(events)} events were emitted{':' if events else '.'}", *map(_line, events)]
        return "\n".join(lines)


def _is_of(event: Event, event_type: str | None) -> bool:
    if event_type is None:
        return True
    return event.type.startswith(event_type[:-1]) if event_type.endswith(".*") else event.type == event_type


def _line(event: Event) -> str:
    data = msgspec.json.encode(event.data).decode()
    data = data if len(data) <= MAX_SHOWN else data[: MAX_SHOWN - 1] + "…"
    return f"  {event.type:<20} {event.subject or '-'}  {data}"


@contextmanager
def capture() -> Iterator[Captured]:
    """Keep what the default emitter emits in this block; strict, so that what a node would refuse raises.

    What was captured can be asked after the block, too.

    >>> from assetlog.producers import observe
    >>> with capture() as captured:
    ...     _ = observe("s3://lake/orders", {"rows": 3})
    >>> [event.type for event in captured.events("asset.*")]
    ['asset.observed']
    """
    url = f"memory:{new_id()}"
    emitter = Emitter(url, strict=True)
    before = set_default_emitter(emitter)
    try:
        yield Captured(emitter, url)
    finally:
        set_default_emitter(before)
        emitter.close()
        memory.forget(url)
