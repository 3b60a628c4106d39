"""Processes that take part in a measurement: the node, the plain server, the load. Each is ours, and is ended by us."""

from __future__ import annotations

import http.client
import json
import signal
import subprocess
import sys
import time
from pathlib import Path
from types import TracebackType
from typing import Any
from urllib.parse import urlsplit

import msgspec

from assetlog.catalog.bench.load import Job, Outcome
from assetlog.schemas.errors import Broken

START_WITHIN = 3600.0
"""Seconds: a large log takes its time to be read from disk and folded."""
STOP_WITHIN = 60.0
NODE = ("assetlog.catalog.cli.main", "up", "--port", "0", "--log-level", "warning", "--json")
PLAIN = ("assetlog.catalog.bench.plain_server",)
LOAD = ("assetlog.catalog.bench.load",)


class Server:
    """A server in a process of its own, on a data directory; its first line of output says where it is.

    Args:
        module: the module to run, and its first arguments.
        home: its data directory.
    """

    def __init__(self, module: tuple[str, ...], home: Path) -> None:
        self.home = home
        self._errors = home.parent / f"{home.name}.log"
        began = time.perf_counter()
        with self._errors.open("ab") as errors:
            self._process = subprocess.Popen(
                [sys.executable, "-m", *module, "--data-dir", str(home)],
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=errors,
            )
        try:
            self.facts = self._first_line()
            self.answering_after = time.perf_counter() - began
            """Seconds from the command to the API's first answer."""
            self.ready_after = self._await_ready(began)
            """Seconds from the command to ready: the log's backlog is folded."""
        except BaseException:
            self._process.kill()
            self._process.wait()
            raise

    @property
    def url(self) -> str:
        """Where it answers."""
        return str(self.facts["api"])

    @property
    def address(self) -> tuple[str, int]:
        """Host and port."""
        parts = urlsplit(self.url)
        return parts.hostname or "127.0.0.1", parts.port or 80

    @property
    def log(self) -> str:
        """The URL of its log server."""
        return str(self.facts["log"])

    def get(self, path: str) -> bytes:
        """The answer to one GET; a status other than 200 is an error."""
        status, body = self.ask("GET", path)
        if status != 200:
            raise self._broken(f"{path} was answered with {status}: {body[:300]!r}")
        return body

    def ask(self, method: str, path: str, body: bytes | None = None) -> tuple[int, bytes]:
        """Status and body of one request, on a connection of its own."""
        connection = http.client.HTTPConnection(*self.address, timeout=STOP_WITHIN)
        try:
            connection.request(method, path, body, {"content-type": "application/json"} if body else {})
            answer = connection.getresponse()
            return answer.status, answer.read()
        finally:
            connection.close()

    def memory(self) -> float:
        """Resident memory of the process, in MB; without the log server's, which is another process."""
        return resident_mb(self._process.pid)

    def stop(self) -> None:
        """End it as Ctrl-C does."""
        self._process.send_signal(signal.SIGINT)
        try:
            self._process.communicate(timeout=STOP_WITHIN)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.communicate()
            raise self._broken("it did not stop") from None

    def __enter__(self) -> Server:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self.stop()

    def _first_line(self) -> dict[str, Any]:
        assert self._process.stdout is not None
        line = self._process.stdout.readline()
        if not line:
            raise self._broken("it ended at once")
        facts: dict[str, Any] = json.loads(line)
        return facts

    def _await_ready(self, began: float) -> float:
        while time.perf_counter() - began < START_WITHIN:
            status, body = self.ask("GET", "/health/ready")
            if status == 200:
                return time.perf_counter() - began
            time.sleep(max(0.002, (time.perf_counter() - began) / 100))  # asking must not slow it down
        raise self._broken(f"it was not ready within {START_WITHIN:g} s: {body[:300]!r}")

    def _broken(self, why: str) -> Broken:
        tail = self._errors.read_text(errors="replace")[-2000:]
        return Broken(
            f"The server on {self.home.name}: {why}.", code="bench-server", hint=tail or "It wrote no reason."
        )


class Load:
    """A job that runs beside something else."""

    def __init__(self, job: Job) -> None:
        self._process = subprocess.Popen(
            [sys.executable, "-m", *LOAD], stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL
        )
        assert self._process.stdin is not None
        self._process.stdin.write(msgspec.msgpack.encode(job))
        self._process.stdin.close()
        self._process.stdin = None

    def outcome(self) -> Outcome:
        """What came of it, at its end.

        Raises:
            Broken: an answer was not what it should be.
        """
        try:
            answer, _ = self._process.communicate()
        except BaseException:  # interrupted: leave no process behind
            self.cancel()
            raise
        outcome = msgspec.msgpack.decode(answer, type=Outcome) if answer else Outcome(error="it left no outcome")
        if outcome.error:
            raise Broken(f"The load failed: {outcome.error}", code="bench-load")
        return outcome

    def cancel(self) -> None:
        """End it before its end."""
        self._process.kill()
        self._process.communicate()


def run_load(job: Job) -> Outcome:
    """Do a job in a process of its own and wait for it."""
    return Load(job).outcome()


def resident_mb(pid: int) -> float:
    """Resident memory of a process in MB (10^6 bytes), by what `ps` says.

    >>> import os
    >>> resident_mb(os.getpid()) > 1
    True
    """
    status = Path(f"/proc/{pid}/status")
    if status.exists():
        line = next(line for line in status.read_text().splitlines() if line.startswith("VmRSS:"))
        return int(line.split()[1]) * 1024 / 1e6
    said = subprocess.run(["ps", "-o", "rss=", "-p", str(pid)], capture_output=True, text=True, check=True)
    return int(said.stdout) * 1024 / 1e6
