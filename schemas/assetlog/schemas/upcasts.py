"""Lifting old event data to the newest shape, once, at decode. Folds know only the newest shape.

A step is a pure function from the data of version n to the data of version n + 1.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

JSONObject = dict[str, Any]
Step = Callable[[JSONObject], JSONObject]

UPCASTS: dict[tuple[str, int], Step] = {}
"""(type, from version) -> step. Every type is at version 1 today."""


def upcast(
    type_name: str,
    version: int,
    newest: int,
    data: JSONObject,
    steps: Mapping[tuple[str, int], Step] = UPCASTS,
) -> JSONObject:
    """Data of an older version in the newest shape.

    >>> upcast("t", 1, 2, {"a": 1}, {("t", 1): lambda data: {"b": data["a"]}})
    {'b': 1}
    """
    for step in range(version, newest):
        data = steps[type_name, step](data)
    return data


def missing_steps(
    newest_versions: Mapping[str, int], steps: Mapping[tuple[str, int], Step] = UPCASTS
) -> list[tuple[str, int]]:
    """The steps that a registry's versions need and that are not there; a test keeps it empty."""
    return [
        (name, version)
        for name, newest in newest_versions.items()
        for version in range(1, newest)
        if (name, version) not in steps
    ]
