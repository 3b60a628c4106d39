"""How long the one decoder takes for an event, in microseconds: the fold and the API pay it for each."""

from __future__ import annotations

import timeit
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import Any

import msgspec

from assetlog.schemas.codec import decode

GOLDEN = Path(__file__).parents[1] / "tests" / "golden"
CALLS, ROUNDS = 2_000, 50


def run() -> Iterator[dict[str, Any]]:
    """The best and the middle of many rounds, for events of several types as a producer sends them."""
    for name in ("asset.materialized", "asset.observed", "run.started", "artifact.created"):
        event = msgspec.json.decode((GOLDEN / f"{name}.v1.json").read_bytes())
        event = {key: value for key, value in event.items() if key not in {"region", "attempt"}}
        event["data"].pop("column_lineage", None)
        raw = msgspec.json.encode(event)
        rounds = sorted(timeit.repeat(partial(decode, raw), number=CALLS, repeat=ROUNDS))
        best, median = (round(rounds[at] / CALLS * 1e6, 2) for at in (0, ROUNDS // 2))
        yield {"event": name, "bytes": len(raw), "best_us": best, "median_us": median}
