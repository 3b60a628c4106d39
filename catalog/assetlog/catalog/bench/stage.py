"""What measures share: the options, the homes, the one node that runs, the plain server, the requests."""

from __future__ import annotations

import shutil
import tempfile
import time
from collections.abc import Sequence
from contextlib import ExitStack
from functools import cached_property
from pathlib import Path
from types import TracebackType
from typing import NamedTuple

from msgspec import Struct

from assetlog.catalog.bench.load import Outcome, Pump, Requests
from assetlog.catalog.bench.processes import NODE, PLAIN, Load, Server, run_load
from assetlog.catalog.bench.workload import Lake
from assetlog.catalog.projection import PROJECTION
from assetlog.catalog.settings import Settings
from assetlog.consumers.archive.body_index import FOLDER, SUFFIX
from assetlog.consumers.log.connection import connect_sync
from assetlog.consumers.log.server import LogServer
from assetlog.schemas.errors import Broken, Conflict
from assetlog.schemas.stream import DEFAULT_CATALOG, stream_key

CHUNK = 50_000
"""Events made and appended at a time while a large log is prepared: they need not all fit into memory."""
SHELF_ASSETS = 1_000
SETTLES_WITHIN = 600.0
"""Seconds in which a node with the large catalog seals and indexes what is due."""


class Options(Struct, frozen=True, kw_only=True):
    """How much is measured."""

    quick: bool = False
    """All measures in about a minute: figures to look at, not to believe."""
    seed: int = 1
    events: int = 1_000_000
    """Events of the large catalog."""
    assets: int = 10_000
    """Assets of the large catalog."""

    def count(self, full: int, quick: int) -> int:
        """How many of something, by `quick`."""
        return quick if self.quick else full

    @property
    def rounds(self) -> int:
        """How often a rate is taken; its median counts."""
        return self.count(5, 1)


class Appended(NamedTuple):
    """What was appended to the large catalog's log."""

    positions: list[str]
    """The last position of each chunk, in order."""
    rate: float
    """Events a second that the log server took, pipelined."""
    event_bytes: int
    """Of all events' JSON."""
    stream_bytes: int
    """What the stream takes in the log server's memory."""


class Large(Struct, frozen=True, kw_only=True):
    """The large catalog once it is prepared: its node is stopped."""

    lake: Lake
    appended: Appended
    backlog_rate: float
    """Events a second that the node folded when it first started."""
    projection_bytes: int
    log_bytes: int
    """What the log server wrote to disk."""
    copy: Path
    """The projection as it was then, for raw queries while a node has the other one open."""


