"""Where values come from: which assets a value that flows between tracked functions was made from.

A value is known by its identity. What is linked is held, by a weak reference where its type allows one, so that no
later object can take its place in memory and be mistaken for it. Identity says nothing for what Python shares: small
integers, None, constants and interned texts are the same object wherever they come from. Such a value is linked only
if nobody else held it when it was returned; otherwise it carries nothing, and no edge is better than a false one.
"""

from __future__ import annotations

import sys
import weakref
from collections.abc import Callable, Iterable, Iterator
from enum import Enum
from itertools import islice
from operator import is_
from types import FunctionType, MemberDescriptorType, ModuleType
from typing import Any, Final, NamedTuple

import msgspec

Keys = tuple[str, ...]

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
_SCALARS = (str, bytes, int, float, type(None))
_RECORDS = ("__dataclass_fields__", "__pydantic_fields__", "__attrs_attrs__")
"""What says that a type's instances are made of fields."""


def _references_of_one_variable() -> int:
    fresh = object()
    return sys.getrefcount(fresh)


_UNHELD: Final = _references_of_one_variable()
"""The references of a value that only one variable and the question itself hold: newer Pythons count fewer."""


class Link(NamedTuple):
    """What is known of one value."""

    get: Callable[[], Any]
    """Gives the value, as long as it lives."""
    keys: Keys
    own: bool
    """A call returned this very value, not something that has it inside."""


class Lineage:
    """The assets behind the values of one run and of all that runs inside it. Safe for threads."""

    def __init__(self) -> None:
        self._links: dict[int, Link] = {}

    def behind(self, values: Iterable[Any]) -> dict[str, None]:
        """The keys of the assets behind some values, or behind what they contain, in the order they are met."""
        found: dict[str, None] = {}
        if self._links:
            for value in walk(values):
                link = self._linked(value)
                if link is not None:
                    found.update(dict.fromkeys(link.keys))
        return found

    def link(self, value: Any, keys: Iterable[str], *, unheld: bool) -> None:
        """Note that a value, and its parts, come from assets. The last call that returned a value counts.

        A part that was a call's own result stays that: `down(a)` after `pair(a, b)` is made from what `a` is.

        Args:
            unheld: whether nobody but the caller held it; see `is_unheld`.
        """
        carried = tuple(keys)
        if carried or self._links:
            self._link_one(value, carried, unheld)
            self._link_parts(value, carried)

    def link_new(self, value: Any, keys: Iterable[str], *, unheld: bool) -> None:
        """Like `link`, but what is linked already stays as it is."""
        if self._linked(value) is None:
            self._link_one(value, tuple(keys), unheld)

    def _linked(self, value: Any) -> Link | None:
        link = self._links.get(id(value))
        return link if link is not None and link.get() is value else None

    def _link_one(self, value: Any, keys: Keys, unheld: bool, own: bool = True) -> None:
        kind = type(value)
        if issubclass(kind, _PLACES) or (issubclass(kind, _ATOMS) and not unheld):
            return
        number = id(value)
        if keys:
            self._links[number] = Link(self._holder(value, number), keys, own)
        else:
            self._links.pop(number, None)

    def _link_part(self, part: Any, keys: Keys, unheld: bool) -> None:
        known = self._linked(part)
        if known is None or not known.own:
            self._link_one(part, keys, unheld, own=False)

    def _link_parts(self, value: Any, keys: Keys) -> None:
        level, left = [value], PARTS_LINKED
        for _ in range(PARTS_DEEP):
            inner: list[Any] = []
            for container in level:
                parts = [*islice(parts_of(container), left)]
                left -= len(parts)
                for part in parts:
                    # held by its container, by the list of parts, by this loop, and by the question
                    self._link_part(part, keys, sys.getrefcount(part) <= _UNHELD + 2)
                inner += parts
                del parts
            level = inner

    def _holder(self, value: Any, number: int) -> Callable[[], Any]:
        links = self._links

        def forget(reference: Any) -> None:
            link = links.get(number)
            if link is not None and link.get is reference:
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
        if issubclass(type(value), _SCALARS) or id(value) in seen:
            continue
        parts = parts_of(value)
        if parts:
            seen.add(id(value))
            waiting.extend([*islice(parts, left)][::-1])


def parts_of(value: Any) -> Iterable[Any]:
    """What a container holds: of lists, tuples, sets, mappings; of records: dataclasses, msgspec, pydantic, attrs.

    None of the value's own code runs: a lazy one stays unread, and one that raises does not.

    >>> [*parts_of({"a": 1})], [*parts_of(["a"])], [*parts_of("text")]
    ([1], ['a'], [])
    """
    kind = type(value)
    for container in (list, tuple, set, frozenset):
        if issubclass(kind, container):
            return value if kind is container else _Plain(container, value)
    if issubclass(kind, dict):
        return dict.values(value)
    if issubclass(kind, msgspec.Struct):
        return [getattr(value, name, None) for name in value.__struct_fields__]
    return _fields_of(value, kind) if any(hasattr(kind, mark) for mark in _RECORDS) else ()


class _Plain:
    """The items of an instance of a container's subclass, by the container's own iteration."""

    def __init__(self, container: Any, value: Any) -> None:
        self._container, self._value = container, value

    def __iter__(self) -> Iterator[Any]:
        items: Iterator[Any] = self._container.__iter__(self._value)
        return items


def _fields_of(value: Any, kind: type) -> list[Any]:
    try:
        own = object.__getattribute__(value, "__dict__")
    except AttributeError:
        own = {}
    slots = [vars(kind).get(name) for name in getattr(kind, "__slots__", ())]
    return [*own.values(), *(_slot(slot, value, kind) for slot in slots if type(slot) is MemberDescriptorType)]


def _slot(slot: MemberDescriptorType, value: Any, kind: type) -> Any:
    try:
        return slot.__get__(value, kind)
    except AttributeError:  # not set
        return None


def replaced(value: Any, replace: Callable[[Any], Any], above: tuple[Any, ...] = ()) -> Any:
    """A value with what it contains replaced; containers without a replacement stay the very same objects.

    Args:
        above: the containers it lies in; one that contains itself is left there.

    >>> same = [1, 2]
    >>> replaced(same, lambda part: part) is same, replaced([1, [2]], lambda part: part * 2 if part == 2 else part)
    (True, [1, [4]])
    """
    new = replace(value)
    kind = type(value)
    if new is not value or kind not in (list, tuple, set, dict) or any(each is value for each in above):
        return new
    inside = (*above, value)
    items = [replaced(item, replace, inside) for item in parts_of(value)]
    if all(map(is_, items, parts_of(value))):
        return value
    return dict(zip(value, items, strict=True)) if kind is dict else kind(items)
