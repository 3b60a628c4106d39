"""A connection to a node, for asyncio: asking it for JSON, shapes, lists and frames."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Any, TypeVar

from assetlog.catalog.answers import decode
from assetlog.catalog.client import asking
from assetlog.catalog.client.asking import LISTS, FrameWalk, Moment, Walk
from assetlog.catalog.client.frames import Frame
from assetlog.catalog.client.listings import AsyncListing
from assetlog.schemas.shapes import EventShape, Page

if TYPE_CHECKING:
    from typing import Self

    import httpx

Item = TypeVar("Item")
Shape = TypeVar("Shape")


class AsyncConnected:
    """Asks a node; what it takes, `AsyncClient` says."""

    def __init__(
        self,
        url: str | None = None,
        *,
        token: str | None = None,
        home: Path | None = None,
        timeout: float = asking.TIMEOUT_SECONDS,
    ) -> None:
        import httpx

        connection = asking.connection(url, token, home, timeout)
        self.node = connection.node
        self._http = httpx.AsyncClient(**connection.options)

    async def aclose(self) -> None:
        """Let the connections go."""
        await self._http.aclose()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.aclose()

    async def fetch(self, path: str, **params: Any) -> bytes:
        """The JSON that the node answers to `GET path`, untouched. Parameters that are None are left out."""
        return (await self._ask("GET", path, params=asking.on_the_wire(params))).content

    async def post(self, path: str, body: object, shape: type[Shape], **params: Any) -> Shape:
        """The answer to `POST path` with a JSON body, as a shape. Parameters that are None are left out."""
        options = asking.with_json(body, params)
        return decode((await self._ask("POST", path, **options)).content, shape)

    async def put(self, path: str, body: object, shape: type[Shape], **params: Any) -> Shape:
        """The answer to `PUT path` with a JSON body, as a shape. Parameters that are None are left out."""
        options = asking.with_json(body, params)
        return decode((await self._ask("PUT", path, **options)).content, shape)

    async def delete(self, path: str, shape: type[Shape], **params: Any) -> Shape:
        """The answer to `DELETE path` as a shape. Parameters that are None are left out."""
        return decode((await self._ask("DELETE", path, params=asking.on_the_wire(params))).content, shape)

    async def read(self, path: str, shape: type[Shape], **params: Any) -> Shape:
        """The answer to `GET path` as a shape."""
        return decode(await self.fetch(path, **params), shape)

    async def each(
        self, path: str, item: type[Item], *, limit: int | None = None, **params: Any
    ) -> AsyncIterator[Item]:
        """The items of a list, part by part, at most `limit` of them. All parts are as of the first one's position."""
        walk = Walk(limit, params.pop("cursor", None))
        while walk.going:
            page: Page[Item] = await self.read(path, asking.page_of(item), **walk.part(), **params)
            for each in page.items:
                yield each
            walk.took(page.next)

    async def frame(self, name: str, as_of: Moment = None, *, limit: int | None = None, **params: Any) -> Frame:
        """The rows of a list, every one unless `limit` is given, for pandas, Polars or Arrow.

        Args:
            name: the list's method: `assets`, `runs`, `events`, `asset_events`, ...; or `diff`.
            as_of: a moment of the past.
            limit: at most so many rows.
            params: what the method takes, by name.
        """
        streams = []
        for request in (walk := FrameWalk(name, as_of, limit, params)):
            streams.append(walk.took(await self._ask("GET", **request)))
        return Frame(streams)

    async def position(self, as_of: Moment = None) -> str:
        """The position that a moment means; how far the node has folded the log, for now."""
        return (await self.read(LISTS["events"], Page[EventShape], limit=1, order="desc", as_of=as_of)).position

    async def _listing(self, name: str, item: type[Item], as_of: Moment, filters: dict[str, Any]) -> AsyncListing[Item]:
        asked = dict(filters)
        page: Page[Item] = await self.read(asking.path_of(name, asked), asking.page_of(item), as_of=as_of, **asked)
        return AsyncListing(page, lambda: self.frame(name, page.position, **filters))

    async def _ask(self, method: str, path: str, **options: Any) -> httpx.Response:
        """An answer; a node that asks to come again later (429) is asked again when it says."""
        import httpx

        tried = 0
        while True:
            try:
                answer = await self._http.request(method, path, **options)
            except httpx.TransportError as error:
                raise asking.unreachable(self.node.url, error) from None
            pause = asking.pause_before_retry(answer, tried)
            if pause is None:
                return asking.checked(answer)
            await asyncio.sleep(pause)
            tried += 1
