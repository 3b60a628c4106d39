"""Figures as text: numbers a person can read, and the page that is committed."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from assetlog.catalog.bench.bars import BARS
from assetlog.catalog.bench.figures import Figure

_VERDICTS = {True: "yes", False: "**no**", None: ""}


def number(value: float) -> str:
    """A number with three digits that matter.

    >>> number(91234.5), number(12.345), number(0.1234)
    ('91,234', '12.3', '0.123')
    """
    if abs(value) >= 100:
        return f"{value:,.0f}"
    return f"{value:.1f}" if abs(value) >= 10 else f"{value:.2f}" if abs(value) >= 1 else f"{value:.3f}"


def value_text(figure: Figure) -> str:
    """What was measured, with its unit; of times the median and the 99th percentile.

    >>> value_text(Figure(name="asset", value=0.25, p99=0.5))
    '0.250 / 0.500 ms'
    """
    unit = BARS[figure.name].unit
    p99 = "" if figure.p99 is None else f" / {number(figure.p99)}"
    return f"{number(figure.value)}{p99} {unit.replace('events/s', '/s')}"


def goal_text(figure: Figure) -> str:
    """The bar."""
    bar = BARS[figure.name]
    if bar.goal is None:
        return "-"
    return f"{bar.goal:,g}" + ("" if bar.goal_p99 is None else f" / {bar.goal_p99:,g}")


def ratio_text(figure: Figure) -> str:
    """The share of the raw limit."""
    return "-" if figure.ratio is None else f"{figure.ratio:.0%}"


def page(facts: dict[str, Any], figures: Sequence[Figure]) -> str:
    """The page of a run."""
    versions = ", ".join(f"{name} {version}" for name, version in facts["versions"].items())
    lines = [
        "# Results",
        "",
        f"{facts['date']}; {facts['machine']}; Python {facts['python']}; {versions}.",
        f"Large catalog: {facts['events']:,} events, {facts['assets']:,} assets; seed {facts['seed']}; load averages "
        f"before: {', '.join(map(str, facts['load']))}." + (" Quick: too short to believe." if facts["quick"] else ""),
        "",
        "Times are p50 / p99. *Of it* is the share of the raw limit that is reached: 100 % is the limit itself.",
        "",
        "| measure | measured | raw limit | of it | bar | reached | the raw limit is |",
        "| --- | ---: | ---: | ---: | ---: | --- | --- |",
    ]
    return "\n".join([*lines, *map(_line, figures), ""])


def _line(figure: Figure) -> str:
    raw = "-" if figure.raw is None else number(figure.raw)
    cells = (
        BARS[figure.name].title,
        value_text(figure),
        raw,
        ratio_text(figure),
        goal_text(figure),
        _VERDICTS[figure.reached],
        figure.raw_what,
    )
    return f"| {' | '.join(cells)} |"
