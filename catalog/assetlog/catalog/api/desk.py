"""Asking the desk, which knows what is scheduled: for now in its owner's thread, for the past one made for it."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import TypeVar

from assetlog.catalog.api.parts import Parts
from assetlog.catalog.api.query import AsOf
from assetlog.catalog.api.reading import moment
from assetlog.consumers.schedule.desk import Desk
from assetlog.consumers.schedule.loading import load_desk

LIVE_WITHIN = 1.0
"""Seconds in which the desk that is fed answers, unless its owner waits for something itself."""

Seen = TypeVar("Seen")


async def ask_desk(parts: Parts, query: AsOf, question: Callable[[Desk], Seen]) -> tuple[int, Seen]:
    """The answer as of the asked moment, and its position."""
    at = await moment(parts, query)
    return await ask_now(parts, question) if query.as_of is None else await ask_at(parts, at, question)


async def ask_now(parts: Parts, question: Callable[[Desk], Seen]) -> tuple[int, Seen]:
    """The answer for now, and the position it is as of."""
    seen = await _live(parts, lambda desk: (parts.projector.fold.position, question(desk)))
    return seen or await _made(parts, parts.projector.position, question)


async def ask_at(parts: Parts, at: int, question: Callable[[Desk], Seen]) -> tuple[int, Seen]:
    """The answer as of a folded position."""

    def now(desk: Desk) -> tuple[int, Seen] | None:
        return (at, question(desk)) if parts.projector.fold.position == at else None

    return await _live(parts, now) or await _made(parts, at, question)


async def _live(parts: Parts, question: Callable[[Desk], tuple[int, Seen] | None]) -> tuple[int, Seen] | None:
    """The answer of the desk that is fed; None where its owner has no time, e.g. as the log server is away."""
    try:
        return await asyncio.wait_for(parts.projector.ask_desk(question), LIVE_WITHIN)
    except TimeoutError:
        return None


async def _made(parts: Parts, at: int, question: Callable[[Desk], Seen]) -> tuple[int, Seen]:
    """The answer of a desk that is made for a position."""

    def look() -> Seen:
        return question(load_desk(parts.reader.cursor, at, parts.projector.fold.known))

    return at, await parts.ask(look)
