"""Reading a request's body within its limits, whatever its encoding claims."""

from __future__ import annotations

import zlib
from typing import Any

from litestar import Request

from assetlog.schemas.errors import Invalid, TooLarge, Unavailable

MAX_RATIO = 200
"""A gzip body may grow at most this much: JSON of events reaches about 20, a bomb 1,000."""
RATIO_COUNTS_FROM = 1024 * 1024

_GZIP = 16 + zlib.MAX_WBITS


async def read_body(request: Request[Any, Any, Any], limit: int) -> bytes:
    """The body, decompressed.

    Raises:
        TooLarge: it has more than `limit` bytes, or is compressed beyond belief.
        Invalid: its encoding is none we know, or it is not what it claims.
    """
    encoding = request.headers.get("content-encoding", "").strip().lower()
    if encoding in ("", "identity"):
        return await _read_plain(request, limit)
    if encoding == "gzip":
        return await _read_gzip(request, limit)
    raise Invalid(
        f"Content-Encoding {encoding[:40]!r} is not understood.",
        code="unsupported-encoding",
        field="content-encoding",
        value=encoding,
        rule="a body is plain or gzip",
        hint="Send it plain, or with Content-Encoding: gzip.",
    )


async def _read_plain(request: Request[Any, Any, Any], limit: int) -> bytes:
    declared = request.headers.get("content-length", "")
    if declared.isdecimal() and int(declared) > limit:
        raise _too_large(limit)
    first, more = await _receive(request)
    if not more:
        return _within(first, limit)
    parts, size = [first], len(first)
    while more:
        part, more = await _receive(request)
        size += len(part)
        if size > limit:
            raise _too_large(limit)
        parts.append(part)
    return b"".join(parts)


async def _read_gzip(request: Request[Any, Any, Any], limit: int) -> bytes:
    unpacker, parts = Unpacker(limit), []
    more = True
    while more:
        part, more = await _receive(request)
        parts.append(unpacker.feed(part))
    unpacker.finish()
    return b"".join(parts)


class Unpacker:
    """Decompresses a gzip body piece by piece and stops at the limit, before memory does."""

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._stream = zlib.decompressobj(_GZIP)
        self._taken = 0
        self._given = 0

    def feed(self, part: bytes) -> bytes:
        """What a piece of the body says.

        Raises:
            TooLarge: the limit or the ratio is exceeded.
            Invalid: it is not gzip.
        """
        self._taken += len(part)
        try:
            plain = self._stream.decompress(part, self._limit - self._given + 1)
        except zlib.error as error:
            raise _not_gzip(str(error)) from None
        self._given += len(plain)
        if self._given > self._limit:
            raise _too_large(self._limit)
        if self._given > max(RATIO_COUNTS_FROM, self._taken * MAX_RATIO):
            raise _bomb()
        if self._stream.unused_data:
            raise _not_gzip("data follows its end")
        return plain

    def finish(self) -> None:
        """Say that the body has ended; refuse one that was cut off."""
        if not self._stream.eof:
            raise _not_gzip("it ends too early")


async def _receive(request: Request[Any, Any, Any]) -> tuple[bytes, bool]:
    message: Any = await request.receive()
    if message["type"] == "http.disconnect":
        raise Unavailable("The client went away.", code="disconnected")
    return message.get("body", b""), message.get("more_body", False)


def _within(body: bytes, limit: int) -> bytes:
    if len(body) > limit:
        raise _too_large(limit)
    return body


def _too_large(limit: int) -> TooLarge:
    return TooLarge(
        "The request body is too large.",
        code="body-too-large",
        field="body",
        rule=f"a body has at most {limit:,} bytes, decompressed",
        hint="Send it in several requests.",
    )


def _bomb() -> TooLarge:
    return TooLarge(
        "The request body is compressed too strongly.",
        code="body-too-large",
        field="body",
        rule=f"a gzip body grows at most {MAX_RATIO}-fold",
        hint="Send it plain, or in several requests.",
    )


def _not_gzip(reason: str) -> Invalid:
    return Invalid(
        f"The request body is not gzip: {reason}.",
        code="malformed-gzip",
        field="body",
        rule="Content-Encoding: gzip announces a whole gzip body",
        hint="Compress it again, or send it plain.",
    )