class Stage:
    """Where measures run. At most one node runs at a time, so that they share the machine with nobody.

    Args:
        options: how much is measured.
        keep: a directory for the data, which stays there; a temporary one unless given.
    """

    def __init__(self, options: Options, keep: Path | None = None) -> None:
        self.options = options
        self._stack = ExitStack()
        self.directory = self._new_directory() if keep is None else _fresh(keep)
        self.lake = Lake(SHELF_ASSETS, options.seed)
        """The events of the small catalogs, made as they are needed."""
        self._running: Server | None = None
        self._homes = 0

    def __enter__(self) -> Stage:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        try:
            self.quiet()
        finally:
            self._stack.close()

    def home(self, name: str) -> Path:
        """A data directory by its name."""
        path = self.directory / name
        path.mkdir(parents=True, exist_ok=True)
        return path

    def empty_home(self) -> Path:
        """A data directory nobody has used."""
        self._homes += 1
        return self.home(f"empty-{self._homes}")

    def node(self, home: Path) -> Server:
        """The node on a data directory; one that runs on another is stopped first."""
        if self._running is not None and self._running.home == home:
            return self._running
        self.quiet()
        self._running = Server(NODE, home)
        return self._running

    def quiet(self) -> None:
        """Stop the node that runs."""
        running, self._running = self._running, None
        if running is not None:
            running.stop()

    @cached_property
    def plain(self) -> Server:
        """The plain server."""
        return self._stack.enter_context(Server(PLAIN, self.home("plain")))

    def intake(self) -> Server:
        """The node that takes whatever measures send."""
        return self.node(self.home("intake"))

    def shelf(self) -> Server:
        """The node with exactly 1,000 assets, which measures only read."""
        self._shelf_filled  # noqa: B018 - filled once
        return self.node(self.home("shelf"))

    @cached_property
    def shelf_lake(self) -> Lake:
        """The lake on the shelf."""
        return Lake(SHELF_ASSETS, self.options.seed)

    @cached_property
    def _shelf_filled(self) -> float:
        home = self.home("shelf")
        with LogServer(home) as log:
            return append(log.url, self.shelf_lake.take(self.options.count(100_000, 5_000))).seconds

    def large_node(self) -> Server:
        """The node with the large catalog, once all that is due is sealed and indexed, as it is as a rule."""
        self.large  # noqa: B018 - prepared once
        node, due = self.node(self.home("large")), self.options.events // Settings().archive_every
        give_up = time.monotonic() + SETTLES_WITHIN
        while not due <= _files(node.home / "archive", ".parquet") <= _files(node.home / FOLDER, SUFFIX):
            if time.monotonic() > give_up:
                raise Broken(f"Not all is sealed and indexed after {SETTLES_WITHIN:g} s.", code="bench-unsettled")
            time.sleep(0.25)
        return node

    @cached_property
    def large(self) -> Large:
        """The large catalog, prepared at first use: its log appended, then folded by a node that is stopped again."""
        self.quiet()
        home, options = self.home("large"), self.options
        lake = Lake(options.assets, options.seed)
        appended = self._append_large(home, lake)
        node = self.node(home)
        fold_seconds = node.ready_after - node.answering_after
        self.quiet()
        copy = Path(shutil.copy(home / PROJECTION, self.directory / "copy.duckdb"))
        return Large(
            lake=lake,
            appended=appended,
            backlog_rate=options.events / fold_seconds,
            projection_bytes=(home / PROJECTION).stat().st_size,
            log_bytes=sum(path.stat().st_size for path in (home / "log").rglob("*") if path.suffix in {".aof", ".rdb"}),
            copy=copy,
        )

    def _new_directory(self) -> Path:
        return Path(self._stack.enter_context(tempfile.TemporaryDirectory(prefix="assetlog-bench-")))

    def _append_large(self, home: Path, lake: Lake) -> Appended:
        positions, seconds, size = [], 0.0, 0
        with LogServer(home) as log, connect_sync(log.url) as client:
            while left := self.options.events - lake.made:
                events = lake.take(min(CHUNK, left))
                outcome = append(log.url, events)
                positions.append(outcome.last.decode())
                seconds += outcome.seconds
                size += sum(map(len, events))
            memory = int(client.memory_usage(stream_key(DEFAULT_CATALOG), samples=0))
        return Appended(positions, lake.made / seconds, size, memory)


def _fresh(directory: Path) -> Path:
    """A directory to keep data in; what an earlier run left there would be measured with it."""
    directory.mkdir(parents=True, exist_ok=True)
    if any(directory.iterdir()):
        raise Conflict(
            f"{directory} is not empty.",
            code="file-exists",
            field="keep",
            value=directory,
            rule="a run starts with new data",
            hint="Name a new directory.",
        )
    return directory.resolve()


def append(log: str, events: Sequence[bytes]) -> Outcome:
    """Append events to a log as fast as it takes them, from a process of its own."""
    return run_load(Pump(log=log, catalog=DEFAULT_CATALOG, events=list(events)))


def begin_append(log: str, events: Sequence[bytes], *, batch: int, interval: float) -> Load:
    """Append events to a log at a pace, while something else is measured."""
    return Load(Pump(log=log, catalog=DEFAULT_CATALOG, events=list(events), batch=batch, interval=interval))


def request(server: Server, method: str, path: str, body: bytes = b"", content_type: str = "application/json") -> bytes:
    """The bytes of a request."""
    host, port = server.address
    head = f"{method} {path} HTTP/1.1\r\nHost: {host}:{port}\r\n"
    if method == "POST":
        head += f"Content-Type: {content_type}\r\nContent-Length: {len(body)}\r\n"
    return head.encode() + b"\r\n" + body


def send(
    server: Server,
    requests: Sequence[bytes],
    *,
    status: int = 200,
    contains: bytes = b"",
    clients: int = 1,
    warm_up: int = 0,
) -> Outcome:
    """Send requests to a server from a process of its own."""
    host, port = server.address
    job = Requests(
        host=host,
        port=port,
        requests=list(requests),
        clients=clients,
        status=status,
        contains=contains,
        warm_up=warm_up,
    )
    return run_load(job)


def _files(directory: Path, suffix: str) -> int:
    return sum(1 for _ in directory.rglob(f"*{suffix}"))
