"""The one decoder: what an event's bytes say, for HTTP and for the fold alike.

An event is a CloudEvent 1.0 in structured JSON. The accepted bytes are the event; they are never re-encoded.
https://github.com/cloudevents/spec/blob/v1.0.2/cloudevents/formats/json-format.md
"""

from __future__ import annotations

from typing import Any

import msgspec
from msgspec import Raw, Struct

from assetlog.schemas import explain
from assetlog.schemas.causation import current_cause
from assetlog.schemas.envelope import Envelope, Event
from assetlog.schemas.errors import Invalid, TooLarge
from assetlog.schemas.events import EVENT_TYPES, EventType
from assetlog.schemas.events.common import Data
from assetlog.schemas.ids import new_id
from assetlog.schemas.keys import canonical_key
from assetlog.schemas.meaning import NO_KEYS, check_meaning
from assetlog.schemas.nesting import MAX_DEPTH, too_deep
from assetlog.schemas.one_pass import decode_plain
from assetlog.schemas.times import now_text, parse_time
from assetlog.schemas.upcasts import upcast

__all__ = ["MAX_EVENT_BYTES", "Envelope", "Event", "decode", "decode_in_two_passes", "encode"]

MAX_EVENT_BYTES = 1_048_576


class _Outgoing(Struct, frozen=True, omit_defaults=True, gc=False):
    specversion: str
    id: str
    source: str
    type: str
    time: str
    dataversion: int
    subject: str | None = None
    causationid: str | None = None
    data: Any = None


_envelope = msgspec.json.Decoder(Envelope)
_known_attributes = frozenset(Envelope.__struct_fields__)
_attributes = msgspec.json.Decoder(dict[str, Raw])
_data = {name: msgspec.json.Decoder(event_type.data) for name, event_type in EVENT_TYPES.items()}
_object = msgspec.json.Decoder(dict[str, Any])
_encoder = msgspec.json.Encoder()


def decode(raw: bytes) -> Event:
    """What an event's bytes say.

    Raises:
        Invalid: the bytes break a rule; the error names field, value, rule and remedy.

    >>> decode(b'{"specversion":"1.0","id":"1","source":"doc","type":"asset.retired","subject":"s3://a"}').subject
    's3://a'
    """
    _check_bytes(raw)
    try:
        event = decode_plain(raw)
    except (Invalid, msgspec.MsgspecError, UnicodeDecodeError):
        event = None
    return decode_in_two_passes(raw) if event is None else event


def decode_in_two_passes(raw: bytes) -> Event:
    """What `decode` says of bytes that are neither too long nor too deep: every case, and why one is refused."""
    envelope = _decode_envelope(raw)
    event_type = _check_envelope(envelope)
    time = None if envelope.time is None else parse_time(envelope.time)
    subject = _canonical_subject(envelope.subject) if event_type.subject == "asset" else envelope.subject
    known = envelope.dataversion <= event_type.version
    data = _decode_data(envelope, event_type) if known else None
    upstream, other = NO_KEYS if data is None else check_meaning(event_type, envelope.subject, data)
    return Event(
        envelope.id,
        envelope.source,
        envelope.type,
        subject,
        time,
        envelope.dataversion,
        data,
        upstream,
        other,
        envelope.causationid,
    )


def encode(
    type_name: str,
    source: str,
    subject: str | None,
    data: Data,
    *,
    event_id: str | None = None,
    time: str | None = None,
    causation_id: str | None = None,
) -> bytes:
    """The bytes of a new event, of its type's newest version. Unless told otherwise, its cause is the trigger it is
    emitted under.

    >>> from assetlog.schemas.events.asset import AssetRetired
    >>> decode(encode("asset.retired", "doc", "s3://a", AssetRetired())).type
    'asset.retired'
    """
    outgoing = _Outgoing(
        "1.0",
        event_id or new_id(),
        source,
        type_name,
        time or now_text(),
        EVENT_TYPES[type_name].version,
        subject,
        causation_id or current_cause.get(),
        data,
    )
    return _encoder.encode(outgoing)


