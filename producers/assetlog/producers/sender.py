"""The thread that brings queued events to the log in the background, in batches that grow with the load."""

from __future__ import annotations

import importlib
import sys
import threading
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

from assetlog.producers.courier import Courier, Delivery
from assetlog.producers.notices import report_bug
from assetlog.producers.outbox import Emission, Item, Outbox, Ticket
from assetlog.producers.transports import MAX_BYTES, MAX_EVENTS
from assetlog.producers.transports.verdicts import event_id
from assetlog.schemas.errors import AssetlogError, Invalid

if TYPE_CHECKING:
    from assetlog.schemas.shapes import Accepted, Receipt, Rejected


class Sender:
    """One destination's queue and the thread that empties it. The thread begins with the first event.

    Args:
        courier: brings batches to the log or the spool.
        limit: events in memory; what is more goes to the spool, in the emitting thread.
    """

    def __init__(self, courier: Courier, limit: int) -> None:
        self.courier = courier
        self.limit = limit
        self._fresh()

    def _fresh(self) -> None:
        self.failure: AssetlogError | None = None
        """The last failure that nobody was told of."""
        self._outbox = Outbox(self.limit)
        self._thread: threading.Thread | None = None
        self._order = threading.Lock()
        """Held while events leave the queue: what leaves first is older."""
        self._starting = threading.Lock()
        self._in_flight: list[tuple[Sequence[Item], int]] = []
        self._missed = False
        """Since the last flush, an event was refused or lost."""

    def put(self, item: Item) -> None:
        """Queue an event. The caller pays for the spool only where the queue is full or closed."""
        room = self._outbox.put(item)
        if self._thread is None and not self._outbox.closed:
            self._start()
        if not room or self._outbox.closed:
            self._spill()

    def close(self, timeout: float) -> None:
        """End the thread; what it has not sent by then goes to the spool."""
        self._outbox.close()
        thread = self._thread
        if thread is not None:
            thread.join(timeout)
        ended = thread is None or not thread.is_alive()
        for items, stamp in list(self._in_flight):
            self._keep(items, stamp)
        self._spill()
        if ended:
            self.courier.close()

    def forget(self) -> object:
        """In a forked child: the queue and its thread are the parent's. Keep what is returned from the gc."""
        leftovers = (self.courier.forget(), self._outbox, self._in_flight)
        self._fresh()
        return leftovers

    def _start(self) -> None:
        with self._starting:
            if self._thread is not None:
                return
            # redis needs this module, which can't be imported any more once the interpreter has begun to end.
            importlib.import_module("concurrent.futures.thread")
            thread = threading.Thread(target=self._run, name="assetlog-sender", daemon=True)
            try:
                thread.start()
            except RuntimeError:  # the interpreter is ending: there are no new threads any more
                self._outbox.close()
                return
            self._thread = thread
        _flush_at_end_of_child(self.close)

    def _run(self) -> None:
        while not self._round():
            pass

    def _round(self) -> bool:
        """Send what is queued, or try the spool; True at the end."""
        closing = self._outbox.closed
        if not closing:
            self._outbox.wait(self.courier.wait_seconds())
        with self._order:
            items = self._outbox.take()
            self._in_flight = [(batch, self.courier.spool.stamp()) for batch in _batches(items)]
        try:
            self._send(items)
        except Exception as bug:
            report_bug("The sender failed; its events go to the spool", bug)
            for batch, stamp in list(self._in_flight):
                self._keep(batch, stamp)
            for ticket in _flushes(items):
                ticket.done.set()
        self._in_flight = []
        return closing and not items

    def _send(self, items: Sequence[Item]) -> None:
        flushes = _flushes(items)
        if flushes:
            self.courier.hurry()
        while self._in_flight:
            batch, stamp = self._in_flight[0]
            self._settle(batch, self.courier.deliver([item.raw for item in batch], stamp))
            self._in_flight = self._in_flight[1:]
        drained = self._drained() if flushes or not items else False
        for ticket in flushes:
            ticket.in_log = drained and not self._missed
            ticket.done.set()
        self._missed = self._missed and not flushes

    def _drained(self) -> bool:
        """Try the spool; whether it is empty."""
        try:
            self.courier.drain()
        except AssetlogError as error:
            self.failure = error
            return False
        return True

    def _settle(self, batch: Sequence[Item], delivery: Delivery) -> None:
        """Note what came of a batch, and tell those who wait."""
        failure = delivery.lost or delivery.error
        if delivery.receipt is not None and delivery.receipt.rejected:
            refused = delivery.receipt.rejected[0]
            failure = Invalid(refused.detail, code=refused.code, field=refused.field, rule=refused.rule)
        self.failure = failure or self.failure
        self._missed |= failure is not None and failure is not delivery.error
        if any(item.ticket is not None for item in batch):
            for item, emission in zip(batch, emissions([item.raw for item in batch], delivery), strict=True):
                _tell(item, emission)

    def _spill(self) -> None:
        """Move the queue to the spool, behind what the sender has in hand. A flush goes on waiting for the sender."""
        with self._order:
            items = self._outbox.take()
            if items:
                self._keep([item for item in items if item.raw], None)
            for ticket in _flushes(items):
                if self._thread is None or self._outbox.closed:
                    ticket.done.set()
                else:
                    self._outbox.put(Item(b"", ticket))

    def _keep(self, items: Sequence[Item], stamp: int | None) -> None:
        lost = self.courier.keep([item.raw for item in items], stamp, apart=stamp is None) if items else None
        self.failure = lost or self.failure
        self._missed |= lost is not None
        for item in items:
            reason = "The queue was full or closed." if lost is None else str(lost)
            _tell(item, Emission(id=event_id(item.raw), ack="lost" if lost else "spool", reason=reason))


