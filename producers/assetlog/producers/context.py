"""Which run, call and flow the code that runs now is part of."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import TYPE_CHECKING

from assetlog.schemas.events.common import RunRef

if TYPE_CHECKING:
    from assetlog.producers.calls import Call
    from assetlog.producers.flow import FlowCall
    from assetlog.producers.lineage import Lineage

current_run: ContextVar[RunRef | None] = ContextVar("current_run", default=None)
"""The innermost run: of `run(...)`, a flow or a task, else of the `@materialize` function."""
declared_run: ContextVar[RunRef | None] = ContextVar("declared_run", default=None)
"""The innermost run of `run(...)` alone."""
current_asset: ContextVar[str | None] = ContextVar("current_asset", default=None)
"""The key of the asset that is materialized here, if it is exactly one."""
current_call: ContextVar[Call | None] = ContextVar("current_call", default=None)
"""The innermost call of a task or a `@materialize` function."""
current_flow: ContextVar[FlowCall | None] = ContextVar("current_flow", default=None)
"""The innermost flow."""
current_lineage: ContextVar[Lineage | None] = ContextVar("current_lineage", default=None)
"""What is known, in this flow or `run(...)`, of where values come from."""


@contextmanager
def inside(run: RunRef) -> Iterator[RunRef]:
    """Make a run the one that everything emitted here belongs to."""
    current, declared = current_run.set(run), declared_run.set(run)
    try:
        yield run
    finally:
        declared_run.reset(declared)
        current_run.reset(current)
