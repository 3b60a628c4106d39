"""Event ids. Every id minted here is a UUIDv7 (RFC 9562), which sorts by time and keeps the dedup check cheap."""

from __future__ import annotations

import os
import threading
import time

_lock = threading.Lock()
_last_ms = 0
_counter = 0


def new_id() -> str:
    """A fresh UUIDv7; within one process each is greater than the one before.

    >>> new_id()[14]
    '7'
    """
    ms, counter = _tick()
    tail = int.from_bytes(os.urandom(8)) & (1 << 62) - 1
    digits = f"{ms << 80 | 0x7 << 76 | counter << 64 | 0b10 << 62 | tail:032x}"
    return f"{digits[:8]}-{digits[8:12]}-{digits[12:16]}-{digits[16:20]}-{digits[20:]}"


def derived_id(ms: int, digest: bytes) -> str:
    """A UUIDv7 of a millisecond and the first ten bytes of a digest: the same for the same.

    >>> derived_id(1731599436334, bytes(10))
    '01932b5e-8a2e-7000-8000-000000000000'
    """
    bits = int.from_bytes(digest[:10])
    digits = f"{ms << 80 | 0x7 << 76 | (bits >> 62 & 0xFFF) << 64 | 0b10 << 62 | bits & (1 << 62) - 1:032x}"
    return f"{digits[:8]}-{digits[8:12]}-{digits[12:16]}-{digits[16:20]}-{digits[20:]}"


def _tick() -> tuple[int, int]:
    """The next (millisecond, 12-bit counter); a full counter borrows from the next millisecond."""
    global _last_ms, _counter  # noqa: PLW0603 - the generator's state is the process's
    now = time.time_ns() // 1_000_000
    with _lock:
        if now > _last_ms:
            _last_ms, _counter = now, 0
        elif _counter < 0xFFF:
            _counter += 1
        else:
            _last_ms, _counter = _last_ms + 1, 0
        return _last_ms, _counter


def uuid7_ms(text: str) -> int | None:
    """The millisecond inside a UUIDv7, None for any other id.

    >>> uuid7_ms("01932b5e-8a2e-7cc0-98c4-dc0c0c07398f")
    1731599436334
    """
    if len(text) != 36 or text[14] != "7" or text[8] != "-":
        return None
    try:
        ms = int(text[:8] + text[9:13], 16)
    except ValueError:
        return None
    return None if ms < 0 else ms  # `int` reads a sign too


def _new_lock_in_child() -> None:
    global _lock  # noqa: PLW0603 - a lock held during fork would stay held in the child
    _lock = threading.Lock()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_new_lock_in_child)
