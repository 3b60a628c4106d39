"""Run a command and record what became of its assets. Its exit code is kept, whatever becomes of the recording.

assetlog run --asset s3://lake/orders --upstream postgres://shop/orders -- python load_orders.py
"""

from __future__ import annotations

import argparse
import os
import signal
import subprocess
import sys
import threading
import time
from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any

from msgspec import Struct

from assetlog.schemas.errors import AssetlogError, Invalid

if TYPE_CHECKING:
    from types import FrameType

    from assetlog.producers.emitter import Emitter

FORWARDED = (signal.SIGTERM, signal.SIGHUP, signal.SIGUSR1, signal.SIGUSR2)
FROM_TERMINAL = (signal.SIGINT, signal.SIGQUIT)
"""A terminal sends these to the command too, so they are forwarded only where there is none."""
TAIL_BYTES = 32_768
FLUSH_SECONDS = 10.0
NOT_FOUND, NOT_EXECUTABLE = 127, 126


class Ended(Struct):
    """How the command ended."""

    code: int
    """As a shell says it: 128 + n after signal n, 127 for a command that is not there."""
    seconds: float
    error: str | None = None
    """None if it ended well."""
    stderr: str | None = None
    """The end of what it wrote there, if captured."""


def configure(parser: argparse.ArgumentParser) -> None:
    """Declare the options."""
    parser.add_argument("--asset", action="append", default=[], metavar="KEY", help="an asset the command writes")
    parser.add_argument("--upstream", action="append", default=[], metavar="KEY", help="an asset it reads")
    parser.add_argument("--job", help="the job's name (default: the command's)")
    parser.add_argument("--partition", help="the part that is written, e.g. 2026-11-21")
    parser.add_argument("--meta", action="append", default=[], metavar="K=V", help="metadata; V is JSON or else text")
    parser.add_argument("--by", help="the tool that writes, e.g. dbt")
    parser.add_argument("--capture-stderr", action="store_true", help="record the end of its stderr if it fails")
    where = parser.add_argument_group("where to")
    where.add_argument("--url", help="a node or a log server; ASSETLOG_URL, else the node of this machine")
    where.add_argument("--data-dir", type=Path, help="the data directory (default: ~/.assetlog)")
    where.add_argument("--catalog", help="the catalog, where the URL is a log server")
    parser.add_argument("command", nargs=argparse.REMAINDER, metavar="-- COMMAND …", help="what to run")


def run(args: argparse.Namespace) -> int:
    """Run the command; returns its exit code."""
    from assetlog.catalog.cli.emit import open_emitter

    command = args.command[1:] if args.command[:1] == ["--"] else args.command
    if not command:
        raise Invalid("There is no command to run.", code="usage", hint="assetlog run --asset KEY -- COMMAND …")
    recorder = _Recorder(args, open_emitter(args), args.job or Path(command[0]).name)
    recorder.began()
    ended = _run(command, recorder.environment(), capture=args.capture_stderr)
    recorder.ended(ended)
    return ended.code


class _Recorder:
    """Says what happened. Bad keys raise before the command begins; after that nothing does."""

    def __init__(self, args: argparse.Namespace, emitter: Emitter, job: str) -> None:
        from assetlog.catalog.cli.emit import pair
        from assetlog.schemas.events.common import RunRef
        from assetlog.schemas.ids import new_id
        from assetlog.schemas.keys import canonical_key

        self.emitter = emitter
        self.run = RunRef(id=new_id(), job=job)
        self.parent = emitter.ambient_run.id if emitter.ambient_run else None
        self.assets = [canonical_key(key) for key in args.asset]
        self.upstream = [canonical_key(key) for key in args.upstream]
        self.metadata = dict(map(pair, args.meta))
        self.partition = args.partition
        self.by = args.by

    def environment(self) -> dict[str, str]:
        """The command's environment: what it emits itself belongs to this run."""
        from assetlog.producers.config import child_environment

        return child_environment(self.run.id, self.run.job or "")

    def began(self) -> None:
        """Emit `run.started`; a value that breaks a rule is refused here."""
        about = {"job": self.run.job, "parent": self.parent, "by": self.by, "metadata": self.metadata}
        self.emitter.emit("run.started", self.run.id, about)

    def ended(self, ended: Ended) -> None:
        """Emit how it ended, and wait a little until it is in the log or the spool."""
        try:
            for key in self.assets:
                self._emit_asset(key, ended)
            self._emit_run(ended)
            self.emitter.close(FLUSH_SECONDS)
        except AssetlogError as error:
            print(f"assetlog run: not recorded: {error}", file=sys.stderr)

    def _emit_asset(self, key: str, ended: Ended) -> None:
        about: dict[str, Any] = {
            "run": {"id": self.run.id, "job": self.run.job},
            "upstream": self.upstream,
            "partition": self.partition,
            "by": self.by,
            "duration": ended.seconds,
            "metadata": {**self.metadata, "exit_code": ended.code},
        }
        kind = "asset.failed" if ended.error else "asset.materialized"
        self.emitter.emit(kind, key, about | _failure(ended))

    def _emit_run(self, ended: Ended) -> None:
        about: dict[str, Any] = {
            "job": self.run.job,
            "parent": self.parent,
            "by": self.by,
            "duration": ended.seconds,
            "metadata": {"exit_code": ended.code},
        }
        kind = "run.failed" if ended.error else "run.succeeded"
        self.emitter.emit(kind, self.run.id, about | _failure(ended))


