"""What a function asks for by the names of its parameters."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from typing import Any, Literal

from msgspec import Struct

from assetlog.consumers.declare.options import invalid

CONTEXT_NAMES = ("context", "events", "triggering_asset_events", "outlet_events", "inlet_events")
"""Parameters that get a part of the context, or all of it (`context`)."""
_REFUSED = {
    inspect.Parameter.VAR_POSITIONAL: "*{}",
    inspect.Parameter.VAR_KEYWORD: "**{}",
    inspect.Parameter.POSITIONAL_ONLY: "{}, /",
}


class Parameter(Struct, frozen=True):
    """A parameter, and what it gets: a part of the context, the asset itself, or an upstream asset of this name."""

    name: str
    gets: Literal["context", "self", "asset"]


def parameters_of(function: Callable[..., Any], *, made: int) -> tuple[Parameter, ...]:
    """What a function is to be given. A parameter with a default keeps it.

    Args:
        made: how many assets it makes: `self` is the one.

    Raises:
        Invalid: a parameter can't be given by its name, or there is no single `self`.

    >>> parameters_of(lambda self, context, orders, limit=10: None, made=1)[2]
    Parameter(name='orders', gets='asset')
    """
    found = []
    for parameter in inspect.signature(function).parameters.values():
        if parameter.kind in _REFUSED:
            said = _REFUSED[parameter.kind].format(parameter.name)
            raise invalid(
                f"{function.__qualname__}({said})",
                parameter.name,
                "every parameter is given by its name",
                "Name what it needs: context, self, or an upstream asset.",
            )
        if parameter.default is inspect.Parameter.empty:
            found.append(_of(parameter.name, function.__qualname__, made))
    return tuple(found)


def _of(name: str, function: str, made: int) -> Parameter:
    if name in CONTEXT_NAMES:
        return Parameter(name, "context")
    if name != "self":
        return Parameter(name, "asset")
    if made != 1:
        rule = f"self is the asset that a function makes; {function} makes {made}"
        raise invalid(f"{function}(self)", made, rule, "Take context, and look into context['outlets'].")
    return Parameter(name, "self")
