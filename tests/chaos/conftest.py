"""The chaos harness: trials with a seed, nodes in processes of their own, loads, and the judgement at the end.

`make chaos` runs the long version of every trial and prints the table; `make test` runs the short one.
"""

from __future__ import annotations

import contextlib
import json
import os
import random
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from textwrap import dedent
from typing import Any, NamedTuple

import httpx
import pytest

from assetlog.catalog.projection import PROJECTION
from assetlog.consumers.archive.archive import Archive
from assetlog.consumers.archive.bodies import ArchivedBodies
from assetlog.consumers.archive.places import open_place
from assetlog.consumers.fold.digest import state_digest
from assetlog.consumers.fold.fold import open_fold
from assetlog.consumers.fold.identity import identity
from assetlog.consumers.fold.progress import MAX_POSITION
from assetlog.consumers.fold.rebuild import extend, fold_log
from assetlog.consumers.log.bodies import Bodies
from assetlog.consumers.log.connection import connect_sync
from assetlog.consumers.log.server import LogServer, read_record, runs_in
from assetlog.schemas.ids import new_id

SOURCE = "chaos"
START_WITHIN = 60.0
COLUMNS = ("fault", "rounds", "seed", "lost", "twice", "digest equal", "seconds", "remarks")


def pytest_addoption(parser: pytest.Parser) -> None:
    group = parser.getgroup("chaos")
    group.addoption("--chaos-long", action="store_true", help="the long version of every trial")
    group.addoption("--chaos-seed", type=int, help="repeat a run: the seed its table names")
    group.addoption("--chaos-report", type=Path, help="write the table to this Markdown file too")


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    if config.getoption("--chaos-long", default=False):
        for item in items:
            item.add_marker(pytest.mark.timeout(0), append=False)


class Trial:
    """One fault, tried some rounds from one seed. What it came to becomes a row of the table."""

    def __init__(self, seed: int, long: bool) -> None:
        self.seed, self.long = seed, long
        self.chance = random.Random(seed)
        self.row: dict[str, Any] = {"seed": seed}

    def rounds(self, short: int, long: int) -> int:
        """How many rounds to run: few beside the other tests, many in `make chaos`."""
        self.row["rounds"] = long if self.long else short
        return int(self.row["rounds"])

    def note(self, **facts: Any) -> None:
        """Facts for the table: `fault`, `lost`, `twice`, `equal`, `remarks`, `rounds`."""
        self.row |= facts

    def judge(self, verdict: Verdict) -> None:
        """Every acknowledged event is there once, and a fresh fold says the same; else the seed is named."""
        self.note(lost=verdict.lost, twice=verdict.twice, equal=verdict.equal)
        assert (verdict.lost, verdict.twice, verdict.equal) == (0, 0, True), f"seed {self.seed}: {verdict}"


class Verdict(NamedTuple):
    """What a data directory holds of what was acknowledged."""

    lost: int
    twice: int
    equal: bool
    """Whether the projection, brought up to the log's end, says what a fresh fold of the log says."""


@pytest.fixture
def trial(request: pytest.FixtureRequest, record_property: Callable[[str, object], None]) -> Iterator[Trial]:
    """A trial with a seed of its own; its row goes into the table."""
    seed = request.config.getoption("--chaos-seed", default=None) or random.SystemRandom().randrange(1 << 32)
    trial = Trial(seed, bool(request.config.getoption("--chaos-long", default=False)))
    trial.note(fault=request.node.name.removeprefix("test_").replace("_", " "))
    began = time.monotonic()
    yield trial
    trial.note(seconds=round(time.monotonic() - began, 1))
    record_property("chaos", json.dumps(trial.row))


def pytest_terminal_summary(terminalreporter: Any, config: pytest.Config) -> None:
    reports = [report for each in terminalreporter.stats.values() for report in each]
    ends = [report for report in reports if getattr(report, "when", "") == "teardown"]
    rows = [json.loads(value) for report in ends for name, value in report.user_properties if name == "chaos"]
    destination = config.getoption("--chaos-report", default=None)
    if rows and (destination or config.getoption("--chaos-long", default=False)):
        table = table_of(rows)
        terminalreporter.write_line("\n" + table)
        if destination:
            destination.parent.mkdir(parents=True, exist_ok=True)
            destination.write_text(table + "\n", encoding="utf-8")


def table_of(rows: Sequence[dict[str, Any]]) -> str:
    """The rows as a Markdown table."""
    named = [[_text(row.get(column.replace("digest ", ""))) for column in COLUMNS] for row in rows]
    widths = [max(map(len, column)) for column in zip(COLUMNS, *named, strict=True)]
    lines = [COLUMNS, ["-" * width for width in widths], *named]
    return "\n".join("| " + " | ".join(map(str.ljust, line, widths)) + " |" for line in lines)


def _text(value: Any) -> str:
    if value is None:
        return ""
    return ("no", "yes")[value] if isinstance(value, bool) else str(value)


