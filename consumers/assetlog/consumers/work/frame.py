"""A function that runs, and the tasks inside of it."""

from __future__ import annotations

import asyncio
import inspect
import logging
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

from msgspec import Struct

from assetlog.consumers.crash_points import passing
from assetlog.consumers.declare.frames import current_frame
from assetlog.consumers.declare.outlets import Metadata, OutletEvents
from assetlog.consumers.declare.results import Skipped, TaskResult, values
from assetlog.consumers.declare.tasks import TaskFunction
from assetlog.consumers.work.context import Context
from assetlog.consumers.work.making import Making
from assetlog.producers.emitter import flush
from assetlog.producers.states import Skip
from assetlog.schemas.asset import Asset, metadata_sink
from assetlog.schemas.events.common import RunRef
from assetlog.schemas.work import Work

logger = logging.getLogger("assetlog.work")

Append = Callable[[Sequence[bytes]], None]


class Execution(Struct, frozen=True, kw_only=True):
    """What a trigger's function and its tasks share."""

    work: Work
    source: str
    """The `source` of the events of its assets."""
    redact: bool
    append: Append
    """Brings events to the log, at once."""
    resolve: Callable[[Sequence[Any]], list[Asset]]
    """The assets that inlets mean."""


class Frame:
    """A function or task while it runs.

    Args:
        job: its name in the events of its assets.
        upstream: keys of the assets that it is given or names as inlets.
    """

    def __init__(
        self, execution: Execution, job: str, context: Context, outlets: OutletEvents, upstream: Sequence[str]
    ) -> None:
        self.context = context
        self.outlets = outlets
        self._execution = execution
        self._job = job
        self._upstream = list(upstream)
        self._began = time.perf_counter()

    def materialized(self) -> list[bytes]:
        """The events of the assets that it made; what it emitted itself is in the log before."""
        flush()
        return self._making().materialized(self.outlets) if len(self.outlets) else []

    def failed(self, error: BaseException) -> list[bytes]:
        """The events of the assets that it was to make."""
        flush()
        return self._making().failed(list(self.outlets), error) if len(self.outlets) else []

    def take(self, returned: Any) -> Any:
        """What a function returned; a generator's `Metadata` are taken, and its return value is what counts."""
        if not inspect.isgenerator(returned):
            return returned
        try:
            while True:
                self.take_one(next(returned))
        except StopIteration as end:
            return end.value

    def take_one(self, given: Any) -> None:
        """What a generator yields."""
        if isinstance(given, Metadata):
            self.outlets.take(given)

    def add_metadata(self, key: str, metadata: Mapping[str, Any]) -> None:
        """What `Asset.add_metadata` says of an outlet.

        Raises:
            ValueError: the asset is not among the outlets.
        """
        try:
            self.outlets[Asset(key=key)].extra.update(metadata)
        except KeyError as error:
            raise ValueError(error.args[0]) from None

    def run_task(self, task: TaskFunction, args: tuple[Any, ...], kwargs: Mapping[str, Any]) -> Any:
        """Run a task here. On an event loop its coroutine is returned, to be awaited."""
        self._refuse_outlets_inside_of_outlets(task)
        try:
            plain_args, plain = values(list(args)), {name: values(value) for name, value in kwargs.items()}
        except Skipped:
            return TaskResult(skipped=True)
        run = _TaskRun(self, task, plain_args, plain)
        if not inspect.iscoroutinefunction(task.function):
            return run.run()
        try:
            asyncio.get_running_loop()
        except RuntimeError:
            return asyncio.run(run.run_async())
        return run.run_async()

    def inside(self, task: TaskFunction) -> Frame:
        """The frame of a task."""
        outlets = OutletEvents(task.options.outlets)
        inlets = self._execution.resolve(task.options.inlets)
        context = self.context.inside(
            outlet_events=lambda: outlets,
            outlets=lambda: list(outlets),
            inlets=lambda: inlets,
            task_id=lambda: task.options.task_id,
        )
        job = f"{self._job}.{task.options.task_id}"
        return Frame(self._execution, job, context, outlets, [*self._upstream, *(asset.key for asset in inlets)])

    def tell(self, events: Sequence[bytes]) -> None:
        """Bring the events of a task's assets to the log."""
        if events:
            self._execution.append(events)
            passing("work.told")

    @property
    def is_last(self) -> bool:
        """Whether no attempt follows this one."""
        return self._execution.work.is_last

    def _making(self) -> Making:
        work = self._execution.work
        seen = [event.key for event in self.context["events"] if event.key is not None]
        return Making(
            source=self._execution.source,
            redact=self._execution.redact,
            run=RunRef(id=work.trigger, job=self._job),
            upstream=tuple(dict.fromkeys([*self._upstream, *seen])),
            partition=work.partition,
            duration=round(time.perf_counter() - self._began, 6),
        )

    def _refuse_outlets_inside_of_outlets(self, task: TaskFunction) -> None:
        if len(self.outlets) and task.options.outlets:
            raise TypeError(f"the task {task.options.task_id} has outlets, and so has {self._job} that calls it")


