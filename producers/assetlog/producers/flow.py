"""`@flow`: a function whose call is a run that others are part of: its tasks, its submitted calls, flows inside it."""

from __future__ import annotations

import inspect
import os
import threading
import time
from collections.abc import Callable, Coroutine, Iterable
from contextvars import Token
from sys import getrefcount
from typing import TYPE_CHECKING, Any, Generic, Literal, ParamSpec, TypeVar, overload

from msgspec import Struct

from assetlog.producers.attempts import inputs_of, is_met, run_coroutine, tell
from assetlog.producers.context import current_asset, current_call, current_flow, current_lineage, current_run
from assetlog.producers.emitter import Emitter, default_emitter
from assetlog.producers.futures import Inputs, all_ended, results
from assetlog.producers.lineage import Keys, Lineage, is_unheld
from assetlog.producers.plans import dress, job_of
from assetlog.producers.states import Skip, State, UpstreamFailed
from assetlog.producers.task import THREADS, kind_of, reduced, state_of
from assetlog.producers.task_options import NO_OPTIONS, TaskOptions, task_options
from assetlog.producers.timeouts import late, limit
from assetlog.producers.values import error_text, metadata_raw, traceback_text
from assetlog.schemas import codec
from assetlog.schemas.asset import metadata_sink
from assetlog.schemas.events.common import RunRef
from assetlog.schemas.events.run import RunFailed, RunSkipped, RunStarted, RunSucceeded
from assetlog.schemas.ids import new_id

if TYPE_CHECKING:
    from concurrent.futures import ThreadPoolExecutor

Parameters = ParamSpec("Parameters")
Result = TypeVar("Result")
Result_co = TypeVar("Result_co", covariant=True)
Awaited = TypeVar("Awaited")


class FlowPlan(Struct, frozen=True, kw_only=True):
    """What a flow was declared with."""

    function: Callable[..., Any]
    job: str
    threads: int = THREADS


class FlowCall:
    """One attempt at a call of a flow."""

    def __init__(self, plan: FlowPlan, options: TaskOptions, inputs: Inputs, attempt: int) -> None:
        self.plan = plan
        self.attempt = attempt
        self._given = tuple(inputs.keys)
        self._options = options
        self._emitter: Emitter = default_emitter()
        parent = self._emitter.run()
        self._parent = parent.id if parent is not None else None
        self._outer = current_flow.get()
        self._call = current_call.get()
        self.run: RunRef = RunRef(id=new_id(), job=plan.job)
        self.lineage: Lineage = current_lineage.get() or Lineage()
        self._made: dict[str, None] = {}
        self._used: set[str] = set()
        self._threads: ThreadPoolExecutor | None = None
        self._threads_lock = threading.Lock()
        self._process = os.getpid()
        self._tokens: tuple[Token[Any], ...] = ()
        self._started = time.perf_counter()

    def executor(self) -> ThreadPoolExecutor:
        """The threads of `submit` in this flow; a forked child has none of its parent's."""
        from concurrent.futures import ThreadPoolExecutor

        if self._process != os.getpid():
            self._threads, self._threads_lock, self._process = None, threading.Lock(), os.getpid()
        with self._threads_lock:
            if self._threads is None:
                self._threads = ThreadPoolExecutor(self.plan.threads, thread_name_prefix="assetlog-task")
            return self._threads

    def enter(self) -> None:
        """Make this flow the one that everything emitted here belongs to."""
        about: dict[str, Any] = {"attempt": self.attempt} if self.attempt > 1 else {}
        if self._options.tags:
            about["tags"] = self._options.tags
        data = RunStarted(job=self.plan.job, parent=self._parent, metadata=metadata_raw(about))
        self._emitter.record("run.started", self.run.id, data)
        self._tokens = (
            current_run.set(self.run),
            current_call.set(None),
            current_asset.set(None),
            metadata_sink.set(None),
            current_flow.set(self),
            current_lineage.set(self.lineage),
        )
        self._started = time.perf_counter()

    def leave(self) -> None:
        """Wait for what was submitted. The code outside is not part of the flow."""
        if self._threads is not None:
            self._threads.shutdown(wait=True)
            self._threads = None
        run, call, asset, sink, flow, lineage = self._tokens
        current_lineage.reset(lineage)
        current_flow.reset(flow)
        metadata_sink.reset(sink)
        current_asset.reset(asset)
        current_call.reset(call)
        current_run.reset(run)

    async def aleave(self) -> None:
        """The same, while the event loop goes on."""
        import asyncio

        try:
            if self._threads is not None:
                await asyncio.to_thread(self._threads.shutdown)
        finally:
            self.leave()

    def made_inside(self, made: Iterable[str], used: Iterable[str]) -> None:
        """A task wrote assets, from others."""
        self._made.update(dict.fromkeys(made))
        self._used.update(used)
        if self._outer is not None:
            self._outer.made_inside(made, used)

    def carried(self) -> Keys:
        """The assets behind what the flow returns: those written in it that nothing else in it was made from.

        Of a flow that writes none, those behind its arguments.
        """
        return tuple(key for key in tuple(self._made) if key not in self._used) or self._given

    def returned(self, value: Any, unheld: bool) -> None:
        """Note where the result comes from, where that is not known already."""
        self.lineage.link_new(value, self.carried(), unheld=unheld)
        if self._call is not None:
            self._call.made_inside(self.carried())

    def succeeded(self) -> None:
        """Emit that it ended well."""
        data = RunSucceeded(job=self.plan.job, parent=self._parent, duration=self._duration())
        self._emitter.record("run.succeeded", self.run.id, data)

    def failed(self, error: BaseException, retry_in: float | None) -> None:
        """Emit that it did not."""
        if isinstance(error, Skip):
            skipped = RunSkipped(
                reason=str(error) or None, job=self.plan.job, parent=self._parent, duration=self._duration()
            )
            self._emitter.record_failure("run.skipped", self.run.id, skipped)
            return
        about = {} if retry_in is None else {"attempt": self.attempt, "retry_in": round(retry_in, 3)}
        data = RunFailed(
            error=error_text(error),
            traceback=traceback_text(error),
            job=self.plan.job,
            parent=self._parent,
            duration=self._duration(),
            metadata=metadata_raw(about),
        )
        self._emitter.record_failure("run.failed", self.run.id, data)

    def _duration(self) -> float:
        return round(time.perf_counter() - self._started, 6)


