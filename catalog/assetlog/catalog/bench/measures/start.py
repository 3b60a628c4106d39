"""From the command to ready: an empty data directory, and the large catalog behind it."""

from __future__ import annotations

import subprocess
import sys
import time
from collections.abc import Iterator

from assetlog.catalog.bench.figures import Figure, timing
from assetlog.catalog.bench.stage import Stage

RAW = "python importing duckdb, litestar, faststream, uvicorn"
LIBRARIES = "import duckdb, litestar, faststream.redis, uvicorn, pydantic_settings, redis.asyncio"
REPORT = "; from assetlog.catalog.bench.processes import resident_mb; import os; print(resident_mb(os.getpid()))"


def measure(stage: Stage) -> Iterator[Figure]:
    """Starts, one after the other; the raw limit is a process that imports the libraries and ends."""
    rounds = stage.options.count(7, 2)
    raw = [imports_only()[0] for _ in range(rounds)]
    yield timing("start-empty", [_start_empty(stage) for _ in range(rounds)], raw, RAW)
    stage.large_node()
    yield timing("start-full", [_start_large(stage) for _ in range(rounds)], raw, RAW, events=stage.options.events)


def imports_only() -> tuple[float, float]:
    """Seconds and MB of a process that imports what a node imports."""
    began = time.perf_counter()
    said = subprocess.run([sys.executable, "-c", LIBRARIES + REPORT], capture_output=True, text=True, check=True)
    return time.perf_counter() - began, float(said.stdout)


def _start_empty(stage: Stage) -> float:
    return stage.node(stage.empty_home()).ready_after


def _start_large(stage: Stage) -> float:
    stage.quiet()
    return stage.large_node().ready_after
