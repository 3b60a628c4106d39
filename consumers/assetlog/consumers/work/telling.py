"""The events by which a worker says what becomes of a trigger."""

from __future__ import annotations

import hashlib

from assetlog.consumers.work.queue import Entry
from assetlog.schemas.codec import decode, encode
from assetlog.schemas.events.common import Data
from assetlog.schemas.events.trigger import TriggerExhausted, TriggerFailed, TriggerStarted, TriggerSucceeded
from assetlog.schemas.ids import derived_id
from assetlog.schemas.positions import SEQ_BITS, parse_position
from assetlog.schemas.secrets import redact
from assetlog.schemas.work import Work

ERROR_LENGTH = 8_192
TRACEBACK_LENGTH = 32_768


class Teller:
    """Encodes the events of one worker.

    Args:
        source: the events' `source`.
        worker: this worker's name.
    """

    def __init__(self, source: str, worker: str) -> None:
        self._source = source
        self._worker = worker

    def started(self, work: Work, entry: Entry) -> bytes:
        """An attempt begins."""
        data = TriggerStarted(consumer=work.consumer, attempt=work.attempt, worker=self._worker)
        return self._event("trigger.started", work, entry, data)

    def succeeded(self, work: Work, entry: Entry, duration: float) -> bytes:
        """It is done."""
        data = TriggerSucceeded(consumer=work.consumer, attempt=work.attempt, duration=round(duration, 6))
        return self._event("trigger.succeeded", work, entry, data)

    def failed(self, work: Work, entry: Entry, error: str, traceback: str | None, duration: float) -> bytes:
        """It failed; another may follow."""
        data = TriggerFailed(
            consumer=work.consumer,
            attempt=work.attempt,
            error=error[:ERROR_LENGTH],
            traceback=traceback and traceback[-TRACEBACK_LENGTH:],
            duration=round(duration, 6),
        )
        return _clean(self._event("trigger.failed", work, entry, data))

    def exhausted(self, work: Work, entry: Entry, error: str) -> bytes:
        """None follows."""
        data = TriggerExhausted(consumer=work.consumer, attempt=work.attempt, error=error[:ERROR_LENGTH])
        return _clean(self._event("trigger.exhausted", work, entry, data))

    def _event(self, type_name: str, work: Work, entry: Entry, data: Data) -> bytes:
        event_id = event_id_of(type_name, work, entry.id)
        return encode(type_name, self._source, work.trigger, data, event_id=event_id, causation_id=work.trigger)


def _clean(raw: bytes) -> bytes:
    """An event without what looks like a secret: errors quote URLs and arguments."""
    return redact(raw, decode(raw)).raw


def event_id_of(type_name: str, work: Work, entry_id: bytes) -> str:
    """The id of what is said of an attempt: the same when it is said again.

    An attempt that a person asks for again has the same number and an entry of its own, and so ids of its own.
    """
    said = hashlib.sha256(b"\0".join([type_name.encode(), work.trigger.encode(), b"%d" % work.attempt, entry_id]))
    return derived_id(parse_position(work.position) >> SEQ_BITS, said.digest())
