"""The archiver of a node: says how far the node is and, while it holds the lease, seals and trims."""

from __future__ import annotations

import logging
import threading
import time
from contextlib import closing, suppress
from typing import Final, NamedTuple, Protocol

import duckdb
import redis

from assetlog.consumers.archive.archive import Archive
from assetlog.consumers.archive.body_index import BodyIndex
from assetlog.consumers.archive.body_maker import BodyMaker
from assetlog.consumers.archive.manifest import Segment
from assetlog.consumers.archive.seal import seal
from assetlog.consumers.crash_points import passing
from assetlog.consumers.fold.progress import Totals
from assetlog.consumers.log.bodies import Bodies
from assetlog.consumers.log.lease import LEASE_SECONDS, Lease
from assetlog.consumers.log.trim import Record, Trimmed, beat, leave, read_record, trim
from assetlog.schemas.errors import AssetlogError, Conflict

logger = logging.getLogger("assetlog.archiver")

LEASE: Final = "archiver"
STEP_SECONDS: Final = 2.0
BEAT_SECONDS: Final = LEASE_SECONDS / 3
IDLE_SHARE: Final = 10
"""After a pause, what waits is sealed if it is at least a tenth of a segment: else idle logs end in crumbs."""


class Rules(NamedTuple):
    """When to seal, and what to keep."""

    every: int = 100_000
    """Entries a segment; 0 seals nothing."""
    keep: int = 100_000
    """Entries that stay in the log at least, sealed or not."""
    after_idle: float = 600.0
    """Seconds without events after which a smaller segment is sealed; 0 for never."""
    lease_seconds: float = LEASE_SECONDS


HURRY_PATIENCE = 10
"""Segments that may be due before sealing takes the machine from a fold in a hurry."""


class Projection(Protocol):
    """What the archiver asks of the projector."""

    position: int
    failure: AssetlogError | None

    @property
    def hurried(self) -> bool:
        """Whether the fold works off a backlog or a flood, and needs the machine for itself."""

    def totals(self) -> Totals:
        """How many entries came to what."""

    def cursor(self) -> duckdb.DuckDBPyConnection:
        """A connection to the projection."""


