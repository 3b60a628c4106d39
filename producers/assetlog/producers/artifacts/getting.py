"""What is asked of a node to get an artifact, or to create the first version of a key exactly once.

The log decides who is first: the first version has a source and an id that follow from its key, and of events with
the same source and id the first bytes in the log win, on every node and for ever. Each call's bytes differ, so a
call knows whether the version that won stands where its own event was put.
"""

from __future__ import annotations

import time
from itertools import count
from typing import Any

import msgspec

from assetlog.producers.artifacts.contents import Content
from assetlog.producers.artifacts.creating import check_key, created
from assetlog.producers.emitter import Emitter
from assetlog.producers.reading import Question, Talk
from assetlog.schemas import codec
from assetlog.schemas.artifact_shapes import ArtifactChange
from assetlog.schemas.errors import Conflict, Invalid
from assetlog.schemas.ids import new_id
from assetlog.schemas.secrets import redact
from assetlog.schemas.shapes import Artifact, Page, Receipt

SOURCE = "sdk://get-or-create"
"""The source of first versions; their ids follow from it and the key."""
GIVE_UP_SECONDS = 30.0
PAUSE = 0.02

_artifact = msgspec.json.Decoder(Artifact)
_history = msgspec.json.Decoder(Page[ArtifactChange])
_receipt = msgspec.json.Decoder(Receipt)


def getting(key: object, emitter: Emitter) -> Talk[Artifact | None]:
    """The newest version of a key, None if there is none; the node has folded what the emitter brought it by then.

    Raises:
        Invalid: the key breaks its rule.
    """
    return (yield from _found({"key": checked(key), "min_position": emitter.position}))


def getting_or_creating(
    key: object, content: Content, description: str | None, emitter: Emitter
) -> Talk[tuple[Artifact, bool]]:
    """The newest version of a key; if there is none, a first one, which one caller alone creates.

    Raises:
        Invalid: the key breaks its rule.
        Conflict: the key is taken by what this caller may not see.
    """
    name = checked(key)
    found = yield from getting(name, emitter)
    if found is not None:
        return found, False
    if content.image:
        reply = yield Question("POST", "/v1/blobs", {}, content.image, "application/octet-stream")
        if reply.status >= 400:
            raise reply.error()
    give_up = time.monotonic() + GIVE_UP_SECONDS
    for generation in count():  # the next one only where the one before is retired
        raw, artifact_id = _first_version(name, generation, content, description, emitter)
        made = yield from _creating(raw, artifact_id, give_up)
        if made is not None:
            return made
    raise AssertionError("counting does not end")


def checked(key: object) -> str:
    """A key to look for.

    Raises:
        Invalid: it breaks its rule, or there is none.
    """
    if not isinstance(key, str):
        raise Invalid(
            "An artifact is got by its key.",
            code="invalid-artifact-key",
            field="key",
            value=key,
            rule="a key is a text of lower-case letters, digits and dashes",
            hint='Give it, like key="daily-report".',
        )
    check_key(key)
    return key


def _creating(raw: bytes, artifact_id: str, give_up: float) -> Talk[tuple[Artifact, bool] | None]:
    """Put a first version into the log, and see which one won; None if that one is retired."""
    pause = 0.0
    while True:
        reply = yield Question("POST", "/v1/events", {"wait": "folded"}, raw, pause=pause)
        if reply.status >= 400 and reply.status != 409:
            raise reply.error()
        mine = None if reply.status == 409 else _receipt.decode(reply.content).accepted[0].position
        found = yield from _found({"id": artifact_id, "min_position": mine})
        if found is not None:
            return found, found.position == mine
        if (yield from _is_retired(artifact_id)):
            return None
        # Refused for one that is not folded yet: it is on its way, or its append fails and the next try is the first.
        if time.monotonic() > give_up:
            raise _hidden(artifact_id)
        pause = min(1.0, pause * 2 or PAUSE)


def _found(params: dict[str, Any]) -> Talk[Artifact | None]:
    reply = yield Question("GET", "/v1/artifact", params)
    if reply.status == 404:
        return None
    if reply.status >= 400:
        raise reply.error()
    return _artifact.decode(reply.content)


def _is_retired(artifact_id: str) -> Talk[bool]:
    reply = yield Question("GET", "/v1/artifact/history", {"id": artifact_id, "limit": 1000})
    if reply.status == 404:
        return False
    if reply.status >= 400:
        raise reply.error()
    return any(change.act == "retired" for change in _history.decode(reply.content).items)


def _first_version(
    key: str, generation: int, content: Content, description: str | None, emitter: Emitter
) -> tuple[bytes, str]:
    from uuid import NAMESPACE_URL, uuid5

    artifact_id = str(uuid5(NAMESPACE_URL, f"{SOURCE}/{key}/{generation}"))
    data = created(content, description, emitter)
    call = new_id()  # tells this call's bytes from all others'
    raw = codec.encode("artifact.created", SOURCE, key, data, event_id=artifact_id, causation_id=call)
    event = codec.decode(raw)
    return (redact(raw, event).raw if emitter.config.redact else raw), artifact_id


def _hidden(artifact_id: str) -> Conflict:
    return Conflict(
        "The key's first version is taken, and the node does not show it.",
        code="artifact-hidden",
        field="id",
        value=artifact_id,
        rule="who gets or creates a key may see it",
        hint="Use a token without a key prefix, or another key.",
    )
