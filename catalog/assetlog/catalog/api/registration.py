"""From the body of a `PUT /v1/consumers/{name}` to the declaration that is stored: read, checked, spelt one way."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import msgspec
from msgspec import Raw

from assetlog.consumers.schedule.definition import check_definition, definition_of
from assetlog.schemas import explain
from assetlog.schemas.conditions import Condition, all_of, as_condition, decode_condition, encode_condition
from assetlog.schemas.errors import Invalid
from assetlog.schemas.events.consumer import ConsumerRegistered
from assetlog.schemas.keys import canonical_key
from assetlog.schemas.targets import DELIVERY_ATTEMPTS, DELIVERY_BACKOFF, AnyTarget, PythonTarget, as_target

MAX_NAME_LENGTH = 200
UNCOMPARED = ("start", "by")
"""Fields that change nothing of a consumer that is there already."""

_decoder = msgspec.json.Decoder(ConsumerRegistered)
_given = msgspec.json.Decoder(dict[str, Raw])
_list = msgspec.json.Decoder(list[Raw])
_text = msgspec.json.Decoder(str)


def check_name(name: str) -> str:
    """A consumer's name, unchanged: 1 to 200 printable characters without `/`, not `.` or `..`.

    Raises:
        Invalid: it is none.

    >>> check_name("pipeline.report")
    'pipeline.report'
    """
    short = 0 < len(name) <= MAX_NAME_LENGTH and name == name.strip()
    if short and name.isprintable() and "/" not in name and name not in (".", ".."):
        return name
    raise Invalid(
        f"{name[:80]!r} is not a consumer's name.",
        code="invalid-name",
        field="name",
        value=name,
        rule=f"a consumer's name has 1 to {MAX_NAME_LENGTH} printable characters, no / and no spaces around it",
        hint="Name it after what it does, e.g. daily-report.",
    )


def read_registration(
    name: str, body: bytes, check_target: Callable[[AnyTarget], None] = lambda _: None
) -> ConsumerRegistered:
    """The declaration that a body tells, with keys, condition and target spelt as they are stored.

    `start` is left as it was sent.

    Args:
        name: the consumer's name.
        body: the JSON.
        check_target: raises for a target that this node does not take.

    Raises:
        Invalid: the body is no JSON object of the declaration's fields, or a field breaks its rule; `field` names it.

    >>> bytes(read_registration("n", b'{"condition":"s3://a","target":{"kind":"stream","stream":"s"}}').condition)
    b'{"asset":{"uri":"s3://a"}}'
    """
    declared = _decoded(body)
    target = as_target(_object(declared.target, "target"))
    check_target(target)
    checked = msgspec.structs.replace(
        declared,
        condition=Raw(encode_condition(_condition(declared.condition))),
        target=Raw(msgspec.json.encode(target)),
        partitions=Raw(msgspec.json.encode(_object(declared.partitions, "partitions"))),
        outlets=_keys(declared.outlets, "outlets"),
        inlets=_keys(declared.inlets, "inlets"),
        **_patience(target, body),
    )
    check_definition(definition_of(name, checked))
    return checked


def same(one: ConsumerRegistered, other: ConsumerRegistered) -> bool:
    """Whether two declarations say the same of a consumer that is there: then the second changes nothing."""
    return _compared(one) == _compared(other)


def _compared(declared: ConsumerRegistered) -> dict[str, Any]:
    told = {name: getattr(declared, name) for name in declared.__struct_fields__ if name not in UNCOMPARED}
    return {name: msgspec.json.decode(value) if isinstance(value, Raw) else value for name, value in told.items()}


def _decoded(body: bytes) -> ConsumerRegistered:
    try:
        return _decoder.decode(body)
    except msgspec.ValidationError as error:
        raise explain.invalid(error, body, "", ConsumerRegistered) from None
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise explain.malformed(str(error)) from None


def _condition(raw: Raw) -> Condition:
    """A condition as its object, as a key or cron expression, or as a list of these, all of which are meant."""
    try:
        first = bytes(raw).lstrip()[:1]
        if first == b'"':
            return as_condition(_text.decode(raw))
        if first == b"[":
            return all_of(*map(_condition, _list.decode(raw)))
    except Invalid as error:
        error.field = error.field if (error.field or "").startswith("condition") else "condition"
        error.code = "invalid-condition"
        raise
    return decode_condition(raw)


def _object(raw: Raw, field: str) -> dict[str, Any]:
    try:
        return msgspec.json.decode(raw, type=dict[str, Any])
    except msgspec.DecodeError:
        raise Invalid(
            f"{field} is not a JSON object.",
            code="invalid-data",
            field=field,
            value=bytes(raw).decode(errors="replace"),
            rule=f"{field} is a JSON object",
            hint="See the consumer.registered event in the event reference.",
        ) from None


def _keys(keys: tuple[str, ...], field: str) -> tuple[str, ...]:
    return tuple(dict.fromkeys(_key(key, f"{field}[{place}]") for place, key in enumerate(keys)))


def _key(key: str, field: str) -> str:
    try:
        return canonical_key(key)
    except Invalid as error:
        error.field = field
        raise


def _patience(target: AnyTarget, body: bytes) -> dict[str, Any]:
    """What a node delivers is tried for hours, not seconds, unless the declaration says otherwise."""
    if isinstance(target, PythonTarget):
        return {}
    usual = {"attempts": DELIVERY_ATTEMPTS, "backoff": DELIVERY_BACKOFF}
    given = _given.decode(body)
    return {name: value for name, value in usual.items() if name not in given}
