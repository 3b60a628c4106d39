"""`@task`: a function whose calls are runs, and through which lineage flows. `@materialize` makes one that writes."""

from __future__ import annotations

import functools
import inspect
import os
import threading
from collections.abc import Callable, Coroutine, Iterable, Mapping
from contextvars import copy_context
from types import ModuleType
from typing import TYPE_CHECKING, Any, Generic, Literal, ParamSpec, TypeVar, overload

import msgspec

from assetlog.producers.attempts import (
    OnEnd,
    carried_by,
    inputs_of,
    not_run,
    run_async_generator,
    run_coroutine,
    run_function,
    run_generator,
)
from assetlog.producers.calls import Plan
from assetlog.producers.context import current_flow
from assetlog.producers.futures import FutureList, Inputs, TaskFuture, all_ended, unmapped
from assetlog.producers.lineage import Keys
from assetlog.producers.plans import changed, dress, job_of
from assetlog.producers.states import State, UpstreamFailed
from assetlog.producers.task_options import NO_OPTIONS, TaskOptions, task_options
from assetlog.schemas.asset import Asset

if TYPE_CHECKING:
    from concurrent.futures import ThreadPoolExecutor

Parameters = ParamSpec("Parameters")
Result = TypeVar("Result")
Result_co = TypeVar("Result_co", covariant=True)
Awaited = TypeVar("Awaited")

THREADS = 256
"""Most calls of `submit` that run at a time."""


