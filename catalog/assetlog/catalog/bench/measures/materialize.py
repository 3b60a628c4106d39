"""What `@materialize` costs the caller of a function that does nothing, while its events go to the log server."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator

from assetlog.catalog.bench.figures import Figure, timing
from assetlog.catalog.bench.stage import Stage
from assetlog.producers import Emitter, materialize, set_default_emitter
from assetlog.schemas.codec import encode
from assetlog.schemas.errors import Broken
from assetlog.schemas.events.asset import AssetMaterialized
from assetlog.schemas.events.common import RunRef

CALLS = 500
"""Calls between two flushes: a burst, as a pipeline's tasks come."""


def measure(stage: Stage) -> Iterator[Figure]:
    """Bursts of calls; the raw limit is encoding the event."""
    node = stage.intake()
    data = AssetMaterialized(upstream=("s3://bench/orders",), run=RunRef(id="run", job="bench.report"))

    def encode_one() -> None:
        encode("asset.materialized", "bench", "s3://bench/report", data)

    @materialize("s3://bench/report", asset_deps=["s3://bench/orders"])
    def report() -> None:
        """Do nothing."""

    ours: list[float] = []
    raw: list[float] = []
    with Emitter(node.log, home=stage.empty_home(), strict=True) as emitter:
        before = set_default_emitter(emitter)
        try:
            for _ in range(stage.options.count(20, 3)):
                ours += _times(report)
                raw += _times(encode_one)
                if not emitter.flush():
                    raise Broken("The events of @materialize did not reach the node.", code="bench-load")
        finally:
            set_default_emitter(before)
    mean = sum(ours) / len(ours) * 1e6
    yield timing("materialize", ours, raw, "msgspec encode of the event", mean=mean, burst=CALLS)


def _times(function: Callable[[], None]) -> list[float]:
    times = []
    for _ in range(CALLS):
        began = time.perf_counter()
        function()
        times.append(time.perf_counter() - began)
    return times
