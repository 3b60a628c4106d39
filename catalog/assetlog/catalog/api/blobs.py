"""Images in and out. They come from anywhere, so they are served as nothing but images, in a sandbox, and never run."""

from __future__ import annotations

import asyncio
from typing import Annotated

import msgspec
from litestar.handlers import HTTPRouteHandler
from msgspec import Meta, Raw, Struct

from assetlog.catalog.api.answer import Answer
from assetlog.catalog.api.body import read_body
from assetlog.catalog.api.parts import Parts, Plain, parts_of
from assetlog.catalog.api.query import Nothing
from assetlog.catalog.api.reading import has_answer
from assetlog.catalog.api.route import Body, Spec, read, write
from assetlog.schemas.artifact_shapes import Blob
from assetlog.schemas.errors import NotFound
from assetlog.schemas.images import KINDS, MAX_IMAGE_BYTES, blob_url, image_type, is_blob_name
from assetlog.schemas.shapes import Artifact

TAG = "artifacts"
FOR_EVER = "private, max-age=31536000, immutable"
SANDBOX = "default-src 'none'; sandbox; frame-ancestors 'none'"


class OneBlob(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """By whose right an image is asked for."""

    artifact: Annotated[
        str | None,
        Meta(description="The id of an artifact that shows the image. Only tokens with a key prefix need it."),
    ] = None


@write(
    "/v1/blobs",
    Spec(
        TAG,
        Nothing,
        Blob,
        status=201,
        body=Body(("application/octet-stream", *KINDS), Raw, "The image: PNG, JPEG, GIF or WebP, at most 10 MiB."),
        problems=(400, 403, 413, 415, 503),
        scopes=("events:write",),
    ),
)
async def post_blob(request: Plain, _: Nothing) -> Answer:
    """Keep an image for artifacts to show, under the SHA-256 of its bytes.

    Its kind is told by its bytes, whatever the content type says. It is on disk, beside the archive, when this
    answers; the same image again is the same answer. Its URL is `/v1/blobs/` and its `sha256`.
    """
    parts = parts_of(request)
    content = await read_body(request, MAX_IMAGE_BYTES)
    if parts.caller is not None:
        parts.caller.events.take(1)
    return Answer(msgspec.json.encode(await asyncio.to_thread(parts.blobs.keep, content)), status=201)


@read("/v1/blobs/{sha256:str}", OneBlob, None, tag=TAG, problems=(400, 404, 503), content_type="image/*")
async def get_blob(request: Plain, query: OneBlob) -> Answer:
    """An image that is kept. It never changes.

    A token with a key prefix gets it only by naming an artifact that it may see and that shows the image.
    """
    parts = parts_of(request)
    name = request.path_params["sha256"]
    content = None
    if is_blob_name(name) and await _may_see(parts, name, query.artifact):
        content = await asyncio.to_thread(parts.blobs.read, name)
    if content is None:
        raise _missing(name)
    headers = {"ETag": f'"{name}"', "Cache-Control": FOR_EVER, "Content-Security-Policy": SANDBOX}
    if has_answer(request, headers["ETag"]):
        return Answer(b"", status=304, headers=headers)
    return Answer(content, media_type=image_type(content) or "application/octet-stream", headers=headers)


async def _may_see(parts: Parts, name: str, artifact_id: str | None) -> bool:
    if parts.caller is None or not parts.caller.token.prefixes:
        return True
    if artifact_id is None:
        return False
    at = parts.projector.position
    artifact: Artifact | None = await parts.ask(parts.reader.artifact, at, artifact_id=artifact_id)
    if artifact is None or artifact.type != "image":
        return False
    shown = msgspec.json.decode(artifact.data)
    return isinstance(shown, dict) and shown.get("url") == blob_url(name)


def _missing(name: str) -> NotFound:
    return NotFound(
        f"There is no image {name[:64]!r} for you.",
        code="blob-not-found",
        field="sha256",
        value=name,
        rule="it is the SHA-256 of an image that was uploaded",
        hint="A token with a key prefix names an artifact that shows the image: ?artifact=<id>.",
    )


HANDLERS: list[HTTPRouteHandler] = [post_blob, get_blob]
