"""The event reference, made from the Structs and the golden events.

python -m assetlog.schemas.reference [--check]
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from msgspec import Struct, inspect

from assetlog.schemas.codec import Envelope
from assetlog.schemas.events import EVENT_TYPES, EventType, common, run
from assetlog.schemas.field_docs import field_docs
from assetlog.schemas.generated_page import write_or_check
from assetlog.schemas.jsonschema import SIMPLE, SUBJECTS, file_name

PAGE = Path("docs/reference/events.md")
GOLDEN = Path("tests/golden")
INTRODUCTION = """\
# Event reference

<!-- Made by `make docs` from the event types; edit those. -->

An event is a [CloudEvent 1.0](https://github.com/cloudevents/spec/blob/v1.0.2/cloudevents/spec.md) in JSON.
The bytes that were accepted are the event: they are stored once and never rewritten. Unknown attributes are
extensions and stay in the bytes; unknown fields inside `data` are refused, because a misspelt `upstreams` would
lose lineage in silence.

A required field is marked with \\*. The JSON Schemas (2020-12) are installed beside the types, in
`assetlog/schemas/json`.
"""
PARTS = (common.RunRef, common.Column, common.ColumnRef, common.Freshness, common.Consumed, run.CodeLocation)


def reference(golden: Path) -> str:
    """The whole page in Markdown."""
    parts = [INTRODUCTION, "## Attributes\n", *_table(Envelope), "\n## Types\n"]
    parts += [f"- [`{name}`](#{name.replace('.', '')}): {_first(kind)}" for name, kind in EVENT_TYPES.items()]
    for kind in EVENT_TYPES.values():
        parts += _section(kind, golden)
    parts.append("\n## Parts that several types share")
    for part in PARTS:
        parts += [f"\n### {part.__name__}\n", (part.__doc__ or "").strip() + "\n", *_table(part)]
    return "\n".join(parts) + "\n"


def _section(kind: EventType, golden: Path) -> Iterator[str]:
    yield f"\n## {kind.name}\n"
    yield f"{(kind.data.__doc__ or '').strip()} Version {kind.version}; `subject`: {_lower(SUBJECTS[kind.subject])}\n"
    yield from _table(kind.data)
    yield f"\n```json\n{(golden / file_name(kind.name, kind.version)).read_text(encoding='utf-8')}```"


def _table(struct: type[Struct]) -> Iterator[str]:
    info = inspect.type_info(struct)
    assert isinstance(info, inspect.StructType)
    docs = field_docs(struct)
    yield "| field | type | meaning |\n| --- | --- | --- |"
    for field in info.fields:
        name = f"`{field.name}`" + ("\\*" if field.required else "")
        yield f"| {name} | {_name(field.type)} | {docs[field.name]}{_default(field.default)} |"


def _name(info: inspect.Type) -> str:
    if type(info) in SIMPLE:
        return {"string": "text"}.get(SIMPLE[type(info)], SIMPLE[type(info)])
    return NAMES[type(info)](info)


def _metadata_name(info: Any) -> str:
    return str((info.extra_json_schema or {}).get("title") or _name(info.type))


NAMES: dict[type, Callable[[Any], str]] = {
    inspect.Metadata: _metadata_name,
    inspect.LiteralType: lambda info: " or ".join(f"`{value}`" for value in info.values),
    inspect.UnionType: lambda info: " or ".join(_name(one) for one in info.types if type(one) is not inspect.NoneType),
    inspect.VarTupleType: lambda info: f"list of {_name(info.item_type)}",
    inspect.DictType: lambda info: f"object of {_name(info.value_type)}",
    inspect.StructType: lambda info: f"[{info.cls.__name__}](#{info.cls.__name__.lower()})",
    inspect.RawType: lambda _: "JSON",
}


def _default(value: Any) -> str:
    return f" Default: `{value}`." if isinstance(value, bool | int | str) else ""


def _first(kind: EventType) -> str:
    return _lower((kind.data.__doc__ or "").strip().partition(". ")[0].rstrip(".") + ".")


def _lower(sentence: str) -> str:
    return sentence[:1].lower() + sentence[1:]


def main(arguments: list[str]) -> int:
    """Write the page, or check it with `--check`; the exit code tells whether all is well."""
    return write_or_check(PAGE, reference(GOLDEN), arguments)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
