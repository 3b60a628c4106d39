"""JSON Schema (2020-12) of the API's shapes. msgspec's own generator stops at raw JSON with a default value."""

from __future__ import annotations

import inspect
from typing import Any, get_args, get_origin

import msgspec
from msgspec import Raw, Struct
from msgspec import inspect as types

from assetlog.schemas.field_docs import field_docs

REF = "#/components/schemas/"

_CONSTRAINTS = {
    "ge": "minimum",
    "gt": "exclusiveMinimum",
    "le": "maximum",
    "lt": "exclusiveMaximum",
    "min_length": "minLength",
    "max_length": "maxLength",
    "pattern": "pattern",
}
_PLAIN: dict[type[types.Type], dict[str, Any]] = {
    types.AnyType: {},
    types.RawType: {},
    types.NoneType: {"type": "null"},
    types.BoolType: {"type": "boolean"},
    types.IntType: {"type": "integer"},
    types.FloatType: {"type": "number"},
    types.StrType: {"type": "string"},
}


class Schemas:
    """Schemas of types; Structs become components that are referred to by name."""

    def __init__(self) -> None:
        self.components: dict[str, dict[str, Any]] = {}

    def of(self, kind: Any) -> dict[str, Any]:
        """The schema of a type.

        >>> Schemas().of(list[int])
        {'type': 'array', 'items': {'type': 'integer'}}
        """
        return self.of_info(types.type_info(kind))

    def of_info(self, info: types.Type) -> dict[str, Any]:
        """The schema of a type as msgspec sees it."""
        if type(info) in _PLAIN:
            return _PLAIN[type(info)] | _constraints(info)
        match info:
            case types.Metadata():
                return self.of_info(info.type) | (info.extra_json_schema or {})
            case types.StructType():
                schema = self._component(info)
            case types.UnionType():
                schema = _either([self.of_info(each) for each in info.types])
            case types.LiteralType():
                schema = {"enum": sorted(info.values)}
            case types.DictType():
                schema = {"type": "object", "additionalProperties": self.of_info(info.value_type)}
            case types.CollectionType() | types.VarTupleType():
                schema = {"type": "array", "items": self.of_info(info.item_type)}
            case _:
                raise TypeError(f"no JSON Schema for {info}")
        return schema

    def _component(self, info: types.StructType) -> dict[str, Any]:
        name = _name(info)
        if name not in self.components:
            schema: dict[str, Any] = {"title": name, "type": "object"}
            self.components[name] = schema  # before its fields: a shape may hold itself
            struct = struct_of(info)
            described = field_docs(struct)
            schema["description"] = inspect.getdoc(struct) or ""
            schema["properties"] = {
                field.encode_name: self._field(field, described.get(field.name)) for field in info.fields
            }
            # answers hold every field; what is taken in may leave out those with a default
            strict = info.forbid_unknown_fields
            schema["required"] = [field.encode_name for field in info.fields if field.required or not strict]
            schema["additionalProperties"] = not strict
        return {"$ref": REF + name}

    def _field(self, field: types.Field, text: str | None) -> dict[str, Any]:
        schema = self.of_info(field.type)
        return schema | {"description": text} if text else schema


def default_of(field: types.Field) -> Any:
    """A field's default as JSON; `msgspec.NODEFAULT` where it has none to show."""
    if field.default is msgspec.NODEFAULT or isinstance(field.default, Raw):
        return msgspec.NODEFAULT
    return msgspec.to_builtins(field.default)


def _constraints(info: types.Type) -> dict[str, Any]:
    found = {keyword: getattr(info, name, None) for name, keyword in _CONSTRAINTS.items()}
    return {keyword: value for keyword, value in found.items() if value is not None}


def _either(schemas: list[dict[str, Any]]) -> dict[str, Any]:
    """One of several; a nullable scalar in the short form."""
    first = next((each for each in schemas if each != {"type": "null"}), {})
    if len(schemas) == 2 and {"type": "null"} in schemas and isinstance(first.get("type"), str):
        return first | {"type": [first["type"], "null"]}
    if {} in schemas:
        return {}
    return {"anyOf": schemas}


def _name(info: types.StructType) -> str:
    """A component's name: `PageAsset` for `Page[Asset]`."""
    return "".join(each.__name__ for each in (struct_of(info), *get_args(info.cls)))


def struct_of(info: types.StructType) -> type[Struct]:
    """The Struct itself, `Page` for `Page[Asset]`."""
    struct: type[Struct] = get_origin(info.cls) or info.cls
    return struct
