"""`@materialize`: a function that writes assets says so, whether it succeeds or fails."""

from __future__ import annotations

import functools
import inspect
import time
from collections.abc import Callable, Iterable, Mapping
from contextvars import Token
from typing import Any, ParamSpec, TypeVar, cast

from msgspec import Struct, structs

from assetlog.producers.context import current_asset, current_run, declared_run
from assetlog.producers.emitter import Emitter, default_emitter
from assetlog.producers.values import check_metadata, error_text, metadata_raw, traceback_text
from assetlog.schemas import codec
from assetlog.schemas.asset import Asset, asset_key, metadata_sink
from assetlog.schemas.events.asset import AssetFailed, AssetMaterialized
from assetlog.schemas.events.common import RunRef
from assetlog.schemas.ids import new_id

Parameters = ParamSpec("Parameters")
Result = TypeVar("Result")


def materialize(
    *assets: Asset | str,
    asset_deps: Iterable[Asset | str] | None = None,
    by: str | None = None,
    code_version: str | None = None,
    partition: str | Callable[..., str | None] | None = None,
    name: str | None = None,
) -> Callable[[Callable[Parameters, Result]], Callable[Parameters, Result]]:
    """Emit `asset.materialized` for each asset when the function returns, `asset.failed` when it raises.

    The function stays what it is: name, signature, result and exceptions. Emitting never fails it (see strict mode).

    Args:
        assets: what the function writes, as assets or keys.
        asset_deps: the assets it is made from.
        by: the tool that writes, e.g. `dbt`.
        code_version: the version of the code that writes.
        partition: the part that is written; a callable gets the function's arguments.
        name: the job's name, unless the function's is wanted.

    Raises:
        TypeError: no assets, or the function is a generator.
        Invalid: a key breaks the key rule.

    >>> @materialize("s3://lake/report", asset_deps=["s3://lake/orders"])
    ... def report(day: str) -> str:
    ...     return f"report of {day}"
    >>> report.__name__
    'report'
    """
    if not assets or any(not isinstance(asset, Asset | str) for asset in assets):
        raise TypeError("materialize requires at least one asset argument, e.g. `@materialize(asset)`")
    declared = tuple(asset if isinstance(asset, Asset) else Asset(key=asset) for asset in assets)
    plan = _Plan(
        assets=declared,
        upstream=tuple(map(asset_key, asset_deps or ())),
        by=by,
        code_version=code_version,
        partition=partition,
        job=name,
    )

    def decorate(function: Callable[Parameters, Result]) -> Callable[Parameters, Result]:
        if inspect.isgeneratorfunction(function) or inspect.isasyncgenfunction(function):
            raise TypeError("materialize wraps functions and coroutine functions, not generators")
        return _wrapped(function, plan.of(function))

    return decorate


def add_asset_metadata(asset: Asset | str, metadata: Mapping[str, Any]) -> None:
    """Add facts to an asset's materialization, from inside its `@materialize` function; the last value of a name wins.

    Raises:
        RuntimeError: no `@materialize` function runs here.
        ValueError: the one that runs does not materialize this asset.
    """
    (asset if isinstance(asset, Asset) else Asset(key=asset)).add_metadata(metadata)


class _Plan(Struct, frozen=True, kw_only=True):
    """What a decorator was told."""

    assets: tuple[Asset, ...]
    upstream: tuple[str, ...]
    by: str | None
    code_version: str | None
    partition: str | Callable[..., str | None] | None
    job: str | None

    def of(self, function: Callable[..., Any]) -> _Plan:
        """The plan with the function's name as the job, unless it has one; checked as events will be.

        Raises:
            Invalid: a value breaks its rule.
        """
        own_name = f"{function.__module__}.{getattr(function, '__qualname__', type(function).__qualname__)}"
        plan = structs.replace(self, job=self.job or own_name.removeprefix("__main__."))
        sample = AssetMaterialized(
            run=RunRef(id="check", job=plan.job),
            partition=None if callable(plan.partition) else plan.partition,
            code_version=plan.code_version,
            by=plan.by,
        )
        codec.decode(codec.encode("asset.materialized", "check", plan.assets[0].key, sample))
        return plan


