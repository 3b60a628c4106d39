"""What the routes work with: the parts of a node, made once by the composition root."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from concurrent.futures import Executor
from dataclasses import dataclass, field, replace
from typing import Any, TypeVar, cast
from weakref import WeakKeyDictionary

import duckdb
from litestar import Request
from redis.asyncio import Redis

from assetlog.catalog.access.gate import caller_of
from assetlog.catalog.access.keeper import Caller, Keeper
from assetlog.catalog.api.metrics import Metrics
from assetlog.catalog.intake import Intake
from assetlog.catalog.settings import Settings
from assetlog.consumers.archive.archiver import Archiver
from assetlog.consumers.archive.blobs import Blobs
from assetlog.consumers.fold.projector import Projector
from assetlog.consumers.log.appender import Appender
from assetlog.consumers.schedule.scheduler import Scheduler
from assetlog.consumers.views.limited_reader import LimitedReader
from assetlog.consumers.views.memory import Memory
from assetlog.consumers.views.reader import Reader
from assetlog.schemas.errors import AssetlogError, Unavailable
from assetlog.schemas.positions import format_position

Answer = TypeVar("Answer")
Plain = Request[Any, Any, Any]


@dataclass(frozen=True, slots=True)
class Parts:
    """A node, as its routes see it."""

    settings: Settings
    redis: Redis
    """The log server, for looking at it."""
    log_problem: Callable[[], AssetlogError | None]
    """Why the embedded log server is down; None while it is not, and for an external one."""
    appender: Appender
    intake: Intake
    projector: Projector
    scheduler: Scheduler
    """What fires consumers while this node leads."""
    archiver: Archiver
    """What seals and trims the log while this node leads, and says how far it is."""
    reader: Reader
    threads: Executor
    metrics: Metrics
    api_source: str
    """The `source` of events the API makes itself."""
    keeper: Keeper
    """Knows who may come in."""
    memory: Memory | None
    """The newest answers that are at hand; None for a caller who may not see everything."""
    blobs: Blobs
    """Images that were uploaded."""
    identity: bytes
    """Version and catalog: equal questions to other ones have other ETags."""
    stopping: asyncio.Event = field(default_factory=asyncio.Event)
    """Set when the node stops: open streams end."""
    deciding: asyncio.Lock = field(default_factory=asyncio.Lock)
    """Held while something about consumers is looked up and then written: of two that do so, the second looks again."""
    caller: Caller | None = None
    """Whose token came with the request; None for somebody on an open node."""

    @property
    def prefixes(self) -> tuple[str, ...]:
        """Beginnings of the keys that the caller may see; none: every key."""
        return () if self.caller is None else self.caller.token.prefixes

    @property
    def welcome(self) -> bool:
        """Whether the caller may still be here: a stream outlives the moment that let it in."""
        return not self.keeper.has_tokens if self.caller is None else self.keeper.knows(self.caller)

    async def ask(self, question: Callable[..., Answer], *args: Any, **options: Any) -> Answer:
        """Put a question to the reader in one of its threads.

        Raises:
            Unavailable: the projection is bad, and is folded again meanwhile.
        """
        loop = asyncio.get_running_loop()
        try:
            return await loop.run_in_executor(self.threads, lambda: question(*args, **options))
        except duckdb.Error as error:
            if not self.projector.note_fault(error):
                raise
            raise Unavailable(
                "The projection could not be read and is opened or folded again.",
                code="fold-waiting",
                hint="Ask again in a moment; /health/ready says when it is done.",
            ) from error

    async def until_folded(self, position: int) -> None:
        """Wait for a position to be folded.

        Raises:
            Unavailable: it was not within the settings' `wait_seconds`.
        """
        if position <= self.projector.position:
            return
        if not await self.projector.wait_for(position, self.settings.wait_seconds):
            raise not_yet_folded(position, self.projector.position)


def whole_parts(request: Plain) -> Parts:
    """The node that a request came to, whoever asks."""
    return cast("Parts", request.app.state["parts"])


def parts_of(request: Plain) -> Parts:
    """The node that a request came to, as far as its caller may see it."""
    parts = whole_parts(request)
    caller = caller_of(request.scope)
    return parts if caller is None else parts_for(parts, caller)


def parts_for(parts: Parts, caller: Caller) -> Parts:
    """A node as a caller may see it."""
    theirs = _parts_of.get(caller)
    if theirs is None:
        theirs = _parts_of[caller] = _limited(parts, caller)
    return theirs


def _limited(parts: Parts, caller: Caller) -> Parts:
    prefixes = caller.token.prefixes
    if not prefixes:
        return replace(parts, caller=caller)
    return replace(
        parts,
        caller=caller,
        reader=LimitedReader(parts.reader, prefixes),
        memory=None,  # what is at hand knows neighbours outside
        identity=parts.identity + "\0".join(prefixes).encode() + b"\0",
    )


_parts_of: WeakKeyDictionary[Caller, Parts] = WeakKeyDictionary()


def not_yet_folded(wanted: int, reached: int) -> Unavailable:
    """The fold is behind what was asked for."""
    return Unavailable(
        f"The fold has reached {format_position(reached)}, not yet {format_position(wanted)}.",
        code="not-yet-folded",
        field="position",
        value=format_position(wanted),
        rule="an answer waits at most a few seconds for the fold",
        hint="Ask again; /health/ready says whether the fold goes on.",
    )
