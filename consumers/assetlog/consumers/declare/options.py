"""How a consumer fires and is tried: the options that all decorators share."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any, Literal, TypedDict, Unpack

from msgspec import Struct

from assetlog.schemas.asset import Asset
from assetlog.schemas.conditions import Leaf
from assetlog.schemas.conditions.tree import as_node
from assetlog.schemas.errors import Invalid
from assetlog.schemas.positions import format_position, last_position_at, parse_position

Duration = float | int | timedelta
"""Seconds, or a timedelta."""


class Options(Struct, frozen=True, kw_only=True):
    """See `consumer.consumer` for what they mean; None and empty are what a node takes by itself."""

    mode: Literal["batch", "each"] | None = None
    batch_size: int | None = None
    debounce: float | None = None
    within: float | None = None
    max_active: int | None = None
    when_paused: Literal["queue", "skip"] | None = None
    start: str | None = None
    partitions: dict[str, Any] = {}
    attempts: int | None = None
    backoff: float | None = None
    timeout: float | None = None

    def told(self) -> dict[str, Any]:
        """The fields of `consumer.registered`."""
        return {name: getattr(self, name) for name in self.__struct_fields__}


OPTION_NAMES = tuple(Options.__struct_fields__)


class Given(TypedDict, total=False):
    """The options as they are written.

    mode: `batch` (one trigger takes all that is queued) or `each` (one trigger for each event).
    batch_size: events that a trigger takes at most.
    debounce: seconds to wait for more events; ten times as long at most, if ever more come.
    within: seconds within which the events of an `&` must lie.
    max_active: triggers that run at a time at most.
    when_paused: whether events of a pause fire at its end (`queue`) or never (`skip`).
    start: the position or time after which events count; the log's end unless given.
    partitions: by a leaf, how its partitions become the consumer's.
    attempts: how often it is tried at most; 4 unless given.
    backoff: seconds before the second attempt, doubled for each further one; 1 unless given.
    timeout: seconds an attempt may take. An async function is cancelled, a plain one gets a `TimeoutError` with the
        next step of Python code that it takes.
    """

    mode: Literal["batch", "each"] | None
    batch_size: int | None
    debounce: Duration | None
    within: Duration | None
    max_active: int | None
    when_paused: Literal["queue", "skip"] | None
    start: str | datetime | None
    partitions: Mapping[Asset | Leaf | str, Any] | None
    attempts: int | None
    backoff: Duration | None
    timeout: Duration | None


def read_options(**given: Unpack[Given]) -> Options:
    """Options as they are told to a node.

    Raises:
        Invalid: one breaks a rule that can be seen here; the node checks the rest.

    >>> read_options(debounce=timedelta(minutes=1)).debounce
    60.0
    """
    _check_word("mode", given.get("mode"), ("batch", "each"))
    _check_word("when_paused", given.get("when_paused"), ("queue", "skip"))
    read: dict[str, Any] = dict(given)
    for name in ("batch_size", "max_active", "attempts"):
        _check_count(name, read.get(name))
    for name in ("debounce", "within", "backoff", "timeout"):
        read[name] = seconds(name, read.get(name))
    read["start"] = _start(given.get("start"))
    read["partitions"] = {_leaf_id(leaf): mapper for leaf, mapper in (given.get("partitions") or {}).items()}
    return Options(**read)


def seconds(name: str, given: object) -> float | None:
    """A duration in seconds.

    Raises:
        Invalid: it is none, or below zero.

    >>> seconds("backoff", timedelta(minutes=1))
    60.0
    """
    value = given.total_seconds() if isinstance(given, timedelta) else given
    if value is None:
        return None
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 <= value < float("inf"):
        raise invalid(name, given, f"{name} is seconds, 0 or more, or a timedelta", f"Write it like {name}=30.")
    return float(value)


def _start(start: str | datetime | None) -> str | None:
    if isinstance(start, datetime):
        if start.tzinfo is None:
            raise invalid("start", start, "a time names its zone", "Write datetime(2026, 11, 21, tzinfo=UTC).")
        return format_position(last_position_at(start))
    return None if start is None else format_position(parse_position(start))


def _leaf_id(leaf: Asset | Leaf | str) -> str:
    if isinstance(leaf, str):
        return leaf
    node = as_node(leaf)
    return node.id if isinstance(node, Leaf) else ""


def _check_count(name: str, given: object) -> None:
    if given is not None and (isinstance(given, bool) or not isinstance(given, int) or given < 1):
        raise invalid(name, given, f"{name} is a whole number, 1 or more", f"Write {name}=1 or leave it out.")


def _check_word(name: str, given: object, words: tuple[str, ...]) -> None:
    if given is not None and given not in words:
        raise invalid(name, given, f"{name} is one of {', '.join(words)}", f'Write {name}="{words[0]}".')


def invalid(field: str, value: object, rule: str, hint: str) -> Invalid:
    """The error of a declaration that breaks a rule."""
    return Invalid(
        f"{field} breaks a rule: {rule}.", code="invalid-declaration", field=field, value=value, rule=rule, hint=hint
    )
