"""Artifacts: what a person looks at."""

from __future__ import annotations

from typing import Annotated, Any

import msgspec
from litestar.handlers import HTTPRouteHandler
from msgspec import Meta, Raw, Struct

from assetlog.catalog.api.answer import Answer
from assetlog.catalog.api.body import read_body
from assetlog.catalog.api.events import take
from assetlog.catalog.api.parts import Parts, Plain, parts_of
from assetlog.catalog.api.query import AsOf, Listed, Waiting
from assetlog.catalog.api.reading import POSITION_HEADER, answer, answer_page, encode, needed
from assetlog.catalog.api.receipts import Ack, wait_folded
from assetlog.catalog.api.route import Body, Spec, read, write
from assetlog.catalog.api.split import form_of
from assetlog.catalog.intake import Judged, position_text
from assetlog.schemas import explain
from assetlog.schemas.artifact_shapes import ArtifactChange, ArtifactDiff
from assetlog.schemas.codec import encode as encode_event
from assetlog.schemas.errors import AssetlogError, Invalid
from assetlog.schemas.events.artifact import ArtifactCreated, ArtifactType
from assetlog.schemas.events.common import RunRef
from assetlog.schemas.keys import canonical_key
from assetlog.schemas.shapes import Artifact, Page, Shape

TAG = "artifacts"


Version = Annotated[int, Meta(ge=1)]


