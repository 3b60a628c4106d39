"""Consumers: from the event that completes a condition to the function's first line; many on one asset; many at all."""

from __future__ import annotations

import http.client
import json
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import msgspec

from assetlog.catalog.bench.figures import Figure, rate, timing
from assetlog.catalog.bench.measures.fold import await_folded
from assetlog.catalog.bench.processes import STOP_WITHIN, Server
from assetlog.catalog.bench.stage import Stage, append
from assetlog.catalog.bench.workload import Lake
from assetlog.consumers.log.connection import connect_sync
from assetlog.schemas.asset import Asset
from assetlog.schemas.codec import encode
from assetlog.schemas.conditions import condition_object
from assetlog.schemas.errors import Broken
from assetlog.schemas.events.asset import AssetMaterialized
from assetlog.schemas.events.consumer import ConsumerRegistered
from assetlog.schemas.stream import DEFAULT_CATALOG, work_key

RAW = "XADD, fsynced, until a blocked XREAD has it"
PAUSE = 0.02
"""Seconds between two probes."""
WITHIN = 60.0
LEFT, RIGHT, SHARED = "gs://bench/left", "gs://bench/right", "gs://bench/shared"

PIPELINE = '''
"""What the measure runs: one function that notes when it began."""
import time
from assetlog.consumers import Asset, consumer

@consumer(on=Asset("{left}") & Asset("{right}"), name="probe")
def probe():
    now = time.time_ns()
    with open({notes!r}, "a") as notes:
        notes.write(f"{{now}}\\n")
'''


def measure(stage: Stage) -> Iterator[Figure]:
    """Probes through a node and a worker; then 1,000 consumers on one asset; then 10,000 on 100,000 assets."""
    node = stage.intake()
    yield timing("consumer-start", _starts(stage, node), _raw_starts(stage, node), RAW)
    yield _shared(stage, node)
    yield _many(stage)


def _starts(stage: Stage, node: Server) -> list[float]:
    """Seconds from the acknowledgement of the completing event to the function's first line."""
    notes = node.home / "probe-notes"
    notes.touch()
    script = node.home / "probe_pipeline.py"
    script.write_text(PIPELINE.format(left=LEFT, right=RIGHT, notes=str(notes)))
    count, taken = stage.options.count(300, 40), []
    connection = http.client.HTTPConnection(*node.address, timeout=STOP_WITHIN)
    with _worker(node, script):
        for number in range(count + 5):
            _post(connection, LEFT)
            time.sleep(PAUSE)
            _post(connection, RIGHT)
            acknowledged = time.time_ns()
            began = _line(notes, number)
            if number >= 5:
                taken.append(max(0, began - acknowledged) / 1e9)
    connection.close()
    return taken


@contextmanager
def _worker(node: Server, script: Path) -> Iterator[None]:
    command = [sys.executable, "-m", "assetlog.catalog.cli.main", "work", str(script), "--data-dir", str(node.home)]
    with (node.home / "worker.log").open("ab") as errors:
        process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=errors, stderr=errors)
    try:
        _until(lambda: b"probe" in node.ask("GET", "/v1/consumers/probe")[1] and _has_group(node, script.stem), process)
        yield
    finally:
        process.terminate()
        process.wait(STOP_WITHIN)


def _has_group(node: Server, pool: str) -> bool:
    with connect_sync(node.log) as client:
        return bool(client.exists(work_key(DEFAULT_CATALOG, pool)))


def _raw_starts(stage: Stage, node: Server) -> list[float]:
    """Seconds from handing an entry to the log server until a reader that waits for it has it."""
    taken: list[float] = []
    with connect_sync(node.log) as writer, connect_sync(node.log) as reader:
        for _ in range(stage.options.count(300, 40)):
            came: list[float] = []

            def read(came: list[float] = came) -> None:
                reader.xread({"bench-raw": "$"}, block=int(WITHIN * 1000))
                came.append(time.perf_counter())

            thread = threading.Thread(target=read)
            thread.start()
            time.sleep(PAUSE)
            began = time.perf_counter()
            writer.xadd("bench-raw", {"event": b"x" * 640})
            thread.join(WITHIN)
            taken.append(came[0] - began)
        writer.delete("bench-raw")
    return taken


