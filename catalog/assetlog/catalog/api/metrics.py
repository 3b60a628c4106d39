"""What a node counts and times, for Prometheus. One registry per node."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping
from typing import NamedTuple

from prometheus_client import (
    CollectorRegistry,
    Counter,
    Gauge,
    Histogram,
    disable_created_metrics,
    generate_latest,
)
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily
from prometheus_client.metrics_core import Metric
from prometheus_client.registry import Collector

disable_created_metrics()  # type: ignore[no-untyped-call]  # a second series of each, which no dashboard reads

SECONDS = (0.0005, 0.001, 0.002, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0)


class Metrics:
    """The counters of a node, and the text that Prometheus reads."""

    content_type = "text/plain; version=0.0.4; charset=utf-8"

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        events = Counter("assetlog_events", "Events received by HTTP.", ["outcome"], registry=self.registry)
        self.accepted = events.labels("accepted")
        self.duplicate = events.labels("duplicate")
        self.rejected = events.labels("rejected")
        self.append_seconds = Histogram(
            "assetlog_append_seconds", "Time to append to the log.", buckets=SECONDS, registry=self.registry
        )
        self._requests = Histogram(
            "assetlog_request_seconds",
            "Time to answer a request.",
            ["method", "route", "status"],
            buckets=SECONDS,
            registry=self.registry,
        )
        self.streams = Gauge("assetlog_event_streams", "Open event streams (SSE).", registry=self.registry)
        self._build = Gauge("assetlog_build_info", "The running version.", ["version"], registry=self.registry)
        self._node = _NodeCollector()
        self.registry.register(self._node)
        self._known: dict[tuple[str, str, int], Histogram] = {}

    def announce(self, version: str) -> None:
        """Name the running version."""
        self._build.labels(version).set(1)

    def request(self, method: str, route: str, status: int, seconds: float) -> None:
        """Count an answered request under its route's template."""
        labels = (method, route, status)
        histogram = self._known.get(labels)
        if histogram is None:
            histogram = self._known[labels] = self._requests.labels(method, route, str(status))
        histogram.observe(seconds)

    def text(self, facts: Facts) -> bytes:
        """All metrics in Prometheus' text format."""
        self._node.facts = facts
        return generate_latest(self.registry)


class Facts(NamedTuple):
    """How far log and fold are, at the moment of asking. None: the log server does not say."""

    totals: Mapping[str, int]
    """Entries the fold has met, by what they came to."""
    position: int
    running: bool
    archiving: bool = True
    scheduling: bool = False
    consumers: int | None = None
    queued: int | None = None
    active: int | None = None
    log_entries: int | None = None
    log_bytes: int | None = None
    lag_events: int | None = None
    lag_seconds: float | None = None
    archive_position: int | None = None


NO_FACTS = Facts({}, 0, running=False)


class _NodeCollector(Collector):
    def __init__(self) -> None:
        self.facts = NO_FACTS

    def describe(self) -> list[Metric]:
        return []

    def collect(self) -> Iterator[Metric]:
        facts = self.facts
        counter = CounterMetricFamily("assetlog_fold_events", "Entries the fold has met.", labels=["outcome"])
        for outcome, count in facts.totals.items():
            counter.add_metric([outcome], count)
        yield counter
        for name, text, value in (
            ("assetlog_fold_position_seconds", "Log time of the last folded entry.", (facts.position >> 20) / 1000),
            ("assetlog_fold_running", "1 while the fold goes on, 0 once it has stopped.", int(facts.running)),
            ("assetlog_archive_well", "0 while the archive cannot be written, else 1.", int(facts.archiving)),
            ("assetlog_scheduler_leads", "1 while this node schedules consumers.", int(facts.scheduling)),
            ("assetlog_consumers", "Consumers; told by the node that schedules.", facts.consumers),
            ("assetlog_consumers_queued", "Events that wait for consumers.", facts.queued),
            ("assetlog_triggers_active", "Triggers that have fired and not ended.", facts.active),
            ("assetlog_fold_lag_events", "Entries of the log that are not folded yet.", facts.lag_events),
            ("assetlog_fold_lag_seconds", "Age of the oldest entry that is not folded yet.", facts.lag_seconds),
            ("assetlog_log_entries", "Entries of the stream.", facts.log_entries),
            (
                "assetlog_archive_position_seconds",
                "Log time of the last sealed entry.",
                None if facts.archive_position is None else (facts.archive_position >> 20) / 1000,
            ),
            ("assetlog_log_server_bytes", "Memory the log server uses.", facts.log_bytes),
        ):
            if value is not None:
                yield GaugeMetricFamily(name, text, value)


def stopwatch() -> Callable[[], float]:
    """A clock that says the seconds since it was made."""
    start = time.perf_counter()
    return lambda: time.perf_counter() - start
