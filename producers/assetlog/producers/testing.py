"""For users' tests: `with capture() as captured:` keeps what the code emits instead of sending it."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from assetlog.producers.emitter import Emitter, set_default_emitter
from assetlog.producers.transports import memory
from assetlog.schemas import codec
from assetlog.schemas.codec import Event
from assetlog.schemas.ids import new_id


class Captured:
    """What was emitted."""

    def __init__(self, emitter: Emitter, url: str) -> None:
        self.emitter = emitter
        self._url = url

    def raw(self) -> list[bytes]:
        """The events' bytes, oldest first."""
        self.emitter.flush()
        return list(memory.events(self._url))

    def events(self, event_type: str | None = None) -> list[Event]:
        """The events decoded, oldest first; of one type, if given."""
        decoded = map(codec.decode, self.raw())
        return [event for event in decoded if event_type in {None, event.type}]


@contextmanager
def capture() -> Iterator[Captured]:
    """Keep what the default emitter emits in this block; strict, so that what a node would refuse raises.

    >>> from assetlog.producers import observe
    >>> with capture() as captured:
    ...     _ = observe("s3://lake/orders", {"rows": 3})
    ...     [event.type for event in captured.events()]
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
