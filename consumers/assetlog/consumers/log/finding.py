"""What doctor found: one thing looked at, and what to do about it."""

from __future__ import annotations

from typing import Literal

from msgspec import Struct

from assetlog.schemas.errors import AssetlogError

Status = Literal["ok", "warn", "fail"]


class Finding(Struct, frozen=True):
    """One thing doctor looked at.

    >>> Finding("eviction", "ok", "maxmemory-policy is noeviction").remedy
    ''
    """

    name: str
    """Stable, for scripts, e.g. `receipts`."""
    status: Status
    """`ok`, `warn` (works, but not as well as it should) or `fail` (does not work)."""
    found: str
    """What was found, in one sentence."""
    why: str = ""
    """Why it matters; empty when all is well."""
    remedy: str = ""
    """What to do; empty when all is well."""


def from_error(name: str, error: AssetlogError) -> Finding:
    """A failed finding that says what an error says."""
    return Finding(
        name, "fail", error.detail, error.rule or "no event can be appended or read until that is mended", error.hint
    )


def size_text(size: float) -> str:
    """Bytes as a person reads them.

    >>> size_text(1536)
    '1.5 KiB'
    """
    for unit in ("B", "KiB", "MiB", "GiB"):
        if size < 1024:
            return f"{size:.0f} {unit}" if unit == "B" else f"{size:.1f} {unit}"
        size /= 1024
    return f"{size:.1f} TiB"
