"""Whether the node lives, whether it is ready, and its metrics."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Iterable
from contextlib import suppress
from typing import Any, Literal

import redis
from litestar.handlers import HTTPRouteHandler

from assetlog.catalog.api.answer import Answer
from assetlog.catalog.api.metrics import Facts, Metrics
from assetlog.catalog.api.parts import Parts, Plain, parts_of
from assetlog.catalog.api.problems import new_problem, problem_answer
from assetlog.catalog.api.query import Nothing
from assetlog.catalog.api.reading import encode
from assetlog.catalog.api.route import read
from assetlog.consumers.schedule.desk import Desk
from assetlog.schemas.errors import AssetlogError, Unavailable
from assetlog.schemas.positions import format_position, parse_position
from assetlog.schemas.shapes import ProblemItem, Shape
from assetlog.schemas.stream import archive_key, stream_key

TAG = "service"
PING_WITHIN = 1.0
"""Seconds the log server gets to answer."""


class Health(Shape, kw_only=True):
    """The node is well."""

    status: Literal["live", "ready"]
    position: str
    """How far the fold is."""
    warnings: list[ProblemItem] = []
    """What does not keep the node from its work, and should not stay so."""


@read("/health/live", Nothing, Health, tag=TAG, problems=(), scopes=())
async def get_live(request: Plain, _: Nothing) -> Answer:
    """Whether the process answers at all."""
    return _health(parts_of(request), "live")


@read("/health/ready", Nothing, Health, tag=TAG, problems=(503,), scopes=())
async def get_ready(request: Plain, _: Nothing) -> Answer:
    """Whether the node takes events and folds them: 503 with every reason why not."""
    parts = parts_of(request)
    reasons = await unready(parts)
    if not reasons:
        return _health(parts, "ready")
    first = reasons[0]
    return problem_answer(new_problem(503, first.code, first.detail, first.hint or None, _items(reasons)))


async def unready(parts: Parts) -> list[AssetlogError]:
    """Every reason why a node is not ready, the gravest first."""
    projector = parts.projector
    reasons = [reason for reason in (projector.failure, parts.log_problem()) if reason is not None]
    if not await _answers(parts):
        reasons.append(
            Unavailable(
                "The log server does not answer.",
                code="log-unreachable",
                hint="See the log server's own log, or `assetlog doctor`.",
            )
        )
    if projector.trouble is not None:
        hint = "It tries again by itself; `assetlog doctor` looks closer."
        reasons.append(Unavailable(f"The fold waits: {projector.trouble}.", code="fold-waiting", hint=hint))
    elif projector.failure is None and not projector.caught_up:
        reached = format_position(projector.position)
        detail = f"The fold has reached {reached} and is catching up with what was in the log at the start."
        reasons.append(Unavailable(detail, code="catching-up", hint="Wait; /metrics says how many events are left."))
    return reasons


def warnings(parts: Parts) -> list[AssetlogError]:
    """What a node that is ready should be helped with."""
    return [problem for problem in (parts.archiver.problem, parts.scheduler.problem) if problem is not None]


def _items(reasons: Iterable[AssetlogError]) -> list[ProblemItem]:
    return [ProblemItem(field=reason.code, value=reason.value, rule=str(reason)) for reason in reasons]


@read("/metrics", Nothing, None, tag=TAG, problems=(), content_type=Metrics.content_type)
async def get_metrics(request: Plain, _: Nothing) -> Answer:
    """Prometheus metrics."""
    parts = parts_of(request)
    return Answer(parts.metrics.text(await facts_of(parts)), media_type=Metrics.content_type)


async def facts_of(parts: Parts) -> Facts:
    """How far log and fold are; without what the log server knows if it does not answer."""
    projector = parts.projector
    facts = Facts(
        projector.totals()._asdict(),
        projector.position,
        running=projector.failure is None,
        archiving=parts.archiver.problem is None,
        scheduling=parts.scheduler.leads,
    )
    if parts.scheduler.leads and projector.trouble is None:  # else the desk's thread is busy trying again
        with suppress(TimeoutError):
            consumers, queued, active = await asyncio.wait_for(projector.ask_desk(_waiting), PING_WITHIN)
            facts = facts._replace(consumers=consumers, queued=queued, active=active)
    with suppress(redis.RedisError, OSError, TimeoutError):
        async with asyncio.timeout(PING_WITHIN):
            return await _with_log(parts, facts)
    return facts


def _waiting(desk: Desk) -> tuple[int, int, int]:
    """How many consumers there are, how many events wait for them, how many triggers have not ended."""
    return len(desk.consumers), sum(state.queued for state in desk.consumers.values()), len(desk.firings)


async def _with_log(parts: Parts, facts: Facts) -> Facts:
    key = stream_key(parts.settings.catalog)
    behind: Any = await parts.redis.xrange(key, min=f"({format_position(facts.position)}", count=1)
    entries = int(await parts.redis.xlen(key))
    about: Any = await parts.redis.xinfo_stream(key) if entries else {}
    memory = await parts.redis.info("memory")
    known = facts._replace(
        log_entries=entries,
        log_bytes=int(memory["used_memory"]),
        archive_position=await _archived(parts),
    )
    if not behind:
        return known._replace(lag_events=0, lag_seconds=0.0)
    oldest = parse_position(behind[0][0].decode()) >> 20
    waiting = int(about.get("entries-added", entries)) - sum(facts.totals.values())
    return known._replace(lag_events=max(1, waiting), lag_seconds=max(0.0, time.time() - oldest / 1000))


async def _archived(parts: Parts) -> int | None:
    """How far the archive reaches, None before the first seal."""
    found: Any = await parts.redis.hget(archive_key(parts.settings.catalog), "position")
    return parse_position(found.decode()) if found else None


async def _answers(parts: Parts) -> bool:
    with suppress(redis.RedisError, OSError, TimeoutError):
        async with asyncio.timeout(PING_WITHIN):
            await parts.redis.ping()
            return True
    return False


def _health(parts: Parts, status: Literal["live", "ready"]) -> Answer:
    health = Health(
        status=status,
        position=format_position(parts.projector.position),
        warnings=_items(warnings(parts)) if status == "ready" else [],
    )
    return Answer(encode(health), headers={"Cache-Control": "no-store"})


HANDLERS: list[HTTPRouteHandler] = [get_live, get_ready, get_metrics]