class Task(Generic[Parameters, Result_co]):
    """A tracked function: called like the function it wraps.

    It keeps the function's name, signature and docstring, and is a coroutine function, a generator function or a
    method wherever that is one. Keyword arguments `wait_for` and `return_state` are taken from calls, unless the
    function has parameters of these names.
    """

    __name__: str
    __qualname__: str

    def __init__(self, plan: Plan, options: TaskOptions = NO_OPTIONS) -> None:
        self.plan = plan
        self.options = options
        self.fn: Callable[..., Any] = plan.function
        dress(self, self.fn)
        self._kind = kind_of(self.fn)

    @property
    def name(self) -> str:
        """The job's name."""
        return self.plan.job

    @overload
    def __call__(self, *args: Parameters.args, **kwargs: Parameters.kwargs) -> Result_co: ...
    @overload
    def __call__(
        self: Task[..., Coroutine[Any, Any, Awaited]],
        *args: Any,
        return_state: Literal[True],
        wait_for: Iterable[Any] | None = None,
        **kwargs: Any,
    ) -> Coroutine[Any, Any, State[Awaited]]: ...
    @overload
    def __call__(
        self, *args: Any, return_state: Literal[True], wait_for: Iterable[Any] | None = None, **kwargs: Any
    ) -> State[Result_co]: ...
    @overload
    def __call__(self, *args: Any, wait_for: Iterable[Any] | None, **kwargs: Any) -> Result_co: ...
    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        """Run it here."""
        if kwargs and not _EXTRAS.isdisjoint(kwargs):
            return self._call_with_extras(args, dict(kwargs))
        return self._run(args, kwargs)

    @overload
    def submit(
        self: Task[..., Coroutine[Any, Any, Awaited]],
        *args: Any,
        wait_for: Iterable[Any] = (),
        return_state: Literal[False] = False,
        **kwargs: Any,
    ) -> TaskFuture[Awaited]: ...
    @overload
    def submit(
        self: Task[..., Coroutine[Any, Any, Awaited]],
        *args: Any,
        wait_for: Iterable[Any] = (),
        return_state: Literal[True],
        **kwargs: Any,
    ) -> State[Awaited]: ...
    @overload
    def submit(
        self, *args: Any, wait_for: Iterable[Any] = (), return_state: Literal[False] = False, **kwargs: Any
    ) -> TaskFuture[Result_co]: ...
    @overload
    def submit(
        self, *args: Any, wait_for: Iterable[Any] = (), return_state: Literal[True], **kwargs: Any
    ) -> State[Result_co]: ...
    def submit(self, *args: Any, wait_for: Iterable[Any] = (), return_state: bool = False, **kwargs: Any) -> Any:
        """Run it on another thread. Futures among the arguments are waited for there.

        Args:
            wait_for: futures, or what tasks returned, that must be there before, beside the arguments.
            return_state: wait, and return the call's `State` instead of a future.
        """
        context = copy_context()
        future = _executor().submit(context.run, self._work, args, kwargs, tuple(wait_for))
        task_future: TaskFuture[Any] = TaskFuture(self.name, future)
        return task_future.state if return_state else task_future

    @overload
    def map(
        self: Task[..., Coroutine[Any, Any, Awaited]], *args: Any, wait_for: Iterable[Any] = (), **kwargs: Any
    ) -> FutureList[Awaited]: ...
    @overload
    def map(self, *args: Any, wait_for: Iterable[Any] = (), **kwargs: Any) -> FutureList[Result_co]: ...
    def map(self, *args: Any, wait_for: Iterable[Any] = (), **kwargs: Any) -> Any:
        """Submit one call for each element of the arguments that are lists or the like, all of one length.

        Texts, mappings and what `unmapped(...)` holds go to every call whole. A future is waited for here, since its
        length must be known.

        Raises:
            ValueError: nothing to map over, or lengths that differ.
        """
        given = [*args, *kwargs.values()]
        columns = [_column(_waited(value)) for value in given]
        lengths = {len(column) for column in columns if column is not None}
        if len(lengths) != 1:
            found = ", ".join(map(str, sorted(lengths))) or "none"
            raise ValueError(f"{self.name}.map needs iterable arguments of one length; there are {found}")
        futures: FutureList[Any] = FutureList()
        for row in range(lengths.pop()):
            values = [
                _whole(value) if column is None else column[row] for value, column in zip(given, columns, strict=True)
            ]
            named = dict(zip(kwargs, values[len(args) :], strict=True))
            futures.append(self.submit(*values[: len(args)], wait_for=[*wait_for, *_futures(given)], **named))
        return futures

    @overload
    def __get__(self, instance: None, owner: type) -> Task[Parameters, Result_co]: ...
    @overload
    def __get__(self, instance: object, owner: type | None = None) -> Task[..., Result_co]: ...
    def __get__(self, instance: object | None, owner: type | None = None) -> Any:
        """The task as a method of an instance."""
        if instance is None and not isinstance(self.fn, classmethod):
            return self
        bound = msgspec.structs.replace(self.plan, function=self.fn.__get__(instance, owner))
        return Task(bound, self.options)

    def with_options(
        self,
        *,
        assets: Iterable[Asset | str] | None = None,
        asset_deps: Iterable[Asset | str] | None = None,
        name: str | None = None,
        **options: Any,
    ) -> Task[Parameters, Result_co]:
        """The same task with some options changed; those that are not given stay.

        Args:
            assets: what it writes instead, for keys that are known only at run time.
            asset_deps: the assets it is made from instead.
            name: the job's name instead.
            options: see `task`.
        """
        plan = changed(self.plan, assets=assets, asset_deps=asset_deps, name=name, options=options)
        new = task_options(self.options, options, plan.job)
        return Task(msgspec.structs.replace(plan, tags=new.tags), new)

    def __reduce__(self) -> Any:
        return reduced(self)

    def __repr__(self) -> str:
        return f"<{type(self).__name__} {self.name}>"

    def _run(
        self, args: tuple[Any, ...], kwargs: Mapping[str, Any], wait_for: Iterable[Any] = (), *on_end: OnEnd
    ) -> Any:
        if not (args or kwargs or wait_for):
            return self._kind(self, NO_INPUTS, *on_end)
        if self._kind is run_coroutine:
            return self._settle_and_run(args, dict(kwargs), wait_for, *on_end)
        return self._kind(self, self._inputs(args, dict(kwargs), wait_for), *on_end)

    async def _settle_and_run(
        self, args: tuple[Any, ...], kwargs: dict[str, Any], wait_for: Iterable[Any], *on_end: OnEnd
    ) -> Any:
        await all_ended(args, kwargs, wait_for)
        return await run_coroutine(self, self._inputs(args, kwargs, wait_for), *on_end)

    def _inputs(self, args: tuple[Any, ...], kwargs: dict[str, Any], wait_for: Iterable[Any]) -> Inputs:
        try:
            return inputs_of(args, kwargs, wait_for)
        except UpstreamFailed as error:
            not_run(self, error)
            raise

    def _call_with_extras(self, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        own = inspect.signature(self.fn).parameters
        extras = {name: kwargs.pop(name) for name in _EXTRAS if name in kwargs and name not in own}
        wait_for = tuple(extras.get("wait_for") or ())
        if not extras.get("return_state"):
            return self._run(args, kwargs, wait_for)
        if self._kind is run_coroutine:
            return self._awaited_state(args, kwargs, wait_for)
        if self._kind is not run_function:
            raise TypeError(f"{self.name} is a generator: it has no state to return")
        carried: list[Keys] = []
        return state_of(lambda: self._run(args, kwargs, wait_for, carried_by(carried)), carried)

    async def _awaited_state(
        self, args: tuple[Any, ...], kwargs: dict[str, Any], wait_for: Iterable[Any]
    ) -> State[Any]:
        carried: list[Keys] = []
        try:
            value = await self._run(args, kwargs, wait_for, carried_by(carried))
        except Exception as error:
            return State.of_error(error)
        return State("COMPLETED", value=value, keys=carried[-1])

    def _work(self, args: tuple[Any, ...], kwargs: dict[str, Any], wait_for: tuple[Any, ...]) -> tuple[Any, Keys]:
        """What a thread does for `submit`."""
        inputs = self._inputs(args, kwargs, wait_for)
        carried: list[Keys] = []
        if self._kind is run_function:
            result = run_function(self, inputs, carried_by(carried))
        elif self._kind is run_coroutine:
            import asyncio

            result = asyncio.run(run_coroutine(self, inputs, carried_by(carried)))
        else:
            raise TypeError(f"{self.name} is a generator: call it instead of submitting it")
        return result, carried[-1]


NO_INPUTS = Inputs((), {}, {})
_EXTRAS = frozenset({"wait_for", "return_state"})


@overload
def task(function: Callable[Parameters, Result], /) -> Task[Parameters, Result]: ...
@overload
def task(
    *, name: str | None = None, asset_deps: Iterable[Asset | str] | None = None, **options: Any
) -> Callable[[Callable[Parameters, Result]], Task[Parameters, Result]]: ...
def task(
    function: Callable[..., Any] | None = None,
    /,
    *,
    name: str | None = None,
    asset_deps: Iterable[Asset | str] | None = None,
    **options: Any,
) -> Any:
    """Make each call of a function a run: `run.started`, then `run.succeeded`, `run.failed` or `run.skipped`.

    Lineage flows through it: what it returns comes from the assets that its arguments come from.

    Args:
        name: the job's name, unless the function's is wanted.
        asset_deps: assets that what it returns comes from, beside those behind its arguments.
        options: `retries`, `retry_delay_seconds`, `retry_jitter_factor`, `retry_condition_fn`, `timeout_seconds`,
            `tags`, `on_success`, `on_failure`. What needs an orchestrator is accepted, with a warning.
            A generator is neither tried again nor timed: its consumer has what it yielded.

    Raises:
        Invalid: an option or a key breaks its rule.
        TypeError: there is no such option.

    >>> @task(retries=2)
    ... def clean(rows: list[int]) -> list[int]:
    ...     return [row for row in rows if row]
    >>> clean.name
    'assetlog.producers.task.clean'
    """

    def decorate(function: Callable[..., Any]) -> Task[..., Any]:
        plan = changed(Plan(function=function, job=job_of(function)), asset_deps=asset_deps, name=name)
        read = task_options(NO_OPTIONS, options, plan.job)
        return Task(msgspec.structs.replace(plan, tags=read.tags), read)

    return decorate if function is None else decorate(function)


def reduced(tracked: Any) -> Any:
    """How a tracked function is pickled: by its name, as functions are; a method by its instance, as methods are."""
    owner = getattr(tracked.fn, "__self__", None)
    if owner is None or isinstance(owner, ModuleType):
        return tracked.__qualname__
    return getattr, (owner, tracked.__name__)


def state_of(call: Callable[[], Any], carried: list[Keys]) -> State[Any]:
    """What becomes of a call, as a state; `carried` holds at its end what the result comes from."""
    try:
        value = call()
    except Exception as error:
        return State.of_error(error)
    return State("COMPLETED", value=value, keys=carried[-1])


def kind_of(function: Callable[..., Any]) -> Callable[..., Any]:
    """What runs such a function."""
    if not hasattr(function, "__code__") and not isinstance(function, functools.partial | classmethod | staticmethod):
        function = type(function).__call__  # of an object that is called
    if inspect.iscoroutinefunction(function):
        return run_coroutine
    if inspect.isasyncgenfunction(function):
        return run_async_generator
    return run_generator if inspect.isgeneratorfunction(function) else run_function


def _column(value: Any) -> list[Any] | None:
    """The elements of an argument that is mapped over."""
    if isinstance(value, unmapped | str | bytes | Mapping) or not hasattr(value, "__iter__"):
        return None
    return list(value)


def _waited(value: Any) -> Any:
    return value.result() if isinstance(value, TaskFuture) else value


def _whole(value: Any) -> Any:
    return value.value if isinstance(value, unmapped) else value


def _futures(values: Iterable[Any]) -> list[TaskFuture[Any]]:
    return [value for value in values if isinstance(value, TaskFuture)]


_pool: ThreadPoolExecutor | None = None
_pool_lock = threading.Lock()


def _executor() -> ThreadPoolExecutor:
    """The threads of `submit`: of the flow if there is one, else of the process."""
    flow = current_flow.get()
    if flow is not None:
        return flow.executor()
    global _pool  # noqa: PLW0603 - one pool per process
    from concurrent.futures import ThreadPoolExecutor

    with _pool_lock:
        _pool = _pool or ThreadPoolExecutor(THREADS, thread_name_prefix="assetlog-task")
        return _pool


def _forget_pool() -> None:
    global _pool, _pool_lock
    _pool, _pool_lock = None, threading.Lock()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_forget_pool)
