"""The projector: reads the log and folds it on one writer thread.

Its place in the log is the projection's own position, committed with the rows. It never lets a batch go:
it tries again until the batch is committed, or stops folding for good and says why in `failure`.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import AsyncIterator, Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from hashlib import sha256
from pathlib import Path
from typing import Any, TypeVar

import duckdb
import redis

from assetlog.consumers.fold.fold import Commit, Entry, Fold, OnFed
from assetlog.consumers.fold.hot import HotAssets
from assetlog.consumers.fold.identity import Identity
from assetlog.consumers.fold.log_source import Log
from assetlog.consumers.fold.parts import in_parts
from assetlog.consumers.fold.progress import Mark, Totals
from assetlog.consumers.fold.store import CHECKPOINT_EVERY, is_damage, put_aside_damaged
from assetlog.consumers.fold.subscription import Subscription
from assetlog.consumers.fold.verdicts import Verdict, Verdicts
from assetlog.consumers.fold.waiting import Waiters
from assetlog.consumers.fold.window import Seen
from assetlog.consumers.schedule.desk import Desk
from assetlog.schemas.codec import Event
from assetlog.schemas.errors import AssetlogError, Broken, Invalid, Unavailable

logger = logging.getLogger("assetlog.projector")
Answer = TypeVar("Answer")

RETRY_FIRST = 0.05
RETRY_MOST = 5.0
"""Seconds between tries while the disk or the log server is away."""
INVALIDATED = "has been invalidated"
"""What DuckDB says to everybody once a commit or checkpoint failed badly: only opening the file again helps."""
WATCH_EVERY = 60.0
"""Seconds between two looks at whether the log is still the one that was folded."""
IDLE_AFTER = 1.0
BUSY_WITHIN = 0.015
"""Seconds between two commits below which the fold counts as busy."""
REST_SHARE = 1.5
"""A busy fold rests so many times as long as a small batch took: its commit costs the same whatever its size, and
larger ones leave time for taking events in and for answers."""
REST_MOST = 0.008
"""Seconds of a rest."""
READ_IDLE, READ_BUSY = 1_000, 100
"""Assets read into memory at a time; the fold waits meanwhile, a tenth of a second for a thousand."""
FLOOD = 500
"""Entries of a batch from which on they come in a flood."""
FLOOD_LASTS = 0.5
"""Seconds after such a batch."""
WORTH_A_COMMIT = 40
"""A batch of so many events is followed by no rest."""


class Projector:
    """Folds a catalog's log into its projection and tells who waits.

    Args:
        open_fold: opens the projection; called again when a commit's outcome is unknown.
        log: tells whether the log is still the one that was folded.
        url: the log server's URL.
        catalog: the catalog's name.
        hot: the views in memory, kept up to date after each commit.
        on_idle: called when nothing was folded for a second.
    """

    def __init__(
        self,
        open_fold: Callable[[], Fold],
        log: Log,
        url: str,
        catalog: str,
        hot: HotAssets,
        on_idle: Callable[[], Any] = lambda: None,
    ) -> None:
        self._open_fold = open_fold
        self._log = log
        self._subscription = Subscription(url, catalog, self._on_entries)
        self._writer = ThreadPoolExecutor(1, thread_name_prefix="assetlog-writer")
        self._waiters = Waiters()
        self._verdicts = Verdicts()
        self._tasks: list[asyncio.Task[None]] = []
        self._on_idle = on_idle
        self._last_commit = time.monotonic()
        self._target = 0
        self._flooded_until = 0.0
        self._stopping = False
        self._unsure = False
        self._damage: duckdb.Error | None = None
        self._reading = False
        self.hot = hot
        self.on_fed: OnFed = lambda _desk, _position: None
        """Called on the writer's thread with the desk after it was fed with a batch, before that is committed."""
        self.fold = open_fold()
        self.fold.on_fed = self._fed
        self.position = self.fold.position
        self.epoch = 0
        """How often the projection was opened again; connections of an earlier epoch are closed."""
        self.failure: AssetlogError | None = None
        self.trouble: str | None = None
        """Why the fold is waiting to try again; None while it goes on."""

    async def start(self) -> None:
        """Check the log against the projection, load the hot views, and begin to fold.

        A log that is not the one that was folded does not raise: it is the `failure`.
        """
        await self._in_writer(self._prepare)
        self._reading = True
        if self.failure is None:
            await self._subscription.start(self.position)
        self._tasks = [asyncio.create_task(self._watch()), asyncio.create_task(self._care())]

    async def stop(self) -> None:
        """Fold what was read, close the projection."""
        self._stopping = True
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        await self._subscription.stop()
        await self._in_writer(self._close)
        self._writer.shutdown()

    async def resume(self) -> None:
        """Read on at once after the log server came back."""
        await self._in_writer(self._check_log)
        if self.failure is None:
            await self._subscription.resume(self.position)

    async def wait_for(self, position: int, timeout: float | None) -> bool:
        """Wait until a position is folded and visible; False after so many seconds."""
        return position <= self.position or await self._waiters.wait(position, timeout)

    async def listen(self) -> AsyncIterator[int]:
        """Each new position, as commits come; several commits may come as one."""
        seen = self.position
        while True:
            await self.wait_for(seen + 1, None)
            seen = self.position
            yield seen

    def verdict(self, position: int) -> Verdict | None:
        """What became of an entry, None if the fold is not there yet."""
        return self._verdicts.of(position) if position <= self.position else None

    def quarantine_reason(self, position: int) -> Invalid | None:
        """Why an entry is in the quarantine, for the latest ones."""
        return self._verdicts.reason(position)

    async def ask_desk(self, question: Callable[[Desk], Answer]) -> Answer:
        """Put a question to the desk, between two batches; `fold.position` is as of where it answers."""
        answer: Answer = await self._in_writer(lambda: question(self._sure_fold().desk))
        return answer

    def _fed(self, desk: Desk, position: int) -> None:
        if self.failure is None:
            self.on_fed(desk, position)

    def seen(self, of: Identity) -> Seen | None:
        """The event that has this identity, if it is one of the last 50,000."""
        return self.fold.window.find(of)

    def expect(self, raw: bytes, event: Event, of: Identity) -> None:
        """An event was appended that is decoded already."""
        self.fold.expect(raw, event, of)

    def same_bytes(self, seen: Seen, raw: bytes) -> bool:
        """Whether an event that was seen has these bytes; may ask the log server."""
        return self.fold.same_bytes(seen, raw)

    def totals(self) -> Totals:
        """How many entries came to what."""
        return self.fold.totals

    @property
    def caught_up(self) -> bool:
        """Whether everything that was in the log at the start is folded."""
        return self.failure is None and self.position >= self._target

    @property
    def hurried(self) -> bool:
        """Whether the fold works off a backlog or a flood: what can wait, should."""
        return not self.caught_up or time.monotonic() < self._flooded_until

    @property
    def broker(self) -> Any:
        """The FastStream broker, for its AsyncAPI description."""
        return self._subscription.broker

    def cursor(self) -> duckdb.DuckDBPyConnection:
        """A reading connection to the projection; see `Store.cursor`."""
        return self.fold.store.cursor()

    def note_fault(self, error: duckdb.Error) -> bool:
        """Whether the file is at fault for a reader's error: then it is opened or folded again within a second."""
        if isinstance(error, duckdb.ConnectionException):  # closed under the reader: the file was opened again
            return True
        damaged = is_damage(error)
        if damaged or self.trouble is not None or INVALIDATED in str(error):
            self._damage = error if damaged else self._damage
            self._unsure = True
            self.trouble = self.trouble or f"the projection cannot be read: {error}"
            return True
        return False

    def refuse_writes(self) -> None:
        """Raise the failure, if the log is not the one that was folded: what it took would be lost with it."""
        if self.failure is not None:
            raise Unavailable(
                f"The node takes no events: {self.failure.detail}", code=self.failure.code, hint=self.failure.hint
            )

    async def _on_entries(self, entries: list[Entry]) -> None:
        if self.failure is not None or self._stopping:
            return
        began = time.monotonic()
        if len(entries) >= FLOOD:
            self._flooded_until = began + FLOOD_LASTS
        commit = await self._in_writer(self._fold, entries)
        if commit is not None:
            pause = self._rest(len(entries), began)
            self._verdicts.note(commit)
            for part in in_parts(commit):
                self._publish(part)
                await asyncio.sleep(0)
            if pause:
                await asyncio.sleep(pause)

    def _rest(self, size: int, began: float) -> float:
        """Seconds to let events gather before the next commit: none when they come one by one, none in a flood."""
        now = time.monotonic()
        busy = began - self._last_commit < BUSY_WITHIN
        return min((now - began) * REST_SHARE, REST_MOST) if busy and size < WORTH_A_COMMIT else 0.0

    def _publish(self, commit: Commit) -> None:
        self.hot.apply(commit)
        self.position = commit.position
        self._last_commit = time.monotonic()
        self._waiters.advance(commit.position)

    def _prepare(self) -> None:
        self._fill()
        self._check_log()
        if self.failure is None:
            self._retrying(lambda: self.hot.load(self._sure_fold()))
            self.position = self.fold.position
            self._target = self._retrying(self._log.last_position)

    def _check_log(self) -> None:
        """Set `failure` if the log is not the one that was folded; wait while the log server is away."""
        try:
            self._retrying(lambda: self._log.check(self._exact_mark(), self.fold.first))
        except AssetlogError as error:
            self._fail(error)

    def _fill(self) -> None:
        """Go on from the archive where it reaches further: a new file, or one that was away for long, catches up."""
        try:
            self._retrying(lambda: self._log.fill(self._sure_fold()))
        except AssetlogError as error:
            self._fail(error)
        self.position = self.fold.position

    def _sure_fold(self) -> Fold:
        if self._unsure:
            self._reopen()
        return self.fold

    def _exact_mark(self) -> Mark | None:
        """The mark at the very position: the stored one may be up to a second older."""
        fold = self._sure_fold()
        if fold.mark is not None:
            self._log.check(fold.mark, fold.first)
        if fold.position and (fold.mark is None or fold.mark.position < fold.position):
            entry = fold.entry_like_row_at(fold.position)
            fold.mark = Mark(fold.position, sha256(entry or b"").digest(), fold.server)
        return fold.mark

    def _fold(self, entries: list[Entry]) -> Commit | None:
        """Fold a batch whatever it takes; None when folding has stopped."""
        try:
            commit: Commit = self._retrying(lambda: self._fold_once(entries))
            return commit
        except AssetlogError as error:
            self._fail(error)
        except Exception as error:  # whatever it is, the batch must not be passed over
            logger.exception("the fold met a bug and has stopped")
            self._fail(Broken(f"The fold has stopped: {type(error).__name__}: {error}", code="fold-bug"))
        return None

    def _fold_once(self, entries: list[Entry]) -> Commit:
        mark = self._sure_fold().mark
        if mark is None or not self._log.holds(mark):  # the batch may come from another log than the one folded
            self._log.check(mark, self.fold.first)
            if mark is not None and self._log.fill(self.fold):  # trimmed behind us while we were away: it is sealed
                self.hot.load(self.fold)
        new = [entry for entry in entries if entry[0] > self.fold.position]
        if not new:
            return Commit(self.fold.position, [], {}, {})
        return self.fold.fold(new)

    def _retrying(self, action: Callable[[], Any]) -> Any:
        """Try until it works; between tries reopen the projection, whose last commit may or may not have happened."""
        pause = RETRY_FIRST
        while True:
            try:
                result = action()
            except redis.RedisError as error:
                self._note_trouble(f"the log server does not answer: {error}", error)
            except Unavailable as error:
                self._note_trouble(error.detail, error)
            except duckdb.Error as error:
                self._damage = error if is_damage(error) else self._damage
                self._note_trouble(f"the projection cannot be read or written: {error}", error)
            else:
                self.trouble = None
                return result
            self._unsure = True
            if self._stopping:
                raise Broken(f"Stopped while {self.trouble}.", code="stopped")
            time.sleep(pause)
            pause = min(pause * 2, RETRY_MOST)

    def _note_trouble(self, text: str, error: Exception) -> None:
        if self.trouble is None:
            logger.warning("the fold waits: %s", text, exc_info=error)
        self.trouble = text

    def _reopen(self) -> None:
        """Begin from what the file says: a commit that failed may have happened, and memory ran ahead of it."""
        with suppress(duckdb.Error):
            self.fold.store.close()
        if self._damage is not None:
            logger.warning(
                "the projection is folded anew: %s", put_aside_damaged(Path(self.fold.store.path), self._damage)
            )
            self._damage = None
        self.fold = self._open_fold()
        self.fold.on_fed = self._fed
        self.epoch += 1
        if self._reading and self.fold.position < self.position:  # what was read before does not come again
            self._log.catch_up(self.fold, self.position)
        self.hot.load(self.fold)
        self._unsure = False

    def _fail(self, error: AssetlogError) -> None:
        logger.error("the fold has stopped: %s", error)
        self.failure = error

    def _close(self) -> None:
        with suppress(duckdb.Error):
            self.fold.close()

    async def _watch(self) -> None:
        """Look each minute whether the log is still the one that was folded."""
        while self.failure is None:
            await asyncio.sleep(WATCH_EVERY)
            await self._in_writer(self._check_log)

    async def _care(self) -> None:
        """Mend, checkpoint and tidy up when idle, and checkpoint when much is waiting."""
        while True:
            await asyncio.sleep(IDLE_AFTER)
            idle = time.monotonic() - self._last_commit >= IDLE_AFTER
            with suppress(AssetlogError):  # the node is stopping
                await self._in_writer(self._checkpoint, 1 if idle else CHECKPOINT_EVERY)
            await self._readmit(idle)
            if idle:
                self._on_idle()

    async def _readmit(self, idle: bool) -> None:
        """Take assets into memory that were asked for and are not there; when idle, all there is room for."""
        wanted = self.hot.take_wanted(READ_IDLE if idle else READ_BUSY, spare_time=idle)
        position = self.position
        if wanted and self.failure is None:
            with suppress(duckdb.Error, Unavailable):
                assets = await self._in_writer(self.hot.reload, self.fold, wanted)
                if (
                    self.position == self.fold.position == position
                ):  # else they are of another moment: asked again later
                    self.hot.admit(assets)

    def _checkpoint(self, at_least: int) -> None:
        self._retrying(lambda: self._sure_fold().store.checkpoint(at_least=at_least))

    async def _in_writer(self, action: Callable[..., Any], *arguments: Any) -> Any:
        return await asyncio.get_running_loop().run_in_executor(self._writer, action, *arguments)