ZYGOTE = dedent(
    """
    import json, os, signal, sys
    import assetlog.catalog.assembly, assetlog.catalog.event_log, assetlog.catalog.api.app, assetlog.catalog.web_server
    import assetlog.catalog.cli.serving, assetlog.catalog.cli.up, assetlog.catalog.cli.rebuild, assetlog.catalog.logs
    import uvloop
    from assetlog.catalog.cli.main import main
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)
    for line in sys.stdin:
        order = json.loads(line)
        pid = os.fork()
        if pid:
            print(pid, flush=True)
            continue
        signal.signal(signal.SIGCHLD, signal.SIG_DFL)
        os.setsid()
        log = os.open(order["output"], os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
        nothing = os.open(os.devnull, os.O_RDONLY)
        for of, to in ((nothing, 0), (log, 1), (log, 2)):
            os.dup2(of, to)
        os.environ.update(order["environment"])
        exit_code = 1
        try:
            exit_code = main(order["arguments"])
        finally:
            with open(order["output"] + ".exit", "w") as file:
                file.write(str(exit_code))
            sys.stdout.flush()
            os._exit(exit_code)
    """
)


class Zygote:
    """A process that has the libraries loaded and forks nodes: a start then costs a tenth."""

    def __init__(self) -> None:
        command = [sys.executable, "-c", ZYGOTE]
        self.process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)

    def fork(self, arguments: list[str], environment: dict[str, str], output: Path) -> int:
        """Run `assetlog` with arguments in a process of its own; its id."""
        assert self.process.stdin is not None
        assert self.process.stdout is not None
        output.with_name(output.name + ".exit").unlink(missing_ok=True)
        order = {"arguments": arguments, "environment": environment, "output": str(output)}
        self.process.stdin.write(json.dumps(order) + "\n")
        self.process.stdin.flush()
        return int(self.process.stdout.readline())


@pytest.fixture(scope="session")
def zygote() -> Iterator[Zygote]:
    """One for all trials."""
    zygote = Zygote()
    yield zygote
    zygote.process.communicate()  # what it forked lives on


class NodeProcess:
    """A node in a process of its own."""

    def __init__(self, zygote: Zygote, home: Path, output: Path, *, crash_at: str = "", **settings: object) -> None:
        self.home, self.output = home, output
        (home / "node.json").unlink(missing_ok=True)  # a killed node leaves it behind
        flags = [part for name, value in settings.items() for part in (f"--{name.replace('_', '-')}", str(value))]
        arguments = ["up", "--port", "0", "--data-dir", str(home), *flags]
        self.pid = zygote.fork(arguments, {"ASSETLOG_CRASH_AT": crash_at}, self.output)
        self._ended = False

    @property
    def running(self) -> bool:
        """Whether its process runs. One that has ended is not asked for again: its id may be another's by now."""
        if not self._ended:
            try:
                os.kill(self.pid, 0)
            except ProcessLookupError:
                self._ended = True
        return not self._ended

    @property
    def log_server(self) -> int | None:
        """The process id of its log server, if it runs."""
        record = read_record(self.home.resolve() / "log")
        return record.pid if record and record.pid and runs_in(record.pid, self.home.resolve() / "log") else None

    def kill_node(self) -> None:
        """End the node's process at once; its log server lives on."""
        if self.running:
            os.kill(self.pid, signal.SIGKILL)
        self.await_end()

    def kill_log_server(self) -> None:
        """End the log server at once."""
        if pid := self.log_server:
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)

    def stop(self) -> None:
        """End it as Ctrl-C does."""
        os.kill(self.pid, signal.SIGINT)
        self.await_end()
        assert self.output.with_name(self.output.name + ".exit").read_text() == "0", self.said()

    def await_end(self, seconds: float = START_WITHIN) -> None:
        """Wait until the process is gone."""
        until(lambda: not self.running, seconds, self.said)

    def await_ready(self, seconds: float = START_WITHIN) -> str:
        """Wait until it takes events and has folded the log; its URL."""
        until(lambda: self.health() == "ready" or not self.running, seconds, self.said)
        assert self.running, self.said()
        return self.url

    @property
    def url(self) -> str:
        """The API's URL; empty until it is announced."""
        try:
            return str(json.loads((self.home / "node.json").read_bytes())["api"])
        except (OSError, ValueError):
            return ""

    def health(self) -> str:
        """`ready`, the code of the reason why not, or nothing when it does not answer."""
        try:
            answer = httpx.get(f"{self.url}/health/ready", timeout=5, trust_env=False).json()
            return str(answer.get("status") if answer.get("status") == "ready" else answer["code"])
        except (httpx.HTTPError, httpx.UnsupportedProtocol, ValueError):
            return ""

    def said(self) -> str:
        """The end of what it wrote."""
        return self.output.read_text(errors="replace")[-3000:] if self.output.exists() else ""


def until(holds: Callable[[], bool], seconds: float, why: Callable[[], str] = str) -> None:
    """Wait until something holds.

    Raises:
        AssertionError: it does not, within so many seconds.
    """
    deadline = time.monotonic() + seconds
    while not holds():
        assert time.monotonic() < deadline, why()
        time.sleep(0.01)