def _check_bytes(raw: bytes) -> None:
    if len(raw) > MAX_EVENT_BYTES:
        raise TooLarge(
            f"The event has {len(raw):,} bytes.",
            code="event-too-large",
            field="",
            value=f"{len(raw):,} bytes",
            rule=f"an event has at most {MAX_EVENT_BYTES:,} bytes",
            hint="Put large content where it belongs and name it by its URL.",
        )
    if not raw.isascii():
        try:
            raw.decode()
        except UnicodeDecodeError as error:
            raise explain.malformed(f"byte {error.start} is not UTF-8", "invalid-utf8") from None
    if too_deep(raw):
        rule = f"JSON is nested at most {MAX_DEPTH} deep"
        raise Invalid(
            f"The event is nested deeper than {MAX_DEPTH}.",
            code="too-deep",
            field="",
            rule=rule,
            hint="Flatten it, or send the inner part as text.",
        )


def _decode_envelope(raw: bytes) -> Envelope:
    try:
        return _envelope.decode(raw)
    except msgspec.ValidationError as error:
        return _envelope_with_extensions(raw, error)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise explain.malformed(str(error)) from None


def _envelope_with_extensions(raw: bytes, error: msgspec.ValidationError) -> Envelope:
    """The envelope of an event with extension attributes of its own, which are kept in the bytes only."""
    if "unknown field" not in str(error):
        raise explain.invalid(error, raw) from None
    try:
        attributes = _attributes.decode(raw)
    except msgspec.DecodeError as worse:
        raise explain.malformed(str(worse)) from None
    for name in sorted(attributes.keys() - _known_attributes):
        explain.check_extension(name, bytes(attributes.pop(name)))
    try:
        return _envelope.decode(_encoder.encode(attributes))
    except msgspec.ValidationError as again:
        raise explain.invalid(again, raw) from None


def _check_envelope(envelope: Envelope) -> EventType:
    if envelope.specversion != "1.0":
        raise explain.wrong_attribute("specversion", envelope.specversion, 'specversion is "1.0"')
    if not envelope.source.isprintable() or " " in envelope.source:
        raise explain.wrong_attribute("source", envelope.source, "source is a URI reference without spaces")
    content_type = envelope.datacontenttype
    if content_type is not None and not _is_json(content_type):
        raise explain.wrong_attribute("datacontenttype", content_type, "data is JSON")
    event_type = EVENT_TYPES.get(envelope.type)
    if event_type is None:
        raise explain.unknown_type(envelope.type, EVENT_TYPES)
    if envelope.subject is None and event_type.subject != "artifact":
        rule = f"the subject of {envelope.type} names its {event_type.subject}"
        raise explain.wrong_attribute("subject", None, rule)
    return event_type


def _is_json(content_type: str) -> bool:
    media_type = content_type.partition(";")[0].strip().lower()
    return media_type.endswith(("/json", "+json"))


def _canonical_subject(subject: str | None) -> str:
    try:
        return canonical_key(subject or "")
    except Invalid as error:
        error.field = "subject"
        raise


def _decode_data(envelope: Envelope, event_type: EventType) -> Data:
    raw = envelope.data
    if envelope.dataversion < event_type.version:
        raw = _lifted(envelope, event_type.version)
    try:
        return _data[envelope.type].decode(raw)
    except msgspec.ValidationError as error:
        raise explain.invalid(error, bytes(raw), "data", event_type.data) from None
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise explain.malformed(str(error)) from None


def _lifted(envelope: Envelope, newest: int) -> Raw:
    """Data of an older version as JSON of the newest; its steps may trust no more than that it is an object."""
    try:
        old = _object.decode(envelope.data)
        return Raw(_encoder.encode(upcast(envelope.type, envelope.dataversion, newest, old)))
    except (msgspec.MsgspecError, LookupError, TypeError, ValueError, AttributeError) as error:
        raise Invalid(
            f"The data is not that of a {envelope.type} of version {envelope.dataversion}: {error}.",
            code="invalid-data",
            field="data",
            rule=f"the data has the shape of {envelope.type}, version {envelope.dataversion}",
            hint="See the event reference.",
        ) from None
