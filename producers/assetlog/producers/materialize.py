"""`@materialize`: a function that writes assets says so, whether it succeeds or fails."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any, ParamSpec, TypeVar

import msgspec

from assetlog.producers.calls import Plan
from assetlog.producers.plans import assets_of, changed, job_of
from assetlog.producers.task import Task
from assetlog.producers.task_options import NO_OPTIONS, task_options
from assetlog.schemas.asset import Asset, asset_key

Parameters = ParamSpec("Parameters")
Result = TypeVar("Result")


def materialize(
    *assets: Asset | str,
    asset_deps: Iterable[Asset | str] | None = None,
    by: str | None = None,
    code_version: str | None = None,
    partition: str | Callable[..., str | None] | None = None,
    name: str | None = None,
    **options: Any,
) -> Callable[[Callable[Parameters, Result]], Task[Parameters, Result]]:
    """Emit `asset.materialized` for each asset when the function returns, `asset.failed` when it raises.

    The function stays what it is: name, signature, result and exceptions; plain, coroutine, generator or method.
    Emitting never fails it (see strict mode). In a flow, a `run(...)` block or another such function, the upstreams
    are also inferred, from the values that flow from one to the next.

    Args:
        assets: what the function writes, as assets or keys.
        asset_deps: the assets it is made from, beside those that are inferred.
        by: the tool that writes, e.g. `dbt`.
        code_version: the version of the code that writes, unless the git commit it lies in.
        partition: the part that is written; a callable gets the function's arguments.
        name: the job's name, unless the function's is wanted.
        options: see `task`.

    Raises:
        TypeError: no assets, or there is no such option.
        Invalid: a key or an option breaks its rule.

    >>> @materialize("s3://lake/report", asset_deps=["s3://lake/orders"])
    ... def report(day: str) -> str:
    ...     return f"report of {day}"
    >>> report.__name__
    'report'
    """
    declared = assets_of(assets)
    deps = tuple(dict.fromkeys(map(asset_key, asset_deps or ())))

    def decorate(function: Callable[Parameters, Result]) -> Task[Parameters, Result]:
        plan = Plan(
            function=function,
            job=name or job_of(function),
            assets=declared,
            upstream=deps,
            by=by,
            code_version=code_version,
            partition=partition,
        )
        read = task_options(NO_OPTIONS, options, plan.job)
        return Task(changed(msgspec.structs.replace(plan, tags=read.tags)), read)

    return decorate


def add_asset_metadata(asset: Asset | str, metadata: Mapping[str, Any]) -> None:
    """Add facts to an asset's materialization, from inside its `@materialize` function; the last value of a name wins.

    Raises:
        RuntimeError: no `@materialize` function runs here.
        ValueError: the one that runs does not materialize this asset.
    """
    (asset if isinstance(asset, Asset) else Asset(key=asset)).add_metadata(metadata)
