"""Where values come from: which assets a value that flows between tracked functions was made from.

A value is known by its identity. What is linked is held, by a weak reference where its type allows one, so that no
later object can take its place in memory and be mistaken for it. Identity says nothing for what Python shares: small
integers, None, constants and interned texts are the same object wherever they come from. Such a value is linked only
if nobody else held it when it was returned; otherwise it carries nothing, and no edge is better than a false one.
"""

from __future__ import annotations

import sys
import weakref
from collections.abc import Callable, Iterable, Mapping
from enum import Enum
from types import FunctionType, ModuleType
from typing import Any, Final, TypeVar

import msgspec

Keys = tuple[str, ...]
Item = TypeVar("Item")

NODES_WALKED: Final = 10_000
"""Most values that are looked at in the arguments of one call."""
PARTS_LINKED: Final = 1_000
"""Most parts of a result that are linked beside it."""
PARTS_DEEP: Final = 2
"""Levels of a result whose parts are linked: `up()["k"]`, `up()["k"][0]`."""
_ATOMS = (str, bytes, int, float, complex, bool, type(None), range, tuple, frozenset)
"""What Python may share between unrelated places."""
_PLACES = (type, FunctionType, ModuleType, Enum)
"""What is always there: it comes from no call."""
_UNHELD: Final = 2
"""The references of a value that only one variable and the question itself hold."""


class Lineage:
    """The assets behind the values of one run and of all that runs inside it. Safe for threads."""

    def __init__(self) -> None:
        self._links: dict[int, tuple[Callable[[], Any], Keys]] = {}

    def behind(self, values: Iterable[Any]) -> dict[str, None]:
        """The keys of the assets behind some values, or behind what they contain, in the order they are met."""
        found: dict[str, None] = {}
        if self._links:
            for value in walk(values):
                link = self._links.get(id(value))
                if link is not None and link[0]() is value:
                    found.update(dict.fromkeys(link[1]))
        return found

    def link(self, value: Any, keys: Iterable[str], *, unheld: bool) -> None:
        """Note that a value, and its parts, come from assets. The last call that returned a value counts.

        Args:
            unheld: whether nobody but the caller held it; see `is_unheld`.
        """
        carried = tuple(keys)
        if carried or self._links:
            self._link_one(value, carried, unheld)
            self._link_parts(value, carried)

    def link_new(self, value: Any, keys: Iterable[str], *, unheld: bool) -> None:
        """Like `link`, but what is linked already stays as it is."""
        link = self._links.get(id(value))
        if link is None or link[0]() is not value:
            self._link_one(value, tuple(keys), unheld)

    def _link_one(self, value: Any, keys: Keys, unheld: bool) -> None:
        if isinstance(value, _PLACES) or (isinstance(value, _ATOMS) and not unheld):
            return
        number = id(value)
        if keys:
            self._links[number] = (self._holder(value, number), keys)
        else:
            self._links.pop(number, None)

    def _link_parts(self, value: Any, keys: Keys) -> None:
        level, left = [value], PARTS_LINKED
        for _ in range(PARTS_DEEP):
            inner: list[Any] = []
            for container in level:
                for part in parts_of(container):
                    if left == 0:
                        return
                    left -= 1
                    # held by its container, by this loop, and by the question
                    self._link_one(part, keys, sys.getrefcount(part) <= _UNHELD + 1)
                    inner.append(part)
            level = inner

    def _holder(self, value: Any, number: int) -> Callable[[], Any]:
        links = self._links

        def forget(reference: Any) -> None:
            link = links.get(number)
            if link is not None and link[0] is reference:
                del links[number]

        try:
            return weakref.ref(value, forget)
        except TypeError:
            return lambda: value


def is_unheld(references: int) -> bool:
    """Whether `sys.getrefcount(x)`, asked where `x` is a local variable, says that nothing else holds it.

    >>> import sys
    >>> fresh, shared = str(12345), "constant"
    >>> is_unheld(sys.getrefcount(fresh)), is_unheld(sys.getrefcount(shared))
    (True, False)
    """
    return references <= _UNHELD


def walk(values: Iterable[Any]) -> Iterable[Any]:
    """Values and all they contain, each container once, up to `NODES_WALKED`."""
    waiting = [*values][::-1]
    seen: set[int] = set()
    left = NODES_WALKED
    while waiting and left:
        left -= 1
        value = waiting.pop()
        yield value
        if isinstance(value, str | int | float | bytes) or value is None or id(value) in seen:
            continue
        parts = parts_of(value)
        if parts:
            seen.add(id(value))
            waiting.extend([*parts][::-1])


def parts_of(value: Any) -> Iterable[Any]:
    """What a container holds: of lists, tuples, sets, mappings, dataclasses and msgspec Structs.

    >>> [*parts_of({"a": 1})], [*parts_of(["a"])], [*parts_of("text")]
    ([1], ['a'], [])
    """
    if isinstance(value, list | tuple | set | frozenset):
        return value
    if isinstance(value, dict):
        return value.values()
    if isinstance(value, msgspec.Struct):
        return [getattr(value, name, None) for name in value.__struct_fields__]
    if hasattr(type(value), "__dataclass_fields__"):
        return [getattr(value, name, None) for name in value.__dataclass_fields__]
    return ()


def replaced(value: Any, replace: Callable[[Any], Any]) -> Any:
    """A value with what it contains replaced; containers without a replacement stay the very same objects.

    >>> same = [1, 2]
    >>> replaced(same, lambda part: part) is same, replaced([1, [2]], lambda part: part * 2 if part == 2 else part)
    (True, [1, [4]])
    """
    new = replace(value)
    if new is not value:
        return new
    if type(value) in (list, tuple, set):
        items = [replaced(item, replace) for item in value]
        return value if all(map(_same, items, value)) else type(value)(items)
    if type(value) is dict:
        pairs: Mapping[Any, Any] = {name: replaced(item, replace) for name, item in value.items()}
        return value if all(pairs[name] is item for name, item in value.items()) else pairs
    return value


def _same(one: object, other: object) -> bool:
    return one is other
