"""Lists as Arrow IPC streams: a column for each field of the items' shape, its type from the shape.

Text, numbers and truth values are what they are, times are timestamps (microseconds, UTC), nested shapes are structs,
lists are lists. What users are free to fill (metadata, tags, columns, events) is JSON text. A row of `/v1/events` has
the attributes that every event has beside the whole event.
"""

from __future__ import annotations

import io
from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from itertools import accumulate
from typing import Any, NamedTuple, Protocol

import msgspec
from msgspec import Raw, Struct
from msgspec import inspect as types

from assetlog.schemas.positions import parse_position, position_time_text
from assetlog.schemas.shapes import EventShape
from assetlog.schemas.times import parse_time

MEDIA_TYPE = "application/vnd.apache.arrow.stream"
TIMES = frozenset({"time", "started", "ended", "created", "updated", "recorded", "fired", "registered"})
"""The fields of shapes that hold a time."""

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)


def prefers_arrow(accept: str) -> bool:
    """Whether an Accept header asks for Arrow: it is named, and not less liked than JSON.

    >>> prefers_arrow("application/vnd.apache.arrow.stream, */*"), prefers_arrow("*/*")
    (True, False)
    """
    liked = dict(map(_liked, accept.lower().split(",")))
    arrow = liked.get(MEDIA_TYPE, 0.0)
    return arrow > 0 and arrow >= liked.get("application/json", 0.0)


def _liked(offer: str) -> tuple[str, float]:
    name, *options = (part.strip() for part in offer.split(";"))
    quality = next((option[2:] for option in options if option.startswith("q=")), "1")
    try:
        return name, float(quality)
    except ValueError:
        return name, 0.0


class Column(Protocol):
    """How the values of one field become an Arrow array (of nanoarrow, which is loaded at first use)."""

    def schema(self) -> Any:
        """The array's type."""
        ...

    def array(self, values: Sequence[Any]) -> Any:
        """The array; None is null."""
        ...


class Primitive(NamedTuple):
    """Values of a primitive type."""

    make_schema: str
    options: tuple[str, ...] = ()
    convert: Callable[[Any], Any] | None = None

    def schema(self) -> Any:
        """The array's type."""
        import nanoarrow

        return getattr(nanoarrow, self.make_schema)(*self.options)

    def array(self, values: Sequence[Any]) -> Any:
        """The array."""
        import nanoarrow

        if self.convert is not None:
            values = [None if value is None else self.convert(value) for value in values]
        return nanoarrow.c_array(values, self.schema())


class ListOf(NamedTuple):
    """Lists of values."""

    item: Column

    def schema(self) -> Any:
        """The array's type."""
        import nanoarrow

        return nanoarrow.list_(self.item.schema())

    def array(self, values: Sequence[Any]) -> Any:
        """The array."""
        import nanoarrow

        lists = [value or () for value in values]
        offsets = nanoarrow.c_buffer(list(accumulate(map(len, lists), initial=0)), nanoarrow.int32())
        inner = self.item.array([each for value in lists for each in value])
        return _nested(self.schema(), values, [offsets], [inner])


class Record(NamedTuple):
    """Structs, field by field: the column's name, the struct's attribute, how."""

    fields: tuple[tuple[str, str, Column], ...]

    def schema(self) -> Any:
        """The array's type."""
        import nanoarrow

        return nanoarrow.struct({name: column.schema() for name, _, column in self.fields})

    def array(self, values: Sequence[Any], schema: Any = None) -> Any:
        """The array."""
        children = [
            column.array([None if value is None else getattr(value, attribute) for value in values])
            for _, attribute, column in self.fields
        ]
        return _nested(schema or self.schema(), values, [], children)


def _nested(schema: Any, values: Sequence[Any], buffers: list[Any], children: list[Any]) -> Any:
    import nanoarrow

    nulls = sum(value is None for value in values)
    valid = nanoarrow.c_buffer([value is not None for value in values], nanoarrow.bool_()) if nulls else None
    return nanoarrow.c_array_from_buffers(schema, len(values), [valid, *buffers], null_count=nulls, children=children)


