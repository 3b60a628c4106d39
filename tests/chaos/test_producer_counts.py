"""Threads, forks, gathers, sudden ends, kills while the spool is drained: each materialization counts exactly once."""

from __future__ import annotations

import contextlib
import os
import signal
import socket
import subprocess
import sys
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path
from textwrap import dedent
from typing import TYPE_CHECKING, Any

import httpx
import pytest

from assetlog.producers import Emitter, flow, materialize, set_default_emitter
from assetlog.schemas import codec
from assetlog.schemas.ids import new_id

if TYPE_CHECKING:
    from tests.chaos.conftest import Trial

THREADS = """
    import threading
    from assetlog.producers import materialize

    def work(number):
        load = materialize(f"s3://threads/{number}")(lambda: None)
        for _ in range(1_000):
            load()

    for number in range(8):
        threading.Thread(target=work, args=(number,)).start()
"""
FORK = """
    import os, sys
    from assetlog.producers import materialize

    @materialize("s3://fork/parent")
    def of_parent(): ...

    @materialize("s3://fork/child")
    def of_child(): ...

    for _ in range(500):
        of_parent()
    child = os.fork()
    for _ in range(500):
        of_parent() if child else of_child()
    if child:
        sys.exit(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]))
"""
GATHER = """
    import asyncio
    from assetlog.producers import flow, materialize

    @materialize("s3://gather/all")
    async def load(number):
        await asyncio.sleep(0)

    @flow
    async def pipeline():
        await asyncio.gather(*map(load, range(1_000)))

    asyncio.run(pipeline())
"""
LAST_CALL = """
    from assetlog.producers import materialize

    for number in range(100):
        materialize("s3://exit/last")(lambda: None)()
    raise SystemExit(0)
"""
EXPECTED = {
    THREADS: {f"s3://threads/{number}": 1_000 for number in range(8)},
    FORK: {"s3://fork/parent": 1_000, "s3://fork/child": 500},
    GATHER: {"s3://gather/all": 1_000},
    LAST_CALL: {"s3://exit/last": 100},
}
DRAIN = """
    import sys
    from assetlog.producers import Emitter
    with Emitter() as emitter:
        print("draining", flush=True)
        emitter.drain()
"""


def script(text: str, home: Path, **options: Any) -> subprocess.Popen[bytes]:
    """A producer in a process of its own; it finds the node by its data directory, as users' scripts do."""
    environment = {name: value for name, value in os.environ.items() if not name.startswith("ASSETLOG_")}
    environment |= {"ASSETLOG_HOME": str(home), "PYTHONWARNINGS": "ignore"}
    return subprocess.Popen([sys.executable, "-c", dedent(text)], env=environment, **options)


def folded(url: str, home: Path) -> None:
    """What waits in the spool is delivered, and all that is in the log is folded."""
    with Emitter(home=home) as emitter:
        assert emitter.flush()
        emitter.drain()
        assert emitter.drain().left == 0
    last = {"specversion": "1.0", "id": new_id(), "source": "test", "type": "asset.observed", "subject": "s3://last"}
    with httpx.Client(base_url=url, timeout=60, trust_env=False) as http:
        http.post("/v1/events", params={"wait": "folded"}, json={**last, "data": {}}).raise_for_status()


def materializations(url: str, keys: list[str]) -> dict[str, int]:
    """How often each asset was written, as the catalog counts."""
    with httpx.Client(base_url=url, timeout=60, trust_env=False) as http:
        answers = {key: http.get("/v1/asset", params={"key": key}).raise_for_status().json() for key in keys}
    return {key: answer["materializations"] for key, answer in answers.items()}


def events(url: str) -> Iterator[Any]:
    """All events of the catalog, oldest first."""
    params: dict[str, str] = {"limit": "1000", "order": "asc"}
    with httpx.Client(base_url=url, timeout=60, trust_env=False) as http:
        while True:
            items = http.get("/v1/events", params=params).raise_for_status().json()["items"]
            yield from (item["event"] for item in items)
            if len(items) < 1_000:
                return
            params["after"] = items[-1]["position"]


@pytest.mark.timeout(300)
def test_every_materialization_counts_once(home: Path, start_node: Any) -> None:
    node = start_node()
    url = node.await_ready()
    running = [script(text, home) for text in EXPECTED]
    assert [process.wait(120) for process in running] == [0] * len(running)
    folded(url, home)
    expected = {key: count for each in EXPECTED.values() for key, count in each.items()}
    assert materializations(url, list(expected)) == expected


@pytest.mark.timeout(300)
def test_kills_while_the_spool_is_drained_lose_nothing_and_double_nothing(
    trial: Trial, home: Path, start_node: Any
) -> None:
    kills = trial.rounds(6, 60)
    hits = 0
    count, key = 10_000, "s3://drained/all"
    with Emitter(home=home) as emitter:  # no node runs: all of it goes to the spool
        for _ in range(count):
            emitter.emit("asset.materialized", key)
        assert not emitter.flush()
    url = start_node().await_ready()
    for _ in range(kills):
        with script(DRAIN, home, stdout=subprocess.PIPE) as process:
            assert process.stdout is not None
            assert process.stdout.readline() == b"draining\n"
            with contextlib.suppress(subprocess.TimeoutExpired):
                process.wait(trial.chance.uniform(0, 0.02))
            os.kill(process.pid, signal.SIGKILL)
        hits += process.returncode == -signal.SIGKILL
    assert hits, "no kill hit a drain"
    folded(url, home)
    assert materializations(url, [key]) == {key: count}


class Recording(Emitter):
    """An emitter that remembers the ids of what it was given."""

    ids: list[str]

    def put(self, raw: bytes) -> None:
        """Remember, and go on."""
        self.ids.append(codec.decode(raw).id)
        super().put(raw)


@pytest.fixture
def emit_to(home: Path) -> Iterator[Callable[[str], Recording]]:
    """Makes the default emitter one that sends to a URL."""
    made: list[Recording] = []
    before = set_default_emitter(None)

    def emitting(url: str) -> Recording:
        emitter = Recording(url, home=home)
        emitter.ids = []
        made.append(emitter)
        set_default_emitter(emitter)
        return emitter

    yield emitting
    set_default_emitter(before)
    for emitter in made:
        emitter.close()


def test_a_flow_whose_log_is_away_succeeds_and_is_told_later_with_the_same_ids(
    home: Path, start_node: Any, emit_to: Callable[[str], Recording]
) -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:  # takes connections and never says a word
        port = silent.getsockname()[1]
        emitter = emit_to(f"redis://127.0.0.1:{port}")

        @flow
        def pipeline() -> int:
            load = materialize("s3://away/a")(lambda: {"rows": 1})
            report = materialize("s3://away/b")(len)
            return sum(report(load()) for _ in range(1_000))

        assert pipeline() == 1_000  # it ended, though no answer ever came
        assert len(emitter.ids) == len(set(emitter.ids)) == 2 + 2_000 * 3
        emitter.close(timeout=0)
        spooled = emitter._courier.spool.count()
    assert spooled == len(emitter.ids)
    url = start_node().await_ready()
    with Emitter(url, home=home) as later:
        later._courier.spool = emitter._courier.spool
        later.drain()
    folded(url, home)
    found = Counter(event["id"] for event in events(url))
    assert [each for each in emitter.ids if found[each] != 1] == []
    assert materializations(url, ["s3://away/a", "s3://away/b"]) == {"s3://away/a": 1_000, "s3://away/b": 1_000}
