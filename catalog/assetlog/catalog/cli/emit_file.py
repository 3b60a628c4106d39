"""`assetlog emit --file`: a file of events, with progress, and a reason for each line that is not taken."""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Iterator
from itertools import islice
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any, NamedTuple

import msgspec
from msgspec import Raw, Struct

from assetlog.schemas import codec
from assetlog.schemas.codec import Event
from assetlog.schemas.errors import Invalid, NotFound
from assetlog.schemas.ids import new_id
from assetlog.schemas.secrets import Redaction, redact
from assetlog.schemas.times import now_text

if TYPE_CHECKING:
    from assetlog.producers.config import Config
    from assetlog.producers.courier import Delivery
    from assetlog.producers.emitter import Emitter

BATCH = 2_000
SHOWN_REFUSALS = 20
PROGRESS_SECONDS = 0.5
REDACTED_NOTICE = "{:,} value(s) looked like secrets and were struck out (ASSETLOG_REDACT_SECRETS=off keeps such)."


class Refusal(Struct):
    """A line that was not taken."""

    line: int
    code: str
    detail: str


class Tally(Struct):
    """What became of a file's events."""

    accepted: int = 0
    duplicates: int = 0
    spooled: int = 0
    redacted: int = 0
    """Values that looked like secrets and were struck out."""
    refused: list[Refusal] = []
    ack: str | None = None
    first_position: str | None = None
    """Of the events that are new to the log."""
    last_position: str | None = None


class Numbered(Struct):
    """An event and the line it stands on."""

    line: int
    raw: bytes


def emit_file(args: argparse.Namespace) -> int:
    """Send the file; 2 if a line is refused, 5 if the log can't be reached (with --strict)."""
    from assetlog.catalog.cli.emit import open_emitter, quiet

    tally = Tally()
    progress = _Progress(tally, shown=sys.stderr.isatty())
    with quiet(), _opened(args.file) as file, open_emitter(args) as emitter:
        lines = enumerate(file, 1)
        while batch := list(islice(lines, BATCH)):
            _send(emitter, list(_events(batch, emitter.config, tally)), tally, strict=args.strict)
            progress.show()
    progress.end()
    tally.refused.sort(key=lambda refusal: refusal.line)
    _report(tally, as_json=args.json)
    return 2 if tally.refused else 0


def _opened(name: str) -> IO[bytes]:
    if name == "-":
        return sys.stdin.buffer
    try:
        return Path(name).open("rb")
    except OSError as error:
        raise NotFound(f"{name} can't be read: {error.strerror}.", code="no-file", field="--file") from None


def _events(lines: list[tuple[int, bytes]], config: Config, tally: Tally) -> Iterator[Numbered]:
    for number, line in lines:
        raw = line.strip()
        if not raw:
            continue
        try:
            completed = complete(raw, config.source)
            clean = redact(completed.raw, completed.event) if config.redact else Redaction(completed.raw, 0)
            tally.redacted += clean.struck
            yield Numbered(number, clean.raw)
        except Invalid as error:
            tally.refused.append(Refusal(number, error.code, str(error)))


class Completed(NamedTuple):
    """A whole event."""

    raw: bytes
    event: Event


def complete(raw: bytes, source: str) -> Completed:
    """An event's bytes as they are, or with the attributes that it lacks.

    Raises:
        Invalid: it breaks a rule.

    >>> b'"source":"me"' in complete(b'{"type": "asset.observed", "subject": "s3://a"}', "me").raw
    True
    """
    try:
        event = codec.decode(raw)
        if event.time is not None:
            return Completed(raw, event)
    except Invalid:
        if _missing(raw) == set():
            raise
    attributes = msgspec.json.decode(raw, type=dict[str, Raw])
    defaults: dict[str, Any] = {"specversion": "1.0", "id": new_id(), "source": source, "time": now_text()}
    completed = msgspec.json.encode({**defaults, **attributes})
    return Completed(completed, codec.decode(completed))


def _missing(raw: bytes) -> set[str]:
    """The attributes that can be filled in; none where the bytes are no JSON object."""
    try:
        return {"specversion", "id", "source", "time"} - msgspec.json.decode(raw, type=dict[str, Raw]).keys()
    except (msgspec.MsgspecError, UnicodeDecodeError):
        return set()


def _send(emitter: Emitter, events: list[Numbered], tally: Tally, *, strict: bool) -> None:
    from assetlog.producers.transports import batches

    start = 0
    for batch in batches([event.raw for event in events]):
        delivery = emitter.deliver(batch)
        _count(delivery, events[start : start + len(batch)], tally)
        if delivery.error is not None and (strict or delivery.lost is not None):
            print(f"{tally.accepted:,} events are in the log; send the file again for the rest.", file=sys.stderr)
            raise delivery.lost or delivery.error
        start += len(batch)


def _count(delivery: Delivery, events: list[Numbered], tally: Tally) -> None:
    receipt = delivery.receipt
    if receipt is None:
        tally.spooled += 0 if delivery.lost else len(events)
        return
    tally.accepted += len(receipt.accepted)
    tally.duplicates += sum(accepted.duplicate for accepted in receipt.accepted)
    tally.ack = receipt.ack
    new = [accepted.position for accepted in receipt.accepted if accepted.position and not accepted.duplicate]
    if new:
        tally.first_position = tally.first_position or new[0]
        tally.last_position = new[-1]
    for rejected in receipt.rejected:
        tally.refused.append(Refusal(events[rejected.index].line, rejected.code, rejected.detail))


class _Progress:
    """One line on standard error that is written again and again; on a terminal only."""

    def __init__(self, tally: Tally, *, shown: bool) -> None:
        self.tally = tally
        self.shown = shown
        self.started = self.last = time.monotonic()

    def show(self) -> None:
        """Show how far it is, twice a second."""
        now = time.monotonic()
        if self.shown and now - self.last >= PROGRESS_SECONDS:
            self.last = now
            print(f"\r{self._text()}", end="", file=sys.stderr, flush=True)

    def end(self) -> None:
        """The last line stays."""
        print(("\r" if self.shown else "") + self._text(), file=sys.stderr)

    def _text(self) -> str:
        tally = self.tally
        rate = (tally.accepted + tally.spooled) / max(time.monotonic() - self.started, 1e-6)
        spooled = f", {tally.spooled:,} kept in the spool" if tally.spooled else ""
        return (
            f"{tally.accepted:,} accepted ({tally.duplicates:,} duplicates), {len(tally.refused):,} refused{spooled}, "
            f"{rate:,.0f} events/s"
        )


def _report(tally: Tally, *, as_json: bool) -> None:
    if as_json:
        print(msgspec.json.encode(tally).decode())
        return
    if tally.last_position:
        print(f"{tally.first_position} to {tally.last_position}  ack: {tally.ack}")
    if tally.redacted:
        print(REDACTED_NOTICE.format(tally.redacted), file=sys.stderr)
    for refusal in tally.refused[:SHOWN_REFUSALS]:
        print(f"line {refusal.line}: {refusal.code}: {refusal.detail}", file=sys.stderr)
    if len(tally.refused) > SHOWN_REFUSALS:
        print(f"and {len(tally.refused) - SHOWN_REFUSALS:,} more (--json lists them)", file=sys.stderr)