def _failure(ended: Ended) -> dict[str, Any]:
    return {"error": ended.error, "traceback": ended.stderr} if ended.error else {}


def _run(command: list[str], environment: dict[str, str], *, capture: bool) -> Ended:
    started = time.monotonic()
    try:
        process = subprocess.Popen(command, env=environment, stderr=subprocess.PIPE if capture else None)
    except OSError as error:
        code = NOT_FOUND if isinstance(error, FileNotFoundError) else NOT_EXECUTABLE
        reason = f"{command[0]} can't be run: {error.strerror}"
        print(f"assetlog run: {reason}", file=sys.stderr)
        return Ended(code, round(time.monotonic() - started, 6), reason)
    with _forwarding(process):
        tail = _Tail(process.stderr) if process.stderr is not None else None
        code = process.wait()
    seconds = round(time.monotonic() - started, 6)
    stderr = tail.text() if tail is not None else None
    if code < 0:
        return Ended(128 - code, seconds, f"ended by {_signal_name(-code)}", stderr)
    return Ended(code, seconds, f"exit code {code}" if code else None, stderr)


def _signal_name(number: int) -> str:
    try:
        return signal.Signals(number).name
    except ValueError:
        return f"signal {number}"


@contextmanager
def _forwarding(process: subprocess.Popen[bytes]) -> Iterator[None]:
    """While the command runs, signals are its own affair."""

    def forward(number: int, _: FrameType | None) -> None:
        if number not in FROM_TERMINAL or not _in_foreground():
            process.send_signal(number)

    before = {number: signal.signal(number, forward) for number in (*FORWARDED, *FROM_TERMINAL)}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def _in_foreground() -> bool:
    """Whether a terminal sends its signals to our process group, and so to the command."""
    try:
        terminal = os.open("/dev/tty", os.O_RDONLY | os.O_NOCTTY)
    except OSError:
        return False
    try:
        return os.tcgetpgrp(terminal) == os.getpgrp()
    except OSError:
        return False
    finally:
        os.close(terminal)


class _Tail:
    """Passes a stream on to stderr and keeps its end."""

    def __init__(self, stream: IO[bytes]) -> None:
        self._stream = stream
        self._kept: deque[bytes] = deque()
        self._thread = threading.Thread(target=self._copy, daemon=True)
        self._thread.start()

    def text(self) -> str:
        """The last 32 KiB."""
        self._thread.join(1.0)  # a grandchild may hold the stream open for ever
        return b"".join(self._kept)[-TAIL_BYTES:].decode(errors="replace")

    def _copy(self) -> None:
        kept = 0
        with self._stream as stream:
            while chunk := os.read(stream.fileno(), 65_536):
                with suppress(OSError):  # whoever reads our stderr may be gone
                    sys.stderr.buffer.write(chunk)
                    sys.stderr.buffer.flush()
                self._kept.append(chunk)
                kept += len(chunk)
                while kept - len(self._kept[0]) >= TAIL_BYTES:
                    kept -= len(self._kept.popleft())
