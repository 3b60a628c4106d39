"""Taking events in: judge each, drop what is known already, append the rest in one go, give receipts.

Accept-time duplicates are a courtesy to producers that retry: what this window cannot see (ids older than the
last 50,000, other nodes' appends of this very moment) the fold drops, which alone is exact.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from typing import Protocol

from msgspec import Struct

from assetlog.consumers.fold.identity import Identity, identity
from assetlog.consumers.fold.window import Seen
from assetlog.schemas.codec import Event, decode
from assetlog.schemas.errors import AssetlogError, Conflict, Forbidden, Unavailable
from assetlog.schemas.events.registry import RESERVED_FAMILIES, RESERVED_SOURCE
from assetlog.schemas.positions import format_position
from assetlog.schemas.secrets import redact

FLIGHTS_KEPT = 50_000
"""Most appended events that are remembered until they are folded."""
SLICE = 500
"""Events that are sorted at a stretch."""
JUDGE_ELSEWHERE_FROM = 64 * 1024
"""Bodies from this size (bytes) are decoded in a thread, so that other requests are answered meanwhile."""


class Log(Protocol):
    """What the intake needs of the log."""

    async def append(self, raws: Sequence[bytes]) -> list[int]:
        """Append events; their positions."""


class Folded(Protocol):
    """What the intake needs of the fold."""

    position: int

    def seen(self, of: Identity) -> Seen | None:
        """The first event of an identity, if it is one of the last."""

    def same_bytes(self, seen: Seen, raw: bytes) -> bool:
        """Whether it had these bytes; may ask the log server."""

    def expect(self, raw: bytes, event: Event, of: Identity) -> None:
        """An event that is decoded already is about to be appended."""

    def refuse_writes(self) -> None:
        """Raise Unavailable if the log is not the one that was folded."""


Check = Callable[[Event], None]
"""Raises for an event that its caller may not write."""


class Judged(Struct):
    """One event of a request and what became of it: `error`, or `position`."""

    index: int
    raw: bytes
    event: Event | None = None
    error: AssetlogError | None = None
    position: int | None = None
    duplicate: bool = False
    redacted: int = 0
    """So many values were struck out as secrets."""


class Flight(Struct):
    """An event between its acceptance and its folding."""

    of: bytes
    """Its identity's digest."""
    body_hash: int
    landed: asyncio.Future[None]
    position: int = 0


@dataclass(slots=True)
class Intake:
    """The one way in for events.

    Args:
        log: where events are appended.
        folded: what the fold has seen.
        redacting: whether secrets in free texts are struck out. It comes before everything else: what is stored,
            compared with duplicates and acknowledged is the event without them.
    """

    log: Log
    folded: Folded
    redacting: bool = True
    _flights: dict[bytes, Flight] = field(default_factory=dict)
    _order: deque[Flight] = field(default_factory=deque)

    async def take(self, raws: Sequence[bytes], check: Check | None = None) -> list[Judged]:
        """Judge the events of a request and append the good, new ones together, in their order.

        Raises:
            Unavailable: the log cannot be reached, or is not the one that was folded; nothing is known to be
                appended, and sending the same events again is safe.
        """
        self.folded.refuse_writes()
        if sum(map(len, raws)) < JUDGE_ELSEWHERE_FROM:
            judged = judge(raws, check, redacting=self.redacting)
        else:
            judged = await asyncio.to_thread(judge, raws, check, redacting=self.redacting)
        await self._append([each for each in judged if each.error is None])
        return judged

    async def _append(self, good: list[Judged]) -> None:
        self._forget_folded()
        landed = asyncio.get_running_loop().create_future()
        new: list[tuple[Judged, Flight]] = []
        waiting: list[tuple[Judged, Flight]] = []
        unsure: list[tuple[Judged, Seen]] = []
        try:
            for number, each in enumerate(good, 1):
                self._sort(each, landed, new, waiting, unsure)
                if number % SLICE == 0:
                    await asyncio.sleep(0)  # 3 us an event: thousands at a stretch would hold up every other request
            if new:
                await self._send(new)
        except BaseException as error:
            self._drop([flight for _, flight in new])
            landed.set_exception(error if isinstance(error, AssetlogError) else interrupted())
            landed.exception()  # those who wait for it are told; nobody waiting is no fault
            raise
        landed.set_result(None)
        for each, flight in waiting:
            await asyncio.shield(flight.landed)
            each.position = flight.position
        if unsure:
            await self._compare(unsure)

    def _sort(
        self,
        each: Judged,
        landed: asyncio.Future[None],
        new: list[tuple[Judged, Flight]],
        waiting: list[tuple[Judged, Flight]],
        unsure: list[tuple[Judged, Seen]],
    ) -> None:
        """Decide whether an event is new, known, or still on its way."""
        assert each.event is not None
        of, body_hash = identity(each.event.source, each.event.id), hash(each.raw)
        if flight := self._flights.get(of.digest):
            each.duplicate = True
            if flight.body_hash == body_hash:
                waiting.append((each, flight))
            else:
                each.error = id_conflict(each.event)
        elif seen := self.folded.seen(of):
            each.duplicate, each.position = True, seen.position
            if seen.body_hash is None:
                unsure.append((each, seen))
            elif seen.body_hash != body_hash:
                each.error = id_conflict(each.event)
        else:
            flight = Flight(of.digest, body_hash, landed)
            self.folded.expect(each.raw, each.event, of)
            self._flights[of.digest] = flight
            self._order.append(flight)
            new.append((each, flight))

    async def _send(self, new: list[tuple[Judged, Flight]]) -> None:
        positions = await self.log.append([each.raw for each, _ in new])
        for (each, flight), position in zip(new, positions, strict=True):
            each.position = flight.position = position

    async def _compare(self, unsure: list[tuple[Judged, Seen]]) -> None:
        """Tell a duplicate from a conflict by the log's own bytes, where no hash of them is at hand."""
        for each, seen in unsure:
            if each.event is not None and not await asyncio.to_thread(self.folded.same_bytes, seen, each.raw):
                each.error = id_conflict(each.event)

    def _forget_folded(self) -> None:
        """Let go of what the fold has seen by now, and of the oldest if the fold stands still."""
        folded = self.folded.position
        while self._order and (0 < self._order[0].position <= folded or len(self._order) > FLIGHTS_KEPT):
            flight = self._order.popleft()
            if self._flights.get(flight.of) is flight:
                del self._flights[flight.of]

    def _drop(self, flights: Iterable[Flight]) -> None:
        for flight in flights:
            if self._flights.get(flight.of) is flight:
                del self._flights[flight.of]
            flight.position = 1  # folded for ever: its place in the queue is swept with the next


