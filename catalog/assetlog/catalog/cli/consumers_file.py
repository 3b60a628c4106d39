"""Consumers declared in a TOML file, as `assetlog consumers apply FILE` reads them. Nothing here asks a node.

[consumers.daily-report]
on = ["s3://lake/orders", "s3://lake/customers"]
target = { kind = "webhook", url = "https://example.com/hook", secret = "env:ASSETLOG_SECRET_HOOK" }
"""

from __future__ import annotations

import difflib
import tomllib
from pathlib import Path
from typing import Any

import msgspec

from assetlog.schemas import explain
from assetlog.schemas.conditions import Condition, all_of, as_condition, condition_object, decode_condition
from assetlog.schemas.errors import Invalid
from assetlog.schemas.events.consumer import ConsumerRegistered
from assetlog.schemas.keys import canonical_key
from assetlog.schemas.targets import as_target

TABLE = "consumers"
FIELDS = tuple(name for name in ConsumerRegistered.__struct_fields__ if name != "condition")
"""What a table of a consumer may say beside `on`."""
EXAMPLE = 'Write it like [consumers.report], on = "s3://lake/orders", target = { kind = "stream", stream = "alerts" }.'

_decoder = msgspec.json.Decoder(ConsumerRegistered)


def read_consumers(path: Path) -> list[tuple[str, dict[str, Any]]]:
    """The consumers of a file in its order: each name, and its declaration as `PUT /v1/consumers/{name}` takes it.

    Raises:
        Invalid: the file is not there, is no TOML, or a table breaks a rule; `field` says which and where.
    """
    document = _document(path)
    tables = document.pop(TABLE, {})
    if document:
        name = next(iter(document))
        raise _invalid(name, f"the file has the table {TABLE} and nothing else", _near(name, (TABLE,)))
    if not isinstance(tables, dict) or not tables:
        raise _invalid(TABLE, f"each consumer is a table [{TABLE}.NAME], and there is one at least", EXAMPLE)
    return [(name, definition(name, table)) for name, table in tables.items()]


def definition(name: str, table: object) -> dict[str, Any]:
    """The declaration that a consumer's table makes.

    Raises:
        Invalid: a field is missing, unknown or breaks its rule.

    >>> definition("n", {"on": "s3://a", "target": {"kind": "stream", "stream": "s"}})["condition"]
    {'asset': {'uri': 's3://a'}}
    """
    place = f"{TABLE}.{name}"
    if not isinstance(table, dict):
        raise _invalid(place, "a consumer is a table", EXAMPLE, table)
    for field in table:
        if field != "on" and field not in FIELDS:
            raise _invalid(f"{place}.{field}", "a consumer has no such field", _near(field, ("on", *FIELDS)))
    for field in ("on", "target"):
        if field not in table:
            raise _invalid(f"{place}.{field}", f"a consumer says {field}", EXAMPLE)
    _check_json(table, place)
    declared = {"condition": _condition_object(table["on"], f"{place}.on"), **table}
    del declared["on"]
    raw = msgspec.json.encode(declared)
    try:
        _decoder.decode(raw)
        as_target(table["target"])
        _check_keys(table)
    except msgspec.ValidationError as error:
        raise _at(place, explain.invalid(error, raw, "", ConsumerRegistered)) from None
    except Invalid as error:
        raise _at(place, error) from None
    return declared


def _document(path: Path) -> dict[str, Any]:
    try:
        return tomllib.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        why, rule = error.strerror or type(error).__name__, "the file can be read"
    except UnicodeDecodeError as error:
        why, rule = str(error), "TOML is text in UTF-8"
    except tomllib.TOMLDecodeError as error:
        why, rule = str(error), "the file is TOML"
    raise Invalid(f"{path} breaks a rule: {why}.", code="invalid-file", field=str(path), rule=rule, hint=EXAMPLE)


def _condition_object(on: Any, place: str) -> dict[str, Any]:
    try:
        return condition_object(_condition(on))
    except Invalid as error:
        field = error.field or ""
        error.field = field.removeprefix("condition") if field.startswith("condition") else ""
        raise _at(place, error) from None


def _condition(on: Any) -> Condition:
    """A condition as TOML writes it: a key or cron expression, a table, or a list of which all are meant."""
    if isinstance(on, list):
        return all_of(*map(_condition, on))
    if isinstance(on, dict):
        return decode_condition(msgspec.json.encode(on))
    return as_condition(on)


def _check_json(value: Any, place: str) -> None:
    """TOML has times and numbers that JSON has not."""
    if isinstance(value, dict):
        for name, inner in value.items():
            _check_json(inner, f"{place}.{name}")
    elif isinstance(value, list):
        for number, inner in enumerate(value):
            _check_json(inner, f"{place}[{number}]")
    elif not isinstance(value, str | int) and not (isinstance(value, float) and value - value == 0):
        raise _invalid(
            place, "a value is text, a finite number, a boolean, a list or a table", "Quote it, or leave it out.", value
        )


def _check_keys(table: dict[str, Any]) -> None:
    for field in ("outlets", "inlets"):
        for number, key in enumerate(table.get(field, ())):
            try:
                canonical_key(key)
            except Invalid as error:
                error.field = f"{field}[{number}]"
                raise


def _at(place: str, error: Invalid) -> Invalid:
    """An error that says in which table it is."""
    dot = "." if error.field and error.field[0] not in ".[" else ""
    error.field = f"{place}{dot}{error.field or ''}"
    error.detail = f"{error.field}: {error.detail}"
    error.args = (error.detail,)
    return error


def _near(name: str, known: tuple[str, ...]) -> str:
    if name == "condition":  # the API's word
        return "A file says on."
    near = difflib.get_close_matches(name, known, 1)
    return f"Did you mean {near[0]}?" if near else f"Known are {', '.join(known)}."


def _invalid(field: str, rule: str, hint: str, value: object = None) -> Invalid:
    return Invalid(
        f"{field} breaks a rule: {rule}.", code="invalid-file", field=field, value=value, rule=rule, hint=hint
    )
