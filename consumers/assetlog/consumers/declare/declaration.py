"""What is declared by one decorator, and the list of it by module."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import msgspec
from msgspec import Struct

from assetlog.consumers.declare.options import Options
from assetlog.consumers.declare.parameters import Parameter
from assetlog.schemas.asset import Asset
from assetlog.schemas.conditions import AssetAlias, AssetRef, Condition, condition_object
from assetlog.schemas.errors import Conflict
from assetlog.schemas.targets import Target

Made = Asset | AssetAlias
"""What a function may make: an asset, or whatever an alias stands for at run time."""


class Declaration(Struct, frozen=True, kw_only=True):
    """A consumer as its module declares it."""

    name: str
    module: str
    function: Callable[..., Any]
    condition: Condition
    parameters: tuple[Parameter, ...] = ()
    """What the function is given, by the names of its parameters."""
    outlets: tuple[Made, ...] = ()
    inlets: tuple[Asset | AssetRef, ...] = ()
    args: tuple[Any, ...] = ()
    """Arguments of a DAG, beside those by name."""
    kwargs: dict[str, Any] = {}
    options: Options = Options()
    target: Target | None = None
    """What a trigger runs instead of the function."""
    pool: str | None = None
    description: str | None = None

    def registration(self, pool: str, inlets: tuple[str, ...] = ()) -> dict[str, Any]:
        """What a node is told of it: the body of `PUT /v1/consumers/{name}`.

        Args:
            pool: the workers' pool unless the declaration names one.
            inlets: keys of the assets it reads beside those of its condition.
        """
        python = {"kind": "python", "function": self.function.__qualname__, "pool": self.pool or pool}
        told: dict[str, Any] = {
            "condition": condition_object(self.condition),
            "target": python if self.target is None else msgspec.to_builtins(self.target),
            "module": self.module,
            "outlets": [each.key for each in self.outlets if isinstance(each, Asset)],
            "inlets": list(inlets),
            "description": self.description,
            "by": "assetlog work",
            **self.options.told(),
        }
        return {name: value for name, value in told.items() if value not in (None, [], {})}


_declared: dict[str, dict[str, Declaration]] = {}


def declare(declaration: Declaration) -> None:
    """Note a declaration. The same function declared again takes the place of the one before.

    Raises:
        Conflict: the module declares another function under this name.
    """
    consumers = _declared.setdefault(declaration.module, {})
    before = consumers.get(declaration.name)
    if before is not None and before.function.__qualname__ != declaration.function.__qualname__:
        raise Conflict(
            f"{declaration.module} declares two consumers {declaration.name!r}: {before.function.__qualname__} and "
            f"{declaration.function.__qualname__}.",
            code="consumer-declared-twice",
            field="name",
            value=declaration.name,
            rule="a consumer's name is declared once in a module",
            hint="Name one of them by name=, or by dag_id=.",
        )
    consumers[declaration.name] = declaration


def declared_by(module: str) -> Mapping[str, Declaration]:
    """What a module declares, and the modules of a package below it, by name."""
    inside = [name for name in _declared if name == module or name.startswith(f"{module}.")]
    return {name: one for each in inside for name, one in _declared[each].items()}


def forget(module: str) -> None:
    """Forget what a module declared; for one that is loaded again."""
    for name in [name for name in _declared if name == module or name.startswith(f"{module}.")]:
        del _declared[name]