class Flow(Generic[Parameters, Result_co]):
    """A tracked function whose call is a run of its own; see `flow`."""

    __name__: str
    __qualname__: str

    def __init__(self, plan: FlowPlan, options: TaskOptions = NO_OPTIONS) -> None:
        self.plan = plan
        self.options = options
        self.fn: Callable[..., Any] = plan.function
        dress(self, self.fn)
        self._is_coroutine = kind_of(self.fn) is run_coroutine

    @property
    def name(self) -> str:
        """The job's name."""
        return self.plan.job

    @overload
    def __call__(self, *args: Parameters.args, **kwargs: Parameters.kwargs) -> Result_co: ...
    @overload
    def __call__(
        self: Flow[..., Coroutine[Any, Any, Awaited]],
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
        """Run it here; futures among its result are waited for and replaced by theirs."""
        named: dict[str, Any] = dict(kwargs)
        own = inspect.signature(self.fn).parameters if not _EXTRAS.isdisjoint(named) else {}
        extras = {name: named.pop(name) for name in _EXTRAS if name in named and name not in own}
        wait_for = tuple(extras.get("wait_for") or ())
        carried: list[Keys] = []
        if self._is_coroutine and extras.get("return_state"):
            return self._awaited_state(args, named, wait_for)
        if self._is_coroutine:
            return self._coroutine(args, named, wait_for, carried)
        if extras.get("return_state"):
            return state_of(lambda: self._function(args, named, wait_for, carried), carried)
        return self._function(args, named, wait_for, carried)

    @overload
    def __get__(self, instance: None, owner: type) -> Flow[Parameters, Result_co]: ...
    @overload
    def __get__(self, instance: object, owner: type | None = None) -> Flow[..., Result_co]: ...
    def __get__(self, instance: object | None, owner: type | None = None) -> Any:
        """The flow as a method of an instance."""
        if instance is None and not isinstance(self.fn, classmethod):
            return self
        function = self.fn.__get__(instance, owner)
        return Flow(FlowPlan(function=function, job=self.plan.job, threads=self.plan.threads), self.options)

    def with_options(self, *, name: str | None = None, **options: Any) -> Flow[Parameters, Result_co]:
        """The same flow with some options changed."""
        changed: Flow[Parameters, Result_co] = _flow(
            self.fn, name or self.plan.job, options, self.options, self.plan.threads
        )
        return changed

    def __reduce__(self) -> Any:
        return reduced(self)

    def __repr__(self) -> str:
        return f"<Flow {self.name}>"

    def _inputs(self, args: tuple[Any, ...], kwargs: dict[str, Any], wait_for: Iterable[Any]) -> Inputs:
        try:
            return inputs_of(args, kwargs, wait_for)
        except UpstreamFailed as error:
            FlowCall(self.plan, self.options, Inputs((), {}, {}), 1).failed(Skip(str(error)), None)
            raise

    def _function(
        self, args: tuple[Any, ...], kwargs: dict[str, Any], wait_for: Iterable[Any], carried: list[Keys]
    ) -> Any:
        inputs = self._inputs(args, kwargs, wait_for)
        attempt = 1
        while True:
            call = FlowCall(self.plan, self.options, inputs, attempt)
            call.enter()
            try:
                try:
                    with limit(self.options.timeout):
                        result = results(self.fn(*inputs.args, **inputs.kwargs))
                finally:
                    call.leave()
            except BaseException as error:
                delay = self._failed(call, error)
                if delay is None:
                    raise
            else:
                unheld = is_unheld(getrefcount(result))
                self._succeeded(call, result, unheld)
                carried.append(call.carried())
                return result
            time.sleep(delay)
            attempt += 1

    async def _awaited_state(
        self, args: tuple[Any, ...], kwargs: dict[str, Any], wait_for: Iterable[Any]
    ) -> State[Any]:
        carried: list[Keys] = []
        try:
            value = await self._coroutine(args, kwargs, wait_for, carried)
        except Exception as error:
            return State.of_error(error)
        return State("COMPLETED", value=value, keys=carried[-1])

    async def _coroutine(
        self, args: tuple[Any, ...], kwargs: dict[str, Any], wait_for: Iterable[Any], carried: list[Keys]
    ) -> Any:
        import asyncio

        await all_ended(args, kwargs, wait_for)
        inputs = self._inputs(args, kwargs, wait_for)
        attempt = 1
        while True:
            call = FlowCall(self.plan, self.options, inputs, attempt)
            call.enter()
            try:
                try:
                    async with asyncio.timeout(self.options.timeout) as clock:
                        value = await self.fn(*inputs.args, **inputs.kwargs)
                        await all_ended((value,), {})
                        result = results(value)
                        del value
                finally:
                    await call.aleave()
            except BaseException as error:
                too_late = late(self.options.timeout) if clock.expired() and isinstance(error, TimeoutError) else None
                delay = self._failed(call, too_late or error)
                if delay is None and too_late is not None:
                    raise too_late from None
                if delay is None:
                    raise
            else:
                unheld = is_unheld(getrefcount(result))
                self._succeeded(call, result, unheld)
                carried.append(call.carried())
                return result
            await asyncio.sleep(delay)
            attempt += 1

    def _failed(self, call: FlowCall, error: BaseException) -> float | None:
        condition = self.options.retry_condition
        again = isinstance(error, Exception) and not isinstance(error, Skip)
        delay = self.options.delay_after(call.attempt) if again else None
        if delay is not None and condition and not is_met(condition, self, call.run, State.of_error(error)):
            delay = None
        call.failed(error, delay)
        if delay is None and not isinstance(error, Skip):
            tell(self, self.options.on_failure, call, State.of_error(error))
        return delay

    def _succeeded(self, call: FlowCall, result: Any, unheld: bool) -> None:
        call.returned(result, unheld)
        call.succeeded()
        tell(self, self.options.on_success, call, State("COMPLETED", value=result))


_EXTRAS = frozenset({"wait_for", "return_state"})


@overload
def flow(function: Callable[Parameters, Result], /) -> Flow[Parameters, Result]: ...
@overload
def flow(
    *, name: str | None = None, **options: Any
) -> Callable[[Callable[Parameters, Result]], Flow[Parameters, Result]]: ...
def flow(function: Callable[..., Any] | None = None, /, *, name: str | None = None, **options: Any) -> Any:
    """Make each call of a function a run that everything inside it belongs to.

    Tasks and flows inside are its children; the values that flow between them tell which asset was made from which.

    Args:
        name: the job's name, unless the function's is wanted.
        options: see `task`; `task_runner` may say `max_workers`, the most threads of `submit`.

    Raises:
        Invalid: an option breaks its rule.
        TypeError: there is no such option, or the function is a generator.

    >>> @flow(name="nightly")
    ... def nightly() -> int:
    ...     return 3
    >>> nightly.name
    'nightly'
    """

    def decorate(function: Callable[..., Any]) -> Any:
        return _flow(function, name or job_of(function), options, NO_OPTIONS, THREADS)

    return decorate if function is None else decorate(function)


def _flow(function: Any, job: str, options: dict[str, Any], before: TaskOptions, threads: int) -> Any:
    if inspect.isgeneratorfunction(function) or inspect.isasyncgenfunction(function):
        raise TypeError("flow wraps functions and coroutine functions, not generators")
    codec.decode(codec.encode("run.started", "check", "check", RunStarted(job=job)))
    given = dict(options)
    most = getattr(given.get("task_runner"), "max_workers", None) or getattr(
        given.get("task_runner"), "_max_workers", None
    )
    if most is not None:
        del given["task_runner"]
    plan = FlowPlan(function=function, job=job, threads=int(most) if most else threads)
    return Flow(plan, task_options(before, given, job))
