"""What a no-op under `@materialize` costs its caller, here and in Prefect: `python -m benchmarks.beside_prefect`.

Run it twice with two Pythons: one that has assetlog (with ASSETLOG_URL set, or a node on this machine), one that has
Prefect (with a server, or its own temporary one). It measures whichever is installed, in the same way: calls inside of
a flow, after a warm-up, each timed by itself.
"""

from __future__ import annotations

import importlib
import importlib.util
import time
from collections.abc import Callable
from typing import Any

WARM_UP, CALLS = 20, 300


def main() -> None:
    """Measure what is installed."""
    for name in ("assetlog.producers", "prefect"):
        if importlib.util.find_spec(name.partition(".")[0]) is not None:
            times = sorted(measured(name))
            p50, p99 = times[len(times) // 2], times[int(len(times) * 0.99)]
            print(f"{name}: p50 {p50 * 1e6:,.1f} us, p99 {p99 * 1e6:,.1f} us, {len(times)} calls in a flow")


def measured(name: str) -> list[float]:
    """Seconds of each call."""
    flow, materialize = tools(name)

    def report() -> None:
        """Do nothing."""

    nothing = materialize("s3://bench/report")(report)

    def calls() -> list[float]:
        times = []
        for number in range(WARM_UP + CALLS):
            began = time.perf_counter()
            nothing()
            if number >= WARM_UP:
                times.append(time.perf_counter() - began)
        return times

    found: list[float] = flow(calls)()
    return found


def tools(name: str) -> tuple[Callable[..., Any], Callable[..., Any]]:
    """`flow` and `materialize` of a library."""
    if name == "prefect":
        prefect, assets = importlib.import_module("prefect"), importlib.import_module("prefect.assets")
        return prefect.flow, assets.materialize
    producers = importlib.import_module(name)
    return producers.flow, producers.materialize


if __name__ == "__main__":
    main()
