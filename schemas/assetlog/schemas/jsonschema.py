"""JSON Schemas (2020-12) of the events, one file a type and version, made from the Structs.

    python -m assetlog.schemas.jsonschema            writes the files of the newest versions
    python -m assetlog.schemas.jsonschema --check    fails where they differ from the Structs

A schema says what JSON Schema can say. The decoder has the last word: it also knows the key rule, real dates and sizes.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

from msgspec import Struct, inspect

from assetlog.schemas.codec import Envelope
from assetlog.schemas.events import EVENT_TYPES, EventType
from assetlog.schemas.events.common import KEY_START, NOTHING
from assetlog.schemas.field_docs import field_docs

JSONObject = dict[str, Any]

FOLDER = Path(__file__).parent / "json"
DIALECT = "https://json-schema.org/draft/2020-12/schema"
EXTENSION = {
    "description": "An extension attribute: kept, never interpreted.",
    "type": ["string", "number", "boolean"],
}
SIMPLE: dict[type, str] = {
    inspect.StrType: "string",
    inspect.IntType: "integer",
    inspect.FloatType: "number",
    inspect.BoolType: "boolean",
    inspect.NoneType: "null",
}
SUBJECTS = {
    "asset": "The asset's key.",
    "alias": "The alias's name.",
    "artifact": "The artifact's key; none for an artifact without one.",
    "run": "The run's id.",
    "consumer": "The consumer's name.",
    "trigger": "The trigger's id.",
}
LIMITS = {"min_length": "minLength", "max_length": "maxLength", "ge": "minimum", "le": "maximum"}


def file_name(type_name: str, version: int) -> str:
    """Where the schema of a type's version stands inside the `json` folder."""
    return f"{type_name}.v{version}.json"


def event_schema(kind: EventType) -> JSONObject:
    """The JSON Schema of a whole CloudEvent of one type, newest version."""
    envelope = struct_schema(Envelope)
    properties = envelope["properties"] | {"data": struct_schema(kind.data)}
    properties["specversion"] = {"description": "The version of CloudEvents.", "const": "1.0"}
    properties["type"] = {"description": "What happened.", "const": kind.name}
    properties["dataversion"] |= {"const": kind.version}
    properties["subject"] = _subject(kind, properties["subject"])
    properties["time"]["format"] = "date-time"
    return {
        "$schema": DIALECT,
        "title": f"{kind.name}, version {kind.version}",
        "description": (kind.data.__doc__ or "").strip(),
        "type": "object",
        "required": [*envelope["required"], *_also_required(kind, properties["data"])],
        "properties": properties,
        "propertyNames": {"pattern": "^[a-z0-9]{1,20}$"},
        "additionalProperties": EXTENSION,
    }


def struct_schema(struct: type[Struct]) -> JSONObject:
    """The JSON Schema of a Struct, with its docstrings as descriptions."""
    info = inspect.type_info(struct)
    assert isinstance(info, inspect.StructType)
    docs = field_docs(struct)
    schema: JSONObject = {"type": "object"}
    required = [field.name for field in info.fields if field.required]
    if required:
        schema["required"] = required
    schema["properties"] = {field.name: _field(field, docs[field.name]) for field in info.fields}
    return schema | {"additionalProperties": False}


def _field(field: inspect.Field, description: str) -> JSONObject:
    schema: JSONObject = {"description": description} | _schema(field.type)
    if isinstance(field.default, bool | int | str):
        schema["default"] = field.default
    if field.default is NOTHING and "type" in schema:
        schema["type"] = [schema["type"], "null"]
    return schema


def _schema(info: inspect.Type) -> JSONObject:
    if type(info) in SIMPLE:
        limits = {word: getattr(info, name, None) for name, word in LIMITS.items()}
        return {"type": SIMPLE[type(info)]} | {word: limit for word, limit in limits.items() if limit is not None}
    return WRITERS[type(info)](info)


def _union(schemas: list[JSONObject]) -> JSONObject:
    """What may be null, said shortly: `"type": ["string", "null"]`."""
    first, *others = [schema for schema in schemas if schema != {"type": "null"}]
    assert not others, "the events know no union but with null"
    return first | {"type": [first["type"], "null"]}


WRITERS: dict[type, Callable[[Any], JSONObject]] = {
    inspect.Metadata: lambda info: _schema(info.type) | (info.extra_json_schema or {}),
    inspect.LiteralType: lambda info: {"enum": list(info.values)},
    inspect.UnionType: lambda info: _union([_schema(one) for one in info.types]),
    inspect.VarTupleType: lambda info: {"type": "array", "items": _schema(info.item_type)},
    inspect.DictType: lambda info: {"type": "object", "additionalProperties": _schema(info.value_type)},
    inspect.StructType: lambda info: struct_schema(info.cls),
    inspect.RawType: lambda _: {},
}


def _subject(kind: EventType, schema: JSONObject) -> JSONObject:
    schema = schema | {"description": SUBJECTS[kind.subject]}
    if kind.subject != "artifact":
        schema["type"] = "string"
    if kind.subject == "asset":
        schema |= {"pattern": KEY_START, "maxLength": 1500}
    if kind.subject == "artifact":
        schema |= {"pattern": "^[a-z0-9-]+$", "maxLength": 255}
    return schema


def _also_required(kind: EventType, data: JSONObject) -> list[str]:
    return [
        *(["subject"] if kind.subject != "artifact" else []),
        *(["dataversion"] if kind.version > 1 else []),
        *(["data"] if "required" in data else []),
    ]


def files() -> dict[str, str]:
    """The file of each type's newest version, by its name."""
    return {
        file_name(kind.name, kind.version): json.dumps(event_schema(kind), indent=2, ensure_ascii=False) + "\n"
        for kind in EVENT_TYPES.values()
    }


def faults() -> list[str]:
    """How the written files differ from the Structs; nothing if they agree."""
    written = {path.name: path.read_text(encoding="utf-8") for path in FOLDER.glob("*.json")}
    newest = files()
    shipped = {file_name(kind.name, version) for kind in EVENT_TYPES.values() for version in range(1, kind.version + 1)}
    return [
        *(f"{name} is missing" for name in sorted(shipped - written.keys())),
        *(f"{name} belongs to no event type" for name in sorted(written.keys() - shipped)),
        *(
            f"{name} differs from its Struct"
            for name in sorted(newest)
            if written.get(name, newest[name]) != newest[name]
        ),
    ]


def main(arguments: list[str]) -> int:
    """Write the files, or check them with `--check`; the exit code tells whether all is well."""
    if "--check" not in arguments:
        FOLDER.mkdir(exist_ok=True)
        for name, text in files().items():
            (FOLDER / name).write_text(text, encoding="utf-8")
    found = faults()
    for fault in found:
        print(f"{fault}: run make docs", file=sys.stderr)
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
