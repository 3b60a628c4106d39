"""`@consumer`: a function that runs when the data it needs is there."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any, TypeVar, Unpack

from assetlog.consumers.declare.declaration import Declaration, Made, declare
from assetlog.consumers.declare.options import OPTION_NAMES, Given, read_options
from assetlog.consumers.declare.parameters import parameters_of
from assetlog.consumers.declare.unused import no_argument
from assetlog.schemas.asset import Asset
from assetlog.schemas.conditions import AssetAlias, AssetRef, Declared, as_condition
from assetlog.schemas.targets import Target, as_target

Function = TypeVar("Function", bound=Callable[..., Any])


def consumer(
    on: Declared,
    *,
    name: str | None = None,
    inlets: Iterable[Asset | AssetRef | str] = (),
    outlets: Iterable[Made | str] = (),
    target: Target | Mapping[str, Any] | None = None,
    pool: str | None = None,
    description: str | None = None,
    **options: Unpack[Given],
) -> Callable[[Function], Function]:
    """Declare that a function runs when a condition is true. It stays what it is: calling it calls it.

    It is given, by the names of its parameters: `context`, `events` (those that the trigger consumed),
    `triggering_asset_events` (the same by asset), `outlet_events`, `inlet_events`, `self` (the one asset it makes), and
    upstream assets by their names; a parameter with a default keeps it. Raise `Skip` to end without making anything.

    Args:
        on: an asset, a condition of assets and others joined by `&` and `|`, a list (all of it), or cron's five fields.
        name: the consumer's name; the function's unless given.
        inlets: assets it reads beside those of the condition.
        outlets: assets and aliases it makes: materialized when it returns, and not when it raises.
        target: what a trigger runs instead of the function, e.g. a `WebhookTarget`.
        pool: the workers' pool; that of the module unless given.
        description: what it does; the docstring's first paragraph unless given.
        options: `mode`, `batch_size`, `debounce`, `within`, `max_active`, `when_paused`, `start`, `partitions`,
            `attempts`, `backoff`, `timeout`; see `options.Given`.

    Raises:
        Invalid: something breaks a rule.

    Example:
        ``@consumer(on=orders & users)`` above ``def report(context): ...``
    """
    for unknown in options.keys() - set(OPTION_NAMES):
        raise no_argument("consumer", unknown, OPTION_NAMES)
    read_ones = read_options(**options)
    condition = as_condition(on)
    made = outlets_of(outlets)
    read = inlets_of(inlets)

    def decorate(function: Function) -> Function:
        declare(
            Declaration(
                name=name or function.__name__,
                module=function.__module__,
                function=function,
                condition=condition,
                parameters=() if target is not None else parameters_of(function, made=len(made)),
                outlets=made,
                inlets=read,
                options=read_ones,
                target=as_target(target) if isinstance(target, Mapping) else target,
                pool=pool,
                description=description or first_paragraph(function),
            )
        )
        return function

    return decorate


def outlets_of(given: Iterable[Made | str] | Made | str) -> tuple[Made, ...]:
    """Outlets, of assets, aliases, keys and names."""
    listed = [given] if isinstance(given, Asset | AssetAlias | str) else list(given)
    return tuple(Asset(each) if isinstance(each, str) else each for each in listed)


def inlets_of(given: Iterable[Asset | AssetRef | str]) -> tuple[Asset | AssetRef, ...]:
    """Inlets, of assets, references, keys and names."""
    listed = [given] if isinstance(given, Asset | AssetRef | str) else list(given)
    return tuple(each if isinstance(each, Asset | AssetRef) else asset_or_reference(each) for each in listed)


def asset_or_reference(text: str) -> Asset | AssetRef:
    """What a text names: an asset by its key, or one by its name."""
    return Asset(text) if "://" in text else AssetRef(text)


def first_paragraph(function: Callable[..., Any]) -> str | None:
    """What a docstring says first, in one line."""
    text = (function.__doc__ or "").strip()
    return " ".join(text.split("\n\n")[0].split()) or None