def emissions(events: Sequence[bytes], delivery: Delivery) -> list[Emission]:
    """What became of each event of a batch."""
    receipt = delivery.receipt
    if receipt is None:
        reason = str(delivery.lost or delivery.error)
        return [Emission(id=event_id(raw), ack="lost" if delivery.lost else "spool", reason=reason) for raw in events]
    refused = {rejected.index: rejected for rejected in receipt.rejected}
    accepted = iter(receipt.accepted)
    return [
        _refused(refused[index], event_id(raw)) if index in refused else _accepted(next(accepted), receipt)
        for index, raw in enumerate(events)
    ]


def _accepted(accepted: Accepted, receipt: Receipt) -> Emission:
    position = accepted.position or None
    return Emission(id=accepted.id, ack=receipt.ack, position=position, duplicate=accepted.duplicate)


def _refused(rejected: Rejected, event_id: str) -> Emission:
    return Emission(id=event_id, ack="refused", reason=f"{rejected.code}: {rejected.detail}")


def _flushes(items: Sequence[Item]) -> list[Ticket]:
    return [item.ticket for item in items if item.ticket is not None and not item.raw]


def _tell(item: Item, emission: Emission) -> None:
    if item.ticket is not None:
        item.ticket.emission = emission
        item.ticket.done.set()


def _batches(items: Sequence[Item]) -> list[Sequence[Item]]:
    """The events among the items, in pieces that a transport takes at once."""
    pieces: list[list[Item]] = []
    size = MAX_BYTES
    for item in items:
        if not item.raw:
            continue
        if size + len(item.raw) >= MAX_BYTES or len(pieces[-1]) >= MAX_EVENTS:
            pieces.append([])
            size = 0
        pieces[-1].append(item)
        size += len(item.raw) + 1
    return [tuple(piece) for piece in pieces]


def _flush_at_end_of_child(close: Callable[[float], None]) -> None:
    """A multiprocessing child ends without atexit; it runs these finalizers instead."""
    process = sys.modules.get("multiprocessing.process")
    if process is not None and process.parent_process() is not None:
        from multiprocessing.util import Finalize

        Finalize(None, close, args=(EXIT_SECONDS,), exitpriority=0)


EXIT_SECONDS = 5.0
"""How long the end of a process waits for the log before what is left goes to the spool."""
