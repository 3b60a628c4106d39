"""What runs here: a worker sets it around a function, so that tasks, called inside, run as parts of it."""

from __future__ import annotations

from collections.abc import Mapping
from contextvars import ContextVar
from typing import TYPE_CHECKING, Any, Protocol

if TYPE_CHECKING:
    from assetlog.consumers.declare.tasks import TaskFunction


class Frame(Protocol):
    """A function that a worker runs, or a task inside of one."""

    @property
    def context(self) -> Mapping[str, Any]:
        """What the function is told; see `get_current_context`."""

    def run_task(self, task: TaskFunction, args: tuple[Any, ...], kwargs: Mapping[str, Any]) -> Any:
        """Run a task as a part of it; what it returns is wrapped, see `TaskResult`."""


current_frame: ContextVar[Frame | None] = ContextVar("current_frame", default=None)
"""The innermost frame; None where no worker runs anything."""


def get_current_context() -> Mapping[str, Any]:
    """What the function that runs now is told: `triggering_asset_events`, `outlet_events`, `run_id` and so on.

    Raises:
        RuntimeError: no worker runs anything here.
    """
    frame = current_frame.get()
    if frame is None:
        raise RuntimeError("there is a context only while a worker runs a function")
    return frame.context