class EventRow(Struct, frozen=True, kw_only=True):
    """A row of `/v1/events`. All but the position are null for an event whose bytes the log no longer holds."""

    position: str
    recorded: str
    """When the log took it in."""
    id: str | None = None
    source: str | None = None
    type: str | None = None
    subject: str | None = None
    time: str | None = None
    event: Raw | None = None


class _Attributes(Struct):
    id: str | None = None
    source: str | None = None
    type: str | None = None
    subject: str | None = None
    time: str | None = None


def event_row(shape: EventShape) -> EventRow:
    """An event with its attributes apart."""
    told = _attributes(shape.event) or _Attributes()
    recorded = position_time_text(parse_position(shape.position))
    return EventRow(position=shape.position, recorded=recorded, event=shape.event, **msgspec.structs.asdict(told))


_attributes = msgspec.json.Decoder(_Attributes | None).decode


@lru_cache(maxsize=64)
def item_of(page: Any) -> type[Struct] | None:
    """The shape of a page type's items; None for what is no page.

    >>> from assetlog.schemas.shapes import Job, Page
    >>> item_of(Page[Job]).__name__
    'Job'
    """
    info = None if page is None else types.type_info(page)
    fields = info.fields if isinstance(info, types.StructType) else ()
    items = next((field.type for field in fields if field.name == "items"), None)
    inner = items.item_type if isinstance(items, types.ListType) else None
    return inner.cls if isinstance(inner, types.StructType) else None


def encode(page: Struct, kind: Any) -> bytes:
    """A page of this type (`Page[Asset]`) as an Arrow IPC stream; `position` and `next` are metadata of its schema."""
    import nanoarrow
    from nanoarrow.ipc import StreamWriter

    rows: list[Any] = page.items  # type: ignore[attr-defined]  # every page has them
    item = item_of(kind)
    assert item is not None
    if item is EventShape:
        rows, item = [event_row(row) for row in rows], EventRow
    record = record_of(item)
    schema = nanoarrow.c_schema(record.schema()).modify(metadata=_metadata(page))
    out = io.BytesIO()
    with StreamWriter.from_writable(out) as writer:
        writer.write_stream(record.array(rows, schema))
    return out.getvalue()


def _metadata(page: Struct) -> dict[str, str]:
    named = zip(page.__struct_encode_fields__, page.__struct_fields__, strict=True)
    told = {name: getattr(page, attribute) for name, attribute in named if attribute != "items"}
    return {f"assetlog.{name}": str(value) for name, value in told.items() if value is not None}


@lru_cache(maxsize=64)
def record_of(shape: type[Struct]) -> Record:
    """The columns of a shape."""
    info = types.type_info(shape)
    assert isinstance(info, types.StructType)
    return Record(tuple((field.encode_name, field.name, _column(field.name, field.type)) for field in info.fields))


def _column(name: str, kind: types.Type) -> Column:
    if isinstance(kind, types.UnionType):
        (kind,) = (each for each in kind.types if not isinstance(each, types.NoneType))
    if isinstance(kind, types.StructType):
        return record_of(kind.cls)
    if isinstance(kind, types.ListType):
        return ListOf(_column(name, kind.item_type))
    if isinstance(kind, types.StrType) and name in TIMES:
        return _TIME
    return _COLUMNS[type(kind)]


def _raw_text(raw: Raw) -> str | None:
    text = bytes(raw).decode()
    return None if text == "null" else text


def _microseconds(text: str) -> int:
    return (parse_time(text) - _EPOCH) // _MICROSECOND


_TIME = Primitive("timestamp", ("us", "UTC"), _microseconds)
_COLUMNS: dict[type[types.Type], Column] = {
    types.StrType: Primitive("string"),
    types.LiteralType: Primitive("string"),
    types.IntType: Primitive("int64"),
    types.FloatType: Primitive("float64"),
    types.BoolType: Primitive("bool_"),
    types.RawType: Primitive("string", (), _raw_text),
    types.DictType: Primitive("string", (), lambda value: msgspec.json.encode(value).decode()),
}
