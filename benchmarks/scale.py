"""How the catalog grows: `python -m benchmarks.scale [--events N] [--assets N] [--steps N]`; one line of JSON a step.

One node lives through it all, sealing and trimming as it goes. After each step: how fast the step was folded, how long
reads take, what the node and its log server hold in memory, what lies on disk. At the end the projection is deleted,
and the node comes back from the archive. No figure should grow faster than the work.
`python -m benchmarks.scale > scale.jsonl; python -m benchmarks.scale_page scale.jsonl` writes `docs/performance.md`.
"""

from __future__ import annotations

import argparse
import json
import random
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from assetlog.catalog.bench.figures import quantile
from assetlog.catalog.bench.load import Outcome
from assetlog.catalog.bench.measures.fold import await_folded
from assetlog.catalog.bench.processes import Server, resident_mb
from assetlog.catalog.bench.reads import read
from assetlog.catalog.bench.run import about
from assetlog.catalog.bench.stage import CHUNK, Options, Stage, append
from assetlog.catalog.bench.workload import Lake

READS = 100
SERVER_RECORD = Path("log") / "server.json"


def main() -> int:
    """Grow a catalog step by step."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0] if __doc__ else None)
    parser.add_argument("--events", type=int, default=10_000_000, help="events at the end")
    parser.add_argument("--assets", type=int, default=100_000, help="assets, all there after the first step")
    parser.add_argument("--steps", type=int, default=20, help="steps of the same size")
    parser.add_argument("--seed", type=int, default=1, help="seed of the workload")
    parser.add_argument("--keep", type=Path, help="keep the data in this new directory")
    args = parser.parse_args()
    options = Options(events=args.events, assets=args.assets, seed=args.seed)
    print(json.dumps({"about": about(options)}), flush=True)
    with Stage(options, args.keep) as stage:
        for row in grow(stage, args.steps):
            print(json.dumps(row), flush=True)
        print(json.dumps({"back": come_back(stage)}), flush=True)
    return 0


def grow(stage: Stage, steps: int) -> Iterator[dict[str, Any]]:
    """What is measured after each step."""
    options = stage.options
    lake, node = Lake(options.assets, options.seed), stage.node(stage.home("scale"))
    chance = random.Random(options.seed)
    middle = ""
    for step in range(1, steps + 1):
        target = options.events * step // steps
        began, made = time.time(), lake.made
        seconds, last = add(node, lake, target)
        middle = middle or last
        row = {"events": lake.made, "folded_a_second": round((lake.made - made) / seconds), **sizes(node)}
        yield row | latencies(node, lake, chance, middle) | {"step_seconds": round(time.time() - began, 1)}


def add(node: Server, lake: Lake, target: int) -> tuple[float, str]:
    """Append up to so many events; seconds of appending and folding alone, and the last position."""
    seconds, last = 0.0, ""
    while left := target - lake.made:
        events = lake.take(min(CHUNK, left))
        outcome = append(node.log, events)
        last = outcome.last.decode()
        await_folded(node, last)
        seconds += time.time() - outcome.began_at
    return seconds, last


def come_back(stage: Stage) -> dict[str, Any]:
    """Restart the node as it is, then without its projection; the same digest must come of it."""
    home = stage.home("scale")
    digest = json.loads(stage.node(home).get("/v1/log/digest"))
    stage.quiet()
    as_it_was = stage.node(home).ready_after
    stage.quiet()
    for path in home.glob("catalog.duckdb*"):
        path.unlink()
    node = stage.node(home)
    again = json.loads(node.get("/v1/log/digest"))
    return {
        "restart_seconds": round(as_it_was, 2),
        "wiped_seconds": round(node.ready_after, 2),
        "events_a_second": round(stage.options.events / node.ready_after),
        "digest": digest["digest"],
        "same_digest": again == digest,
        **sizes(node),
    }


def sizes(node: Server) -> dict[str, float]:
    """Memory in MB, and MB on disk."""
    log_server = json.loads((node.home / SERVER_RECORD).read_bytes())["pid"]
    files = [path for path in node.home.rglob("*") if path.is_file()]
    projection = sum(path.stat().st_size for path in files if path.name.startswith("catalog.duckdb"))
    log = sum(path.stat().st_size for path in files if path.suffix in {".aof", ".rdb"})
    archive = sum(path.stat().st_size for path in files if path.suffix == ".parquet")
    memory = {"node_mb": node.memory(), "log_server_mb": resident_mb(log_server)}
    disk = {"projection_mb": projection / 1e6, "log_mb": log / 1e6, "archive_mb": archive / 1e6}
    return {name: round(mb, 1) for name, mb in (memory | disk).items()}


def latencies(node: Server, lake: Lake, chance: random.Random, middle: str) -> dict[str, dict[str, float]]:
    """p50 and p99 in ms of the reads people do; `middle` is a position of the past."""
    keys = [chance.choice(lake.keys) for _ in range(READS)]
    below = [{"key": lake.keys[n % 50], "direction": "down", "depth": 10} for n in range(READS)]
    reads = {
        "asset_ms": read(node, "/v1/asset", [{"key": key} for key in keys]),
        "asset_as_of_ms": read(node, "/v1/asset", [{"key": key, "as_of": middle} for key in keys]),
        "assets_ms": read(node, "/v1/assets", [{"limit": 100}] * READS),
        "history_ms": read(node, "/v1/asset/events", [{"key": key, "limit": 100} for key in keys]),
        "lineage_ms": read(node, "/v1/lineage", below),
        "lineage_as_of_ms": read(node, "/v1/lineage", [{**each, "as_of": middle} for each in below]),
    }
    return {name: _quantiles(outcome) for name, outcome in reads.items()}


def _quantiles(outcome: Outcome) -> dict[str, float]:
    return {name: round(quantile(outcome.times, share) * 1e3, 3) for name, share in (("p50", 0.5), ("p99", 0.99))}


if __name__ == "__main__":
    sys.exit(main())
