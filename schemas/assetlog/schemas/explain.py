"""Turning a decoder's refusal into an error that names field, value, rule and remedy."""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterable
from typing import Any

import msgspec

from assetlog.schemas.errors import Invalid

_PATH = re.compile(r" - at `\$?(?P<path>[^`]*)`$")
_FIELD = re.compile(r"(?P<fault>unknown|missing required) field `(?P<name>[^`]*)`")
_EXTENSION = re.compile(r"[a-z0-9]{1,20}")


def malformed(reason: str, code: str = "malformed-json") -> Invalid:
    """The bytes are not JSON."""
    return Invalid(
        f"The event is not well-formed JSON: {reason}.",
        code=code,
        field="",
        rule="an event is one JSON object in UTF-8, without NaN or Infinity",
        hint="Encode it with a JSON library.",
    )


def wrong_attribute(name: str, value: Any, rule: str) -> Invalid:
    """A CloudEvents attribute has a value it must not have."""
    return Invalid(
        f"The attribute {name} breaks a rule: {rule}.",
        code="invalid-attribute",
        field=name,
        value=value,
        rule=rule,
        hint="See the CloudEvents attributes in the event reference.",
    )


def unknown_type(name: str, known: Iterable[str]) -> Invalid:
    """The event is of a type this assetlog does not know."""
    known = sorted(known)
    near = difflib.get_close_matches(name, known, 1)
    return Invalid(
        f"{name[:80]!r} is not an event type.",
        code="unknown-type",
        field="type",
        value=name,
        rule="the type is one of " + ", ".join(known),
        hint=f"Did you mean {near[0]}?" if near else "Use one of the types in the event reference.",
    )


def check_extension(name: str, raw: bytes) -> None:
    """Refuse an extension attribute that CloudEvents does not allow (spec 1.0.2, naming and type system)."""
    if not _EXTENSION.fullmatch(name):
        near = difflib.get_close_matches(name.lower(), ("dataversion", "datacontenttype", "causationid"), 1)
        error = wrong_attribute(name, name, "an attribute's name has 1 to 20 lower-case letters and digits")
        error.hint = f"Did you mean {near[0]}?" if near else error.hint
        raise error
    try:
        if isinstance(msgspec.json.decode(raw), str | int | float):
            return
    except msgspec.DecodeError:  # a number out of range
        pass
    raise wrong_attribute(name, raw.decode(errors="replace"), "an extension is text, a number or a boolean")


def invalid(
    error: msgspec.ValidationError, raw: bytes, prefix: str = "", data: type[msgspec.Struct] | None = None
) -> Invalid:
    """The decoder's refusal, in assetlog's words."""
    text = str(error)
    match = _PATH.search(text)
    path = (match["path"] if match else "").lstrip(".")
    rule = text[: match.start()] if match else text
    named = _FIELD.search(text)
    if named:
        path = f"{path}.{named['name']}".lstrip(".")
    unknown = named["name"] if named and named["fault"] == "unknown" else None
    field = ".".join(part for part in (prefix, path) if part)
    return Invalid(
        f"{field or 'The event'} breaks a rule: {rule}.",
        code="unknown-field" if unknown else "invalid-data" if prefix else "invalid-attribute",
        field=field,
        value=_value_at(raw, path),
        rule=rule,
        hint=_hint(unknown, data),
    )


def _hint(unknown: str | None, data: type[msgspec.Struct] | None) -> str:
    fields = data.__struct_fields__ if data else ()
    near = difflib.get_close_matches(unknown or "", fields, 1)
    if near:
        return f"Did you mean {near[0]}?"
    return f"Known fields: {', '.join(sorted(fields))}." if unknown and fields else "See the event reference."


def _value_at(raw: bytes, path: str) -> str | None:
    """The value a path names, as JSON; None where it can't be found."""
    try:
        value = msgspec.json.decode(raw)
        for part in re.findall(r"[^.\[\]]+", path):
            value = value[int(part)] if isinstance(value, list) else value[part]
        return msgspec.json.encode(value).decode()
    except (msgspec.DecodeError, LookupError, TypeError, ValueError, RecursionError):
        return None
