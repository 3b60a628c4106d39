"""The rules that types cannot say: keys inside the data, and JSON that has to be of one sort."""

from __future__ import annotations

from typing import Any

import msgspec
from msgspec import Raw

from assetlog.schemas.errors import Invalid
from assetlog.schemas.events import EventType
from assetlog.schemas.events.artifact import ArtifactCreated, ArtifactUpdated
from assetlog.schemas.events.asset import AliasResolved, AssetAliased, AssetDescribed, AssetMaterialized
from assetlog.schemas.events.common import EMPTY, Data
from assetlog.schemas.keys import canonical_key, check_artifact_key


def check_meaning(event_type: EventType, subject: str | None, data: Data) -> tuple[tuple[str, ...], str | None]:
    """The canonical upstream keys and the canonical second key of an event's data.

    Raises:
        Invalid: a key or a JSON part breaks its rule.
    """
    metadata = getattr(data, "metadata", None)
    if metadata is not None and metadata is not EMPTY:
        _check_object(metadata, "data.metadata")
    if event_type.subject == "artifact" and subject is not None:
        check_artifact_key(subject)
    upstream = tuple(_key(key, f"data.upstream[{at}]") for at, key in enumerate(getattr(data, "upstream", ())))
    _check_by_type(data, subject)
    return upstream, _other_key(data)


def _check_by_type(data: Data, subject: str | None) -> None:
    if isinstance(data, AssetMaterialized):
        for column, refs in data.column_lineage.items():
            for at, ref in enumerate(refs):
                _key(ref.asset, f"data.column_lineage.{column}[{at}].asset")
    elif isinstance(data, ArtifactCreated):
        check_artifact_data(data.type, _decoded(data.data, "data.data"))
    elif isinstance(data, ArtifactUpdated) and data.data is not None:
        _decoded(data.data, "data.data")
    elif isinstance(data, AssetDescribed) and data.extra is not None:
        _check_object(data.extra, "data.extra")
    elif isinstance(data, AssetAliased) and _key(data.alias, "data.alias") == canonical_key(subject or ""):
        raise _broken("data.alias", data.alias, "an asset is not its own alias", "Name the other key.")


def _other_key(data: Data) -> str | None:
    if isinstance(data, AssetAliased):
        return canonical_key(data.alias)
    if isinstance(data, AliasResolved):
        return _key(data.asset, "data.asset")
    if isinstance(data, ArtifactCreated) and data.asset is not None:
        return _key(data.asset, "data.asset")
    return None


def check_artifact_data(type_name: str, data: Any) -> None:
    """Refuse content that is not of the artifact's type.

    >>> check_artifact_data("progress", 50)
    """
    rule = _ARTIFACT_RULES.get(type_name)
    if rule is not None and not rule[1](data):
        raise _broken("data.data", data, rule[0], f"Send it so, or use another type than {type_name}.")


def _is_link(data: Any) -> bool:
    return isinstance(data, dict) and isinstance(data.get("url"), str) and data.keys() <= {"url", "text"}


def _is_image(data: Any) -> bool:
    return isinstance(data, dict) and isinstance(data.get("url"), str) and data.keys() <= {"url", "alt"}


def _is_table(data: Any) -> bool:
    return isinstance(data, list) and all(isinstance(row, dict) for row in data)


def _is_progress(data: Any) -> bool:
    return isinstance(data, int | float) and not isinstance(data, bool) and 0 <= data <= 100


_ARTIFACT_RULES = {
    "markdown": ("the data of a markdown artifact is text", lambda data: isinstance(data, str)),
    "table": ("the data of a table artifact is a list of row objects", _is_table),
    "link": ('the data of a link artifact is {"url": ..., "text": ...}', _is_link),
    "image": ('the data of an image artifact is {"url": ..., "alt": ...}', _is_image),
    "progress": ("the data of a progress artifact is a number from 0 to 100", _is_progress),
}


def _check_object(raw: Raw, field: str) -> None:
    if not isinstance(_decoded(raw, field), dict):
        raise _broken(field, bytes(raw)[:200].decode(errors="replace"), f"{field} is a JSON object", "Use {…}.")


def _decoded(raw: Raw, field: str) -> Any:
    """A raw part decoded for good: numbers out of range and broken strings show only here."""
    try:
        return msgspec.json.decode(raw)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise _broken(field, None, f"it is JSON within the range of its types ({error})", "Mend it.") from None


def _key(key: str, field: str) -> str:
    try:
        return canonical_key(key)
    except Invalid as error:
        error.field = field
        raise


def _broken(field: str, value: Any, rule: str, hint: str) -> Invalid:
    return Invalid(
        f"{field} breaks a rule: {rule}.", code="invalid-data", field=field, value=value, rule=rule, hint=hint
    )
