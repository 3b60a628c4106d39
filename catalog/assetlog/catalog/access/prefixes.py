"""What a token with a key prefix may write: events about assets below it, and of runs, which name no asset."""

from __future__ import annotations

from assetlog.schemas.codec import Event
from assetlog.schemas.errors import Forbidden

_ASSET = ("asset.", "alias.", "artifact.created")


def refuse_outside(event: Event, prefixes: tuple[str, ...]) -> None:
    """Refuse an event that says something about an asset outside the prefixes. Upstreams may lie outside.

    Raises:
        Forbidden: it does, or cannot be told.
    """
    if event.type.startswith("run."):
        return
    if not event.type.startswith(_ASSET) or event.data is None:
        raise _outside("type", event.type, prefixes)
    about = {"subject": event.subject if event.type.startswith("asset.") else None, "data": event.other}
    named = {field: key for field, key in about.items() if key is not None}
    if not named:
        raise _outside("data.asset", None, prefixes)
    for field, key in named.items():
        if not key.startswith(prefixes):
            raise _outside(field if field == "subject" else _other_field(event), key, prefixes)


def _other_field(event: Event) -> str:
    return "data.alias" if event.type == "asset.aliased" else "data.asset"


def _outside(field: str, value: str | None, prefixes: tuple[str, ...]) -> Forbidden:
    allowed = ", ".join(f"{prefix}*" for prefix in prefixes)
    return Forbidden(
        "This token may not write about that.",
        code="outside-prefix",
        field=field,
        value=value,
        rule=f"the event is about an asset below {allowed}, or of a run",
        hint="Use a token without a prefix, or with another one.",
    )
