"""Running a task's function, attempt by attempt: one way for each sort of function there is."""

from __future__ import annotations

import inspect
import time
from collections.abc import AsyncGenerator, Callable, Generator, Iterable
from contextvars import copy_context
from sys import getrefcount
from typing import TYPE_CHECKING, Any

import msgspec

from assetlog.producers.calls import Call, lineage_here
from assetlog.producers.futures import Inputs, settle
from assetlog.producers.lineage import Keys, is_unheld
from assetlog.producers.notices import warn
from assetlog.producers.states import Skip, State, UpstreamFailed
from assetlog.producers.timeouts import late, limit

if TYPE_CHECKING:
    from assetlog.producers.task import Task

OnEnd = Callable[[Call], None]


def inputs_of(args: tuple[Any, ...], kwargs: dict[str, Any], wait_for: Iterable[Any] = ()) -> Inputs:
    """A call's arguments without futures, and the assets behind them."""
    if not (args or kwargs or wait_for):
        return Inputs(args, kwargs, {})
    settled = settle(args, kwargs, wait_for)
    lineage = lineage_here()
    if lineage is not None:
        settled.keys.update(lineage.behind([*args, *kwargs.values(), *wait_for]))
    return settled


def run_function(task: Task[Any, Any], inputs: Inputs, on_end: OnEnd | None = None) -> Any:
    """Call a plain function, as often as its options want."""
    attempt = 1
    while True:
        call = Call(task.plan, inputs.args, inputs.kwargs, inputs.keys, attempt)
        call.enter()
        try:
            with limit(task.options.timeout):
                result = task.fn(*inputs.args, **inputs.kwargs)
        except BaseException as error:
            call.leave()
            delay = failed(task, call, error)
            if delay is None:
                raise
        else:
            unheld = is_unheld(getrefcount(result))
            call.leave()
            call.returned(result, unheld)
            succeeded(task, call, result, on_end)
            return result
        time.sleep(delay)
        attempt += 1


async def run_coroutine(task: Task[Any, Any], inputs: Inputs, on_end: OnEnd | None = None) -> Any:
    """Call a coroutine function, as often as its options want."""
    import asyncio

    attempt = 1
    while True:
        call = Call(task.plan, inputs.args, inputs.kwargs, inputs.keys, attempt)
        call.enter()
        try:
            async with asyncio.timeout(task.options.timeout) as clock:
                result = await task.fn(*inputs.args, **inputs.kwargs)
        except BaseException as error:
            call.leave()
            too_late = late(task.options.timeout) if clock.expired() and isinstance(error, TimeoutError) else None
            delay = failed(task, call, too_late or error)
            if delay is None and too_late is not None:
                raise too_late from None
            if delay is None:
                raise
        else:
            unheld = is_unheld(getrefcount(result))
            call.leave()
            call.returned(result, unheld)
            succeeded(task, call, result, on_end)
            return result
        await asyncio.sleep(delay)
        attempt += 1


def run_generator(task: Task[Any, Any], inputs: Inputs) -> Generator[Any, Any, Any]:
    """Go through a generator. What it yields comes from the task's assets, which are written when it ends.

    One whose consumer stops before its end has written what was wanted of it: that is no failure.
    """
    call = Call(task.plan, inputs.args, inputs.kwargs, inputs.keys, 1)
    call.enter()
    generator: Generator[Any, Any, Any] = task.fn(*inputs.args, **inputs.kwargs)
    step: Callable[[], Any] = generator.__next__
    try:
        while True:
            item = step()
            unheld = is_unheld(getrefcount(item))
            call.leave()
            call.returned(item, unheld)
            try:
                sent = yield item
            except GeneratorExit:
                call.enter()
                generator.close()
                raise
            except BaseException as thrown:
                step = _thrower(generator, thrown)
            else:
                step = _sender(generator, sent)
            del item
            call.enter()
    except StopIteration as stop:
        call.leave()
        succeeded(task, call, stop.value, None)
        return stop.value
    except GeneratorExit:
        call.leave()
        succeeded(task, call, None, None)
        raise
    except BaseException as error:
        call.leave()
        failed(task, call, error, last=True)
        raise


