"""The log in AsyncAPI 3: FastStream describes the channel, the event types describe its messages."""

from __future__ import annotations

from functools import lru_cache
from importlib.metadata import version
from typing import Any

import msgspec
from faststream.specification import AsyncAPI
from msgspec import inspect as types

from assetlog.catalog.api.json_schema import Schemas
from assetlog.schemas.codec import Envelope
from assetlog.schemas.events import EVENT_TYPES, EventType

ABOUT = (
    "Every event of a catalog, in the order of the log. An entry of the stream has one field, `event`: "
    "a CloudEvent 1.0 in structured JSON. Anything that can XADD may emit; assetlog quarantines what breaks a rule."
)


def asyncapi_document(broker: Any) -> dict[str, Any]:
    """What a broker's subscriber reads, with a message for each event type."""
    specification = AsyncAPI(
        broker, title="assetlog", version=version("assetlog"), description=ABOUT, schema_version="3.0.0"
    )
    document: dict[str, Any] = msgspec.json.decode(specification.to_specification().to_json())
    messages, schemas = event_messages()
    for channel in document["channels"].values():
        names = {name: {"$ref": f"#/components/messages/{name}"} for name in messages}
        channel["messages"] = names
    for operation in document["operations"].values():
        channel_ref = operation["channel"]["$ref"]
        operation["messages"] = [{"$ref": f"{channel_ref}/messages/{name}"} for name in messages]
    document["components"] = {"messages": messages, "schemas": schemas}
    return document


@lru_cache(maxsize=1)
def event_messages() -> tuple[dict[str, Any], dict[str, Any]]:
    """A message for each event type, and the schemas they refer to."""
    schemas = Schemas()
    messages = {event_type.name: _message(event_type, schemas) for event_type in EVENT_TYPES.values()}
    return messages, schemas.components


def _message(event_type: EventType, schemas: Schemas) -> dict[str, Any]:
    envelope = types.type_info(Envelope)
    assert isinstance(envelope, types.StructType)
    properties = {field.encode_name: schemas.of_info(field.type) for field in envelope.fields}
    properties |= {
        "specversion": {"const": "1.0"},
        "type": {"const": event_type.name},
        "data": schemas.of(event_type.data),
    }
    required = [field.encode_name for field in envelope.fields if field.required]
    payload = {"type": "object", "properties": properties, "required": required}
    return {
        "name": event_type.name,
        "title": event_type.name,
        "summary": (event_type.data.__doc__ or "").strip().splitlines()[0],
        "contentType": "application/cloudevents+json",
        "payload": payload,
    }
