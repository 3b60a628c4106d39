"""Partitions of a consumer: which of them a partition of a leaf's asset belongs to, and when one has all its parts.

A mapper is JSON: `{"map": "identity"}`, or `{"map": "start-of", "unit": "day"}`: the hours of a day, as they come. With
`"of": "hour"` the day waits for all of its hours; with `"at_least": 20` for so many, with `-2` for all but two.
"""

from __future__ import annotations

from calendar import isleap, monthrange
from collections.abc import Iterable, Mapping
from datetime import datetime
from functools import lru_cache
from typing import Any, Literal

import msgspec
from msgspec import Struct

from assetlog.schemas.errors import Invalid

Unit = Literal["hour", "day", "week", "month", "year"]
OTHERS = "*"
"""Stands for all leaves that are not named."""

_FORMATS: dict[str, str] = {"hour": "%Y-%m-%dT%H", "day": "%Y-%m-%d", "week": "%G-W%V", "month": "%Y-%m", "year": "%Y"}
_PARTS: dict[str, frozenset[str]] = {
    "hour": frozenset(),
    "day": frozenset({"hour"}),
    "week": frozenset({"hour", "day"}),
    "month": frozenset({"hour", "day"}),
    "year": frozenset({"hour", "day", "month"}),
}
"""The units that add up to a unit."""


class Mapper(Struct, frozen=True, kw_only=True, omit_defaults=True, forbid_unknown_fields=True):
    """How a leaf's partitions belong to the consumer's."""

    map: Literal["identity", "start-of"] = "identity"
    unit: Unit | None = None
    """With `start-of`: what a partition of the consumer is."""
    of: Unit | None = None
    """What a partition of the leaf is, where one of the consumer waits for several."""
    at_least: int | None = None
    """For how many it waits, or (negative) how many may be missing; for all unless given."""

    def target(self, partition: str) -> str:
        """The consumer's partition that a leaf's partition belongs to; one that is no time keeps its name.

        >>> Mapper(map="start-of", unit="day").target("2026-11-21T05")
        '2026-11-21'
        """
        if self.unit is None:
            return partition
        moment = moment_of(partition)
        return partition if moment is None else moment.strftime(_FORMATS[self.unit])

    def complete(self, target: str, partitions: Iterable[str | None]) -> bool:
        """Whether so many parts of a partition are there that it need not wait for more."""
        if self.of is None or self.unit is None:
            return True
        moment = moment_of(target)
        if moment is None:
            return True
        parts = {_start(part, self.of) for part in partitions if part is not None}
        return len(parts) >= self._needed(moment)

    def _needed(self, moment: datetime) -> int:
        assert self.unit is not None
        assert self.of is not None
        parts = parts_of(moment, self.unit, self.of)
        if self.at_least is None:
            return parts
        return max(1, min(parts, self.at_least) if self.at_least > 0 else parts + self.at_least)


IDENTITY = Mapper()


def decode_mappers(declared: Mapping[str, Any]) -> dict[str, Mapper]:
    """The mappers of a consumer, by a leaf's id or `*`.

    Raises:
        Invalid: one is no mapper, or its units do not add up.

    >>> decode_mappers({"*": {"map": "start-of", "unit": "day", "of": "hour"}})["*"].unit
    'day'
    """
    return {leaf: _decode(leaf, value) for leaf, value in declared.items()}


def mapper_for(mappers: Mapping[str, Mapper], leaf: str) -> Mapper:
    """The mapper of a leaf."""
    return mappers.get(leaf) or mappers.get(OTHERS) or IDENTITY


def parts_of(moment: datetime, unit: Unit, of: Unit) -> int:
    """How many units of one sort the unit has that a moment lies in.

    >>> parts_of(datetime(2026, 2, 3), "month", "day"), parts_of(datetime(2026, 1, 1), "year", "month")
    (28, 12)
    """
    if of == "month":
        return 12
    year, month = 365 + isleap(moment.year), monthrange(moment.year, moment.month)[1]
    days = {"day": 1, "week": 7, "month": month, "year": year}[unit]
    return days * 24 if of == "hour" else days


@lru_cache(maxsize=4096)
def moment_of(partition: str) -> datetime | None:
    """The time that a partition names, None for another sort of name.

    >>> moment_of("2026-11"), moment_of("eu-west")
    (datetime.datetime(2026, 11, 1, 0, 0), None)
    """
    if not partition[:4].isdecimal() or not partition.isascii():
        return None
    for end in ("", "-01", "-01-01", "-1"):  # a day or a time; a month; a year; a week
        try:
            return datetime.fromisoformat(partition + end)
        except ValueError:
            continue
    return None


def _start(partition: str, unit: Unit) -> str:
    moment = moment_of(partition)
    return partition if moment is None else moment.strftime(_FORMATS[unit])


def _decode(leaf: str, value: object) -> Mapper:
    try:
        mapper = msgspec.convert(value, Mapper)
    except msgspec.ValidationError as error:
        raise _invalid(
            leaf, value, f'a mapper is {{"map": "identity"}} or {{"map": "start-of", ...}} ({error})'
        ) from None
    if (mapper.map == "start-of") != (mapper.unit is not None):
        raise _invalid(leaf, value, "start-of has a unit: hour, day, week, month or year; identity has none")
    if mapper.of is not None and (mapper.unit is None or mapper.of not in _PARTS[mapper.unit]):
        raise _invalid(leaf, value, "the units of `of` add up to `unit`: hours to a day, days to a month, ...")
    if mapper.at_least is not None and (mapper.of is None or mapper.at_least == 0):
        raise _invalid(leaf, value, "at_least counts units of `of`, and is not 0")
    return mapper


def _invalid(leaf: str, value: object, rule: str) -> Invalid:
    return Invalid(
        f"The partitions of {leaf!r} break a rule: {rule}.",
        code="invalid-partitions",
        field=f"partitions.{leaf}",
        value=value,
        rule=rule,
        hint='Write {"*": {"map": "start-of", "unit": "day", "of": "hour"}} to wait for all hours of a day.',
    )