async def run_async_generator(task: Task[Any, Any], inputs: Inputs) -> AsyncGenerator[Any, Any]:
    """The same for an asynchronous generator."""
    call = Call(task.plan, inputs.args, inputs.kwargs, inputs.keys, 1)
    call.enter()
    generator: AsyncGenerator[Any, Any] = task.fn(*inputs.args, **inputs.kwargs)
    step = generator.__anext__()
    try:
        while True:
            item = await step
            unheld = is_unheld(getrefcount(item))
            call.leave()
            call.returned(item, unheld)
            try:
                sent = yield item
            except GeneratorExit:
                call.enter()
                await generator.aclose()
                raise
            except BaseException as thrown:
                step = generator.athrow(thrown)
            else:
                step = generator.asend(sent)
            del item
            call.enter()
    except StopAsyncIteration:
        call.leave()
        succeeded(task, call, None, None)
    except GeneratorExit:
        call.leave()
        succeeded(task, call, None, None)
        raise
    except BaseException as error:
        call.leave()
        failed(task, call, error, last=True)
        raise


def _sender(generator: Generator[Any, Any, Any], sent: Any) -> Callable[[], Any]:
    return generator.__next__ if sent is None else lambda: generator.send(sent)


def _thrower(generator: Generator[Any, Any, Any], error: BaseException) -> Callable[[], Any]:
    return lambda: generator.throw(error)


def failed(task: Task[Any, Any], call: Call, error: BaseException, *, last: bool = False) -> float | None:
    """Record a failed attempt; seconds until the next one, None if there is none."""
    delay = None if last else _delay(task, call, error)
    call.failed(error, delay)
    if delay is None and not isinstance(error, Skip):
        tell(task, task.options.on_failure, call, State.of_error(error))
    return delay


def succeeded(task: Task[Any, Any], call: Call, result: Any, on_end: OnEnd | None) -> None:
    """Record an attempt that returned."""
    call.succeeded()
    if on_end is not None:
        on_end(call)
    if task.options.on_success:
        tell(task, task.options.on_success, call, State("COMPLETED", value=result))


def _delay(task: Task[Any, Any], call: Call, error: BaseException) -> float | None:
    if not isinstance(error, Exception) or isinstance(error, Skip):
        return None
    delay = task.options.delay_after(call.attempt)
    condition = task.options.retry_condition
    if delay is None or condition is None or is_met(condition, task, call.run, State.of_error(error)):
        return delay
    return None


def is_met(condition: Callable[..., object], of: Any, run: Any, state: State[Any]) -> bool:
    """Whether a failure may be tried again; not if the condition itself fails."""
    try:
        return bool(_answer(condition(of, run, state)))
    except Exception as error:
        warn("The retry condition of %s failed: %r", of.name, error)
        return False


def tell(of: Any, hooks: Iterable[Callable[..., object]], call: Any, state: State[Any]) -> None:
    """Call hooks; one that fails changes nothing."""
    for hook in hooks:
        try:
            _answer(hook(of, call.run, state))
        except Exception as error:
            warn("A hook of %s failed: %r", of.name, error)


def _answer(said: Any) -> Any:
    """What a hook says; one that is a coroutine function says it at the end of a loop of its own."""
    if not inspect.iscoroutine(said):
        return said
    import asyncio
    from concurrent.futures import ThreadPoolExecutor

    with ThreadPoolExecutor(1) as thread:  # the one that is here may run a loop
        return thread.submit(copy_context().run, asyncio.run, said).result()


def not_run(task: Task[Any, Any], error: UpstreamFailed) -> None:
    """Record a call that had nothing to work with."""
    plan = msgspec.structs.replace(task.plan, partition=None)  # one that is called wants the arguments
    Call(plan, (), {}, (), 1).failed(Skip(str(error)), None)


def carried_by(keys_of: list[Keys]) -> OnEnd:
    """Something to call at the end that keeps what the call's result comes from."""
    return lambda call: keys_of.append(call.carried())