@pytest.fixture(name="until", scope="session")
def until_() -> Callable[..., None]:
    """Wait until something holds."""
    return until


@pytest.fixture
def home(tmp_path: Path) -> Path:
    """An empty data directory."""
    home = tmp_path / "home"
    home.mkdir(mode=0o700)
    return home


@pytest.fixture(scope="session")
def node_process() -> type[NodeProcess]:
    """The class, for fixtures that outlive a test."""
    return NodeProcess


@pytest.fixture
def start_node(zygote: Zygote, home: Path, tmp_path: Path) -> Iterator[Callable[..., NodeProcess]]:
    """Starts nodes on the data directory, `start_node(crash_at=..., snapshot_every=...)`; none is left behind."""
    nodes: list[NodeProcess] = []

    def start(**options: Any) -> NodeProcess:
        nodes.append(NodeProcess(zygote, options.pop("home", home), tmp_path / "node.log", **options))
        return nodes[-1]

    yield start
    for node in nodes:
        node.kill_node()
    for node in nodes:
        node.kill_log_server()


class Load:
    """Clients that emit as fast as they can and remember what was acknowledged.

    Args:
        url: the node's, asked before every request: nodes come and go.
    """

    def __init__(self, url: Callable[[], str], clients: int = 2, *, assets: int = 5) -> None:
        self.acknowledged: list[str] = []
        self.receipts: set[str] = set()
        self._url, self._assets = url, assets
        self._stop = threading.Event()
        self._threads = [threading.Thread(target=self._run, daemon=True) for _ in range(clients)]
        for thread in self._threads:
            thread.start()

    def stop(self) -> list[str]:
        """The ids of the acknowledged events."""
        self._stop.set()
        for thread in self._threads:
            thread.join()
        return self.acknowledged

    def _run(self) -> None:
        chance = random.Random()
        with httpx.Client(timeout=5, trust_env=False) as http:
            while not self._stop.is_set():
                events = [event(new_id(), self._assets) for _ in range(chance.choice([1, 1, 20]))]
                try:
                    answer = http.post(f"{self._url()}/v1/events", json=events).json()
                except (httpx.HTTPError, httpx.UnsupportedProtocol, ValueError):
                    time.sleep(0.01)
                    continue
                self.acknowledged += [taken["id"] for taken in answer.get("accepted", ())]
                if "ack" in answer:
                    self.receipts.add(answer["ack"])


@pytest.fixture(scope="session")
def load() -> type[Load]:
    """Clients of a node: `load(lambda: node.url)`, then `.stop()`."""
    return Load


def event(event_id: str, assets: int = 5, **attributes: Any) -> dict[str, Any]:
    """A small materialization."""
    number = hash(event_id) % assets
    made = {"specversion": "1.0", "id": event_id, "source": SOURCE, "type": "asset.materialized"}
    return {**made, "subject": f"s3://lake/{number}", "data": {"upstream": [f"s3://raw/{number}"]}, **attributes}


@pytest.fixture(scope="session")
def make_event() -> Callable[..., dict[str, Any]]:
    """Makes an event as a dict: `make_event(id)`."""
    return event


class EntryByEntry:
    """The log of stream and archive, without the quick way from sealed columns: every byte is decoded again."""

    def __init__(self, bodies: ArchivedBodies) -> None:
        self.fetch, self.fetch_range = bodies.fetch, bodies.fetch_range


def settle(home: Path, acknowledged: Sequence[str], *, server: LogServer | None = None) -> Verdict:
    """Start the log server of a data directory, bring its projection up to the end, and judge it."""
    with server or LogServer(home) as log, connect_sync(log.url) as client:
        archive = Archive(open_place(None, home, "default"))
        bodies = ArchivedBodies(Bodies(client, "default"), archive)
        fold, _ = open_fold(home / PROJECTION, "default", bodies)
        extend(fold, bodies, MAX_POSITION, lambda *_: None)
        sql = "select coalesce(tid, hid), count(*) from log group by all"
        there = {row[0].bytes: row[1] for row in fold.store.reader.execute(sql).fetchall()}
        wanted = {identity(SOURCE, each).digest for each in acknowledged}
        fresh_path = home.parent / "fresh.duckdb"
        fresh_path.unlink(missing_ok=True)
        fresh, _ = fold_log(fresh_path, "default", EntryByEntry(bodies), up_to=MAX_POSITION)
        equal = state_digest(fresh.store.reader) == state_digest(fold.store.reader)
        assert sum(segment.count for segment in archive.verify()) == archive.count
        fold.close()
        fresh.close()
        archive.close()
    twice = sum(count > 1 for count in there.values())
    return Verdict(len(wanted - there.keys()), twice, equal)


@pytest.fixture(name="settle", scope="session")
def settle_() -> Callable[..., Verdict]:
    """Judges a data directory whose node is gone."""
    return settle
