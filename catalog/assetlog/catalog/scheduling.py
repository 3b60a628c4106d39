"""What people decide about consumers and triggers, written to the log by the node they asked, and awaited."""

from __future__ import annotations

import platform
from typing import TYPE_CHECKING

from assetlog.schemas.codec import decode, encode
from assetlog.schemas.errors import Broken, Invalid
from assetlog.schemas.events.common import Data
from assetlog.schemas.events.registry import RESERVED_SOURCE
from assetlog.schemas.positions import format_position
from assetlog.schemas.secrets import redact

if TYPE_CHECKING:
    from assetlog.catalog.api.parts import Parts

NODE_SOURCE = f"{RESERVED_SOURCE}node/{platform.node() or 'localhost'}"
"""The `source` of what this node writes of its own accord or because somebody asked it to."""


async def tell(parts: Parts, type_name: str, subject: str, data: Data) -> int:
    """Append an event of the node's own and wait until it is folded; its position.

    Raises:
        Invalid: the event breaks a rule, e.g. it is too large.
        Unavailable: the log cannot be reached, or the fold has not come that far in time; then the event is in.
    """
    parts.projector.refuse_writes()
    if parts.caller is not None:
        parts.caller.events.take(1)
    raw = _checked(encode(type_name, NODE_SOURCE, subject, data), redacting=parts.intake.redacting)
    (position,) = await parts.appender.append([raw])
    parts.metrics.accepted.inc(1)
    await parts.until_folded(position)
    reason = parts.projector.quarantine_reason(position)
    if reason is not None:
        raise Broken(
            f"The fold could not take what this node wrote at {format_position(position)}: {reason.detail}",
            code="own-event-quarantined",
            hint="This is a bug in assetlog; the quarantine holds the event.",
        )
    return position


def _checked(raw: bytes, *, redacting: bool) -> bytes:
    """The bytes of an event that the one decoder takes, without secrets in its free texts."""
    try:
        event = decode(raw)
    except Invalid as error:
        raise renamed(error) from None
    return redact(raw, event).raw if redacting else raw


def renamed(error: Invalid) -> Invalid:
    """An event's error in the words of the request that made it: `data.outlets[0]` is `outlets[0]`."""
    if error.field == "subject":
        error.field = "name"
    elif error.field is not None:
        name = error.field.removeprefix("data.")
        error.detail = error.detail.replace(error.field, name, 1)
        error.field = name
    return error
