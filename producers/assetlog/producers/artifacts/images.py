"""Images as what an event says of them: a URL, the image itself as a `data:` URL, or the name of a kept blob."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

from msgspec import Raw

from assetlog.producers.artifacts.contents import Content
from assetlog.producers.notices import warn
from assetlog.producers.values import to_json
from assetlog.schemas.errors import AssetlogError, Invalid, TooLarge
from assetlog.schemas.images import (
    EMBEDDED_BYTES,
    MAX_IMAGE_BYTES,
    blob_name,
    blob_url,
    check_image,
    data_url,
)

if TYPE_CHECKING:
    from assetlog.producers.emitter import Emitter

MOST_EMBEDDED = 512 << 10
"""Bytes of an image that fit into an event, where there is no node to keep it."""

Image = bytes | bytearray | memoryview | str | os.PathLike[str]
"""An image's bytes, or the path of its file."""


def image(url: str | None, given: Image | None) -> Content:
    """An image at a URL, or one of our own.

    Raises:
        Invalid: neither or both are given, the file can't be read, it is no PNG, JPEG, GIF or WebP, or too large.
    """
    if (url is None) == (given is None):
        raise Invalid(
            "An image artifact shows one image.",
            code="invalid-data",
            field="image_url",
            value=url,
            rule="either image_url or image is given",
            hint="Give image_url=, or image= with its bytes or the path of its file.",
        )
    if given is None:
        return Content(type="image", raw=Raw(to_json({"url": str(url)})[0]))
    content = _bytes_of(given)
    kind = check_image(content)
    if len(content) <= EMBEDDED_BYTES:
        return _with_url(data_url(content, kind))
    return _with_url(blob_url(blob_name(content)), content)


def placed(content: Content, emitter: Emitter) -> Content:
    """Content whose image is kept for the node, or inside the event where no node is there to keep it.

    Raises:
        TooLarge: the events go to no node, and the image does not fit into one.
        AssetlogError: in strict mode, the image can't be kept.
    """
    if not content.image:
        return content
    if not emitter.has_node:
        return _in_the_event(content)
    try:
        emitter.keep_image(content.image)
    except AssetlogError as error:
        if emitter.config.strict:
            raise
        if len(content.image) <= MOST_EMBEDDED:
            return _in_the_event(content)
        warn("An image is lost: %s", error)
    return content


def _in_the_event(content: Content) -> Content:
    if len(content.image) > MOST_EMBEDDED:
        raise TooLarge(
            f"The image has {len(content.image):,} bytes, and no node keeps it.",
            code="image-too-large",
            field="image",
            rule=f"events that go to a log server or a file hold an image of at most {MOST_EMBEDDED:,} bytes",
            hint="Set ASSETLOG_URL to a node (http://…), which keeps up to 10 MiB, or give the image's URL.",
        )
    return _with_url(data_url(content.image, check_image(content.image)))


def _with_url(url: str, kept: bytes = b"") -> Content:
    return Content(type="image", raw=Raw(to_json({"url": url})[0]), image=kept)


def _bytes_of(given: Image) -> bytes:
    if isinstance(given, bytes | bytearray | memoryview):
        return bytes(given)
    path = Path(given)
    try:
        with path.open("rb") as file:
            return file.read(MAX_IMAGE_BYTES + 1)
    except OSError as error:
        raise Invalid(
            f"The image {path} can't be read: {error.strerror or error}.",
            code="image-unreadable",
            field="image",
            value=str(path),
            rule="image is the bytes of an image, or the path of its file",
            hint="Save the picture before the call.",
        ) from error
