"""An answer as its bytes. Litestar's own response class costs three times as much as the rest of a short request."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Mapping
from contextlib import aclosing

from litestar.enums import ScopeType
from litestar.types import Receive, Scope, Send

JSON = "application/json"


class Answer:
    """What a handler answers; an ASGI application that sends it.

    Args:
        body: the bytes.
        status: the HTTP status.
        media_type: the content type.
        headers: further headers.
    """

    __slots__ = ("body", "headers", "media_type", "status")

    def __init__(
        self, body: bytes, *, status: int = 200, media_type: str = JSON, headers: Mapping[str, str] | None = None
    ) -> None:
        self.body = body
        self.status = status
        self.media_type = media_type
        self.headers = headers or {}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:  # noqa: ARG002 - ASGI's signature
        """Send it."""
        headers = _wire(self.headers)
        if self.status != 304:
            headers.append((b"content-type", self.media_type.encode("latin-1")))
            headers.append((b"content-length", b"%d" % len(self.body)))
        await send({"type": "http.response.start", "status": self.status, "headers": headers})
        await send({"type": "http.response.body", "body": self.body, "more_body": False})


class StreamAnswer:
    """An answer that goes on until its parts end or the client leaves.

    Args:
        parts: the parts; closed when the client has left.
        headers: the headers, the content type among them.
    """

    __slots__ = ("headers", "parts")

    def __init__(self, parts: AsyncGenerator[bytes, None], headers: Mapping[str, str]) -> None:
        self.parts = parts
        self.headers = headers

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Send part after part; the next is made when the one before is on its way."""
        await send({"type": "http.response.start", "status": 200, "headers": _wire(self.headers)})
        if scope["type"] == ScopeType.HTTP and scope["method"] == "HEAD":
            await self.parts.aclose()
            await send({"type": "http.response.body", "body": b"", "more_body": False})
            return
        sending = asyncio.ensure_future(self._send_parts(send))
        leaving = asyncio.ensure_future(_until_left(receive))
        try:
            await asyncio.wait((sending, leaving), return_when=asyncio.FIRST_COMPLETED)
        finally:
            leaving.cancel()
            sending.cancel()
            (ended, _) = await asyncio.gather(sending, leaving, return_exceptions=True)
        if isinstance(ended, Exception):
            raise ended

    async def _send_parts(self, send: Send) -> None:
        async with aclosing(self.parts) as parts:
            async for part in parts:
                await send({"type": "http.response.body", "body": part, "more_body": True})
        await send({"type": "http.response.body", "body": b"", "more_body": False})


async def _until_left(receive: Receive) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass


def _wire(headers: Mapping[str, str]) -> list[tuple[bytes, bytes]]:
    return [(name.lower().encode("latin-1"), value.encode("latin-1")) for name, value in headers.items()]
