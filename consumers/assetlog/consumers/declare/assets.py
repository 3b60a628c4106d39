"""`@asset`: a function that makes an asset when it is due, as Airflow's decorator of that name."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any

from assetlog.consumers.declare.consumer import first_paragraph, inlets_of, outlets_of
from assetlog.consumers.declare.declaration import Declaration, Made, declare
from assetlog.consumers.declare.options import OPTION_NAMES, Options, read_options
from assetlog.consumers.declare.parameters import parameters_of
from assetlog.consumers.declare.unused import leave_unused
from assetlog.schemas.asset import Asset
from assetlog.schemas.conditions import AssetRef, Condition, Declared, Manual, as_condition


class AssetFunction(Asset):
    """An asset and the function that makes it: scheduled on like the one, called like the other."""

    __slots__ = ("__weakref__", "__wrapped__")
    __wrapped__: Callable[..., Any]

    def __init__(self, function: Callable[..., Any], uri: str | None, name: str, properties: Mapping[str, Any]) -> None:
        super().__init__(uri=uri, name=name, **properties)
        object.__setattr__(self, "__wrapped__", function)

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        """Call the function; nothing is recorded."""
        return self.__wrapped__(*args, **kwargs)


class MultiAsset:
    """Assets and the one function that makes them: called like it."""

    def __init__(self, function: Callable[..., Any], outlets: tuple[Made, ...]) -> None:
        self.__wrapped__ = function
        self.outlets = outlets

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        """Call the function; nothing is recorded."""
        return self.__wrapped__(*args, **kwargs)


class AssetDecorator:
    """`@asset(...)`, and `@asset.multi(...)` for a function that makes several."""

    def __call__(
        self,
        key: str | None = None,
        *,
        uri: str | None = None,
        name: str | None = None,
        schedule: Declared | None = None,
        dag_id: str | None = None,
        description: str | None = None,
        inlets: Iterable[Asset | AssetRef | str] = (),
        pool: str | None = None,
        group: str | None = None,
        extra: Mapping[str, Any] | None = None,
        tags: Iterable[str] | Mapping[str, str] | None = None,
        **more: Any,
    ) -> Callable[[Callable[..., Any]], AssetFunction]:
        """Declare an asset by the function that makes it. It is materialized when the function returns.

        Args:
            key: the asset's key, a URI; `uri` is the same. Without one it is `asset://<name>`.
            name: the asset's name; the function's unless given.
            schedule: when it is made, as `on` of `consumer`; None: when somebody asks for it.
            dag_id: the consumer's name; the asset's unless given.
            description: what it is; the docstring's first paragraph unless given.
            inlets: assets it is made from, beside those among its parameters.
            pool: the workers' pool.
            group: the group the catalog lists it in.
            extra: any JSON object.
            tags: words to find it by.
            more: the options of `consumer`, more of an `Asset` (`owners`, `kind`, `url`, `columns`, `freshness`), and
                arguments of Airflow, which are left unused.

        Raises:
            Invalid: something breaks a rule.
        """
        options, properties = _sorted(more, "asset")
        properties |= {"group": group, "extra": extra, "tags": _tags(tags)}
        condition = condition_of(schedule)

        def decorate(function: Callable[..., Any]) -> AssetFunction:
            says = description or first_paragraph(function)
            made = AssetFunction(function, uri or key, name or function.__name__, {**properties, "description": says})
            declare(
                Declaration(
                    name=dag_id or made.name or made.key,
                    module=function.__module__,
                    function=function,
                    condition=condition,
                    parameters=parameters_of(function, made=1),
                    outlets=(made,),
                    inlets=inlets_of(inlets),
                    options=options,
                    pool=pool,
                    description=says,
                )
            )
            return made

        return decorate

    def multi(
        self,
        *,
        outlets: Iterable[Made | str],
        schedule: Declared | None = None,
        name: str | None = None,
        dag_id: str | None = None,
        description: str | None = None,
        inlets: Iterable[Asset | AssetRef | str] = (),
        pool: str | None = None,
        **more: Any,
    ) -> Callable[[Callable[..., Any]], MultiAsset]:
        """Declare several assets by the one function that makes them; see `asset`.

        Args:
            outlets: the assets, and aliases.
            name: the consumer's name, and so is `dag_id`; the function's unless given.
        """
        options, properties = _sorted(more, "asset.multi")
        leave_unused("asset.multi", properties)
        made = outlets_of(outlets)
        condition = condition_of(schedule)

        def decorate(function: Callable[..., Any]) -> MultiAsset:
            declare(
                Declaration(
                    name=dag_id or name or function.__name__,
                    module=function.__module__,
                    function=function,
                    condition=condition,
                    parameters=parameters_of(function, made=len(made)),
                    outlets=made,
                    inlets=inlets_of(inlets),
                    options=options,
                    pool=pool,
                    description=description or first_paragraph(function),
                )
            )
            return MultiAsset(function, made)

        return decorate


asset = AssetDecorator()


def condition_of(schedule: Declared | None) -> Condition:
    """What a schedule means; None: by hand alone."""
    return Manual() if schedule is None else as_condition(schedule)


_OF_ASSETS = ("owners", "kind", "url", "columns", "freshness")


def _sorted(more: Mapping[str, Any], decorator: str) -> tuple[Options, dict[str, Any]]:
    """Options, and what describes the asset; the rest is Airflow's, or wrong."""
    known = {name: value for name, value in more.items() if name in OPTION_NAMES}
    properties = {name: value for name, value in more.items() if name in _OF_ASSETS}
    leave_unused(decorator, {name: more[name] for name in more if name not in known and name not in properties})
    return read_options(**known), properties


def _tags(tags: Iterable[str] | Mapping[str, str] | None) -> dict[str, str] | None:
    if tags is None or isinstance(tags, Mapping):
        return None if tags is None else dict(tags)
    return dict.fromkeys(tags, "")
