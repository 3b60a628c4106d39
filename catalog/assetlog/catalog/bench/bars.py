"""What is measured, what it has to reach, what its figures are called. Nothing heavy: the command's help reads it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal, NamedTuple

from assetlog.schemas.errors import Invalid

MEASURES: dict[str, str] = {
    "decode": "the one decoder, in this process",
    "materialize": "a no-op function under @materialize: its caller's time",
    "event": "one event by HTTP, from one client and from sixteen",
    "batch": "events by HTTP, 100 a request and as bulk NDJSON",
    "artifact": "one artifact by HTTP",
    "visible": "from emitting to seeing it in the API, idle and under load",
    "consumer": "from the event that completes a condition to the function's first line; many consumers",
    "fold": "folding live from the stream, and a backlog of it",
    "asset": "one asset's state by HTTP, among 1,000 assets",
    "graph": "the whole graph of 1,000 assets by HTTP",
    "lineage": "lineage of depth 10, on the large catalog",
    "history": "the last 100 events of an asset, on the large catalog",
    "as_of": "one asset, 100 assets and lineage as of any position, on the large catalog",
    "memory": "memory of a node, empty and with the large catalog",
    "start": "from the command to ready, empty and with the large catalog",
    "size": "bytes per event of projection, stream and log, on the large catalog",
    "rebuild": "folding the large catalog's log again",
}
"""The measures in the order they run: module in `measures/` -> one line of help."""


class Bar(NamedTuple):
    """One figure: what it is and what it has to reach."""

    title: str
    unit: str
    better: Literal["more", "less"]
    goal: float | None = None
    """What must be reached; None for a figure that only explains others."""
    goal_p99: float | None = None


BARS: dict[str, Bar] = {
    "decode": Bar("decode one event", "us", "less"),
    "materialize": Bar("@materialize on a no-op, caller's time", "us", "less", 40),
    "event-1": Bar("one event by HTTP, 1 client", "events/s", "more", 2_500),
    "event-16": Bar("one event by HTTP, 16 clients", "events/s", "more", 10_000),
    "batch-100": Bar("batches of 100 by HTTP", "events/s", "more", 50_000),
    "batch-ndjson": Bar("bulk NDJSON by HTTP", "events/s", "more", 90_000),
    "artifact": Bar("one artifact by HTTP, 1 client", "events/s", "more", 2_500),
    "visible-idle": Bar("emit -> visible in the API, idle", "ms", "less", 3, 8),
    "visible-busy": Bar("emit -> visible while 10,000 events/s are folded", "ms", "less", 5, 15),
    "consumer-start": Bar("condition complete -> consumer's function starts", "ms", "less", 10, 30),
    "consumer-shared": Bar("1,000 consumers on one asset: until the last one's work is handed out", "ms", "less"),
    "consumer-many": Bar("fold, live, with 10,000 consumers on 100,000 assets", "events/s", "more"),
    "fold-live": Bar("fold, live from the stream", "events/s", "more", 80_000),
    "fold-backlog": Bar("fold of a backlog at the start", "events/s", "more"),
    "asset": Bar("one asset's state by HTTP, 1,000 assets", "ms", "less", 0.5),
    "graph": Bar("the whole 1,000-asset graph by HTTP", "ms", "less", 10),
    "lineage": Bar("lineage of depth 10", "ms", "less", 3),
    "history": Bar("last 100 events of an asset", "ms", "less", 4),
    "as-of-asset": Bar("one asset as of any position", "ms", "less", 5),
    "as-of-assets": Bar("100 assets as of any position", "ms", "less", 5),
    "as-of-lineage": Bar("lineage of depth 10 as of any position", "ms", "less", 5),
    "memory-empty": Bar("memory of an empty node, log server aside", "MB", "less"),
    "memory-full": Bar("memory of a node with the large catalog, log server aside", "MB", "less", 250),
    "start-empty": Bar("start to ready, empty", "s", "less", 1.0),
    "start-full": Bar("start to ready with the large catalog", "s", "less", 1.5),
    "size-projection": Bar("projection, bytes per event", "bytes", "less", 80),
    "size-stream": Bar("stream in the log server's memory, bytes per event", "bytes", "less", 680),
    "size-log": Bar("log on disk, bytes per event", "bytes", "less"),
    "rebuild": Bar("rebuild from the archive, by columns", "events/s", "more", 500_000),
    "rebuild-decoding": Bar("rebuild from the stream, decoding again", "events/s", "more", 80_000),
}
"""Every figure by its name. The goals hold for 1 million events and 10,000 assets on two quiet cores."""


def check_names(names: Sequence[str]) -> None:
    """Refuse names of no measure.

    Raises:
        Invalid: there is no measure of that name.
    """
    for name in names:
        if name not in MEASURES:
            raise Invalid(
                f"There is no measure {name!r}.",
                code="unknown-measure",
                field="measure",
                value=name,
                rule=f"the measures are: {', '.join(MEASURES)}",
                hint="`assetlog bench --list` says what each is.",
            )
