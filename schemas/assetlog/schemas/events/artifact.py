"""Things a person looks at. The event's `subject` is the artifact's key, absent for artifacts without one."""

from __future__ import annotations

from typing import Literal

from msgspec import Raw

from assetlog.schemas.events.common import NOTHING, Data, Key, Name, RunRef, Text

ArtifactType = Literal["markdown", "table", "link", "image", "progress", "json"]


class ArtifactCreated(Data, frozen=True, kw_only=True):
    """An artifact was made: the next version of its key. The event's `id` is the artifact's id."""

    type: ArtifactType
    """What sort of content it is, and so how it is shown."""
    data: Raw
    """The content. markdown: text; table: a list of row objects; link: {url, text}; image: {url};
    progress: a number from 0 to 100; json: anything."""
    description: Text | None = None
    """What it shows: Markdown."""
    run: RunRef | None = None
    """The run it comes from."""
    asset: Key | None = None
    """The key of the asset it is about."""


class ArtifactUpdated(Data, frozen=True, kw_only=True):
    """An artifact was changed in place: progress went on, or the description was mended."""

    artifact: Name
    """The artifact's id."""
    data: Raw = NOTHING
    """The new content, of the artifact's type; null keeps it."""
    description: Text | None = None
    """What it shows: Markdown."""
    run: RunRef | None = None
    """The run it comes from."""


class ArtifactRetired(Data, frozen=True, kw_only=True):
    """An artifact is no longer shown: one version by its id, or every version of the subject's key."""

    artifact: Name | None = None
    """The id of the version that goes; None for all versions of the subject's key."""
    reason: Text | None = None
    """Why, in words."""
