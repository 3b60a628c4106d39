"""`python -m benchmarks.scale_page scale.jsonl`: what `benchmarks.scale` found, as docs/performance.md with plots."""

from __future__ import annotations

import json
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple

PAGE = Path("docs") / "performance.md"
PLOT = Path("docs") / "performance.svg"

WIDTH, HEIGHT = 420, 230
LEFT, RIGHT, TOP, BOTTOM = 62, 12, 34, 34
COLORS = ("#1f5fa8", "#c2571a", "#2f855a", "#8a3ffc", "#b83280")
Row = dict[str, Any]


class Panel(NamedTuple):
    """One small plot: its title, and its lines by name -> the figure's place in a row."""

    title: str
    lines: dict[str, tuple[str, ...]]


PANELS = (
    Panel("events folded a second", {"folded": ("folded_a_second",)}),
    Panel("memory, MB", {"node": ("node_mb",), "log server": ("log_server_mb",)}),
    Panel("on disk, MB", {"projection": ("projection_mb",), "archive": ("archive_mb",), "log": ("log_mb",)}),
    Panel(
        "reads at the newest position, p50 in ms",
        {
            "asset": ("asset_ms", "p50"),
            "100 assets": ("assets_ms", "p50"),
            "history": ("history_ms", "p50"),
            "lineage": ("lineage_ms", "p50"),
        },
    ),
    Panel(
        "reads as of the middle, p50 in ms",
        {"asset": ("asset_as_of_ms", "p50"), "lineage": ("lineage_as_of_ms", "p50")},
    ),
    Panel("reads at the newest position, p99 in ms", {"asset": ("asset_ms", "p99"), "history": ("history_ms", "p99")}),
)


def main() -> int:
    """Write the page and the plot of a run."""
    lines = [json.loads(line) for line in Path(sys.argv[1]).read_text().splitlines()]
    rows = [line for line in lines if "events" in line]
    about = next(line["about"] for line in lines if "about" in line)
    back = next((line["back"] for line in lines if "back" in line), None)
    PLOT.write_text(plot(rows))
    remarks = sys.argv[2:]
    PAGE.write_text("\n".join([page(rows, about, back), *(f"{remark}\n" for remark in remarks)]))
    return 0


def plot(rows: Sequence[Row]) -> str:
    """All panels as one SVG."""
    columns = 2
    height = -(-len(PANELS) // columns) * HEIGHT
    size = f'viewBox="0 0 {columns * WIDTH} {height}"'
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" {size} font-family="system-ui, sans-serif" font-size="11">',
        f'<rect width="{columns * WIDTH}" height="{height}" fill="#ffffff"/>',
    ]
    for number, panel in enumerate(PANELS):
        x, y = number % columns * WIDTH, number // columns * HEIGHT
        parts.append(f'<g transform="translate({x},{y})">{draw(panel, rows)}</g>')
    return "".join([*parts, "</svg>\n"])


def draw(panel: Panel, rows: Sequence[Row]) -> str:
    """One panel: events across, the figure upwards from zero."""
    series = {name: [value_of(row, place) for row in rows] for name, place in panel.lines.items()}
    most = max(max(values) for values in series.values()) or 1.0
    across, up = rows[-1]["events"], most * 1.08
    parts = [f'<text x="{LEFT}" y="16" font-size="12" font-weight="600" fill="#1a202c">{panel.title}</text>']
    for share in (0.0, 0.5, 1.0):
        y = spot_y(share * most, up)
        parts.append(f'<line x1="{LEFT}" x2="{WIDTH - RIGHT}" y1="{y:.1f}" y2="{y:.1f}" stroke="#e2e8f0"/>')
        parts.append(
            f'<text x="{LEFT - 6}" y="{y + 4:.1f}" text-anchor="end" fill="#4a5568">{say(share * most)}</text>'
        )
    for share in (0.0, 0.5, 1.0):
        x, anchor = spot_x(share * across, across), "end" if share == 1 else "middle"
        label = f"{say(share * across)} events" if share == 1 else say(share * across)
        parts.append(f'<text x="{x:.1f}" y="{HEIGHT - 14}" text-anchor="{anchor}" fill="#4a5568">{label}</text>')
    for number, (name, values) in enumerate(series.items()):
        color = COLORS[number]
        points = " ".join(
            f"{spot_x(row['events'], across):.1f},{spot_y(value, up):.1f}"
            for row, value in zip(rows, values, strict=True)
        )
        parts.append(f'<polyline points="{points}" fill="none" stroke="{color}" stroke-width="1.8"/>')
        parts.append(f'<text x="{LEFT + 8 + number * 82}" y="{TOP - 4}" fill="{color}">{name}</text>')
    return "".join(parts)


def spot_x(value: float, most: float) -> float:
    """Where a number of events stands."""
    return LEFT + value / most * (WIDTH - LEFT - RIGHT)


def spot_y(value: float, most: float) -> float:
    """Where a figure stands."""
    return HEIGHT - BOTTOM - value / most * (HEIGHT - TOP - BOTTOM)


def value_of(row: Row, place: tuple[str, ...]) -> float:
    """A figure of a row."""
    value: Any = row
    for name in place:
        value = value[name]
    return float(value)


def say(value: float) -> str:
    """A number in short.

    >>> say(10_000_000), say(2500), say(0.145)
    ('10M', '2.5k', '0.145')
    """
    for size, unit in ((1e6, "M"), (1e3, "k")):
        if value >= size:
            return f"{value / size:.3g}{unit}"
    return f"{value:.3g}"


def page(rows: Sequence[Row], about: Row, back: Row | None) -> str:
    """The page: how it was measured, the plot, the figures."""
    last = rows[-1]
    head = ("events", "folded/s", "node MB", "log server MB", "projection MB", "archive MB")
    reads = ("asset", "as of", "history", "lineage", "lineage as of")
    table = [
        f"| {' | '.join((*head, *(f'{read} ms' for read in reads)))} |",
        f"|{' ---: |' * (len(head) + len(reads))}",
    ]
    for row in rows:
        sizes = [row["node_mb"], row["log_server_mb"], row["projection_mb"], row["archive_mb"]]
        names = ("asset_ms", "asset_as_of_ms", "history_ms", "lineage_ms", "lineage_as_of_ms")
        cells = [f"{row['events']:,}", f"{row['folded_a_second']:,}", *(f"{size:,.0f}" for size in sizes)]
        times = [f"{row[name]['p50']:.2f}" for name in names]
        table.append(f"| {' | '.join([*cells, *times])} |")
    how = (
        f"{about['date']}; {about['machine']}; Python {about['python']}; {about['assets']:,} assets, "
        f"{last['events']:,} events of 640 bytes; seed {about['seed']}. One node (`assetlog up`, no settings) "
        "folded all of it, sealed it into the archive and trimmed the log behind it; after each step it was asked 100 "
        "times each. Made by `python -m benchmarks.scale`."
    )
    plotted = "![rates, memory, disk and latencies over the number of events](performance.svg)"
    return "\n".join(["# How it grows", "", how, "", plotted, "", *table, "", *told(back)])


def told(back: Row | None) -> list[str]:
    """What the end of the run says."""
    if back is None:
        return []
    same = "the same" if back["same_digest"] else "**another**"
    text = (
        f"Then the node was restarted as it was: ready after {back['restart_seconds']:.1f} s. Its projection was "
        f"deleted, and it came back from the archive: ready after {back['wiped_seconds']:.1f} s "
        f"({back['events_a_second']:,} events a second), with {same} state digest (`{back['digest']}`)."
    )
    return [text, ""]


if __name__ == "__main__":
    sys.exit(main())
