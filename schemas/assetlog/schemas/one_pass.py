"""The short way of the one decoder: a plain, good event is read in one pass, straight into Structs of its type.

It is there for its speed alone, since every event is decoded on its way in and again by every fold from the log.
It takes the newest version of each type, without extension attributes, and never says what is wrong: whatever
it does not take goes the long way (codec.py), and a law compares the two.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import cache, reduce
from operator import or_
from typing import Annotated, Any, Literal, NamedTuple

import msgspec
from msgspec import NODEFAULT, Meta, Struct

from assetlog.schemas.envelope import Envelope, Event
from assetlog.schemas.events import EVENT_TYPES, EventType
from assetlog.schemas.keys import canonical_key
from assetlog.schemas.meaning import CHECKS, NO_KEYS, Check
from assetlog.schemas.times import parse_time


class Kind(NamedTuple):
    """What is to be known about the events that a Struct reads."""

    name: str
    version: int
    about_asset: bool
    check: Check | None


def decode_plain(raw: bytes) -> Event | None:
    """What a plain, good event says; None or any refusal means no more than that it has to go the long way.

    Args:
        raw: bytes that are neither too long nor too deep, and UTF-8.

    >>> raw = b'{"specversion":"1.0","id":"1","source":"doc","type":"asset.retired","subject":"s3://a","data":{}}'
    >>> decode_plain(raw).subject
    's3://a'
    """
    read, kinds = _reader()
    plain = read(raw)
    name, version, about_asset, check = kinds[type(plain)]
    source, subject, time, data = plain.source, plain.subject, plain.time, plain.data
    if " " in source or not source.isprintable():
        return None
    moment = None if time is None else parse_time(time)
    key = canonical_key(subject) if about_asset else subject
    upstream, other = NO_KEYS if check is None else check(data, subject)
    return Event(plain.id, source, name, key, moment, version, data, upstream, other, plain.causationid)


def struct_of(event_type: EventType) -> type[Struct]:
    """The Struct that reads the plain events of a type: an Envelope with less leeway, and with typed data."""
    newest = event_type.version
    narrower: dict[str, tuple[Any, Any]] = {
        "specversion": (Literal["1.0"], NODEFAULT),
        "datacontenttype": (Literal["application/json"] | None, None),
        "dataversion": (Literal[newest], 1 if newest == 1 else NODEFAULT),  # without one it is version 1
        "data": (event_type.data, NODEFAULT),
    }
    if event_type.subject != "artifact":
        narrower["subject"] = (Annotated[str, Meta(min_length=1, max_length=4096)], NODEFAULT)
    fields = [
        (field.name, *narrower.get(field.name, (field.type, field.default)))
        for field in msgspec.structs.fields(Envelope)
        if field.name != "type"  # msgspec's tag: it chooses the Struct
    ]
    return msgspec.defstruct(
        event_type.data.__name__,
        fields,
        tag_field="type",
        tag=event_type.name,
        frozen=True,
        kw_only=True,
        forbid_unknown_fields=True,
        gc=False,
    )


@cache
def _reader() -> tuple[Callable[[bytes], Any], dict[type, Kind]]:
    """Made at the first event: it takes 10 ms, which producers never need."""
    kinds = {
        struct_of(each): Kind(each.name, each.version, each.subject == "asset", CHECKS.get(each.data))
        for each in EVENT_TYPES.values()
    }
    return msgspec.json.Decoder(reduce(or_, kinds)).decode, kinds
