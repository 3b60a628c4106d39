"""The ids of the last 50,000 events, in memory: it decides almost every duplicate without asking the file."""

from __future__ import annotations

from collections import deque

from msgspec import Struct

from assetlog.consumers.fold.identity import Identity

WINDOW_SIZE = 50_000


class Seen(Struct, frozen=True, gc=False):
    """The first event with an identity."""

    position: int
    body_hash: int | None
    """`hash()` of its bytes in this process; None for those loaded from the file."""


class Window:
    """Identities by age. What it does not hold is new only if it is newer than all it ever let go."""

    def __init__(self, size: int) -> None:
        self._size = size
        self._seen: dict[bytes, Seen] = {}
        self._order: deque[Identity] = deque()
        self._newest_gone = b""
        self._gone_untimed = False

    def find(self, of: Identity) -> Seen | None:
        """The first event of this identity, if it is one of the last."""
        return self._seen.get(of.digest)

    def is_new(self, of: Identity) -> bool:
        """Whether an identity the window does not hold is new for certain; otherwise the file must be asked."""
        return of.digest > self._newest_gone if of.timed else not self._gone_untimed

    def add(self, of: Identity, seen: Seen) -> None:
        """Remember a folded event."""
        self._seen[of.digest] = seen
        self._order.append(of)

    def shrink(self) -> None:
        """Let the oldest go. Only after a batch: what was found for one of its entries must stay till then."""
        while len(self._order) > self._size:
            gone = self._order.popleft()
            del self._seen[gone.digest]
            self.let_go(gone)

    def let_go(self, gone: Identity) -> None:
        """Take note of an identity that only the file knows."""
        if not gone.timed:
            self._gone_untimed = True
        elif gone.digest > self._newest_gone:
            self._newest_gone = gone.digest
