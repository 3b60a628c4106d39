"""Figures: what was measured, beside the raw limit of the same run."""

from __future__ import annotations

import math
import statistics
from collections.abc import Sequence
from typing import Any

from msgspec import Struct

from assetlog.catalog.bench.bars import BARS


class Figure(Struct, kw_only=True):
    """One figure. `value`, `p99` and `raw` are in the unit of the figure's bar."""

    name: str
    """Its name in `bars.BARS`."""
    value: float
    """A rate or size; the median of times."""
    raw: float | None = None
    """The same work without the catalog, measured in the same run."""
    raw_what: str = ""
    p99: float | None = None
    facts: dict[str, Any] = {}
    """What else is worth knowing: sample counts, spreads, sizes."""

    @property
    def ratio(self) -> float | None:
        """The share of the raw limit that is reached: 1 is the limit itself, for rates and for times.

        >>> Figure(name="asset", value=0.4, raw=0.1).ratio
        0.25
        """
        if not self.raw or not self.value:
            return None
        return self.value / self.raw if BARS[self.name].better == "more" else self.raw / self.value

    @property
    def reached(self) -> bool | None:
        """Whether the bar is reached, None where there is none.

        >>> Figure(name="visible-idle", value=2.0, p99=9.0).reached
        False
        """
        bar = BARS[self.name]
        if bar.goal is None:
            return None
        if bar.better == "more":
            return self.value >= bar.goal
        return self.value <= bar.goal and (bar.goal_p99 is None or (self.p99 or math.inf) <= bar.goal_p99)

    def as_dict(self) -> dict[str, Any]:
        """The figure with its bar, for JSON."""
        bar = BARS[self.name]
        facts = {"name": self.name, "title": bar.title, "unit": bar.unit, "better": bar.better}
        measured = {"value": self.value, "p99": self.p99, "raw": self.raw, "raw_what": self.raw_what}
        verdict = {"ratio": self.ratio, "goal": bar.goal, "goal_p99": bar.goal_p99, "reached": self.reached}
        return facts | measured | verdict | {"facts": self.facts}


def quantile(values: Sequence[float], share: float) -> float:
    """The value below which a share of the values lies (nearest rank).

    >>> quantile([3, 1, 2], 0.5), quantile([1, 2, 3], 0.99)
    (2, 3)
    """
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, max(0, math.ceil(share * len(ordered)) - 1))]


def middle(values: Sequence[float]) -> float:
    """The median of a few rounds."""
    return statistics.median(values)


def timing(name: str, seconds: Sequence[float], raw: Sequence[float], raw_what: str, **facts: Any) -> Figure:
    """A figure of times, from samples in seconds."""
    scale = {"us": 1e6, "ms": 1e3, "s": 1.0}[BARS[name].unit]
    return Figure(
        name=name,
        value=quantile(seconds, 0.5) * scale,
        p99=quantile(seconds, 0.99) * scale,
        raw=quantile(raw, 0.5) * scale if raw else None,
        raw_what=raw_what,
        facts={"samples": len(seconds), "max": max(seconds) * scale, **facts},
    )


def rate(name: str, rates: Sequence[float], raw: Sequence[float], raw_what: str, **facts: Any) -> Figure:
    """A figure of events a second, from rounds."""
    return Figure(
        name=name,
        value=middle(rates),
        raw=middle(raw) if raw else None,
        raw_what=raw_what,
        facts={"rounds": len(rates), "least": min(rates), "most": max(rates), **facts},
    )
