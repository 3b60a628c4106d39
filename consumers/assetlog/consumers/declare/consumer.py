"""`@consumer`: a function that runs when the data it needs is there."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from datetime import datetime
from typing import Any, Literal, TypeVar

from assetlog.consumers.declare.declaration import Declaration, Made, declare
from assetlog.consumers.declare.options import Duration, read_options
from assetlog.consumers.declare.parameters import parameters_of
from assetlog.schemas.asset import Asset
from assetlog.schemas.conditions import AssetAlias, AssetRef, Declared, Leaf, as_condition
from assetlog.schemas.targets import Target, as_target

Function = TypeVar("Function", bound=Callable[..., Any])


def consumer(
    on: Declared,
    *,
    name: str | None = None,
    mode: Literal["batch", "each"] | None = None,
    batch_size: int | None = None,
    debounce: Duration | None = None,
    within: Duration | None = None,
    max_active: int | None = None,
    when_paused: Literal["queue", "skip"] | None = None,
    start: str | datetime | None = None,
    partitions: Mapping[Asset | Leaf | str, Any] | None = None,
    attempts: int | None = None,
    backoff: Duration | None = None,
    timeout: Duration | None = None,
    inlets: Iterable[Asset | AssetRef | str] = (),
    outlets: Iterable[Made | str] = (),
    target: Target | Mapping[str, Any] | None = None,
    pool: str | None = None,
    description: str | None = None,
) -> Callable[[Function], Function]:
    """Declare that a function runs when a condition is true. It stays what it is: calling it calls it.

    It is given, by the names of its parameters: `context`, `events` (those that the trigger consumed),
    `triggering_asset_events` (the same by asset), `outlet_events`, `inlet_events`, `self` (the one asset it makes), and
    upstream assets by their names; a parameter with a default keeps it. Raise `Skip` to end without making anything.

    Args:
        on: an asset, a condition of assets and others joined by `&` and `|`, a list (all of it), or cron's five fields.
        name: the consumer's name; the function's unless given.
        mode: `batch` (one trigger takes all that is queued) or `each` (one trigger for each event).
        batch_size: events that a trigger takes at most.
        debounce: seconds to wait for more events.
        within: seconds within which the events of an `&` must lie.
        max_active: triggers that run at a time at most.
        when_paused: whether events of a pause fire at its end (`queue`) or never (`skip`).
        start: the position or time after which events count; the log's end unless given.
        partitions: by a leaf, how its partitions become the consumer's.
        attempts: how often it is tried at most; 4 unless given.
        backoff: seconds before the second attempt, doubled for each further one; 1 unless given.
        timeout: seconds an attempt may take. An async function is cancelled, a plain one gets `TimeoutError` with its
            next step of Python code.
        inlets: assets it reads beside those of the condition.
        outlets: assets and aliases it makes: materialized when it returns, and not when it raises.
        target: what a trigger runs instead of the function, e.g. a `WebhookTarget`.
        pool: the workers' pool; that of the module unless given.
        description: what it does; the docstring's first paragraph unless given.

    Raises:
        Invalid: something breaks a rule.

    Example:
        ``@consumer(on=orders & users)`` above ``def report(context): ...``
    """
    options = read_options(
        mode=mode,
        batch_size=batch_size,
        debounce=debounce,
        within=within,
        max_active=max_active,
        when_paused=when_paused,
        start=start,
        partitions=partitions,
        attempts=attempts,
        backoff=backoff,
        timeout=timeout,
    )
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
                options=options,
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
