"""Tokens, for those who administer a catalog. Without any token, a node on loopback lets everybody make the first."""

from __future__ import annotations

import asyncio
import logging

import msgspec
from litestar.handlers import HTTPRouteHandler
from msgspec import Struct

from assetlog.catalog.access.tokens import CreatedToken, Scope, TokenShape, new_token, read_expiry
from assetlog.catalog.api.answer import Answer
from assetlog.catalog.api.body import read_body
from assetlog.catalog.api.parts import Parts, Plain, parts_of
from assetlog.catalog.api.query import Nothing
from assetlog.catalog.api.reading import encode
from assetlog.catalog.api.route import Body, Spec, read, remove, write
from assetlog.catalog.api.split import form_of
from assetlog.schemas import explain
from assetlog.schemas.positions import format_position
from assetlog.schemas.shapes import Page

TAG = "access"
MAX_BODY = 65_536
_log = logging.getLogger("assetlog.access")
NO_STORE = {"Cache-Control": "no-store"}


class WantedToken(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A token to make."""

    name: str
    """Who uses it."""
    scopes: list[Scope]
    prefixes: list[str] = []
    """Only assets below one of these, as `s3://team-a/*`; empty: every asset."""
    expires: str | None = None
    """When it ends: an age from now (`30d`, `12h`), or a time."""


@read("/v1/tokens", Nothing, Page[TokenShape], tag=TAG, problems=(503,), scopes=("admin",))
async def list_tokens(request: Plain, _: Nothing) -> Answer:
    """Every token, without its secret, the oldest first; ended ones too."""
    parts = parts_of(request)
    tokens = await asyncio.to_thread(parts.keeper.store.listed)
    page = Page(items=tokens, position=format_position(parts.projector.position))
    return Answer(encode(page), headers=NO_STORE)


@write(
    "/v1/tokens",
    Spec(
        TAG,
        Nothing,
        CreatedToken,
        status=201,
        body=Body(("application/json",), WantedToken, "The token."),
        problems=(400, 413, 415, 503),
        scopes=("admin",),
    ),
)
async def post_token(request: Plain, _: Nothing) -> Answer:
    """Make a token. The answer has its secret, this once. From the first token on, every request needs one."""
    parts = parts_of(request)
    form_of(request.headers.get("content-type", ""))
    wanted = _wanted(await read_body(request, MAX_BODY))
    expires = None if wanted.expires is None else read_expiry(wanted.expires)
    new = new_token(wanted.name, wanted.scopes, wanted.prefixes, expires)
    created = await asyncio.to_thread(parts.keeper.store.add, new)
    await parts.keeper.refresh()
    _log.info("token made", extra={"token": created.id, "scopes": ",".join(created.scopes), "by": _by(parts)})
    return Answer(encode(created), status=201, headers=NO_STORE)


@remove("/v1/tokens/{token_id:str}", Spec(TAG, Nothing, TokenShape, problems=(404, 503), scopes=("admin",)))
async def delete_token(request: Plain, _: Nothing) -> Answer:
    """End a token for good. It stays in the list; other nodes notice within a second."""
    parts = parts_of(request)
    revoked = await asyncio.to_thread(parts.keeper.store.revoke, request.path_params["token_id"])
    await parts.keeper.refresh()
    _log.info("token revoked", extra={"token": revoked.id, "by": _by(parts)})
    return Answer(encode(revoked), headers=NO_STORE)


def _by(parts: Parts) -> str:
    return "anonymous" if parts.caller is None else parts.caller.token.id


def _wanted(body: bytes) -> WantedToken:
    try:
        return _decoder.decode(body)
    except msgspec.ValidationError as error:
        raise explain.invalid(error, body, "", WantedToken) from None
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise explain.malformed(str(error)) from None


_decoder = msgspec.json.Decoder(WantedToken)

HANDLERS: list[HTTPRouteHandler] = [list_tokens, post_token, delete_token]
