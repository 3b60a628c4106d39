"""What a producer is answered: which events are in, where, how safe, and why the others are not."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import Literal, NamedTuple

from assetlog.catalog.api.answer import Answer
from assetlog.catalog.api.parts import Parts
from assetlog.catalog.api.problems import PROBLEM_TYPE, new_problem, problem_of
from assetlog.catalog.api.reading import POSITION_HEADER, encode
from assetlog.catalog.intake import Judged, position_text, positions_of
from assetlog.schemas.errors import AssetlogError
from assetlog.schemas.positions import format_position
from assetlog.schemas.shapes import Accepted, Problem, ProblemItem, Receipt, Rejected

WRITE_ELSEWHERE_FROM = 500
"""Events of a request whose receipt is written in a thread."""
Ack = Literal["disk", "memory", "unknown"]


class Refusal(Problem, kw_only=True):
    """No event was taken: a problem that also lists each event's reason, as a receipt does."""

    accepted: list[Accepted] = []
    ack: Ack
    rejected: list[Rejected]


class Waited(NamedTuple):
    """Whether the fold came as far as the request wanted; None where it wanted nothing."""

    folded: bool | None = None


async def wait_folded(parts: Parts, judged: Sequence[Judged], wait: str | None) -> Waited:
    """Wait for a request's events to be folded, if it asked for that."""
    positions = positions_of(judged)
    if wait is None or not positions:
        return Waited()
    return Waited(await parts.projector.wait_for(max(positions), parts.settings.wait_seconds))


async def receipt(parts: Parts, judged: Sequence[Judged], waited: Waited) -> Answer:
    """The answer to a request with events; a long one is written in a thread, so that others are answered meanwhile."""
    if len(judged) < WRITE_ELSEWHERE_FROM:
        return receipt_answer(parts, judged, waited)
    return await asyncio.to_thread(receipt_answer, parts, judged, waited)


def receipt_answer(parts: Parts, judged: Sequence[Judged], waited: Waited) -> Answer:
    """The answer to a request with events: 201, 202, 207, or a problem when none was taken."""
    ack: Ack = parts.appender.ack
    rejected = [rejection(each.index, each.error) for each in judged if each.error is not None]
    if len(rejected) == len(judged):
        return _refusal(judged, ack, rejected)
    accepted = [_accepted(parts, each, waited) for each in judged if each.error is None]
    body = Receipt(accepted=accepted, ack=ack, rejected=rejected, folded=waited.folded)
    body.redacted = sum(each.redacted for each in judged if each.error is None)
    headers = {POSITION_HEADER: format_position(max(positions_of(judged)))}
    status = 207 if rejected else 202 if waited.folded is False else 201
    return Answer(encode(body), status=status, headers=headers)


def rejection(index: int, error: AssetlogError) -> Rejected:
    """Why one event of a request was not taken."""
    return Rejected(
        index=index,
        code=error.code,
        detail=error.detail,
        field=error.field,
        value=error.value,
        rule=error.rule,
        hint=error.hint or None,
    )


def _accepted(parts: Parts, judged: Judged, waited: Waited) -> Accepted:
    assert judged.event is not None
    assert judged.position is not None
    accepted = Accepted(id=judged.event.id, position=position_text(judged), duplicate=judged.duplicate)
    if waited.folded is not None:
        accepted.verdict = parts.projector.verdict(judged.position)
        accepted.folded = waited.folded and accepted.verdict != "quarantined"
        accepted.duplicate = judged.duplicate or accepted.verdict == "duplicate"
    return accepted


def _refusal(judged: Sequence[Judged], ack: Ack, rejected: list[Rejected]) -> Answer:
    """The problem of a request without a single good event: one event's own, or 400 for several."""
    first = judged[0].error
    assert first is not None
    problem = problem_of(first) if len(judged) == 1 else _none_taken(len(judged))
    problem.errors = [
        ProblemItem(index=each.index, field=each.field, value=each.value, rule=each.rule) for each in rejected
    ]
    refusal = Refusal(
        **{name: getattr(problem, name) for name in problem.__struct_fields__}, ack=ack, rejected=rejected
    )
    return Answer(encode(refusal), status=problem.status, media_type=PROBLEM_TYPE)


def _none_taken(count: int) -> Problem:
    detail = f"None of the {count:,} events was taken; `rejected` says why for each."
    return new_problem(400, "no-event-taken", detail, "Mend them and send them again.", [])
