"""Conditions as JSON: Airflow's grammar (`all`, `any`, `asset`, `alias`, `asset_ref`) and leaves of our own."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Literal

import msgspec
from msgspec import UNSET, Raw, Struct, UnsetType

from assetlog.schemas import explain
from assetlog.schemas.conditions.leaves import (
    AssetAlias,
    AssetRef,
    Group,
    Manual,
    Stale,
    check_name,
    matching,
    stale,
)
from assetlog.schemas.conditions.schedule import Cron, Deadline, cron, deadline
from assetlog.schemas.conditions.tree import (
    MAX_DEPTH,
    AllOf,
    AnyOf,
    AssetLeaf,
    Condition,
    Leaf,
    all_of,
    any_of,
    check_bounds,
)
from assetlog.schemas.errors import Invalid
from assetlog.schemas.keys import canonical_key
from assetlog.schemas.nesting import too_deep

MAX_BYTES = 1_048_576
GRAMMAR = "all, any, asset, alias, asset_ref, pattern, group, cron, deadline, stale, manual"


class _Asset(Struct, forbid_unknown_fields=True):
    uri: str
    name: str | None = None
    group: str | None = None


class _Stale(Struct, forbid_unknown_fields=True):
    uri: str
    name: str | None = None


class _Alias(Struct, forbid_unknown_fields=True):
    name: str
    group: str = ""


class _Ref(Struct, forbid_unknown_fields=True):
    name: str | UnsetType = UNSET
    uri: str | UnsetType = UNSET


class _Cron(Struct, forbid_unknown_fields=True):
    expression: str
    time_zone: str = "UTC"


class _Deadline(Struct, forbid_unknown_fields=True):
    at: str
    time_zone: str = "UTC"


class _Node(Struct, forbid_unknown_fields=True):
    """One of these fields is set. A text stands for an object with its first field alone."""

    all: list[_Node] | UnsetType = UNSET
    any: list[_Node] | UnsetType = UNSET
    asset: _Asset | str | UnsetType = UNSET
    alias: _Alias | str | UnsetType = UNSET
    asset_ref: _Ref | UnsetType = UNSET
    pattern: str | UnsetType = UNSET
    group: str | UnsetType = UNSET
    cron: _Cron | str | UnsetType = UNSET
    deadline: _Deadline | str | UnsetType = UNSET
    stale: _Stale | str | UnsetType = UNSET
    manual: Literal[True] | UnsetType = UNSET


_decoder = msgspec.json.Decoder(_Node)


def encode_condition(condition: Condition) -> bytes:
    """A condition as JSON.

    >>> from assetlog.schemas.asset import Asset
    >>> encode_condition(Asset("s3://a") | cron("@daily"))
    b'{"any":[{"asset":{"uri":"s3://a"}},{"cron":{"expression":"0 0 * * *","time_zone":"UTC"}}]}'
    """
    return msgspec.json.encode(condition_object(condition))


def condition_object(condition: Condition) -> dict[str, Any]:
    """A condition as the plain object that is its JSON."""
    if isinstance(condition, AllOf | AnyOf):
        return {condition.kind: list(map(condition_object, condition.conditions))}
    assert isinstance(condition, Leaf)
    return {condition.kind: condition.body}


def decode_condition(raw: bytes | Raw) -> Condition:
    """The condition that JSON tells. What is joined twice over is joined once: the tree is flat.

    Raises:
        Invalid: it is not JSON of the grammar, names what is no asset, or is out of bounds; `field` says where.

    >>> decode_condition(b'{"all":[{"asset":"s3://b"},{"all":[{"asset":{"uri":"s3://a"}}]}]}').conditions[1].id
    'asset:s3://a'
    """
    raw = bytes(raw)
    if len(raw) > MAX_BYTES:
        raise _invalid("condition", f"a condition has at most {MAX_BYTES:,} bytes", "Wait for a pattern or a group.")
    if too_deep(raw, 2 * MAX_DEPTH + 2):  # each join is an object and a list; a leaf two objects
        raise _invalid(
            "condition", f"at most {MAX_DEPTH} all and any stand in each other", "Join some of it beforehand."
        )
    try:
        node = _decoder.decode(raw)
    except msgspec.ValidationError as error:
        raise _refused(explain.invalid(error, raw, "condition")) from None
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise _invalid(
            "condition", f"a condition is a JSON object ({error})", "Encode it with a JSON library."
        ) from None
    condition = _condition(node, "condition")
    check_bounds(condition)
    return condition


def _condition(node: _Node, path: str) -> Condition:
    given = {name: value for name in node.__struct_fields__ if (value := getattr(node, name)) is not UNSET}
    if len(given) != 1:
        said = ", ".join(given) or "nothing"
        raise _invalid(
            path, f"a condition says one of {GRAMMAR}; this one says {said}", 'Join two with {"all": [...]}.'
        )
    ((kind, value),) = given.items()
    path = f"{path}.{kind}"
    if isinstance(value, list):
        parts = [_condition(part, f"{path}[{place}]") for place, part in enumerate(value)]
        if not parts:
            raise _invalid(path, f"{kind} joins one condition or more", "Name an asset.")
        return _joined(kind, parts)
    try:
        return _LEAVES[kind](value)
    except Invalid as error:
        raise _at(path, error) from None


def _joined(kind: str, parts: list[Condition]) -> Condition:
    return all_of(*parts) if kind == "all" else any_of(*parts)


def _asset(value: _Asset | str) -> AssetLeaf:
    if isinstance(value, str):
        return AssetLeaf(canonical_key(value))
    _check_labels({"asset.name": value.name, "asset.group": value.group})
    return AssetLeaf(canonical_key(value.uri), value.name, value.group)


def _alias(value: _Alias | str) -> AssetAlias:
    return AssetAlias(value) if isinstance(value, str) else AssetAlias(value.name, value.group)


def _ref(value: _Ref) -> AssetRef | AssetLeaf:
    """A reference by URI is the asset's leaf itself: here a key names its asset before anybody declared it."""
    if isinstance(value.name, str) and value.uri is UNSET:
        return AssetRef(value.name)
    if isinstance(value.uri, str) and value.name is UNSET:
        return AssetLeaf(canonical_key(value.uri))
    raise _invalid(
        "asset_ref", "a reference is by name or by uri, one of them", 'Write {"asset_ref": {"name": "orders"}}.'
    )