class Artifacts(Listed, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Which artifacts."""

    q: Annotated[str | None, Meta(description="Only artifacts with this text in key or description.")] = None
    type: Annotated[ArtifactType | None, Meta(description="Only artifacts of this type.")] = None
    asset: Annotated[str | None, Meta(description="Only artifacts about this asset.")] = None
    run: Annotated[str | None, Meta(description="Only artifacts of the run of this id.")] = None


class OneArtifact(AsOf, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Which artifact: by key, or by id."""

    key: Annotated[str | None, Meta(description="Its key; the newest version unless one is given.")] = None
    version: Annotated[Version | None, Meta(description="The version of that key.")] = None
    id: Annotated[str | None, Meta(description="The id of one version.")] = None


class Versions(Listed, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Which artifact's versions."""

    key: Annotated[str, Meta(description="The artifact's key.")]


class History(Listed, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Which version's history: by key, or by id."""

    key: Annotated[str | None, Meta(description="The artifact's key; the newest version unless one is given.")] = None
    version: Annotated[Version | None, Meta(description="The version of that key.")] = None
    id: Annotated[str | None, Meta(description="The id of one version, retired or not.")] = None


class TwoVersions(AsOf, frozen=True, kw_only=True, forbid_unknown_fields=True, rename={"from_": "from"}):
    """Which two versions of an artifact."""

    key: Annotated[str, Meta(description="The artifact's key.")]
    from_: Annotated[Version | None, Meta(description="The earlier version; the one before `to` unless given.")] = None
    to: Annotated[Version | None, Meta(description="The later version; the newest unless given.")] = None


class NewArtifact(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """An artifact to create. With a key it is the key's next version."""

    type: ArtifactType
    data: Raw
    key: str | None = None
    description: str | None = None
    run: RunRef | None = None
    asset: str | None = None


class Created(Shape, kw_only=True):
    """A new artifact's receipt."""

    id: str
    position: str
    ack: Ack
    version: int | None = None
    """With `?wait=folded`: its version."""
    folded: bool | None = None
    redacted: int = 0
    """So many values looked like secrets and were struck out."""


@write(
    "/v1/artifacts",
    Spec(
        TAG,
        Waiting,
        Created,
        status=201,
        body=Body(("application/json",), NewArtifact, "The artifact."),
        statuses={202: Created},
        problems=(400, 403, 413, 415, 503),
        scopes=("events:write",),
    ),
)
async def post_artifact(request: Plain, query: Waiting) -> Answer:
    """Create an artifact; with a key it becomes that key's next version."""
    parts = parts_of(request)
    form_of(request.headers.get("content-type", ""))
    raw = _event(parts, await read_body(request, parts.settings.max_body_bytes))
    (judged,) = await take(parts, [raw])
    if judged.error is not None:
        raise _renamed(judged.error)
    waited = await wait_folded(parts, [judged], query.wait)
    created = await _created(parts, judged, waited.folded)
    headers = {POSITION_HEADER: created.position}
    status = 202 if waited.folded is False else 201
    return Answer(encode(created), status=status, headers=headers)


def _event(parts: Parts, body: bytes) -> bytes:
    """The bytes of the `artifact.created` event that a request asks for."""
    try:
        new = _new.decode(body)
    except msgspec.ValidationError as error:
        raise explain.invalid(error, body, "", NewArtifact) from None
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise explain.malformed(str(error)) from None
    data = ArtifactCreated(type=new.type, data=new.data, description=new.description, run=new.run, asset=new.asset)
    return encode_event("artifact.created", parts.api_source, new.key, data)


async def _created(parts: Parts, judged: Judged, folded: bool | None) -> Created:
    assert judged.event is not None
    assert judged.position is not None
    created = Created(
        id=judged.event.id, position=position_text(judged), ack=parts.appender.ack, version=None, folded=folded
    )
    created.redacted = judged.redacted
    if folded:
        artifact = await parts.ask(parts.reader.artifact, judged.position, artifact_id=judged.event.id)
        created.version = None if artifact is None else artifact.version
    return created


def _renamed(error: AssetlogError) -> AssetlogError:
    """The event's error in the words of the request that made it."""
    if error.field == "subject":
        error.field = "key"
    elif error.field is not None:
        name = error.field.removeprefix("data.")
        error.detail = error.detail.replace(error.field, name, 1)
        error.field = name
    return error


@read("/v1/artifacts", Artifacts, Page[Artifact], tag=TAG)
async def list_artifacts(request: Plain, query: Artifacts) -> Answer:
    """Artifacts, each in its newest version."""
    return await answer_page(
        request,
        query,
        parts_of(request).reader.artifacts,
        q=query.q,
        type=query.type,
        asset=canonical_key(query.asset) if query.asset else None,
        run=query.run,
    )


@read("/v1/artifact", OneArtifact, Artifact, tag=TAG, problems=(400, 404, 503))
async def get_artifact(request: Plain, query: OneArtifact) -> Answer:
    """One artifact, by key (and version) or by id."""
    if (query.key is None) == (query.id is None):
        raise _one_name()
    reader = parts_of(request).reader

    def artifact(at: int) -> Any:
        found = reader.artifact(at, key=query.key, version=query.version, artifact_id=query.id)
        name = "key" if query.key is not None else "id"
        return needed(found, "artifact", name, query.key or query.id or "")

    return await answer(request, query, artifact)


@read("/v1/artifact/versions", Versions, Page[Artifact], tag=TAG)
async def list_versions(request: Plain, query: Versions) -> Answer:
    """Every version of an artifact, newest first."""
    return await answer_page(request, query, parts_of(request).reader.artifact_versions, key=query.key)


@read("/v1/artifact/history", History, Page[ArtifactChange], tag=TAG, problems=(400, 404, 503))
async def list_history(request: Plain, query: History) -> Answer:
    """What happened to one version of an artifact, newest first: each step of a progress with its time."""
    if (query.key is None) == (query.id is None):
        raise _one_name()
    reader = parts_of(request).reader

    def history(at: int, limit: int, cursor: str | None) -> Any:
        found = reader.artifact_history(
            at, key=query.key, version=query.version, artifact_id=query.id, limit=limit, cursor=cursor
        )
        return needed(found, "artifact", "key" if query.key is not None else "id", query.key or query.id or "")

    return await answer_page(request, query, history)


@read("/v1/artifact/diff", TwoVersions, ArtifactDiff, tag=TAG, problems=(400, 404, 503))
async def get_artifact_diff(request: Plain, query: TwoVersions) -> Answer:
    """What is different between two versions of an artifact: a unified diff, and for tables the rows."""
    return await answer(
        request, query, parts_of(request).reader.artifact_diff, key=query.key, from_=query.from_, to=query.to
    )


def _one_name() -> Invalid:
    return Invalid(
        "An artifact is named by its key or by its id.",
        code="invalid-parameter",
        field="key",
        rule="exactly one of key and id is given",
        hint="Ask for ?key=daily-report or for ?id=….",
    )


_new = msgspec.json.Decoder(NewArtifact)

HANDLERS: list[HTTPRouteHandler] = [
    post_artifact,
    list_artifacts,
    get_artifact,
    list_versions,
    list_history,
    get_artifact_diff,
]
