"""Every event type, one frozen Struct each, one file per family. `EVENT_TYPES` lists them by wire name."""

from __future__ import annotations

from assetlog.schemas.events.registry import EVENT_TYPES, EventType

__all__ = ["EVENT_TYPES", "EventType"]