def _cron(value: _Cron | str) -> Cron:
    return cron(value) if isinstance(value, str) else cron(value.expression, value.time_zone)


def _deadline(value: _Deadline | str) -> Deadline:
    return deadline(value) if isinstance(value, str) else deadline(value.at, value.time_zone)


def _stale(value: _Stale | str) -> Stale:
    if isinstance(value, str):
        return stale(value)
    _check_labels({"stale.name": value.name})
    return Stale(canonical_key(value.uri), value.name)


def _check_labels(labels: dict[str, str | None]) -> None:
    for field, label in labels.items():
        if label is not None:
            check_name(label, field)


_LEAVES: dict[str, Callable[[Any], Leaf]] = {
    "asset": _asset,
    "alias": _alias,
    "asset_ref": _ref,
    "pattern": matching,
    "group": Group,
    "cron": _cron,
    "deadline": _deadline,
    "stale": _stale,
    "manual": lambda _true: Manual(),
}


def _at(path: str, error: Invalid) -> Invalid:
    """An error that says where in the condition it is."""
    _, _, within = (error.field or "").partition(".")
    error.field = f"{path}.{within}" if within else path
    error.code = "invalid-condition"
    return error


def _refused(error: Invalid) -> Invalid:
    error.code = "invalid-condition"
    error.hint = f"A condition says one of {GRAMMAR}." if "Did you mean" not in error.hint else error.hint
    return error


def _invalid(field: str, rule: str, hint: str) -> Invalid:
    return Invalid(f"{field} breaks a rule: {rule}.", code="invalid-condition", field=field, rule=rule, hint=hint)
