"""Folding the whole log again: from the archive by its columns, as `assetlog rebuild` does, and from events' bytes."""

from __future__ import annotations

import json
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import duckdb

from assetlog.catalog.bench.figures import Figure, rate
from assetlog.catalog.bench.measures.fold import RAW, insert
from assetlog.catalog.bench.stage import Stage, append
from assetlog.consumers.fold.progress import MAX_POSITION
from assetlog.consumers.fold.rebuild import fold_log
from assetlog.consumers.log.bodies import Bodies
from assetlog.consumers.log.connection import connect_sync
from assetlog.consumers.log.server import LogServer
from assetlog.schemas.errors import Broken
from assetlog.schemas.stream import DEFAULT_CATALOG

COPY = "DuckDB copying the projection's largest table into a new file"


def measure(stage: Stage) -> Iterator[Figure]:
    """The command on the large catalog, most of which is sealed; then a log of which nothing is."""
    if not stage.options.quick:  # a small catalog has nothing sealed
        large = stage.large
        stage.quiet()
        seconds = _rebuild(stage)
        raw = _copied(large.copy, stage.empty_home() / "copied.duckdb")
        yield rate("rebuild", [stage.options.events / seconds], [raw], COPY, seconds=seconds)
    sample = stage.lake.take(stage.options.count(200_000, 10_000))
    home = stage.empty_home()
    with LogServer(home) as log, connect_sync(log.url) as client:
        append(log.url, sample)
        began = time.perf_counter()
        fold, _ = fold_log(home / "again.duckdb", DEFAULT_CATALOG, Bodies(client, DEFAULT_CATALOG), up_to=MAX_POSITION)
        fold.close()
        seconds = time.perf_counter() - began
    yield rate("rebuild-decoding", [len(sample) / seconds], [insert(sample).rate], RAW, seconds=seconds)


def _rebuild(stage: Stage) -> float:
    """Seconds of the command, in a process of its own; its digest must equal that of the live fold."""
    command = [sys.executable, "-m", "assetlog.catalog.cli.main", "rebuild", "--json", "--data-dir"]
    done = subprocess.run([*command, str(stage.home("large"))], capture_output=True, text=True, check=False)
    if done.returncode:
        raise Broken(f"The rebuild failed: {done.stderr[-1000:]}", code="bench-rebuild")
    result = json.loads(done.stdout)
    if not result["equal"] or result["entries"] != stage.options.events:
        raise Broken(f"The rebuild does not equal the live fold: {result}", code="bench-rebuild")
    return float(result["seconds"])


def _copied(projection: Path, into: Path) -> float:
    """Rows a second."""
    with duckdb.connect(str(into)) as connection:
        connection.execute("attach ? as old (read_only)", [str(projection)])
        began = time.perf_counter()
        connection.execute("create table log as from old.log")
        connection.execute("checkpoint")
        seconds = time.perf_counter() - began
        (rows,) = connection.execute("select count(*) from log").fetchall()[0]
    return float(rows) / seconds