class _Call:
    """One call of a materializing function."""

    __slots__ = ("_tokens", "emitter", "metadata", "partition", "plan", "run", "started")

    def __init__(self, plan: _Plan, args: tuple[Any, ...], kwargs: dict[str, Any]) -> None:
        self.plan = plan
        self.partition = plan.partition(*args, **kwargs) if callable(plan.partition) else plan.partition
        self.emitter: Emitter = default_emitter()
        self.metadata: dict[str, dict[str, Any]] = {}
        self.run = declared_run.get() or self.emitter.ambient_run or RunRef(id=new_id(), job=plan.job)
        self._tokens: tuple[Token[Any], ...] = ()
        self.started = 0.0

    def enter(self) -> None:
        """Make this call the one that everything emitted here belongs to."""
        only = self.plan.assets[0].key if len(self.plan.assets) == 1 else None
        self._tokens = (current_run.set(self.run), current_asset.set(only), metadata_sink.set(self.add))
        self.started = time.perf_counter()

    def leave(self) -> None:
        """The code outside is not part of the call."""
        run, asset, sink = self._tokens
        metadata_sink.reset(sink)
        current_asset.reset(asset)
        current_run.reset(run)

    def add(self, key: str, metadata: Mapping[str, Any]) -> None:
        """Collect metadata; see `add_asset_metadata`."""
        check_metadata(metadata)
        if all(asset.key != key for asset in self.plan.assets):
            raise ValueError(f"Can only add metadata to assets that are arguments to @materialize, not to {key}")
        self.metadata.setdefault(key, {}).update(metadata)

    def succeeded(self) -> None:
        """Emit what was written."""
        duration = round(time.perf_counter() - self.started, 6)
        for asset in self.plan.assets:
            self.emitter.describe(asset)
            data = AssetMaterialized(
                upstream=self.plan.upstream,
                run=self.run,
                partition=self.partition,
                metadata=metadata_raw(self.metadata.get(asset.key)),
                code_version=self.plan.code_version,
                by=self.plan.by,
                duration=duration,
            )
            self.emitter.record("asset.materialized", asset.key, data)

    def failed(self, error: BaseException) -> None:
        """Emit what was not written, and why."""
        duration = round(time.perf_counter() - self.started, 6)
        for asset in self.plan.assets:
            self.emitter.describe(asset)
            data = AssetFailed(
                error=error_text(error),
                traceback=traceback_text(error),
                upstream=self.plan.upstream,
                run=self.run,
                partition=self.partition,
                metadata=metadata_raw(self.metadata.get(asset.key)),
                code_version=self.plan.code_version,
                by=self.plan.by,
                duration=duration,
            )
            self.emitter.record_failure("asset.failed", asset.key, data)


def _wrapped(function: Callable[Parameters, Result], plan: _Plan) -> Callable[Parameters, Result]:
    if inspect.iscoroutinefunction(function):
        return cast("Callable[Parameters, Result]", _wrapped_coroutine(function, plan))

    @functools.wraps(function)
    def materializing(*args: Parameters.args, **kwargs: Parameters.kwargs) -> Result:
        call = _Call(plan, args, kwargs)
        call.enter()
        try:
            result = function(*args, **kwargs)
        except BaseException as error:
            call.failed(error)
            raise
        finally:
            call.leave()
        call.succeeded()
        return result

    return materializing


def _wrapped_coroutine(function: Callable[..., Any], plan: _Plan) -> Callable[..., Any]:
    @functools.wraps(function)
    async def materializing(*args: Any, **kwargs: Any) -> Any:
        call = _Call(plan, args, kwargs)
        call.enter()
        try:
            result = await function(*args, **kwargs)
        except BaseException as error:
            call.failed(error)
            raise
        finally:
            call.leave()
        call.succeeded()
        return result

    return materializing
