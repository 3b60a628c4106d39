"""The event that makes an artifact."""

from __future__ import annotations

from assetlog.producers.artifacts.contents import Content
from assetlog.producers.artifacts.images import placed
from assetlog.producers.context import current_asset
from assetlog.producers.emitter import Emitter, default_emitter
from assetlog.schemas.events.artifact import ArtifactCreated
from assetlog.schemas.ids import new_id
from assetlog.schemas.keys import check_artifact_key


def create(content: Content, key: str | None, description: str | None) -> str:
    """Emit an artifact; its id.

    Raises:
        Invalid: the key breaks its rule.
    """
    check_key(key)
    emitter = default_emitter()
    data = created(placed(content, emitter), description, emitter)
    return emitter.emit("artifact.created", key, data, event_id=new_id())


def check_key(key: str | None) -> None:
    """Refuse a bad key.

    Raises:
        Invalid: it breaks its rule.
    """
    if key is not None:
        check_artifact_key(key)


def created(content: Content, description: str | None, emitter: Emitter) -> ArtifactCreated:
    """What the event says: the content, the run and the asset that made it."""
    return ArtifactCreated(
        type=content.type,
        data=content.raw,
        description=content.described(description),
        run=emitter.run(),
        asset=current_asset.get(),
    )
