"""The client for asyncio: the same methods as coroutines and asynchronous iterators."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import aclosing
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Any, TypeVar

import msgspec

from assetlog.catalog.answers import decode
from assetlog.catalog.client import asking
from assetlog.catalog.client.asking import LISTS, FrameWalk, Moment, Walk
from assetlog.catalog.client.following import PATIENCE_SECONDS, Following
from assetlog.catalog.client.frames import Frame
from assetlog.catalog.client.listings import AsyncListing
from assetlog.catalog.sse import Message, MessageReader
from assetlog.schemas.artifact_shapes import ArtifactChange, ArtifactDiff
from assetlog.schemas.errors import Unavailable
from assetlog.schemas.shapes import (
    Alias,
    Artifact,
    Asset,
    Check,
    Diff,
    EventShape,
    Group,
    Job,
    Lineage,
    Page,
    Partition,
    Quarantined,
    RunShape,
    TreeNode,
)

if TYPE_CHECKING:
    import httpx

Item = TypeVar("Item")
Shape = TypeVar("Shape")


class AsyncClient:
    """Reads a node, for now and for any moment of the past, without blocking the event loop.

    It takes what `Client` takes, and has its methods: `await client.asset(key)`,
    `async for event in client.follow()`, `await (await client.assets()).to_pandas()`.
    """

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

    async def __aenter__(self) -> AsyncClient:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.aclose()

    async def fetch(self, path: str, **params: Any) -> bytes:
        """The JSON that the node answers to `GET path`, untouched. Parameters that are None are left out."""
        return (await self._ask("GET", path, params=asking.on_the_wire(params))).content

    async def post(self, path: str, body: object, shape: type[Shape]) -> Shape:
        """The answer to `POST path` with a JSON body, as a shape."""
        headers = {"content-type": "application/json"}
        return decode(
            (await self._ask("POST", path, content=msgspec.json.encode(body), headers=headers)).content, shape
        )

    async def put(self, path: str, body: object, shape: type[Shape], **params: Any) -> Shape:
        """The answer to `PUT path` with a JSON body, as a shape. Parameters that are None are left out."""
        options = {"params": asking.on_the_wire(params), "headers": {"content-type": "application/json"}}
        return decode((await self._ask("PUT", path, content=msgspec.json.encode(body), **options)).content, shape)

    async def delete(self, path: str, shape: type[Shape]) -> Shape:
        """The answer to `DELETE path` as a shape."""
        return decode((await self._ask("DELETE", path)).content, shape)

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

    async def asset(self, key: str, as_of: Moment = None) -> Asset:
        """One asset. Raises NotFound for a key that no event names as of that moment."""
        return await self.read("/v1/asset", Asset, key=key, as_of=as_of)

    async def assets(self, as_of: Moment = None, **filters: Any) -> AsyncListing[Asset]:
        """Assets by `q`, `prefix`, `scheme`, `group`, `tag`, `owner`, `state`; `sort`, `limit`, `cursor`."""
        return await self._listing("assets", Asset, as_of, filters)

    def each_asset(self, as_of: Moment = None, **filters: Any) -> AsyncIterator[Asset]:
        """Every asset that the filters of `assets` let through."""
        return self.each(LISTS["assets"], Asset, as_of=as_of, **filters)

    async def asset_events(self, key: str, as_of: Moment = None, **filters: Any) -> AsyncListing[EventShape]:
        """The events of one asset, newest first."""
        return await self._listing("asset_events", EventShape, as_of, {"key": key, **filters})

    async def partitions(self, key: str, as_of: Moment = None, **filters: Any) -> AsyncListing[Partition]:
        """The partitions of one asset."""
        return await self._listing("partitions", Partition, as_of, {"key": key, **filters})

    async def checks(self, key: str, as_of: Moment = None, **filters: Any) -> AsyncListing[Check]:
        """The newest result of each check of one asset."""
        return await self._listing("checks", Check, as_of, {"key": key, **filters})

    async def tree(self, prefix: str = "", as_of: Moment = None) -> list[TreeNode]:
        """The steps below a prefix of the key tree: schemes first, then path segments."""
        return (await self.read(LISTS["tree"], Page[TreeNode], prefix=prefix, as_of=as_of)).items

    async def lineage(
        self,
        key: str,
        direction: str = "both",
        depth: int | None = None,
        as_of: Moment = None,
        *,
        columns: bool | None = None,
    ) -> Lineage:
        """What an asset was made from (`up`) and what was made from it (`down`); with `columns`, theirs, too."""
        asked: dict[str, Any] = {"key": key, "direction": direction, "depth": depth, "columns": columns}
        return await self.read("/v1/lineage", Lineage, **asked, as_of=as_of)

    async def graph(self, as_of: Moment = None, *, limit: int | None = None) -> Lineage:
        """The whole graph of assets; `truncated` says whether `limit` (10,000 unless given) cut it."""
        return await self.read("/v1/graph", Lineage, limit=limit, as_of=as_of)

    async def groups(self, as_of: Moment = None, **filters: Any) -> AsyncListing[Group]:
        """The groups of assets."""
        return await self._listing("groups", Group, as_of, filters)

    async def aliases(self, as_of: Moment = None, **filters: Any) -> AsyncListing[Alias]:
        """Run-time aliases and the assets they stood for."""
        return await self._listing("aliases", Alias, as_of, filters)

    async def artifacts(self, as_of: Moment = None, **filters: Any) -> AsyncListing[Artifact]:
        """The newest version of each artifact, by `q`, `type`, `asset`, `run`; `limit`, `cursor`."""
        return await self._listing("artifacts", Artifact, as_of, filters)

    async def artifact(self, key: str, version: int | None = None, as_of: Moment = None) -> Artifact:
        """One artifact: its newest version unless one is given."""
        return await self.read("/v1/artifact", Artifact, key=key, version=version, as_of=as_of)

    async def artifact_versions(self, key: str, as_of: Moment = None, **filters: Any) -> AsyncListing[Artifact]:
        """Every version of an artifact, newest first."""
        return await self._listing("artifact_versions", Artifact, as_of, {"key": key, **filters})

    async def artifact_history(self, key: str, as_of: Moment = None, **filters: Any) -> AsyncListing[ArtifactChange]:
        """What happened to an artifact's newest version, or the one of `version`; newest first."""
        return await self._listing("artifact_history", ArtifactChange, as_of, {"key": key, **filters})

    async def artifact_diff(
        self, key: str, from_: int | None = None, to: int | None = None, as_of: Moment = None
    ) -> ArtifactDiff:
        """What is different between two versions of an artifact: the newest and the one before unless given."""
        return await self.read("/v1/artifact/diff", ArtifactDiff, key=key, as_of=as_of, **{"from": from_, "to": to})

    async def image(self, artifact: Artifact) -> bytes:
        """The image that an artifact shows, if the catalog keeps it.

        Raises:
            Invalid: the catalog has only its URL, or the artifact is no image.
        """
        kept = asking.kept_image(artifact)
        return kept if isinstance(kept, bytes) else await self.fetch(kept, artifact=artifact.id)

    async def runs(self, as_of: Moment = None, **filters: Any) -> AsyncListing[RunShape]:
        """Runs by `job`, `state`, `asset`; `limit`, `cursor`. Newest first."""
        return await self._listing("runs", RunShape, as_of, filters)

    async def run(self, run_id: str, as_of: Moment = None) -> RunShape:
        """One run, with the runs it started."""
        return await self.read("/v1/run", RunShape, id=run_id, as_of=as_of)

    async def jobs(self, as_of: Moment = None, **filters: Any) -> AsyncListing[Job]:
        """What is executed, by name."""
        return await self._listing("jobs", Job, as_of, filters)

    async def diff(self, from_: Moment, to: Moment = None, **filters: Any) -> Diff:
        """What changed between two moments; `to` is now unless given."""
        return await self.read(LISTS["diff"], Diff, from_=from_, to=to, **filters)

    async def quarantine(self, as_of: Moment = None, **filters: Any) -> AsyncListing[Quarantined]:
        """The events that the fold could not take."""
        return await self._listing("quarantine", Quarantined, as_of, filters)

    async def events(self, as_of: Moment = None, **filters: Any) -> AsyncListing[EventShape]:
        """Events by `after`, `before`, `type`, `asset`, `run`; `order` is `asc` or `desc`; `limit`, `cursor`."""
        return await self._listing("events", EventShape, as_of, filters)

    def each_event(
        self, as_of: Moment = None, *, limit: int | None = None, **filters: Any
    ) -> AsyncIterator[EventShape]:
        """Every event that the filters of `events` let through, at most `limit` of them."""
        return self.each(LISTS["events"], EventShape, limit=limit, as_of=as_of, **filters)

    async def follow(
        self, after: str | None = None, *, patience: float = PATIENCE_SECONDS, **filters: Any
    ) -> AsyncGenerator[EventShape]:
        """Events as they are folded, for ever; each exactly once, also over lost connections and node restarts.

        Args:
            after: begin behind this position; unless given, with what comes next.
            patience: seconds that the node may be away before `Unavailable` is raised.
            filters: `type`, `asset`, `run`.
        """
        following = Following(after or await self.position(), patience)
        while True:
            try:
                async with aclosing(self._messages(following, filters)) as messages:
                    async for message in messages:
                        event = following.took(message)
                        if event is not None:
                            yield event
            except Unavailable as error:
                following.lost(error)
            await asyncio.sleep(following.pause())

    async def _listing(self, name: str, item: type[Item], as_of: Moment, filters: dict[str, Any]) -> AsyncListing[Item]:
        page: Page[Item] = await self.read(LISTS[name], asking.page_of(item), as_of=as_of, **filters)
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

    async def _messages(self, following: Following, filters: dict[str, Any]) -> AsyncGenerator[Message]:
        import httpx

        try:
            async with self._http.stream("GET", **following.request(filters)) as answer:
                if not answer.is_success:
                    await answer.aread()
                asking.checked(answer)
                reader = MessageReader()
                async for chunk in answer.aiter_bytes():
                    for message in reader.feed(chunk):
                        yield message
        except httpx.TransportError as error:
            raise asking.unreachable(self.node.url, error) from None