class Archiver:
    """Seals and trims in a thread of its own, if this node is the one that does.

    Args:
        client: a blocking client of the log server.
        catalog: the catalog's name.
        place: names this node's data directory, see `home.place_of`.
        archive: where segments go.
        projection: this node's, folded from the same log.
        rules: when to seal, and what to keep.
        index: this node's own files of sealed events, made from the archive whether this node seals or not.

    Example:
        ``archiver.start()``, and ``archiver.stop()`` before the projection closes.
    """

    def __init__(
        self,
        client: redis.Redis,
        catalog: str,
        place: str,
        archive: Archive,
        projection: Projection,
        rules: Rules,
        index: BodyIndex | None = None,
    ) -> None:
        self.lease = Lease(client, catalog, LEASE, place, rules.lease_seconds)
        self.leads = False
        self.problem: AssetlogError | None = None
        """Why nothing is sealed now; None while all is well."""
        self._client = client
        self._catalog = catalog
        self.place = place
        self._archive = archive
        self._stream = Bodies(client, catalog)
        self._projection = projection
        self._rules = rules
        self._maker = None if index is None else BodyMaker(archive, index, self._has_time)
        self._stopping = threading.Event()
        self._thread: threading.Thread | None = None
        self._moved = (0, time.monotonic())
        self._next_beat = 0.0
        self._bound = 0

    def start(self) -> None:
        """Begin."""
        self._thread = threading.Thread(target=self._run, name="assetlog-archiver", daemon=True)
        self._thread.start()
        if self._maker is not None:
            self._maker.start()

    def stop(self) -> None:
        """End; a segment that is being sealed is sealed first."""
        self._stopping.set()
        if self._maker is not None:
            self._maker.stop()
        if self._thread is not None:
            self._thread.join()
        with suppress(AssetlogError):
            leave(self._client, self._catalog, self.place)
            if self.leads:
                self.lease.release()

    def step(self) -> list[Segment]:
        """Say how far the node is, take or renew the lease, seal what is due and trim; returns what was sealed.

        Raises:
            AssetlogError: see `seal` and `trim`; the next step tries again.
        """
        beaten = self._beat()
        sealed: list[Segment] = []
        if beaten:
            self._take_lead()
        if not self.leads:
            return sealed
        while (count := self._due()) and not self._stopping.is_set():
            segment = self.seal_next(count)
            if segment is None:
                break
            sealed.append(segment)
            if not self.lease.hold():
                self.leads = False
                break
        if beaten and self.leads and self._bound < self._target():  # other nodes may have come closer meanwhile
            self.trim()
        return sealed

    def seal_all(self) -> list[Segment]:
        """Seal everything that is folded, whether it fills segments or not, and trim; for a node that does not run.

        Raises:
            Conflict: another node holds the lease (`archived-elsewhere`), or its archive is another.
        """
        if not self.lead():
            raise Conflict(
                "Another node archives this log now.",
                code="archived-elsewhere",
                field="lease",
                value=self.lease.key,
                hint="It seals by itself; stop it to seal from here.",
            )
        self.leads = True
        sealed: list[Segment] = []
        while segment := self.seal_next(self._rules.every or Rules().every):
            sealed.append(segment)
            self.lease.hold()
        return sealed

    def seal_next(self, most: int) -> Segment | None:
        """Seal up to so many entries, and trim behind them; the lease must be held."""
        with closing(self._projection.cursor()) as cursor:
            position = self._projection.position
            segment = seal(cursor, self._stream, self._archive, up_to=position, most=most)
        if segment is not None:
            logger.info("sealed", extra={"segment": segment.file, "events": segment.count, "bytes": segment.size})
            self.lease.hold()  # on a busy machine sealing may have outlived it; trimming refuses if another has it now
            self.trim()
        return segment

    def trim(self) -> Trimmed | None:
        """Trim the log behind the archive; None while nothing may go.

        Raises:
            Conflict: the lease was lost.
        """
        beat(self._client, self._catalog, self.place, self._projection.position, self._archive.last or 0)
        end = self._archive.last
        if end is None:
            return None
        record = Record(end, self._archive.head, self._archive.place.url, 0)
        trimmed = trim(self._client, self._catalog, self.lease, record, self._target())
        self._bound = trimmed.bound
        passing("archive.trimmed")
        if trimmed.removed:
            logger.info("trimmed", extra={"removed": trimmed.removed})
        return trimmed

    def lead(self) -> bool:
        """Whether this node is the one that archives: it holds the lease, and its archive reaches as far as any."""
        record = read_record(self._client, self._catalog)
        end = self._archive.last or 0
        if record is not None and record.position > end:
            self._archive.refresh()
            end = self._archive.last or 0
        if record is not None and record.position > end:
            raise other_archive(record, self._archive)
        return self.lease.hold()

    def _run(self) -> None:
        while not self._stopping.is_set():
            try:
                self.step()
                self.problem = None
            except AssetlogError as error:
                self._note(error)
            except (duckdb.Error, OSError) as error:
                self._note(Conflict(f"Sealing did not work: {error}", code="seal-failed", hint="It is tried again."))
            except Exception:  # the fold goes on without an archive; the next step tries again
                logger.exception("the archiver met a bug")
            self._stopping.wait(STEP_SECONDS)

    def _note(self, error: AssetlogError) -> None:
        self.leads = self.leads and error.code != "lease-lost"
        if self.problem is None or self.problem.code != error.code:
            logger.warning("nothing is archived: %s", error)
        self.problem = error
        self._next_beat = 0.0  # the next step tries all of it again, else it would take this for mended

    def _beat(self) -> bool:
        """Say how far the node is, if it is time; whether it was."""
        now = time.monotonic()
        if now < self._next_beat:
            return False
        self._next_beat = now + min(BEAT_SECONDS, self._rules.lease_seconds / 3)
        self._archive.refresh()
        beat(self._client, self._catalog, self.place, self._projection.position, self._archive.last or 0)
        return True

    def _take_lead(self) -> None:
        if not self._rules.every or self._projection.failure is not None:  # then it may be of another log
            self.leads = False
            return
        led, self.leads = self.leads, False
        self.leads = self.lead()
        if self.leads and not led:
            self._archive.refresh()
            self._archive.place.tidy()
            self.trim()

    def _due(self) -> int:
        """How many entries to seal now; 0 for none."""
        waiting, every = sum(self._projection.totals()) - self._archive.count, self._rules.every
        position = self._projection.position
        if position != self._moved[0]:
            self._moved = position, time.monotonic()
        if waiting >= (every * HURRY_PATIENCE if self._projection.hurried else every):
            return every
        idle = time.monotonic() - self._moved[1]
        due = self._rules.after_idle and idle >= self._rules.after_idle and waiting * IDLE_SHARE >= every
        return waiting if due and waiting > 0 else 0

    def _has_time(self) -> bool:
        return self._projection.failure is None and not self._projection.hurried

    def _target(self) -> int:
        """The last sealed position behind which enough entries stay."""
        kept = max(0, sum(self._projection.totals()) - self._archive.count)
        for segment in reversed(self._archive.segments):
            if kept >= self._rules.keep:
                return segment.end
            kept += segment.count
        return 0


def other_archive(record: Record, archive: Archive) -> Conflict:
    """This node's archive is not the catalog's."""
    return Conflict(
        f"The log is archived at {record.url}, further than this node's archive at {archive.place.url} reaches.",
        code="other-archive",
        field="archive_url",
        value=archive.place.url,
        rule="all nodes of a catalog use one archive",
        hint="Give every node the same ASSETLOG_ARCHIVE_URL; until then the log is not trimmed.",
    )
