"""`@task`: a part of a DAG, as Airflow's decorator of that name. Its outlets are materialized when it succeeds."""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterable, Mapping
from datetime import timedelta
from typing import Any, overload

from msgspec import Struct
from msgspec.structs import replace

from assetlog.consumers.declare.consumer import inlets_of, outlets_of
from assetlog.consumers.declare.declaration import Made
from assetlog.consumers.declare.frames import current_frame
from assetlog.consumers.declare.options import Duration, invalid, seconds
from assetlog.consumers.declare.results import Skipped, TaskResult, expanded, values
from assetlog.consumers.declare.unused import UNUSED_OF_TASKS
from assetlog.schemas.asset import Asset
from assetlog.schemas.conditions import AssetRef


class TaskOptions(Struct, frozen=True, kw_only=True):
    """How a task runs, and what it reads and makes."""

    task_id: str
    inlets: tuple[Asset | AssetRef, ...] = ()
    outlets: tuple[Made, ...] = ()
    retries: int = 0
    """How often it is tried again within one attempt of its DAG."""
    retry_delay: float = 0.0
    """Seconds between two tries."""


class TaskFunction:
    """A task. Inside a DAG that a worker runs, a call runs it at once; elsewhere it is a call of the function."""

    def __init__(
        self, function: Callable[..., Any], options: TaskOptions, fixed: Mapping[str, Any] | None = None
    ) -> None:
        functools.update_wrapper(self, function, updated=())
        self.function = function
        self.options = options
        self._fixed = dict(fixed or {})

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        """Run it here."""
        frame = current_frame.get()
        if frame is None:
            return self.function(*args, **{**self._fixed, **kwargs})
        return frame.run_task(self, args, {**self._fixed, **kwargs})

    def partial(self, **fixed: Any) -> TaskFunction:
        """The same task with some arguments given, for `expand`."""
        return TaskFunction(self.function, self.options, {**self._fixed, **fixed})

    def expand(self, **mapped: Any) -> TaskResult:
        """Run it once for each element of an argument, or each combination of elements of several.

        All of them are run, whichever fail; then the first error is raised.
        """
        try:
            return self._each(expanded(mapped))
        except Skipped:
            return TaskResult(skipped=True)

    def expand_kwargs(self, mapped: Iterable[Mapping[str, Any]]) -> TaskResult:
        """Run it once for each of these sets of arguments."""
        try:
            return self._each(map(dict, values(mapped)))
        except Skipped:
            return TaskResult(skipped=True)

    def override(self, **options: Any) -> TaskFunction:
        """The same task with other options; see `task`."""
        return TaskFunction(self.function, _read(self.options, options), self._fixed)

    def __repr__(self) -> str:
        return f"<task {self.options.task_id}>"

    def _each(self, rows: Iterable[Mapping[str, Any]]) -> TaskResult:
        results: list[Any] = []
        errors: list[Exception] = []
        for row in rows:
            try:
                results.append(self(**row))
            except Exception as error:
                errors.append(error)
        if errors:
            raise errors[0]
        done = [one.value if isinstance(one, TaskResult) else one for one in results if not _is_skipped(one)]
        return TaskResult(done)


def _is_skipped(one: Any) -> bool:
    return isinstance(one, TaskResult) and one.skipped


@overload
def task(function: Callable[..., Any], /) -> TaskFunction: ...
@overload
def task(
    *,
    task_id: str | None = None,
    inlets: Iterable[Asset | AssetRef | str] = (),
    outlets: Iterable[Made | str] = (),
    retries: int = 0,
    retry_delay: Duration = 0,
    **more: Any,
) -> Callable[[Callable[..., Any]], TaskFunction]: ...
def task(function: Callable[..., Any] | None = None, /, **options: Any) -> Any:
    """Make a function a task of the DAG that calls it.

    Inside the DAG it runs where it is called, with the values of other tasks' results. It may take parts of the context
    by name (`triggering_asset_events`, `outlet_events`, `inlet_events`, ...) or all of it as `**context`, and `yield`
    `Metadata`. Raise `Skip` to make nothing; tasks that need its result are skipped, too.

    Args:
        task_id: its name; the function's unless given.
        inlets: assets it reads.
        outlets: assets and aliases it makes.
        retries: how often it is tried again within one attempt of the DAG.
        retry_delay: seconds between two tries.
        more: further arguments of Airflow's operators, left unused.

    Example:
        ``@task(outlets=[Asset(name="report")])`` above ``def load(): ...``
    """

    def decorate(wrapped: Callable[..., Any]) -> TaskFunction:
        return TaskFunction(wrapped, _read(TaskOptions(task_id=wrapped.__name__), options))

    return decorate if function is None else decorate(function)


def _read(before: TaskOptions, given: Mapping[str, Any]) -> TaskOptions:
    """Options with what is given instead of what was."""
    unknown = set(given) - set(TaskOptions.__struct_fields__) - UNUSED_OF_TASKS
    if unknown:
        raise TypeError(f"task() has no argument {min(unknown)!r}")
    changes = {name: value for name, value in given.items() if name in TaskOptions.__struct_fields__}
    if changes.get("task_id", "") is None:
        del changes["task_id"]
    if "inlets" in changes:
        changes["inlets"] = inlets_of(changes["inlets"])
    if "outlets" in changes:
        changes["outlets"] = outlets_of(changes["outlets"])
    if "retry_delay" in changes:
        delay: float | int | timedelta = changes["retry_delay"]
        changes["retry_delay"] = seconds("retry_delay", delay)
    retries = changes.get("retries", 0)
    if isinstance(retries, bool) or not isinstance(retries, int) or retries < 0:
        raise invalid("retries", retries, "retries is a whole number, 0 or more", "Write retries=3.")
    return replace(before, **changes)
