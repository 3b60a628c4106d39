"""Images that a catalog keeps: which kinds, how large, and where they stand. A kind is told by the bytes alone.

SVG is not among them: it is a document that may carry scripts. Draw it to a PNG.
"""

from __future__ import annotations

import hashlib
import re
from base64 import b64decode, b64encode

from assetlog.schemas.errors import Invalid, TooLarge

MAX_IMAGE_BYTES = 10 << 20
"""Larger images are refused."""
EMBEDDED_BYTES = 32 << 10
"""Images up to this size stand in the event itself, as a `data:` URL."""
BLOBS = "/v1/blobs/"
"""The URL of a kept image is this and the SHA-256 of its bytes, on every node of its catalog."""

KINDS = {
    "image/png": re.compile(rb"\x89PNG\r\n\x1a\n"),
    "image/jpeg": re.compile(rb"\xff\xd8\xff"),
    "image/gif": re.compile(rb"GIF8[79]a"),
    "image/webp": re.compile(rb"RIFF....WEBP", re.DOTALL),
}
"""Media type -> how its files begin."""

_SHA256 = re.compile(r"[0-9a-f]{64}")


def image_type(content: bytes) -> str | None:
    """The media type of an image, None for what is none that is kept.

    >>> image_type(b"GIF89a..."), image_type(b"<svg/>")
    ('image/gif', None)
    """
    return next((name for name, beginning in KINDS.items() if beginning.match(content)), None)


def check_image(content: bytes) -> str:
    """The media type of an image that may be kept.

    Raises:
        TooLarge: it has more than 10 MiB.
        Invalid: it is no PNG, JPEG, GIF or WebP.
    """
    if len(content) > MAX_IMAGE_BYTES:
        raise TooLarge(
            f"The image has {len(content):,} bytes.",
            code="image-too-large",
            field="image",
            rule=f"an image has at most {MAX_IMAGE_BYTES:,} bytes",
            hint="Scale it down, or put it where it belongs and give its URL.",
        )
    kind = image_type(content)
    if kind is None:
        raise Invalid(
            "These bytes are no image that is kept.",
            code="unsupported-media-type",
            field="image",
            value=content[:16].decode("ascii", "backslashreplace"),
            rule="an image is a PNG, JPEG, GIF or WebP, told by its first bytes",
            hint="Draw it as a PNG; an SVG may carry scripts.",
        )
    return kind


def blob_name(content: bytes) -> str:
    """The name of an image: the SHA-256 of its bytes, in hexadecimal."""
    return hashlib.sha256(content).hexdigest()


def is_blob_name(text: str) -> bool:
    """Whether a text could be the name of a blob."""
    return _SHA256.fullmatch(text) is not None


def blob_url(name: str) -> str:
    """Where a kept image stands on a node.

    >>> blob_url("0" * 64)[:15]
    '/v1/blobs/00000'
    """
    return BLOBS + name


def data_url(content: bytes, kind: str) -> str:
    """An image as a URL that holds it.

    >>> data_url(b"GIF89a", "image/gif")
    'data:image/gif;base64,R0lGODlh'
    """
    return f"data:{kind};base64,{b64encode(content).decode()}"


def embedded(url: str) -> bytes | None:
    """The image that a `data:` URL holds, None for other URLs and for what is no image.

    >>> embedded("data:image/gif;base64,R0lGODlh")
    b'GIF89a'
    """
    head, comma, text = url.partition(",")
    if not (comma and head.startswith("data:image/") and head.endswith(";base64")):
        return None
    try:
        content = b64decode(text, validate=True)
    except ValueError:
        return None
    return content if image_type(content) else None
