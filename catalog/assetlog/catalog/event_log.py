"""A node's end of the log: the server (ours or an external one), the connections to it, and watching over it."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable
from typing import Any

import redis
import redis.asyncio

from assetlog.catalog.settings import Settings, without_password
from assetlog.consumers.archive.archive import Archive
from assetlog.consumers.archive.bodies import ArchivedBodies
from assetlog.consumers.archive.body_index import FOLDER, BodyIndex
from assetlog.consumers.archive.manifest import MANIFEST
from assetlog.consumers.archive.places import DIRECTORY, open_place
from assetlog.consumers.archive.refill import refill
from assetlog.consumers.fold.fold import Fold
from assetlog.consumers.fold.progress import MAX_POSITION
from assetlog.consumers.fold.progress import Mark as FoldMark
from assetlog.consumers.fold.rebuild import extend
from assetlog.consumers.log.appender import Appender
from assetlog.consumers.log.binary import OLDEST_EMBEDDED
from assetlog.consumers.log.bodies import Bodies, body_of
from assetlog.consumers.log.connection import OLDEST_EXTERNAL, ServerFacts, connect, connect_sync, inspect, refuse_unfit
from assetlog.consumers.log.continuity import Mark, check, entry_digest
from assetlog.consumers.log.home import HomeLock
from assetlog.consumers.log.server import LogServer
from assetlog.consumers.log.shrinking import keep_small
from assetlog.consumers.log.supervisor import Incident, Supervisor
from assetlog.consumers.log.wire import position_of
from assetlog.schemas.errors import AssetlogError, Broken, Unavailable
from assetlog.schemas.positions import START, format_position
from assetlog.schemas.stream import stream_key

_log = logging.getLogger("assetlog.node")


class EventLog:
    """The log server of a node and what reads and writes it. Made by `open_log`.

    Args:
        url: the server's URL.
        catalog: the catalog's name.
        archive: the sealed part of the log.
        server: the embedded server, None for an external one.
        index: this node's own index of the archive.
    """

    def __init__(self, url: str, catalog: str, archive: Archive, server: LogServer | None, index: BodyIndex) -> None:
        self.url = url
        self.client = connect(url)
        self.blocking = connect_sync(url)
        self.appender = Appender(self.client, catalog)
        self.archive = archive
        self.index = index
        self.bodies = ArchivedBodies(Bodies(self.blocking, catalog), archive, index)
        self.watch = Watch(self.blocking, catalog, self.bodies)
        self.facts: ServerFacts | None = None
        self._catalog = catalog
        self.server = server
        self._supervisor: Supervisor | None = None
        self._watching: list[asyncio.Task[None]] = []
        self._back: set[asyncio.Task[Any]] = set()

    async def open(self) -> None:
        """Look at the server and refuse one that cannot hold a log.

        Raises:
            Broken: it evicts, is a replica, or is too old.
            Unavailable: it does not answer.
        """
        self.facts = await inspect(self.client, self._catalog)
        self.appender.facts = self.facts  # receipts are worth that much from the first one on
        refuse_unfit(self.facts, oldest=OLDEST_EXTERNAL if self.server is None else OLDEST_EMBEDDED)
        self.appender.facts = self.facts
        about = {"url": without_password(self.url), "server": self.facts.version_text, "ack": self.facts.ack}
        _log.info("log server found", extra=about)

    def watch_over(self, on_back: Callable[[], Awaitable[None]]) -> None:
        """Bring the embedded server back whenever it dies, then call `on_back`, and keep its file small.

        An external server is looked after by others.
        """
        if self.server is None:
            return

        def tell(incident: Incident) -> None:
            if incident.kind == "back":
                task = asyncio.ensure_future(on_back())
                self._back.add(task)
                task.add_done_callback(self._back.discard)

        self._supervisor = Supervisor(self.server, tell)
        self._watching = [asyncio.create_task(self._supervisor.run()), asyncio.create_task(keep_small(self.client))]

    def problem(self) -> AssetlogError | None:
        """Why the embedded server is down or keeps dying; None while all is well, and for an external one."""
        return self._supervisor.problem if self._supervisor else None

    async def close(self) -> None:
        """Send what waits, close the connections, end the embedded server."""
        tasks = [*self._watching, *self._back]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        try:
            await self.appender.close()
            await self.client.aclose()
            self.blocking.close()
            self.archive.close()
        finally:
            if self.server is not None:
                await asyncio.to_thread(self.server.stop)


async def open_log(settings: Settings, lock: HomeLock) -> EventLog:
    """The log that the settings name: an external server by its URL, else an embedded one in the data directory.

    Raises:
        Broken, Unavailable: no server, or none that can hold a log; the hint says what to do.
    """
    archive = await asyncio.to_thread(open_archive, settings, remembered=True)
    server = None if settings.redis_url else LogServer(settings.home, lock=lock)
    url = settings.redis_url or ""
    if server is not None:
        url = await asyncio.to_thread(server.start)
    index = BodyIndex(settings.home / FOLDER / settings.catalog, settings.body_index_bytes)
    log = EventLog(url, settings.catalog, archive, server, index)
    try:
        await log.open()
    except BaseException:
        await log.close()
        raise
    return log


def open_archive(settings: Settings, *, remembered: bool = False) -> Archive:
    """The archive that the settings name.

    Args:
        remembered: begin with what its manifest said last, if its store does not answer now.

    Raises:
        Broken: it is damaged, or needs a library that is not installed.
        Unavailable: its store does not answer.
    """
    place = open_place(settings.archive_url, settings.home, settings.catalog)
    copy = settings.home / f"{DIRECTORY}-cache" / f"{settings.catalog}.{MANIFEST}"
    return Archive(place, copy if remembered and not place.url.startswith("file:") else None)


class Watch:
    """Tells the projector whether the log is still the one it folded. Used in the projector's threads."""

    def __init__(self, client: redis.Redis, catalog: str, bodies: ArchivedBodies) -> None:
        self._client = client
        self._catalog = catalog
        self._bodies = bodies
        self._archive = bodies.archive

    def check(self, mark: FoldMark | None, first: int | None) -> None:
        """Compare the log with where the fold stands.

        Raises:
            Broken: it is another log, or one with a gap.
            redis.RedisError: the server does not answer: no verdict yet.
        """
        own = None if mark is None else Mark(mark.position, mark.entry, mark.server)
        try:
            self._check(own, first)
        except Unavailable as error:
            raise redis.ConnectionError(error.detail) from error

    def _check(self, mark: Mark | None, first: int | None) -> None:
        try:
            check(self._client, self._catalog, mark, first=first, archive=self._archive)
        except Broken:
            if not self._archive.refresh():
                raise
            # another node sealed meanwhile, and trimmed behind that
            check(self._client, self._catalog, mark, first=first, archive=self._archive)

    def holds(self, mark: FoldMark) -> bool:
        """Whether the entry at the mark is still there, unchanged: one quick look.

        Raises:
            redis.RedisError: the server does not answer.
        """
        at = format_position(mark.position)
        entries: Any = self._client.xrange(stream_key(self._catalog), at, at)
        return bool(entries) and entry_digest(body_of(entries[0][1])) == mark.entry

    def fill(self, fold: Fold) -> int:
        """Fold on as far as the archive reaches.

        Raises:
            Broken: the archive is damaged, or of another log.
            Unavailable: its store does not answer.
        """
        try:
            self._archive.refresh()
        except Unavailable:
            if fold.position < max(1, self._archive.last or 0):
                raise
            return 0  # nothing that is known to be sealed is missing; the archiver says what is wrong, and tries on
        read = refill(fold, self._archive, MAX_POSITION)
        if read:
            _log.info("folded from the archive", extra={"events": read, "position": format_position(fold.position)})
        return read

    def catch_up(self, fold: Fold, up_to: int) -> None:
        """Fold the log on to a position.

        Raises:
            Unavailable: the log server or the archive does not answer.
        """
        self.fill(fold)
        extend(fold, self._bodies, up_to, lambda *_: None)

    def last_position(self) -> int:
        """Where the log ends.

        Raises:
            redis.RedisError: the server does not answer.
        """
        newest: Any = self._client.xrevrange(stream_key(self._catalog), count=1)
        return position_of(newest[0][0]) if newest else self._archive.last or START
