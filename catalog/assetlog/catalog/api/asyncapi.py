"""The log in AsyncAPI 3: FastStream describes the channel, the event types describe its messages."""

from __future__ import annotations

from functools import lru_cache
from importlib.metadata import version
from typing import Any

import msgspec
from faststream.specification import AsyncAPI

from assetlog.schemas.events import EVENT_TYPES, EventType
from assetlog.schemas.jsonschema import event_schema

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
    messages = event_messages()
    for channel in document["channels"].values():
        names = {name: {"$ref": f"#/components/messages/{name}"} for name in messages}
        channel["messages"] = names
        channel.pop("servers", None)
    for operation in document["operations"].values():
        channel_ref = operation["channel"]["$ref"]
        operation["messages"] = [{"$ref": f"{channel_ref}/messages/{name}"} for name in messages]
    document.pop("servers", None)  # where the log is, and by which password, is nobody's business here
    document["components"] = {"messages": messages}
    return document


@lru_cache(maxsize=1)
def event_messages() -> dict[str, Any]:
    """A message for each event type, by its name."""
    return {event_type.name: _message(event_type) for event_type in EVENT_TYPES.values()}


def _message(event_type: EventType) -> dict[str, Any]:
    payload = event_schema(event_type)
    dialect = payload.pop("$schema")
    return {
        "name": event_type.name,
        "title": event_type.name,
        "summary": payload["description"].splitlines()[0],
        "contentType": "application/cloudevents+json",
        "payload": {"schemaFormat": f"application/schema+json;version={dialect}", "schema": payload},
    }
