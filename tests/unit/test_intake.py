"""The intake's decisions, on a log that answers when told to."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Sequence

import pytest

from assetlog.catalog.intake import Intake
from assetlog.consumers.fold.identity import Identity, identity
from assetlog.consumers.fold.window import Seen
from assetlog.schemas.errors import Unavailable


class SlowLog:
    """A log in memory whose appends wait for `go`, and fail if `error` is set."""

    def __init__(self) -> None:
        self.entries: list[bytes] = []
        self.go = asyncio.Event()
        self.error: Exception | None = None

    async def append(self, raws: Sequence[bytes]) -> list[int]:
        await self.go.wait()
        if self.error is not None:
            raise self.error
        self.entries.extend(raws)
        return list(range(len(self.entries) - len(raws) + 1, len(self.entries) + 1))


class Fold:
    """A fold that has seen what it is told."""

    def __init__(self) -> None:
        self.position = 0
        self.known: dict[bytes, Seen] = {}
        self.bodies: dict[int, bytes] = {}
        self.expected: dict[bytes, object] = {}

    def refuse_writes(self) -> None:
        pass

    def expect(self, raw: bytes, event: object, of: Identity) -> None:
        self.expected[raw] = event

    def seen(self, of: Identity) -> Seen | None:
        return self.known.get(of.digest)

    def same_bytes(self, seen: Seen, raw: bytes) -> bool:
        return self.bodies[seen.position] == raw


def event(event_id: str, note: str = "") -> bytes:
    """The bytes of an event."""
    made = {"specversion": "1.0", "id": event_id, "source": "t", "type": "asset.observed", "subject": "s3://a"}
    return json.dumps({**made, "data": {"metadata": {"note": note}}}).encode()


async def test_a_retry_while_the_first_is_on_its_way_waits_for_its_position() -> None:
    log = SlowLog()
    intake = Intake(log, Fold())
    first = asyncio.create_task(intake.take([event("1"), event("2")]))
    retry = asyncio.create_task(intake.take([event("2"), event("3")]))
    rival = asyncio.create_task(intake.take([event("1", "other")]))
    await asyncio.sleep(0)
    log.go.set()
    assert [each.position for each in await first] == [1, 2]
    assert [(each.position, each.duplicate) for each in await retry] == [(2, True), (3, False)]
    assert [each.error.code for each in await rival if each.error] == ["id-conflict"]
    assert log.entries == [event("1"), event("2"), event("3")]


async def test_when_the_first_fails_its_retry_is_told_and_may_come_again() -> None:
    log = SlowLog()
    intake = Intake(log, Fold())
    log.error = Unavailable("gone")
    first = asyncio.create_task(intake.take([event("1")]))
    retry = asyncio.create_task(intake.take([event("1")]))
    await asyncio.sleep(0)
    log.go.set()
    for failed in (first, retry):
        with pytest.raises(Unavailable):
            await failed
    log.error = None
    (again,) = await intake.take([event("1")])
    assert (again.position, again.duplicate) == (1, False)


async def test_a_caller_that_is_cancelled_leaves_others_told() -> None:
    log = SlowLog()
    intake = Intake(log, Fold())
    first = asyncio.create_task(intake.take([event("1")]))
    retry = asyncio.create_task(intake.take([event("1")]))
    await asyncio.sleep(0)
    first.cancel()
    with pytest.raises(asyncio.CancelledError):
        await first
    with pytest.raises(Unavailable) as told:
        await retry
    assert told.value.code == "outcome-unknown"


async def test_what_the_fold_has_seen_is_told_by_its_bytes() -> None:
    fold = Fold()
    fold.known = {
        identity("t", "1").digest: Seen(7, hash(event("1"))),
        identity("t", "2").digest: Seen(8, None),
    }
    fold.bodies = {8: event("2")}
    intake = Intake(SlowLog(), fold)
    same, other, stored, rival = await intake.take([event("1"), event("1", "x"), event("2"), event("2", "x")])
    assert (same.position, same.duplicate, same.error) == (7, True, None)
    assert other.error is not None
    assert (stored.position, stored.duplicate, stored.error) == (8, True, None)
    assert rival.error is not None


async def test_what_is_folded_is_no_longer_remembered_here() -> None:
    log, fold = SlowLog(), Fold()
    log.go.set()
    intake = Intake(log, fold)
    await intake.take([event(str(number)) for number in range(100)])
    assert len(intake._flights) == 100
    fold.position = 100
    fold.known = {
        identity("t", str(number)).digest: Seen(number + 1, hash(event(str(number)))) for number in range(100)
    }
    (again,) = await intake.take([event("5")])
    assert (again.position, again.duplicate, len(intake._flights)) == (6, True, 0)
