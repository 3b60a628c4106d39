"""The fold version: files of another version are folded again, never migrated."""

from __future__ import annotations

from functools import cache
from hashlib import sha256
from importlib import resources

from assetlog.schemas.events import EVENT_TYPES
from assetlog.schemas.keys import KEY_RULE_VERSION

RULES_VERSION = 3
"""Raise it when Python rules that decide rows change (rows.py, identity.py, window.py, rank.py, consumers/schedule)."""


@cache
def fold_version() -> str:
    """Twelve hex digits of all that decides which rows an event becomes.

    >>> len(fold_version())
    12
    """
    parts = [
        resources.files("assetlog.consumers.fold.sql").joinpath("schema.sql").read_text(),
        resources.files("assetlog.consumers.views").joinpath("asset_rows.sql").read_text(),
        repr(sorted((event_type.name, event_type.version) for event_type in EVENT_TYPES.values())),
        f"keys {KEY_RULE_VERSION} rules {RULES_VERSION}",
    ]
    return sha256("\0".join(parts).encode()).hexdigest()[:12]
