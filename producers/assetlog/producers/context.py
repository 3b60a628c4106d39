"""Which run and which materialization the code that runs now is part of."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar

from assetlog.schemas.events.common import RunRef

current_run: ContextVar[RunRef | None] = ContextVar("current_run", default=None)
"""The innermost run: of `run(...)`, else of the `@materialize` function."""
declared_run: ContextVar[RunRef | None] = ContextVar("declared_run", default=None)
"""The innermost run of `run(...)` alone."""
current_asset: ContextVar[str | None] = ContextVar("current_asset", default=None)
"""The key of the asset that is materialized here, if it is exactly one."""


@contextmanager
def inside(run: RunRef) -> Iterator[RunRef]:
    """Make a run the one that everything emitted here belongs to."""
    current, declared = current_run.set(run), declared_run.set(run)
    try:
        yield run
    finally:
        declared_run.reset(declared)
        current_run.reset(current)
