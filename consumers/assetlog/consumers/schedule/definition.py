"""A consumer as it was declared, its condition and its schedule read and checked."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import msgspec

from assetlog.consumers.schedule.partitions import Mapper, decode_mappers, mapper_for
from assetlog.consumers.schedule.ticks import check_schedule
from assetlog.schemas.conditions import Condition, Cron, Deadline, Leaf, decode_condition, leaves
from assetlog.schemas.errors import Invalid
from assetlog.schemas.events.consumer import ConsumerRegistered
from assetlog.schemas.targets import AnyTarget, as_target

EXACT_KINDS = frozenset({"asset", "pattern", "cron", "deadline"})
"""Leaves that an event matches by its key alone, whenever it comes."""


@dataclass(frozen=True, slots=True)
class Definition:
    """What a consumer waits for, and what it then runs."""

    name: str
    registered: int
    """The position of the declaration."""
    data: ConsumerRegistered
    condition: Condition
    leaves: tuple[Leaf, ...]
    target: AnyTarget
    target_json: dict[str, Any]
    mappers: Mapping[str, Mapper]

    def mapper(self, leaf: str) -> Mapper:
        """How a leaf's partitions belong to the consumer's."""
        return mapper_for(self.mappers, leaf)

    @property
    def exact(self) -> bool:
        """Whether a range of an asset's events says exactly which of them were queued."""
        return self.data.when_paused == "queue" and all(leaf.kind in EXACT_KINDS for leaf in self.leaves)

    @property
    def most(self) -> int | None:
        """How many events a trigger takes at most; None for all."""
        return 1 if self.data.mode == "each" else self.data.batch_size


def definition_of(name: str, data: ConsumerRegistered, registered: int = 0) -> Definition:
    """What a registration at a position declares.

    Raises:
        Invalid: the condition, the target or the partitions break a rule.
    """
    condition = decode_condition(bytes(data.condition))
    target_json = _object(bytes(data.target), "target")
    mappers = decode_mappers(_object(bytes(data.partitions), "partitions"))
    found = leaves(condition)
    return Definition(name, registered, data, condition, found, as_target(target_json), target_json, mappers)


def check_definition(definition: Definition) -> None:
    """Refuse what can never come due, or waits for what is not there; for new registrations only.

    Raises:
        Invalid: a schedule that never ticks, a zone that is not known, a mapper of no leaf.
    """
    for leaf in definition.leaves:
        if isinstance(leaf, Cron | Deadline):
            check_schedule(leaf.expression, leaf.time_zone)
    known = {leaf.id for leaf in definition.leaves} | {"*"}
    for leaf_id in definition.mappers:
        if leaf_id not in known:
            raise Invalid(
                f"The condition has no leaf {leaf_id!r}.",
                code="invalid-partitions",
                field=f"partitions.{leaf_id}",
                value=leaf_id,
                rule="partitions are given for a leaf's id, or for * (all others)",
                hint="The leaves are " + ", ".join(sorted(known - {"*"})) + ".",
            )


def _object(raw: bytes, field: str) -> dict[str, Any]:
    try:
        return msgspec.json.decode(raw, type=dict[str, Any])
    except msgspec.DecodeError as error:
        raise Invalid(
            f"{field} is no JSON object: {error}.", code="invalid-data", field=field, rule=f"{field} is a JSON object"
        ) from None
