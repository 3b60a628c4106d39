"""What makes two entries the same event: equal `source` and `id`.

UUIDv7 ids keep their time in front (48 bits of time, 80 bits of hash), so the exact check reads only the
part of the log where such an id can be; all other ids are one 128-bit hash. Which of the two depends on
(source, id) alone, never on a clock: the same event could otherwise pass twice.
"""

from __future__ import annotations

from hashlib import sha256

from msgspec import Struct

from assetlog.schemas.ids import uuid7_ms


class Identity(Struct, frozen=True, gc=False):
    """An event's identity as the projection stores it."""

    timed: bool
    """True: `tid`, led by the UUIDv7's time. False: `hid`."""
    digest: bytes
    """16 bytes."""


def identity(source: str, event_id: str) -> Identity:
    """The identity of (source, id).

    >>> identity("a", "1") == identity("a", "1"), identity("a", "1") == identity("a1", "")
    (True, False)
    """
    digest = sha256(f"{source}\0{event_id}".encode()).digest()
    ms = uuid7_ms(event_id)
    if ms is None:
        return Identity(False, digest[:16])
    return Identity(True, ms.to_bytes(6) + digest[:10])