class _TaskRun:
    """One call of a task, with its tries."""

    def __init__(self, parent: Frame, task: TaskFunction, args: list[Any], kwargs: dict[str, Any]) -> None:
        self._parent = parent
        self._task = task
        self._args = args
        self._kwargs = kwargs

    def run(self) -> TaskResult:
        for left in range(self._task.options.retries, -1, -1):
            frame = self._parent.inside(self._task)
            try:
                with entered(frame):
                    returned = frame.take(self._task.function(*self._args, **self._given(frame)))
                return self._succeeded(frame, returned)
            except Skip:
                return TaskResult(skipped=True)
            except Exception as error:
                self._failed(frame, error, left)
            time.sleep(self._task.options.retry_delay)
        raise AssertionError("unreachable")

    async def run_async(self) -> TaskResult:
        for left in range(self._task.options.retries, -1, -1):
            frame = self._parent.inside(self._task)
            try:
                with entered(frame):
                    returned = await self._task.function(*self._args, **self._given(frame))
                return await asyncio.to_thread(self._succeeded, frame, returned)
            except Skip:
                return TaskResult(skipped=True)
            except Exception as error:
                await asyncio.to_thread(self._failed, frame, error, left)
            await asyncio.sleep(self._task.options.retry_delay)
        raise AssertionError("unreachable")

    def _succeeded(self, frame: Frame, returned: Any) -> TaskResult:
        frame.tell(frame.materialized())
        return TaskResult(returned)

    def _failed(self, frame: Frame, error: Exception, left: int) -> None:
        """What a failed try means: another one, or the end of the DAG's attempt."""
        if not left:
            if frame.is_last:
                frame.tell(frame.failed(error))
            raise error
        logger.warning(
            "task failed", extra={"task": self._task.options.task_id, "tries_left": left, "error": str(error)}
        )

    def _given(self, frame: Frame) -> dict[str, Any]:
        """The arguments of the call, and those that the context has."""
        given = dict(self._kwargs)
        parameters = inspect.signature(self._task.function).parameters
        positional = list(parameters)[: len(self._args)]
        for name, parameter in parameters.items():
            if parameter.kind is inspect.Parameter.VAR_KEYWORD:
                given |= {one: frame.context[one] for one in frame.context if one not in given}
            elif name not in given and name not in positional and parameter.default in (parameter.empty, None):
                given |= {"context": frame.context} if name == "context" else _part(frame.context, name)
        return given


@contextmanager
def entered(frame: Frame) -> Iterator[None]:
    """Make a frame the one that tasks, `get_current_context` and `Asset.add_metadata` find."""
    token, sink = current_frame.set(frame), metadata_sink.set(frame.add_metadata)
    try:
        yield
    finally:
        metadata_sink.reset(sink)
        current_frame.reset(token)


def _part(context: Context, name: str) -> dict[str, Any]:
    return {name: context[name]} if name in context else {}
