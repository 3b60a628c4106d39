"""The rules that types cannot say: keys, times and positions inside the data, and JSON that has to be of one sort.

One function a type, in the table `CHECKS`; a type that is not in it has no such rules.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import msgspec
from msgspec import Raw

from assetlog.schemas.errors import Invalid
from assetlog.schemas.events import EventType, artifact, asset, consumer, lineage, run, trigger
from assetlog.schemas.events.common import EMPTY, NOTHING, Data
from assetlog.schemas.keys import canonical_key, check_artifact_key
from assetlog.schemas.positions import parse_position
from assetlog.schemas.times import parse_time

Keys = tuple[tuple[str, ...], str | None]
"""The canonical upstream keys, and the canonical key of the second asset an event names."""

Check = Callable[[Any, str | None], Keys]
"""Takes the data and the subject as it was sent."""

NO_KEYS: Keys = ((), None)

_object = msgspec.json.Decoder(dict[str, Any])


def check_meaning(event_type: EventType, subject: str | None, data: Data) -> Keys:
    """The canonical upstream keys and the canonical second key of an event's data.

    Raises:
        Invalid: a key, a time, a position or a JSON part breaks its rule.
    """
    check = CHECKS.get(event_type.data)
    return NO_KEYS if check is None else check(data, subject)


def check_artifact_data(type_name: str, data: Any) -> None:
    """Refuse content that is not of the artifact's type.

    >>> check_artifact_data("progress", 50)
    """
    rule = _ARTIFACT_RULES.get(type_name)
    if rule is not None and not rule[1](data):
        raise _broken("data.data", data, rule[0], f"Send it so, or use another type than {type_name}.")


def _metadata(data: Any, _: str | None) -> Keys:
    _check_object(data.metadata, "data.metadata")
    return NO_KEYS


def _metadata_and_upstream(data: Any, _: str | None) -> Keys:
    _check_object(data.metadata, "data.metadata")
    return _canonical(data.upstream, "data.upstream"), None


def _materialized(data: asset.AssetMaterialized, _: str | None) -> Keys:
    _check_object(data.metadata, "data.metadata")
    if data.column_lineage:
        _check_column_lineage(data)
    return _canonical(data.upstream, "data.upstream"), None


def _check_column_lineage(data: asset.AssetMaterialized) -> None:
    for column, refs in data.column_lineage.items():
        for at, ref in enumerate(refs):
            _key(ref.asset, f"data.column_lineage.{column}[{at}].asset")


def _overdue(data: asset.AssetOverdue, _: str | None) -> Keys:
    if data.due is not None:
        parse_time(data.due, "data.due")
    return NO_KEYS


def _described(data: asset.AssetDescribed, _: str | None) -> Keys:
    if data.extra != NOTHING:
        _check_object(data.extra, "data.extra")
    return _canonical(data.upstream, "data.upstream"), None


def _aliased(data: asset.AssetAliased, subject: str | None) -> Keys:
    alias = _key(data.alias, "data.alias")
    if subject is not None and alias == canonical_key(subject):
        raise _broken("data.alias", data.alias, "an asset is not its own alias", "Name the other key.")
    return (), alias


def _alias_resolved(data: asset.AliasResolved, _: str | None) -> Keys:
    return (), _key(data.asset, "data.asset")


def _artifact_created(data: artifact.ArtifactCreated, subject: str | None) -> Keys:
    _artifact_subject(data, subject)
    check_artifact_data(data.type, _decoded(data.data, "data.data"))
    return (), None if data.asset is None else _key(data.asset, "data.asset")


def _artifact_updated(data: artifact.ArtifactUpdated, subject: str | None) -> Keys:
    _decoded(data.data, "data.data")
    return _artifact_subject(data, subject)


def _artifact_subject(_: Data, subject: str | None) -> Keys:
    if subject is not None:
        check_artifact_key(subject)
    return NO_KEYS


def _consumer_registered(data: consumer.ConsumerRegistered, _: str | None) -> Keys:
    _check_object(data.condition, "data.condition")
    _check_object(data.target, "data.target")
    _check_object(data.partitions, "data.partitions")
    if data.start is not None:
        _position(data.start, "data.start")
    _canonical(data.outlets, "data.outlets")
    _canonical(data.inlets, "data.inlets")
    return NO_KEYS


def _consumer_due(data: consumer.ConsumerDue, _: str | None) -> Keys:
    parse_time(data.due, "data.due")
    return NO_KEYS


def _trigger_fired(data: trigger.TriggerFired, _: str | None) -> Keys:
    for at, text in enumerate(data.positions):
        _position(text, f"data.positions[{at}]")
    for at, part in enumerate(data.consumed):
        _key(part.key, f"data.consumed[{at}].key")
        _position(part.after, f"data.consumed[{at}].after")
        _position(part.up_to, f"data.consumed[{at}].up_to")
    return NO_KEYS


def _openlineage(data: lineage.OpenlineageReceived, _: str | None) -> Keys:
    _check_object(data.event, "data.event")
    _check_object(data.understood, "data.understood")
    return NO_KEYS


CHECKS: dict[type[Data], Check] = {
    asset.AssetMaterialized: _materialized,
    asset.AssetFailed: _metadata_and_upstream,
    asset.AssetObserved: _metadata,
    asset.AssetReferenced: _metadata,
    asset.AssetChecked: _metadata,
    asset.AssetOverdue: _overdue,
    asset.AssetDescribed: _described,
    asset.AssetAliased: _aliased,
    asset.AliasResolved: _alias_resolved,
    artifact.ArtifactCreated: _artifact_created,
    artifact.ArtifactUpdated: _artifact_updated,
    artifact.ArtifactRetired: _artifact_subject,
    run.RunStarted: _metadata,
    run.RunSucceeded: _metadata,
    run.RunFailed: _metadata,
    run.RunSkipped: _metadata,
    consumer.ConsumerRegistered: _consumer_registered,
    consumer.ConsumerDue: _consumer_due,
    trigger.TriggerFired: _trigger_fired,
    lineage.OpenlineageReceived: _openlineage,
}
"""For each sort of data, what it has to obey and which keys it names; not for those without such rules."""


def _is_link(data: Any) -> bool:
    return isinstance(data, dict) and isinstance(data.get("url"), str) and data.keys() <= {"url", "text"}


def _is_image(data: Any) -> bool:
    return isinstance(data, dict) and isinstance(data.get("url"), str) and data.keys() <= {"url", "alt"}


def _is_table(data: Any) -> bool:
    return isinstance(data, list) and all(isinstance(row, dict) for row in data)


def _is_progress(data: Any) -> bool:
    return isinstance(data, int | float) and not isinstance(data, bool) and 0 <= data <= 100


_ARTIFACT_RULES: dict[str, tuple[str, Callable[[Any], bool]]] = {
    "markdown": ("the data of a markdown artifact is text", lambda data: isinstance(data, str)),
    "table": ("the data of a table artifact is a list of row objects", _is_table),
    "link": ('the data of a link artifact is {"url": ..., "text": ...}', _is_link),
    "image": ('the data of an image artifact is {"url": ..., "alt": ...}', _is_image),
    "progress": ("the data of a progress artifact is a number from 0 to 100", _is_progress),
}


def _check_object(raw: Raw, field: str) -> None:
    """Refuse what is not a JSON object. It is decoded for good: a number out of range shows only so."""
    if raw is EMPTY:
        return
    try:
        _object.decode(raw)
    except (msgspec.DecodeError, UnicodeDecodeError):
        _decoded(raw, field)
        raise _broken(
            field, bytes(raw)[:200].decode(errors="replace"), f"{field} is a JSON object", "Use {…}."
        ) from None


def _decoded(raw: Raw, field: str) -> Any:
    """A raw part decoded for good: numbers out of range and broken strings show only here."""
    try:
        return msgspec.json.decode(raw)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise _broken(field, None, f"it is JSON within the range of its types ({error})", "Mend it.") from None


def _canonical(keys: tuple[str, ...], field: str) -> tuple[str, ...]:
    if not keys:
        return ()
    try:
        return tuple(map(canonical_key, keys))
    except Invalid:
        return tuple(_key(key, f"{field}[{at}]") for at, key in enumerate(keys))


def _key(key: str, field: str) -> str:
    try:
        return canonical_key(key)
    except Invalid as error:
        error.field = field
        raise


def _position(text: str, field: str) -> int:
    try:
        return parse_position(text)
    except Invalid as error:
        error.field = field
        raise


def _broken(field: str, value: Any, rule: str, hint: str) -> Invalid:
    return Invalid(
        f"{field} breaks a rule: {rule}.", code="invalid-data", field=field, value=value, rule=rule, hint=hint
    )
