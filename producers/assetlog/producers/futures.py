"""Futures of tasks that run on threads: `task.submit(...)` gives one, and may be given them."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import TYPE_CHECKING, Any, Generic, NamedTuple, TypeVar

from assetlog.producers.lineage import Keys, replaced, walk
from assetlog.producers.states import State, UpstreamFailed

if TYPE_CHECKING:
    from concurrent.futures import Future

Result = TypeVar("Result")


class TaskFuture(Generic[Result]):
    """The result of a submitted call, once it is there.

    Args:
        name: the task's name.
        future: what the thread fills; its result is (value, keys of the assets behind it).
    """

    def __init__(self, name: str, future: Future[tuple[Result, Keys]]) -> None:
        self.name = name
        self._future = future

    def result(self, timeout: float | None = None, raise_on_failure: bool = True) -> Result:
        """Wait for the result; what the call raised is raised here, or with `raise_on_failure=False` returned.

        Raises:
            TimeoutError: it is not there after so many seconds.
        """
        try:
            return self._future.result(timeout)[0]
        except BaseException as error:
            if raise_on_failure or not self._future.done():
                raise
            return error  # type: ignore[return-value]  # asked for

    def wait(self, timeout: float | None = None) -> None:
        """Wait until the call has ended, however it ends."""
        _wait([self], timeout)

    def done(self) -> bool:
        """Whether the call has ended."""
        return self._future.done()

    @property
    def state(self) -> State[Result]:
        """What became of the call; waits for its end."""
        try:
            value, keys = self._future.result()
        except BaseException as error:  # of the call, whatever it is
            return State.of_error(error)
        return State("COMPLETED", value=value, keys=keys)

    def add_done_callback(self, function: Callable[[TaskFuture[Result]], object]) -> None:
        """Call a function with this future at its end."""
        self._future.add_done_callback(lambda _: function(self))

    def behind(self) -> Keys:
        """The keys of the assets behind the result; none if the call failed. Waits for its end."""
        return self.state.behind()

    def __repr__(self) -> str:
        return f"TaskFuture({self.name!r}, {'done' if self.done() else 'pending'})"


class FutureList(list[TaskFuture[Result]]):
    """The futures of `task.map(...)`, in order."""

    def result(self, timeout: float | None = None, raise_on_failure: bool = True) -> list[Result]:
        """All results, in order."""
        return [future.result(timeout, raise_on_failure) for future in self]

    def wait(self, timeout: float | None = None) -> None:
        """Wait until all have ended."""
        _wait(self, timeout)


class Waited(NamedTuple):
    """What `wait` found."""

    done: set[TaskFuture[Any]]
    not_done: set[TaskFuture[Any]]
    """Not ended when time ran out."""


def wait(futures: Iterable[TaskFuture[Any]], timeout: float | None = None) -> Waited:
    """Wait until all have ended, however they end, or so many seconds."""
    waited = FutureList(futures)
    waited.wait(timeout)
    done = {future for future in waited if future.done()}
    return Waited(done, {future for future in waited if future not in done})


def as_completed(futures: Iterable[TaskFuture[Result]], timeout: float | None = None) -> Iterator[TaskFuture[Result]]:
    """The futures in the order in which they end.

    Raises:
        TimeoutError: not all have ended after so many seconds.
    """
    from concurrent import futures as inner

    by_inner = {future._future: future for future in futures}  # noqa: SLF001 - of this module
    for done in inner.as_completed(by_inner, timeout):
        yield by_inner[done]


def _wait(futures: Iterable[TaskFuture[Any]], timeout: float | None) -> None:
    from concurrent import futures as inner

    inner.wait([future._future for future in futures], timeout)  # noqa: SLF001 - of this module


class unmapped(Generic[Result]):  # noqa: N801 - Prefect's name
    """An argument of `task.map` that every call gets whole."""

    def __init__(self, value: Result) -> None:
        self.value = value


class Inputs(NamedTuple):
    """The arguments of a call with nothing left to wait for."""

    args: tuple[Any, ...]
    kwargs: dict[str, Any]
    keys: dict[str, None]
    """The assets behind futures and states among them."""


def settle(args: tuple[Any, ...], kwargs: dict[str, Any], wait_for: Iterable[Any] = ()) -> Inputs:
    """Wait for the futures among arguments, at any depth, and put the results of futures and states in their places.

    Raises:
        UpstreamFailed: one of them failed.
    """
    keys: dict[str, None] = {}
    told = _of_types([*args, *kwargs.values(), *wait_for], (TaskFuture, State))
    for one in told:
        state = one.state if type(one) is TaskFuture else one
        if state.error is not None:
            raise UpstreamFailed(f"{one.name} has not succeeded: {state.message}") from state.error
        keys.update(dict.fromkeys(state.behind()))
    if not told:
        return Inputs(args, kwargs, keys)
    return Inputs(replaced(args, _result), replaced(kwargs, _result), keys)


async def all_ended(args: tuple[Any, ...], kwargs: dict[str, Any], wait_for: Iterable[Any] = ()) -> None:
    """Wait for the futures among arguments without holding up the event loop."""
    import asyncio

    for future in _of_types([*args, *kwargs.values(), *wait_for], (TaskFuture,)):
        if not future.done():
            ended = asyncio.Event()
            loop = asyncio.get_running_loop()
            future.add_done_callback(lambda _: loop.call_soon_threadsafe(ended.set))  # noqa: B023 - waited for here
            await ended.wait()


def results(value: Any) -> Any:
    """A value with every future in it replaced by its result."""
    return replaced(value, _future_result) if _of_types([value], (TaskFuture,)) else value


def _of_types(values: Iterable[Any], types: tuple[type, ...]) -> list[Any]:
    return [value for value in walk(values) if type(value) in types]


def _result(value: Any) -> Any:
    return value.result() if type(value) is State else _future_result(value)


def _future_result(value: Any) -> Any:
    if type(value) is FutureList:
        return value.result()
    return value.result() if type(value) is TaskFuture else value
