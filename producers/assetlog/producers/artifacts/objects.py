"""Artifacts as objects: made with `create`, read back with `get`, made once with `get_or_create`."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

import msgspec
from msgspec import Struct

from assetlog.producers.artifacts import contents
from assetlog.producers.artifacts.contents import Content
from assetlog.producers.artifacts.creating import create
from assetlog.producers.artifacts.getting import checked, getting, getting_or_creating
from assetlog.producers.artifacts.images import Image, image
from assetlog.producers.emitter import default_emitter
from assetlog.producers.reading import atalk, talk
from assetlog.schemas import shapes
from assetlog.schemas.events.common import RunRef

NEED = "getting an artifact"

This = TypeVar("This", bound="Artifact")


class Artifact(Struct, kw_only=True):
    """A thing that a person looks at: one version of a key, or one without a key.

    What the catalog adds (`id`, `version`, `created`, …) is None until it is known: `create` knows the id alone.
    """

    type: str = "json"
    """markdown, table, link, image, progress or json."""
    key: str | None = None
    """Lower-case letters, digits and dashes."""
    description: str | None = None
    """What it is, in markdown."""
    data: Any = None
    """The content. Typed artifacts have it by its own name, too."""
    id: str | None = None
    version: int | None = None
    """1 for the first of its key."""
    created: str | None = None
    updated: str | None = None
    run: RunRef | None = None
    """The run that made it."""
    asset: str | None = None
    """The key of the asset it is about."""
    position: str | None = None
    """Where its creation stands in the log."""

    def content(self) -> Content:
        """What is stored.

        Raises:
            Invalid: it is not of its type.
        """
        return contents.content_of(self.type, self.data)

    def create(self: This) -> This:
        """Emit it, as the next version of its key; returns itself with its id. Never waits.

        Raises:
            Invalid: the key or the content breaks a rule.
        """
        return msgspec.structs.replace(self, id=create(self.content(), self.key, self.description))

    async def acreate(self: This) -> This:
        """`create` for async code."""
        return self.create()

    @classmethod
    def get(cls, key: str | None = None) -> Artifact | None:
        """The newest version of a key, whatever its type; None if there is none. It sees all that was created before.

        Raises:
            Invalid: the key breaks its rule, or events go to a log server or a file, which cannot be asked.
            Unavailable: no node answers.
        """
        emitter = default_emitter()
        checked(key)
        found = talk(emitter, NEED, getting(key, emitter))
        return None if found is None else _object(found)

    @classmethod
    async def aget(cls, key: str | None = None) -> Artifact | None:
        """`get`, awaiting."""
        emitter = default_emitter()
        checked(key)
        found = await atalk(emitter, NEED, getting(key, emitter))
        return None if found is None else _object(found)

    @classmethod
    def get_or_create(
        cls, key: str | None = None, description: str | None = None, data: Any = None, **content: Any
    ) -> tuple[Artifact, bool]:
        """The newest version of a key, or a first one; and whether this very call created it.

        It is atomic: of any number of callers, on any number of nodes, one creates, and all get the same artifact.
        Content and description are ignored where the key exists.

        Args:
            key: lower-case letters, digits and dashes.
            description: what it is, in markdown.
            data: the content.
            content: the content under its own name, e.g. `markdown=`, or `type=`.

        Raises:
            Invalid: the key or the content breaks a rule, or events go to a log server or a file.
            Unavailable: no node answers.
        """
        emitter = default_emitter()
        wanted = cls(key=checked(key), description=description, data=data, **content)
        steps = getting_or_creating(key, wanted.content(), description, emitter)
        found, made = talk(emitter, NEED, steps)
        return _object(found), made

    @classmethod
    async def aget_or_create(
        cls, key: str | None = None, description: str | None = None, data: Any = None, **content: Any
    ) -> tuple[Artifact, bool]:
        """`get_or_create`, awaiting."""
        emitter = default_emitter()
        wanted = cls(key=checked(key), description=description, data=data, **content)
        steps = getting_or_creating(key, wanted.content(), description, emitter)
        found, made = await atalk(emitter, NEED, steps)
        return _object(found), made


class MarkdownArtifact(Artifact, kw_only=True):
    """A text in markdown."""

    type: str = "markdown"
    markdown: str

    def content(self) -> Content:
        """See `Artifact`."""
        return contents.markdown(self.markdown)


class TableArtifact(Artifact, kw_only=True):
    """A table, in any form that `create_table_artifact` takes; a list of row mappings once it is read back."""

    type: str = "table"
    table: Any

    def content(self) -> Content:
        """See `Artifact`."""
        return contents.table(self.table)


class LinkArtifact(Artifact, kw_only=True):
    """A link."""

    type: str = "link"
    link: str
    link_text: str | None = None

    def content(self) -> Content:
        """See `Artifact`."""
        return contents.link(self.link, self.link_text)


class ProgressArtifact(Artifact, kw_only=True):
    """How far something is, in percent."""

    type: str = "progress"
    progress: float

    def content(self) -> Content:
        """See `Artifact`."""
        return contents.progress(self.progress)


class ImageArtifact(Artifact, kw_only=True):
    """The image at a URL, or one of your own: its bytes, or the path of its file."""

    type: str = "image"
    image_url: str | None = None
    image: Image | None = None

    def content(self) -> Content:
        """See `Artifact`."""
        return image(self.image_url, self.image)

    async def acreate(self: This) -> This:
        """`create` for async code: what it does with files, it does in a thread."""
        import asyncio

        return await asyncio.to_thread(self.create)


def _object(found: shapes.Artifact) -> Artifact:
    """An artifact as the catalog tells it, in the class of its type."""
    data = msgspec.json.decode(found.data)
    known = {name: getattr(found, name) for name in ("type", "key", "description", "id", "version", "asset")}
    known |= {name: getattr(found, name) for name in ("created", "updated", "position")}
    known["run"] = None if found.run is None else RunRef(id=found.run.id, job=found.run.job)
    kind, own = _OBJECTS.get(found.type, (Artifact, _nothing))
    return kind(**known, data=data, **own(data)) if data is not None else Artifact(**known)  # None: the log lost it


def _nothing(_: Any) -> dict[str, Any]:
    return {}


_OBJECTS: dict[str, tuple[type[Artifact], Callable[[Any], dict[str, Any]]]] = {
    "markdown": (MarkdownArtifact, lambda data: {"markdown": data}),
    "table": (TableArtifact, lambda data: {"table": data}),
    "progress": (ProgressArtifact, lambda data: {"progress": data}),
    "link": (LinkArtifact, lambda data: {"link": data["url"], "link_text": data.get("text")}),
    "image": (ImageArtifact, lambda data: {"image_url": data["url"]}),
}
"""For each type of artifact its class, and what that calls the content."""
