"""What the fold says of entries that it quarantines for their form."""

from __future__ import annotations

from assetlog.schemas.codec import Event
from assetlog.schemas.errors import Invalid
from assetlog.schemas.stream import EVENT_FIELD


def no_event_field() -> Event:
    """Refuse an entry without an event."""
    raise Invalid(
        "The entry has no event.",
        code="no-event-field",
        field=EVENT_FIELD,
        rule=f"an entry of the log has one field, {EVENT_FIELD!r}, with the CloudEvent's bytes",
        hint=f"Append it as XADD <log> '*' {EVENT_FIELD} '{{...}}'.",
    )


def id_conflict(event: Event) -> Invalid:
    """The refusal of an event whose id is taken by other bytes."""
    return Invalid(
        f"The id {event.id!r} of {event.source!r} already names another event.",
        code="id-conflict",
        field="id",
        value=event.id,
        rule="a source gives an id to one event; the first one holds",
        hint="Give every event an id of its own, best a UUIDv7; send the same bytes when sending again.",
    )