def judge(raws: Sequence[bytes], check: Check | None = None, *, redacting: bool = True) -> list[Judged]:
    """Decode each event; a bad one does not spoil the others.

    >>> [each.error.code for each in judge([b"{", b"[]"])]
    ['malformed-json', 'invalid-attribute']
    """
    return [_judge_one(index, raw, check, redacting) for index, raw in enumerate(raws)]


def _judge_one(index: int, raw: bytes, check: Check | None, redacting: bool) -> Judged:
    try:
        event = decode(raw)
        refuse_reserved(event)
        if check is not None:
            check(event)
        clean, struck = redact(raw, event) if redacting else (raw, 0)
        return Judged(index, clean, decode(clean) if struck else event, redacted=struck)
    except AssetlogError as error:
        return Judged(index, raw, None, error)


def refuse_reserved(event: Event) -> None:
    """Refuse what only nodes and workers may write.

    Raises:
        Forbidden: a reserved type or source.
    """
    if event.type.startswith(RESERVED_FAMILIES):
        raise _reserved("type", event.type, "types " + " and ".join(f"{family}*" for family in RESERVED_FAMILIES))
    if event.source.lower().startswith(RESERVED_SOURCE):
        raise _reserved("source", event.source, f"sources under {RESERVED_SOURCE}")


def id_conflict(event: Event) -> Conflict:
    """The same source and id came with other bytes."""
    return Conflict(
        "Another event has this source and id; the first one stays.",
        code="id-conflict",
        field="id",
        value=event.id,
        rule="source and id together name one event for ever",
        hint="Give a new event a new id (a UUIDv7); send a retry with the same bytes.",
    )


def interrupted() -> Unavailable:
    """The request that was appending the same event broke off."""
    return Unavailable(
        "Whether the event was appended is unknown.", code="outcome-unknown", hint="Send it again with the same bytes."
    )


def positions_of(judged: Iterable[Judged]) -> list[int]:
    """The positions that a request's events have in the log."""
    return [each.position for each in judged if each.position is not None and each.error is None]


def position_text(judged: Judged) -> str:
    """An accepted event's position as text."""
    assert judged.position is not None
    return format_position(judged.position)


def _reserved(name: str, value: str, what: str) -> Forbidden:
    return Forbidden(
        f"{what[0].upper()}{what[1:]} are written by nodes and workers only.",
        code="reserved-type",
        field=name,
        value=value,
        rule=f"{what} are reserved",
        hint="Use the consumers' part of the API, or another type and source.",
    )
