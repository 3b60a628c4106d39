"""What `@task` and `@materialize` declare, checked where it stands."""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterable, Mapping
from typing import Any

import msgspec

from assetlog.producers.calls import Plan
from assetlog.schemas import codec
from assetlog.schemas.asset import Asset, asset_key
from assetlog.schemas.events.asset import AssetMaterialized
from assetlog.schemas.events.common import RunRef

NO_ASSETS = "materialize requires at least one asset argument, e.g. `@materialize(asset)`"


def job_of(function: Callable[..., Any]) -> str:
    """The job's name that a function has by itself.

    >>> def load(): ...
    >>> job_of(load).endswith("load")
    True
    """
    while isinstance(function, functools.partial):
        function = function.func
    qualified = getattr(function, "__qualname__", type(function).__qualname__)
    return f"{function.__module__}.{qualified}".removeprefix("__main__.")


def dress(tracked: Any, function: Callable[..., Any]) -> None:
    """Give an object the name, signature and docstring of a function, so that inspect takes it for one of its sort."""
    functools.update_wrapper(tracked, function, updated=())
    own = {name: value for name, value in getattr(function, "__dict__", {}).items() if not hasattr(tracked, name)}
    vars(tracked).update(own)
    for name in ("__code__", "__defaults__", "__kwdefaults__"):
        if hasattr(function, name):
            setattr(tracked, name, getattr(function, name))
    if not hasattr(function, "__qualname__"):  # a partial, or an object that is called
        tracked.__name__ = tracked.__qualname__ = job_of(function).rpartition(".")[2]


def assets_of(assets: Iterable[Asset | str]) -> tuple[Asset, ...]:
    """Assets, of assets and keys.

    Raises:
        TypeError: there is none, or something else.
        Invalid: a key breaks the key rule.
    """
    given = tuple(assets)
    if not given or any(not isinstance(asset, Asset | str) for asset in given):
        raise TypeError(NO_ASSETS)
    return tuple(asset if isinstance(asset, Asset) else Asset(key=asset) for asset in given)


def changed(
    plan: Plan,
    *,
    assets: Iterable[Asset | str] | None = None,
    asset_deps: Iterable[Asset | str] | None = None,
    name: str | None = None,
    options: Mapping[str, Any] | None = None,
) -> Plan:
    """A plan with what is given instead of what it has.

    Raises:
        TypeError: `by` among the options: who writes is part of the declaration.
        Invalid: a value breaks its rule.
    """
    if options and "by" in options:
        raise TypeError("by is declared by @materialize(..., by=...) and cannot be changed by with_options")
    changes: dict[str, Any] = {}
    if assets is not None:
        changes["assets"] = assets_of(assets)
    if asset_deps is not None:
        changes["upstream"] = tuple(dict.fromkeys(map(asset_key, asset_deps)))
    if name is not None:
        changes["job"] = name
    return checked(msgspec.structs.replace(plan, **changes))


def checked(plan: Plan) -> Plan:
    """A plan whose values an event can hold.

    Raises:
        Invalid: a value breaks its rule.
    """
    sample = AssetMaterialized(
        run=RunRef(id="check", job=plan.job),
        partition=None if callable(plan.partition) else plan.partition,
        code_version=plan.code_version,
        by=plan.by,
    )
    codec.decode(codec.encode("asset.materialized", "check", "asset://check", sample))
    return plan
