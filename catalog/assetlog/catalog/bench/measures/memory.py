"""Memory of a node's process, which the log server's is not part of."""

from __future__ import annotations

from collections.abc import Iterator

from assetlog.catalog.bench.figures import Figure
from assetlog.catalog.bench.measures.start import imports_only
from assetlog.catalog.bench.stage import Stage

RAW = "the libraries imported, nothing more"


def measure(stage: Stage) -> Iterator[Figure]:
    """Right after the start, and after a thousand reads."""
    _, libraries = imports_only()
    node = stage.node(stage.empty_home())
    yield Figure(name="memory-empty", value=node.memory(), raw=libraries, raw_what=RAW)
    stage.large_node()
    stage.quiet()
    node = stage.large_node()
    fresh = node.memory()
    for key in stage.large.lake.keys[:: max(1, len(stage.large.lake.keys) // stage.options.count(1_000, 100))]:
        node.get(f"/v1/asset/events?key={key}")
    facts = {"after_reads": node.memory(), "events": stage.options.events}
    yield Figure(name="memory-full", value=fresh, raw=libraries, raw_what=RAW, facts=facts)
