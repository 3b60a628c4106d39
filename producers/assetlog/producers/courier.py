"""Brings events to the log, or to the spool while the log can't be reached. It has no thread of its own."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

from msgspec import Struct

from assetlog.producers.notices import inform, warn
from assetlog.producers.spool import Drained, Spool
from assetlog.producers.transports import Transport
from assetlog.producers.waiting_images import FOLDER, WaitingImages
from assetlog.schemas.errors import AssetlogError, Unavailable

if TYPE_CHECKING:
    from assetlog.schemas.shapes import Receipt

FIRST_PAUSE = 0.5
LONGEST_PAUSE = 30.0
"""Seconds between attempts to reach a log that is away: doubling from the first to the longest."""


class Delivery(Struct):
    """What came of a batch."""

    receipt: Receipt | None = None
    """What the log said; None if it was not reached."""
    error: AssetlogError | None = None
    """Why it was not reached."""
    lost: AssetlogError | None = None
    """Why the spool did not take the events either."""


class Courier:
    """One destination's way out, with its spool. Safe for threads: one is served after the other.

    Args:
        connect: opens the transport; asked again after each failure.
        spool: where events wait meanwhile.
    """

    def __init__(self, connect: Callable[[], Transport], spool: Spool) -> None:
        self.spool = spool
        waiting, refused = spool.directory / FOLDER, spool.rejected.parent / FOLDER
        self.images: WaitingImages = WaitingImages(waiting, refused, spool.limit)
        self.position: str | None = None
        """The last position that the log acknowledged."""
        self._connect = connect
        self._transport: Transport | None = None
        self._pause = 0.0
        self._retry_at = 0.0
        self._trouble: AssetlogError | None = None
        self._said: set[str] = set()
        self._turn = threading.RLock()

    def deliver(self, events: Sequence[bytes], stamp: int | None = None) -> Delivery:
        """Send events, behind those that wait in the spool; keep them there if that fails. Never raises.

        Args:
            stamp: from `Spool.stamp`, drawn when the events were taken; only older ones go before them.
        """
        with self._turn:
            try:
                self.drain(stamp)
                receipt = self._send(events)
            except AssetlogError as error:
                return Delivery(error=error, lost=self.keep(events, stamp))
            self._note_refusals(events, receipt)
            return Delivery(receipt=receipt)

    def drain(self, before: int | None = None) -> Drained:
        """Deliver what waits in the spool; with a stamp, only what is older.

        Raises:
            AssetlogError: the log can't be reached, or it is too early to try again, or another process drains.
        """
        if self._trouble is not None and time.monotonic() < self._retry_at:
            raise self._trouble.with_traceback(None)  # raised again and again, it would keep every caller's frames
        if self.images.due():
            self._send_images()
        if not self.spool.pending(before):
            return Drained()
        try:
            with self._turn:
                drained = self.spool.drain(self._send, before)
        except OSError as error:
            raise Unavailable(f"The spool can't be read: {error}.", code="spool-unreadable") from error
        if drained is None:
            raise Unavailable("Another process delivers the spool.", code="spool-busy")
        inform("%s events of the spool are delivered now.", drained.delivered)
        return drained

    def keep(self, events: Sequence[bytes], stamp: int | None = None, *, apart: bool = False) -> AssetlogError | None:
        """Put events into the spool, see `Spool.append`; the reason if it does not take them. Never raises."""
        try:
            self.spool.append(events, stamp, apart=apart)
        except AssetlogError as error:
            self._said_once(f"Events are lost: {error}")
            return error
        return None

    def wait_seconds(self) -> float | None:
        """How long to wait before `drain` is worth a try; None if nothing waits."""
        due = [self._retry_at] if self.spool.pending() else []
        due += [max(self.images.again_at, self._retry_at)] if self.images.waiting() else []
        return max(0.1, min(due) - time.monotonic()) if due else None

    def hurry(self) -> None:
        """Let the next attempt be made at once."""
        self._retry_at = self.images.again_at = 0.0

    def close(self) -> None:
        """Let go of the connection and the open segment."""
        transport, self._transport = self._transport, None
        if transport is not None:
            transport.close()
        self.spool.close()

    def forget(self) -> Transport | None:
        """In a forked child: leave the parent's connection and segment alone. Keep what is returned from the gc."""
        transport, self._transport = self._transport, None
        self._turn = threading.RLock()
        self.spool.forget()
        return transport

    def _send_images(self) -> None:
        """Bring waiting images to the node, before any event that names one.

        Raises:
            AssetlogError: the node can't be reached.
        """
        with self._turn:
            try:
                self._transport = self._transport or self._connect()
                upload = getattr(self._transport, "upload", None)  # a log server or a file takes none
                if upload is not None:
                    self.images.deliver(upload)
            except AssetlogError as error:
                self._away(error)
                raise

    def _send(self, events: Sequence[bytes]) -> Receipt:
        try:
            self._transport = self._transport or self._connect()
            receipt = self._transport.send(events)
        except AssetlogError as error:
            self._away(error)
            raise
        except Exception as error:  # a library's bug must not end the sender
            trouble = Unavailable(f"Sending failed: {type(error).__name__}: {error}.", code="internal")
            self._away(trouble)
            raise trouble from error
        self._back()
        self.position = receipt.accepted[-1].position or self.position if receipt.accepted else self.position
        return receipt

    def _away(self, error: AssetlogError) -> None:
        transport, self._transport = self._transport, None
        if transport is not None:
            transport.close()
        self._pause = min(self._pause * 2 or FIRST_PAUSE, LONGEST_PAUSE)
        self._retry_at = time.monotonic() + self._pause
        if self._trouble is None:
            warn("The log can't be reached; events wait in %s. %s", self.spool.directory, error)
        self._trouble = error

    def _back(self) -> None:
        if self._trouble is not None:
            inform("The log is reached again.")
        self._trouble, self._pause, self._retry_at = None, 0.0, 0.0

    def _note_refusals(self, events: Sequence[bytes], receipt: Receipt) -> None:
        """Refused events go aside with their reasons; one warning a reason."""
        try:
            self.spool.reject(events, receipt.rejected)
        except OSError as error:
            self._said_once(f"Refused events can't be kept in {self.spool.rejected}: {error}")
        for refused in receipt.rejected:
            self._said_once(f"An event was refused ({refused.code}), see {self.spool.rejected}. {refused.detail}")

    def _said_once(self, text: str) -> None:
        if text not in self._said and len(self._said) < 100:
            self._said.add(text)
            warn("%s", text)
