"""What a test's SDK has emitted, told in short."""

from __future__ import annotations

from typing import Any

import msgspec

from assetlog.producers.testing import Captured

ENDS = ("asset.materialized", "asset.failed", "run.succeeded", "run.failed", "run.skipped")


def types(captured: Captured) -> list[str]:
    """The types of all events."""
    return [event.type for event in captured.events()]


def ends(captured: Captured) -> list[str]:
    """The types of those that end something."""
    return [kind for kind in types(captured) if kind in ENDS]


def metadata(data: Any) -> Any:
    """An event's metadata."""
    return msgspec.json.decode(data.metadata)


def edges_of(captured: Captured) -> set[tuple[str, str]]:
    """The edges of lineage: (from, to)."""
    return {
        (key, str(event.subject))
        for event in captured.events("asset.materialized")
        for key in getattr(event.data, "upstream", ())
    }