def _shared(stage: Stage, node: Server) -> Figure:
    """Seconds from the acknowledgement of an event until all consumers on its asset have fired and have their work."""
    consumers, rounds = stage.options.count(1_000, 50), stage.options.count(5, 2)
    connection = http.client.HTTPConnection(*node.address, timeout=STOP_WITHIN)
    for number in range(consumers):
        _register(connection, f"shared-{number}", {"asset": {"uri": SHARED}}, "bench-shared")
    key, taken = work_key(DEFAULT_CATALOG, "bench-shared"), []
    with connect_sync(node.log) as client:
        for turn in range(1, rounds + 1):
            _post(connection, SHARED)
            began = time.perf_counter()
            _until(lambda turn=turn: client.xlen(key) >= turn * consumers)
            taken.append(time.perf_counter() - began)
    for number in range(consumers):
        connection.request("DELETE", f"/v1/consumers/shared-{number}")
        connection.getresponse().read()
    connection.close()
    return timing("consumer-shared", taken, [], "", consumers=consumers)


def _many(stage: Stage) -> Figure:
    """Events a second that a node folds live, with and without consumers on a tenth of the assets."""
    assets, consumers = stage.options.count(100_000, 2_000), stage.options.count(10_000, 200)
    rates = [_folded(stage, assets, consumers), _folded(stage, assets, 0)]
    return rate("consumer-many", rates[:1], rates[1:], "the same without consumers", assets=assets, consumers=consumers)


def _folded(stage: Stage, assets: int, consumers: int) -> float:
    """Events a second, once the consumers are declared."""
    lake, count = Lake(assets, stage.options.seed), assets * 3
    node = stage.node(stage.empty_home())
    declared = [_waiting(number, lake.keys[number * assets // consumers]) for number in range(consumers)]
    if declared:
        await_folded(node, append(node.log, declared).last.decode())
    outcome = append(node.log, lake.take(count))
    await_folded(node, outcome.last.decode())
    seconds = time.time() - outcome.began_at
    stage.quiet()
    return count / seconds


def _waiting(number: int, key: str) -> bytes:
    """The declaration of a consumer that waits for an asset and for one that never comes."""
    both = Asset(key) & Asset(f"gs://bench/never-{number}")
    target = msgspec.Raw(b'{"kind":"python","function":"none","pool":"bench-many"}')
    data = ConsumerRegistered(condition=msgspec.Raw(msgspec.json.encode(condition_object(both))), target=target)
    return encode("consumer.registered", "assetlog://bench", f"many-{number}", data)


def _register(connection: http.client.HTTPConnection, name: str, condition: dict[str, Any], pool: str) -> None:
    body = {"condition": condition, "target": {"kind": "python", "function": "none", "pool": pool}}
    connection.request("PUT", f"/v1/consumers/{name}", json.dumps(body), {"content-type": "application/json"})
    answer = connection.getresponse()
    said = answer.read()
    if answer.status not in {200, 201}:
        raise Broken(f"A consumer was refused: {said[:300]!r}", code="bench-consumer")


def _post(connection: http.client.HTTPConnection, key: str) -> None:
    event = encode("asset.materialized", "bench://probe", key, AssetMaterialized())
    connection.request("POST", "/v1/events", event, {"content-type": "application/json"})
    answer = connection.getresponse()
    said = answer.read()
    if answer.status != 201:
        raise Broken(f"A probe was refused: {said[:300]!r}", code="bench-consumer")


def _line(notes: Path, number: int) -> int:
    """What a line of a file says, once it is there."""
    give_up = time.monotonic() + WITHIN
    while time.monotonic() < give_up:
        lines = notes.read_text().split("\n")
        if len(lines) > number + 1:
            return int(lines[number])
        time.sleep(0.002)
    raise Broken(f"The consumer did not run within {WITHIN:g} s.", code="bench-consumer", hint="See worker.log.")


def _until(holds: Any, process: subprocess.Popen[bytes] | None = None) -> None:
    give_up = time.monotonic() + WITHIN
    while not holds():
        if time.monotonic() > give_up or (process is not None and process.poll() is not None):
            raise Broken(f"What was awaited did not come within {WITHIN:g} s.", code="bench-consumer")
        time.sleep(0.002)
