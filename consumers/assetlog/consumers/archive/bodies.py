"""The stored bytes of the whole log, wherever they are: the stream, and behind it the archive."""

from __future__ import annotations

from collections.abc import Sequence

from assetlog.consumers.archive.archive import Archive
from assetlog.consumers.archive.body_index import BodyIndex
from assetlog.consumers.archive.refill import refill
from assetlog.consumers.fold.fold import Fold
from assetlog.consumers.fold.rebuild import OnProgress
from assetlog.consumers.log.bodies import Bodies


class ArchivedBodies:
    """A catalog's log across stream and archive; the same questions as to the stream alone (`log.bodies.Bodies`).

    Args:
        stream: the log server's part.
        archive: the sealed part.
        index: this node's own files for reading sealed events one by one; whatever they lack, the archive has.
    """

    def __init__(self, stream: Bodies, archive: Archive, index: BodyIndex | None = None) -> None:
        self.stream = stream
        self.archive = archive
        self._index = index
        self._trimmed = 0
        """The stream holds nothing up to here: what is trimmed does not come back."""

    def fetch(self, positions: Sequence[int]) -> list[bytes | None]:
        """The bytes at each position, in the order asked for; None where neither holds any.

        Raises:
            Unavailable: the log server, or the archive's store, cannot be reached.
            Broken: a segment is missing or damaged.
        """
        there = [position for position in positions if position > self._trimmed]
        found = known(there, self.stream.fetch(there))
        missing = [position for position in positions if position not in found]
        if missing:
            if max(missing) > (self.archive.last or 0):
                self.archive.refresh()  # another node may have sealed and trimmed it a moment ago
            sealed = self._sealed(missing)
            self._trimmed = max(self._trimmed, *sealed, 0)
            found |= sealed
        return [found.get(position) for position in positions]

    def fetch_range(self, after: int, limit: int) -> list[tuple[int, bytes]]:
        """The next entries after a position, in order: at most `limit`, none at the end of the log."""
        return self.archive.fetch_range(after, limit) or self.stream.fetch_range(after, limit)

    def fill(self, fold: Fold, up_to: int, on_progress: OnProgress) -> int:
        """Bring a projection as far as the archive reaches, the quick way; see `refill`."""
        return refill(fold, self.archive, up_to, on_progress)

    def _sealed(self, positions: list[int]) -> dict[int, bytes]:
        found: dict[int, bytes] = {}
        if self._index is not None:
            for segment, group in self.archive.segments_of(positions):
                found |= self._index.find(segment, group)
        left = [position for position in positions if position not in found]
        return found | known(left, self.archive.fetch(left))

    def length(self) -> int:
        """How many entries the log holds, duplicates included."""
        return max(self.archive.count, self.stream.added())


def known(positions: Sequence[int], bodies: Sequence[bytes | None]) -> dict[int, bytes]:
    """What was found, by position.

    >>> known([1, 2], [b"{}", None])
    {1: b'{}'}
    """
    return {position: raw for position, raw in zip(positions, bodies, strict=True) if raw is not None}
