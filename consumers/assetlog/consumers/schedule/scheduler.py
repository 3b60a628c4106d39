"""The scheduler: on the node that leads, it records what is due and hands accepted triggers to workers.

It is told of every batch that the fold has fed to the desk, before the batch is committed: what it decides on is in
the log. Nothing is appended or handed out without the lease, and a new leader folds to the log's end first. If an
answer is lost, it folds to the log's end again and looks what is there.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import time
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime, timedelta
from typing import Final, Protocol, TypeVar

import redis.asyncio

from assetlog.consumers.crash_points import passing
from assetlog.consumers.log.lease import LEASE_SECONDS, Lease
from assetlog.consumers.schedule.clock import Clock, Tick
from assetlog.consumers.schedule.consumer_state import Firing
from assetlog.consumers.schedule.deciding import Decision, decide
from assetlog.consumers.schedule.desk import Desk
from assetlog.consumers.schedule.handing import (
    Decided,
    Recorded,
    early_handout,
    hand_out,
    handout_of,
    in_parts,
    record,
    sweep,
    withdraw,
    work_name,
)
from assetlog.consumers.schedule.telling import due_event, fired_event, overdue_event, too_deep_event
from assetlog.schemas.errors import AssetlogError, Broken
from assetlog.schemas.positions import START
from assetlog.schemas.targets import pool_of

LEASE: Final = "scheduler"
SETTLE_FIRST: Final = 0.1
SETTLE_MOST: Final = 5.0
"""Seconds between tries while the log server is away."""
LONGEST_SLEEP: Final = 60.0

logger = logging.getLogger("assetlog.scheduler")
Answer = TypeVar("Answer")


class Folding(Protocol):
    """What the scheduler asks of the fold."""

    async def ask_desk(self, question: Callable[[Desk], Answer]) -> Answer:
        """Put a question to the desk, on its own thread."""

    async def wait_for(self, position: int, timeout: float | None) -> bool:
        """Wait until a position is folded."""


class Scheduler:
    """Schedules a catalog's consumers while it leads.

    Args:
        client: the log server, for appending and handing out.
        lease: what only one node may hold.
        catalog: the catalog's name.
        folding: the fold, whose desk is asked.
        last_position: where the log ends.

    Example:
        ``await scheduler.start()``; the fold calls `fed` with each batch; ``await scheduler.stop()``.
    """

    def __init__(
        self,
        client: redis.asyncio.Redis,
        lease: Lease,
        catalog: str,
        folding: Folding,
        last_position: Callable[[], Awaitable[int]],
    ) -> None:
        self.leads = False
        """Whether this node decides now."""
        self.problem: AssetlogError | None = None
        """Why nothing is scheduled now; None while all is well."""
        self._client = client
        self._lease = lease
        self._catalog = catalog
        self._folding = folding
        self._last_position = last_position
        self._clock = Clock()
        self._flying: dict[str, set[str]] = {}
        """Consumers with firings on their way to the desk."""
        self._were_flying: set[str] = set()
        """Firings that were on their way when the lease was renewed last."""
        self._handed: set[str] = set()
        """Work that was handed out when its firing was recorded."""
        self._later: dict[str, int] = {}
        """Consumers to look at again, with the time in milliseconds."""
        self._queue: asyncio.Queue[tuple[int, Decided]] = asyncio.Queue()
        self._look_again = 0
        """Counts how often all was decided anew: what was decided before and is not sent yet is void."""
        self._turn = asyncio.Lock()
        """Held while something is sent, and while all is decided anew: nothing may be on its way then."""
        self._wake = asyncio.Event()
        self._loop: asyncio.AbstractEventLoop | None = None
        self._tasks: list[asyncio.Task[None]] = []

    async def start(self) -> None:
        """Begin to run for the lead."""
        self._loop = asyncio.get_running_loop()
        loops = (self._run_for_lead, self._send_all, self._watch_clock)
        self._tasks = [asyncio.create_task(self._keep_going(each)) for each in loops]

    async def stop(self) -> None:
        """Send what was decided, and give the lead away."""
        leads, self.leads = self.leads, False
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        if leads:
            with contextlib.suppress(AssetlogError):
                await asyncio.to_thread(self._lease.release)

    def fed(self, desk: Desk, position: int) -> None:
        """The desk was fed with a batch, up to a position. On the desk's thread."""
        if not self.leads:
            desk.news.clear()
            desk.told_firings.clear()
            desk.to_hand.clear()
            desk.to_withdraw.clear()
            desk.freshness.forget()
            return
        if desk.freshness.news:
            self._wake_up()
        if desk.news or desk.told_firings or desk.to_hand or desk.to_withdraw:
            try:
                decided = self._look(desk, position)
            except Exception as error:  # a bug of the scheduler must not end the fold
                self._give_up(error)
                return
            if any(decided[1:]):
                assert self._loop is not None
                self._loop.call_soon_threadsafe(self._queue.put_nowait, (self._look_again, decided))

    def _give_up(self, error: Exception) -> None:
        """Lead no more after a bug; all is looked at anew when this node leads again."""
        logger.error("the scheduler met a bug and begins again", exc_info=error)
        self.problem = Broken(f"The scheduler met a bug: {type(error).__name__}: {error}", code="scheduler-bug")
        self.leads = False

    def _look(self, desk: Desk, position: int = START) -> Decided:
        """What is due at the desk, which was fed up to a position (START: it is not known, or not to the log's end)."""
        self._land(desk)
        decision = decide(desk, _now(), self._flying, self._lease.epoch)
        for intent in decision.intents:
            self._flying.setdefault(intent.consumer, set()).add(intent.trigger)
        firings, desk.to_hand = desk.to_hand, []
        self._note_later(decision)
        fired = [(fired_event(intent), early_handout(desk, intent)) for intent in decision.intents]
        handouts = [handout_of(desk, firing) for firing in firings if self._is_to_hand(firing)]
        called_off, desk.to_withdraw = desk.to_withdraw, []
        withdrawn = [(pool_of(firing.definition.target), firing.id) for firing in called_off]
        return Decided(position, fired, [*map(too_deep_event, decision.too_deep)], handouts, withdrawn)

    def _is_to_hand(self, firing: Firing) -> bool:
        name = work_name(firing)
        if name in self._handed:
            self._handed.discard(name)
            return False
        return firing.state == "fired"

    def _land(self, desk: Desk) -> None:
        """Firings that the desk has seen are no longer on their way."""
        for consumer, trigger in desk.told_firings:
            flying = self._flying.get(consumer)
            if flying is not None:
                flying.discard(trigger)
                if not flying:
                    del self._flying[consumer]
                    desk.news[consumer] = None
        desk.told_firings.clear()

    def _note_later(self, decision: Decision) -> None:
        if decision.later:
            self._later.update(decision.later)
            self._wake_up()

    def _wake_up(self) -> None:
        """Let the clock look again. On the desk's thread."""
        if self._loop is not None:
            self._loop.call_soon_threadsafe(self._wake.set)

    async def _keep_going(self, loop: Callable[[], Awaitable[None]]) -> None:
        """Begin again with what must never end."""
        while True:
            try:
                await loop()
            except AssetlogError as error:
                self.problem = error
            except Exception as error:  # a bug: it must not end all scheduling in silence
                self._give_up(error)
            self.leads = False  # whatever was on its way is looked at anew
            await asyncio.sleep(1.0)

    async def _run_for_lead(self) -> None:
        """Take the lease, or renew it, every third of its time."""
        while True:
            epoch = self._lease.epoch
            try:
                held = await asyncio.to_thread(self._lease.hold)
                self.leads = self.leads and self._lease.epoch == epoch  # another one may have led in between
                self.problem = None
            except AssetlogError as error:
                held, self.problem = self.leads, error  # appending without the lease is refused anyway
            if held and not self.leads and self.problem is None:
                await self._begin()
            self.leads = self.leads and held
            await self._miss_lost_firings()
            await asyncio.sleep(LEASE_SECONDS / 3)

    async def _miss_lost_firings(self) -> None:
        """Decide anew if a firing does not arrive at the desk, e.g. because the fold had to quarantine it."""
        lost, self._were_flying = self._on_their_way() & self._were_flying, self._on_their_way()
        if not (lost and self.leads and self._queue.empty()) or self._turn.locked():
            return
        with contextlib.suppress(AssetlogError):
            folded = await self._folding.wait_for(await self._last_position(), LEASE_SECONDS / 3)
            if folded and (lost := lost & self._on_their_way()):
                logger.warning("firings did not arrive and are decided anew", extra={"triggers": sorted(lost)[:10]})
                await self._look_at_all()

    def _on_their_way(self) -> set[str]:
        return {trigger for triggers in list(self._flying.values()) for trigger in list(triggers)}

    async def _begin(self) -> None:
        """Lead from the log's end on: what was decided before is folded."""
        try:
            if not await self._folding.wait_for(await self._last_position(), LEASE_SECONDS / 3):
                return
        except AssetlogError as error:
            self.problem = error
            return
        await self._look_at_all()
        logger.info("this node schedules consumers now", extra={"epoch": self._lease.epoch})

    async def _look_at_all(self) -> None:
        """Lead, and decide anew, whatever was decided before; the log must be folded to its end."""

        def all_of_it(desk: Desk) -> tuple[tuple[int, Decided], set[str], set[str]]:
            self._look_again += 1
            self._flying.clear()
            self._handed.clear()
            self._clock.forget()
            self.leads = True
            desk.news = dict.fromkeys(desk.consumers)
            desk.told_firings.clear()
            desk.freshness.forget()
            desk.to_hand = list(desk.firings.values())
            definitions = [state.definition for state in desk.consumers.values()]
            definitions += [firing.definition for firing in desk.to_hand]
            pools = {pool_of(definition.target) for definition in definitions}
            return (self._look_again, self._look(desk)), pools, set(desk.firings)

        async with self._turn:
            decided, pools, active = await self._folding.ask_desk(all_of_it)
            for pool in pools:  # a trigger may have been called off when nobody led
                await sweep(self._client, self._catalog, pool, active)
            self._queue.put_nowait(decided)
        self._wake.set()

    async def _send_all(self) -> None:
        """Append and hand out what was decided, in order."""
        while True:
            look, decided = await self._queue.get()
            try:
                async with self._turn:
                    for part in in_parts(decided) if look == self._look_again else ():
                        await self._send(part)
            except AssetlogError as error:
                self.problem = error
                logger.warning("the scheduler waits: %s", error)
                await self._settle()

    async def _send(self, decided: Decided) -> None:
        lease = (self._lease.key, self._lease.token)
        held = True
        if decided.firings or decided.events:
            passing("schedule.deciding")
            came = await record(self._client, self._catalog, lease, decided, _now())
            held = came is not Recorded.NOTHING
            if came is Recorded.HANDED:
                self._handed.update(handout.name for _, handout in decided.firings)
            passing("schedule.fired")
        if decided.handouts and held:
            held = await hand_out(self._client, self._catalog, lease, decided.handouts, _now())
            passing("schedule.handed")
        for pool, trigger in decided.withdrawn if held else ():
            await withdraw(self._client, self._catalog, pool, trigger)
        self.leads = self.leads and held

    async def _settle(self) -> None:
        """After an answer was lost: fold to the log's end and look what is there."""
        pause = SETTLE_FIRST
        while self.leads:
            await asyncio.sleep(pause)
            pause = min(pause * 2, SETTLE_MOST)
            with contextlib.suppress(AssetlogError):
                if await self._folding.wait_for(await self._last_position(), SETTLE_MOST):
                    await self._look_at_all()
                    self.problem = None
                    return

    async def _watch_clock(self) -> None:
        """Record what is due, and look again at consumers that wait for a quiet moment."""
        while True:
            wait = await self._until_next() if self.leads else LONGEST_SLEEP
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._wake.wait(), wait)
            self._wake.clear()

    async def _until_next(self) -> float:
        """Do what is due by the clock; seconds until more will be."""
        now = datetime.now(UTC)

        def due(desk: Desk) -> tuple[list[Tick], int, Decided]:
            ripe = [name for name, at in self._later.items() if at <= _now()]
            for name in ripe:
                del self._later[name]
                desk.news[name] = None
            return self._clock.due(desk, now), self._look_again, self._look(desk)

        ticks, look, decided = await self._folding.ask_desk(due)
        overdue, overdue_next = await self._overdue(now)
        decided = decided._replace(events=[*decided.events, *map(due_event, ticks), *overdue])
        if any(decided[1:]):
            self._queue.put_nowait((look, decided))
        ends = [datetime.fromtimestamp(at / 1000, UTC) for at in self._later.values()]
        coming = [*ends, *filter(None, [self._clock.next(), overdue_next])]
        following = min(coming, default=now + timedelta(seconds=LONGEST_SLEEP))
        return min(LONGEST_SLEEP, max(0.001, (following - datetime.now(UTC)).total_seconds()))

    async def _overdue(self, now: datetime) -> tuple[list[bytes], datetime | None]:
        """Assets that are overdue, as events, and when more may be. A materialization that is in the log counts."""
        following = await self._folding.ask_desk(lambda desk: desk.freshness.next())
        if following is None or following > now:
            return [], following
        try:
            if not await self._folding.wait_for(await self._last_position(), SETTLE_MOST):
                return [], now + timedelta(seconds=SETTLE_MOST)
        except AssetlogError as error:
            self.problem = error
            return [], now + timedelta(seconds=SETTLE_MOST)

        def due(desk: Desk) -> tuple[list[bytes], datetime | None]:
            keys = desk.known.keys
            found = [overdue_event(keys[breach.aid], breach) for breach in desk.freshness.due(now)]
            return found, desk.freshness.next()

        return await self._folding.ask_desk(due)


def _now() -> int:
    return time.time_ns() // 1_000_000
