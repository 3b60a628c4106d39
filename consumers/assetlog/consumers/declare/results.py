"""What a task returned inside a DAG: a value for other tasks, and something `>>` and `<<` can stand between."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any


class TaskResult:
    """The result of a task that has run. Other tasks get its value; code of the DAG's own finds it in `value`.

    `a >> b` says that `b` comes after `a`. Tasks run where they are called, so it changes nothing.
    """

    __slots__ = ("skipped", "value")

    def __init__(self, value: Any = None, *, skipped: bool = False) -> None:
        self.value = value
        self.skipped = skipped
        """Whether the task raised `Skip`, or one that it needs did."""

    @property
    def output(self) -> TaskResult:
        """The result itself."""
        return self

    def set_upstream(self, _other: Any) -> None:
        """As `self << other`."""

    def set_downstream(self, _other: Any) -> None:
        """As `self >> other`."""

    def __rshift__(self, other: Any) -> Any:
        return other

    def __lshift__(self, other: Any) -> Any:
        return other

    def __rrshift__(self, _other: Any) -> TaskResult:
        return self

    def __rlshift__(self, _other: Any) -> TaskResult:
        return self

    def __getitem__(self, key: Any) -> TaskResult:
        return self if self.skipped else TaskResult(self.value[key])

    def __iter__(self) -> Iterator[TaskResult]:
        return iter(()) if self.skipped else map(TaskResult, iter(self.value))

    def __len__(self) -> int:
        return len(self.value)

    def __bool__(self) -> bool:
        return bool(self.value)

    def __repr__(self) -> str:
        return f"TaskResult({'skipped' if self.skipped else repr(self.value)})"


class Skipped(Exception):
    """A task needs the result of one that was skipped."""


def values(given: Any) -> Any:
    """A task's argument with values in the place of results, also inside lists, tuples and dicts.

    Raises:
        Skipped: one of them is of a skipped task.

    >>> values([TaskResult(1), {"b": TaskResult(2)}])
    [1, {'b': 2}]
    """
    if isinstance(given, TaskResult):
        if given.skipped:
            raise Skipped
        return given.value
    if type(given) in (list, tuple, set):
        return type(given)(map(values, given))
    if type(given) is dict:
        return {name: values(value) for name, value in given.items()}
    return given


def expanded(given: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
    """One set of arguments for each element, and for each combination of elements if several are mapped over.

    >>> list(expanded({"x": [1, 2], "y": "a"}))
    Traceback (most recent call last):
    TypeError: y is mapped over a list or a mapping, not over 'a'
    """
    import itertools

    columns = [_elements(name, values(value)) for name, value in given.items()]
    for row in itertools.product(*columns):
        yield dict(zip(given, row, strict=True))


def _elements(name: str, value: Any) -> list[Any]:
    if isinstance(value, Mapping):
        return list(value.items())
    if isinstance(value, str | bytes) or not hasattr(value, "__iter__"):
        raise TypeError(f"{name} is mapped over a list or a mapping, not over {value!r}")
    return list(value)
