"""The table of event types: wire name, newest version, Struct, what the subject names."""

from __future__ import annotations

from typing import Literal, NamedTuple

from assetlog.schemas.events import artifact, asset, consumer, lineage, run, trigger
from assetlog.schemas.events.common import Data

SubjectKind = Literal["asset", "alias", "artifact", "run", "consumer", "trigger"]


class EventType(NamedTuple):
    """One type of event."""

    name: str
    """The stable wire name, in the past tense."""
    version: int
    """The newest `dataversion`."""
    data: type[Data]
    subject: SubjectKind


def _types() -> tuple[EventType, ...]:
    return (
        EventType("asset.materialized", 1, asset.AssetMaterialized, "asset"),
        EventType("asset.failed", 1, asset.AssetFailed, "asset"),
        EventType("asset.observed", 1, asset.AssetObserved, "asset"),
        EventType("asset.referenced", 1, asset.AssetReferenced, "asset"),
        EventType("asset.checked", 1, asset.AssetChecked, "asset"),
        EventType("asset.overdue", 1, asset.AssetOverdue, "asset"),
        EventType("asset.described", 1, asset.AssetDescribed, "asset"),
        EventType("asset.retired", 1, asset.AssetRetired, "asset"),
        EventType("asset.aliased", 1, asset.AssetAliased, "asset"),
        EventType("alias.resolved", 1, asset.AliasResolved, "alias"),
        EventType("artifact.created", 1, artifact.ArtifactCreated, "artifact"),
        EventType("artifact.updated", 1, artifact.ArtifactUpdated, "artifact"),
        EventType("artifact.retired", 1, artifact.ArtifactRetired, "artifact"),
        EventType("run.started", 1, run.RunStarted, "run"),
        EventType("run.succeeded", 1, run.RunSucceeded, "run"),
        EventType("run.failed", 1, run.RunFailed, "run"),
        EventType("run.skipped", 1, run.RunSkipped, "run"),
        EventType("consumer.registered", 1, consumer.ConsumerRegistered, "consumer"),
        EventType("consumer.paused", 1, consumer.ConsumerPaused, "consumer"),
        EventType("consumer.resumed", 1, consumer.ConsumerResumed, "consumer"),
        EventType("consumer.removed", 1, consumer.ConsumerRemoved, "consumer"),
        EventType("consumer.due", 1, consumer.ConsumerDue, "consumer"),
        EventType("trigger.fired", 1, trigger.TriggerFired, "trigger"),
        EventType("trigger.started", 1, trigger.TriggerStarted, "trigger"),
        EventType("trigger.succeeded", 1, trigger.TriggerSucceeded, "trigger"),
        EventType("trigger.failed", 1, trigger.TriggerFailed, "trigger"),
        EventType("trigger.exhausted", 1, trigger.TriggerExhausted, "trigger"),
        EventType("trigger.cancelled", 1, trigger.TriggerCancelled, "trigger"),
        EventType("trigger.retried", 1, trigger.TriggerRetried, "trigger"),
        EventType("openlineage.received", 1, lineage.OpenlineageReceived, "run"),
    )


EVENT_TYPES: dict[str, EventType] = {event_type.name: event_type for event_type in _types()}
RESERVED_FAMILIES = ("consumer.", "trigger.")
"""Types that nodes and workers write; `POST /v1/events` refuses them."""
RESERVED_SOURCE = "assetlog://"
"""Sources that nodes and workers use; `POST /v1/events` refuses them."""
