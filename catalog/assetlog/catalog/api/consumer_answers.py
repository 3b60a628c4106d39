"""Consumers as the API answers about them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import msgspec

from assetlog.catalog.api.desk_answers import Glimpse
from assetlog.schemas.conditions import condition_object, condition_text
from assetlog.schemas.positions import format_position, position_time_text
from assetlog.schemas.scheduling_shapes import Consumer, TriggerBrief


def last_triggers(glimpses: Sequence[Glimpse]) -> list[str]:
    """The ids of the consumers' last triggers."""
    return [seen.last_trigger[0] for seen in glimpses if seen.last_trigger is not None]


def consumer_shape(seen: Glimpse, briefs: Mapping[str, TriggerBrief]) -> Consumer:
    """The answer about a consumer; `briefs` tells of its last trigger."""
    definition = seen.definition
    data = definition.data
    return Consumer(
        name=definition.name,
        condition=condition_object(definition.condition),
        condition_text=condition_text(definition.condition),
        target=definition.target_json,
        module=data.module,
        description=data.description,
        mode=data.mode,
        batch_size=data.batch_size,
        debounce=data.debounce,
        within=data.within,
        max_active=data.max_active,
        when_paused=data.when_paused,
        partitions=msgspec.json.decode(data.partitions),
        attempts=data.attempts,
        backoff=data.backoff,
        timeout=data.timeout,
        paused=seen.paused,
        paused_reason=seen.paused_reason,
        outlets=list(data.outlets),
        inlets=list(data.inlets),
        queued=seen.queued,
        active=seen.active,
        last_trigger=None if seen.last_trigger is None else briefs.get(seen.last_trigger[0]),
        registered=position_time_text(definition.registered),
        position=format_position(definition.registered),
    )
