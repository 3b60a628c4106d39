"""One call, one artifact. Emitting waits for nobody, so most async twins of these functions do the same."""

from __future__ import annotations

from typing import Any

from msgspec import Raw

from assetlog.producers.artifacts import contents
from assetlog.producers.artifacts.creating import create
from assetlog.producers.artifacts.images import Image
from assetlog.producers.artifacts.images import image as image_content
from assetlog.producers.emitter import default_emitter
from assetlog.producers.values import cut, to_json
from assetlog.schemas.events.artifact import ArtifactUpdated
from assetlog.schemas.events.common import NOTHING


def create_markdown_artifact(markdown: str, key: str | None = None, description: str | None = None) -> str:
    """Show a text in markdown. Returns the artifact's id.

    Args:
        key: lower-case letters, digits and dashes; each create is the next version of its key.
        description: what it is, in markdown.

    Raises:
        Invalid: the key breaks its rule.

    >>> create_markdown_artifact("# Sales", key="Sales")
    Traceback (most recent call last):
    assetlog.schemas.errors.Invalid: Artifact key 'Sales' is not allowed. Write it like daily-report.
    """
    return create(contents.markdown(markdown), key, description)


def create_table_artifact(table: Any, key: str | None = None, description: str | None = None) -> str:
    """Show a table. Returns the artifact's id.

    What does not fit into an event (1 MiB) is left out, and the description says so; NaN and Infinity become null.

    Args:
        table: a list of row mappings, a mapping of columns to lists, a list of rows of which the first has the names,
            or a data frame of pandas (without its index), polars or pyarrow.

    Raises:
        Invalid: the key breaks its rule, or the table is none.
    """
    return create(contents.table(table), key, description)


def create_link_artifact(
    link: str, link_text: str | None = None, key: str | None = None, description: str | None = None
) -> str:
    """Show a link. Returns the artifact's id.

    Raises:
        Invalid: the key breaks its rule.
    """
    return create(contents.link(link, link_text), key, description)


def create_image_artifact(
    image_url: str | None = None,
    key: str | None = None,
    description: str | None = None,
    *,
    image: Image | None = None,
) -> str:
    """Show the image at a URL, or one of your own. Returns the artifact's id.

    Args:
        image_url: where the image is; nobody but the reader's browser fetches it.
        image: its bytes, or the path of its file: PNG, JPEG, GIF or WebP of at most 10 MiB. The catalog keeps it.

    Raises:
        Invalid: the key breaks its rule, or the image is none of these, or too large.
    """
    return create(image_content(image_url, image), key, description)


def create_progress_artifact(progress: float, key: str | None = None, description: str | None = None) -> str:
    """Show how far something is, in percent. Returns the artifact's id, for `update_progress_artifact`.

    Args:
        progress: 0 to 100; what lies outside is clamped, with a warning.

    Raises:
        Invalid: the key breaks its rule, or the progress is no number.
    """
    return create(contents.progress(progress), key, description)


def update_progress_artifact(artifact_id: object, progress: float | None = None, description: str | None = None) -> str:
    """Show that something went on. Each update is kept with its time. Returns the artifact's id.

    Args:
        artifact_id: what `create_progress_artifact` returned.
        progress: 0 to 100; what lies outside is clamped, with a warning. None keeps the old.
        description: a new one; None keeps the old.

    Raises:
        Invalid: the id is empty, or the progress is no number.
    """
    data = NOTHING if progress is None else Raw(to_json(contents.clamped(progress))[0])
    said = None if description is None else cut(description, contents.DESCRIPTION_LENGTH)
    updated = ArtifactUpdated(artifact=str(artifact_id), data=data, description=said)
    default_emitter().emit("artifact.updated", None, updated)
    return str(artifact_id)


async def acreate_markdown_artifact(markdown: str, key: str | None = None, description: str | None = None) -> str:
    """`create_markdown_artifact` for async code."""
    return create_markdown_artifact(markdown, key, description)


async def acreate_table_artifact(table: Any, key: str | None = None, description: str | None = None) -> str:
    """`create_table_artifact` for async code."""
    return create_table_artifact(table, key, description)


async def acreate_link_artifact(
    link: str, link_text: str | None = None, key: str | None = None, description: str | None = None
) -> str:
    """`create_link_artifact` for async code."""
    return create_link_artifact(link, link_text, key, description)


async def acreate_image_artifact(
    image_url: str | None = None,
    key: str | None = None,
    description: str | None = None,
    *,
    image: Image | None = None,
) -> str:
    """`create_image_artifact` for async code: what it does with files, it does in a thread."""
    import asyncio

    return await asyncio.to_thread(create_image_artifact, image_url, key, description, image=image)


async def acreate_progress_artifact(progress: float, key: str | None = None, description: str | None = None) -> str:
    """`create_progress_artifact` for async code."""
    return create_progress_artifact(progress, key, description)


async def aupdate_progress_artifact(
    artifact_id: object, progress: float | None = None, description: str | None = None
) -> str:
    """`update_progress_artifact` for async code."""
    return update_progress_artifact(artifact_id, progress, description)
