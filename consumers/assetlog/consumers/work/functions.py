"""Running the functions that a module declares, when work for them comes."""

from __future__ import annotations

import asyncio
import inspect
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

from assetlog.consumers.declare.declaration import Declaration
from assetlog.consumers.declare.outlets import OutletEvents
from assetlog.consumers.work.context import context_of
from assetlog.consumers.work.frame import Append, Execution, Frame, entered
from assetlog.consumers.work.names import Names
from assetlog.consumers.work.outcomes import AttemptFailed, Exhausted
from assetlog.consumers.work.sources import Sources
from assetlog.consumers.work.threads import LoopThread, Threads
from assetlog.producers.context import inside
from assetlog.producers.states import Skip
from assetlog.producers.timeouts import limit
from assetlog.schemas.causation import current_cause
from assetlog.schemas.events.common import RunRef
from assetlog.schemas.work import Work


class Functions:
    """Executes work by calling what is declared.

    Args:
        declared: by the consumer's name.
        sources: where functions find events.
        append: brings events to the log, at once; for assets of tasks, which are made before their DAG ends.
        source: the `source` of the events of assets.
        redact: strike out what looks like a secret in what functions say of assets.
    """

    def __init__(
        self,
        declared: Mapping[str, Declaration],
        sources: Sources,
        append: Append,
        source: str,
        *,
        redact: bool = True,
    ) -> None:
        self._declared = declared
        self._sources = sources
        self._append = append
        self._source = source
        self._redact = redact
        self._names = Names(sources)
        self._threads = Threads()
        self._loop: LoopThread | None = None

    async def execute(self, work: Work) -> Sequence[bytes]:
        """Run an attempt; the events of what it made. See `pool.Execute`."""
        declaration = self._declared.get(work.consumer)
        if declaration is None:
            known = ", ".join(sorted(self._declared)) or "nothing"
            raise AttemptFailed(f"the consumer {work.consumer!r} is not declared here; this worker knows {known}")
        if _is_async(declaration.function):
            self._loop = self._loop or LoopThread()
            return await self._loop.run(self._run_async(work, declaration))
        return await self._threads.run(lambda: self._run(work, declaration))

    def close(self) -> None:
        """Let go of the threads."""
        self._threads.close()
        if self._loop is not None:
            self._loop.close()

    def _run(self, work: Work, declaration: Declaration) -> list[bytes]:
        frame = self._frame(work, declaration)
        with _running(frame, work):
            try:
                with limit(work.timeout):
                    frame.take(_call(declaration, self._given(frame, declaration)))
                return frame.materialized()
            except Skip:
                return []
            except AttemptFailed as error:
                error.events += _of_failure(frame, work, error)
                raise
            except (Exception, SystemExit, KeyboardInterrupt) as error:
                raise AttemptFailed(events=_of_failure(frame, work, error)) from error

    async def _run_async(self, work: Work, declaration: Declaration) -> list[bytes]:
        frame = self._frame(work, declaration)
        with _running(frame, work):
            try:
                async with asyncio.timeout(work.timeout):
                    returned = _call(declaration, self._given(frame, declaration))
                    if inspect.isasyncgen(returned):
                        async for given in returned:
                            frame.take_one(given)
                    else:
                        await returned
                return await asyncio.to_thread(frame.materialized)
            except Skip:
                return []
            except AttemptFailed as error:
                error.events += await asyncio.to_thread(_of_failure, frame, work, error)
                raise
            except (Exception, SystemExit, KeyboardInterrupt) as error:
                raise AttemptFailed(events=await asyncio.to_thread(_of_failure, frame, work, error)) from error

    def _frame(self, work: Work, declaration: Declaration) -> Frame:
        outlets = OutletEvents(declaration.outlets)
        inlets = self._names.inlets(declaration)
        execution = Execution(
            work=work,
            source=self._source,
            redact=self._redact,
            append=self._append,
            resolve=lambda given: self._names.of(declaration, given),
        )
        context = context_of(work, declaration, self._sources.knowing(work.position), inlets, outlets)
        return Frame(execution, declaration.name, context, outlets, [asset.key for asset in inlets])

    def _given(self, frame: Frame, declaration: Declaration) -> dict[str, Any]:
        """The function's arguments."""
        context = frame.context
        makers: dict[str, Callable[[str], Any]] = {
            "context": lambda name: context if name == "context" else context[name],
            "self": lambda _: declaration.outlets[0],
            "asset": lambda name: self._names.asset(declaration, name),
        }
        return {parameter.name: makers[parameter.gets](parameter.name) for parameter in declaration.parameters}


@contextmanager
def _running(frame: Frame, work: Work) -> Iterator[None]:
    """Make what is emitted here the trigger's, and let tasks find their frame."""
    cause = current_cause.set(work.trigger)
    try:
        with inside(RunRef(id=work.trigger, job=work.consumer)), entered(frame):
            yield
    finally:
        current_cause.reset(cause)


def _call(declaration: Declaration, given: Mapping[str, Any]) -> Any:
    return declaration.function(*declaration.args, **declaration.kwargs, **given)


def _of_failure(frame: Frame, work: Work, error: BaseException) -> tuple[bytes, ...]:
    """What a failure means for the assets that were to be made: nothing while attempts follow."""
    if isinstance(error, TimeoutError) and not error.args:
        error.args = (f"it took longer than {work.timeout or 0:g} s",)
    return tuple(frame.failed(error)) if work.is_last or isinstance(error, Exhausted) else ()


def _is_async(function: Callable[..., Any]) -> bool:
    return inspect.iscoroutinefunction(function) or inspect.isasyncgenfunction(function)
