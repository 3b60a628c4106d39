"""`assetlog rebuild` of the large catalog: its log folded again from the start, compared, swapped."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator

from assetlog.catalog.bench.figures import Figure, rate
from assetlog.catalog.bench.measures.fold import RAW, insert
from assetlog.catalog.bench.stage import Stage
from assetlog.schemas.errors import Broken


def measure(stage: Stage) -> Iterator[Figure]:
    """The command in a process of its own; its digest must equal that of the live fold."""
    large = stage.large  # prepares it
    stage.quiet()
    command = [sys.executable, "-m", "assetlog.catalog.cli.main", "rebuild", "--json", "--data-dir"]
    done = subprocess.run([*command, str(stage.home("large"))], capture_output=True, text=True, check=False)
    if done.returncode:
        raise Broken(f"The rebuild failed: {done.stderr[-1000:]}", code="bench-rebuild")
    result = json.loads(done.stdout)
    if not result["equal"] or result["entries"] != stage.options.events:
        raise Broken(f"The rebuild does not equal the live fold: {result}", code="bench-rebuild")
    sample = large.lake.take(stage.options.count(200_000, 10_000))
    raw = insert(sample).rate
    yield rate("rebuild", [result["entries"] / result["seconds"]], [raw], RAW, seconds=result["seconds"])
