"""`memory:` keeps events in a list of this process, for tests. `memory:name` is a list of its own."""

from __future__ import annotations

from collections.abc import Sequence

from assetlog.producers.transports.verdicts import event_id, rejection
from assetlog.schemas import codec
from assetlog.schemas.errors import Invalid
from assetlog.schemas.positions import format_position
from assetlog.schemas.shapes import Accepted, Receipt

_lists: dict[str, list[bytes]] = {}


def events(url: str = "memory:") -> list[bytes]:
    """The events that were sent to a `memory:` URL, oldest first; clear it between tests."""
    return _lists.setdefault(url, [])


def forget(url: str) -> None:
    """Drop the list of a URL."""
    _lists.pop(url, None)


class MemoryTransport:
    """Appends to a list."""

    def __init__(self, kept: list[bytes]) -> None:
        self.kept = kept

    def send(self, batch: Sequence[bytes]) -> Receipt:
        """Check each event as a node does, keep the good ones."""
        receipt = Receipt(accepted=[], ack="memory")
        for index, raw in enumerate(batch):
            try:
                codec.decode(raw)
            except Invalid as error:
                receipt.rejected.append(rejection(index, error))
            else:
                self.kept.append(raw)
                position = format_position(len(self.kept) << 20)
                receipt.accepted.append(Accepted(id=event_id(raw), position=position))
        return receipt

    def close(self) -> None:
        """Nothing to let go of."""


def open_transport(url: str, catalog: str, token: str | None) -> MemoryTransport:  # noqa: ARG001 - one shape for all
    """The transport of a `memory:` URL."""
    return MemoryTransport(events(url))
