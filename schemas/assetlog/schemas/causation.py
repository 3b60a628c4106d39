"""Which trigger the code that runs now works for. What it emits, by whatever means, carries that as `causationid`."""

from __future__ import annotations

from contextvars import ContextVar

current_cause: ContextVar[str | None] = ContextVar("current_cause", default=None)
"""The trigger's id; None outside of one. Workers set it around what they run."""
