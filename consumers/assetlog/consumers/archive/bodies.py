"""The stored bytes of the whole log, wherever they are: the stream, and behind it the archive."""

from __future__ import annotations

from collections.abc import Sequence

from assetlog.consumers.archive.archive import Archive
from assetlog.consumers.archive.refill import refill
from assetlog.consumers.fold.fold import Fold
from assetlog.consumers.fold.rebuild import OnProgress
from assetlog.consumers.log.bodies import Bodies


class ArchivedBodies:
    """A catalog's log across stream and archive; the same questions as to the stream alone (`log.bodies.Bodies`).

    Args:
        stream: the log server's part.
        archive: the sealed part.
    """

    def __init__(self, stream: Bodies, archive: Archive) -> None:
        self.stream = stream
        self.archive = archive

    def fetch(self, positions: Sequence[int]) -> list[bytes | None]:
        """The bytes at each position, in the order asked for; None where neither holds any.

        Raises:
            Unavailable: the log server, or the archive's store, cannot be reached.
            Broken: a segment is missing or damaged.
        """
        found = dict(zip(positions, self.stream.fetch(positions), strict=True))
        missing = [position for position, raw in found.items() if raw is None]
        if missing:
            if max(missing) > (self.archive.last or 0):
                self.archive.refresh()  # another node may have sealed and trimmed it a moment ago
            found.update(zip(missing, self.archive.fetch(missing), strict=True))
        return [found[position] for position in positions]

    def fetch_range(self, after: int, limit: int) -> list[tuple[int, bytes]]:
        """The next entries after a position, in order: at most `limit`, none at the end of the log."""
        return self.archive.fetch_range(after, limit) or self.stream.fetch_range(after, limit)

    def fill(self, fold: Fold, up_to: int, on_progress: OnProgress) -> int:
        """Bring a projection as far as the archive reaches, the quick way; see `refill`."""
        return refill(fold, self.archive, up_to, on_progress)

    def length(self) -> int:
        """How many entries the log holds, duplicates included."""
        return max(self.archive.count, self.stream.added())
