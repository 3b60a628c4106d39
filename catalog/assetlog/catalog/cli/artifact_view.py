"""Drawing an artifact in the terminal: markdown, tables, links, images, progress, JSON."""

from __future__ import annotations

from typing import Any

import msgspec

from assetlog.catalog.cli import output
from assetlog.catalog.cli.event_text import brief
from assetlog.catalog.cli.output import Column, Styled
from assetlog.schemas.shapes import Artifact

BAR_WIDTH = 40


def show_artifact(artifact: Artifact) -> None:
    """A line about the artifact, then the thing itself."""
    title = artifact.key or artifact.id
    output.say(
        Styled(title, "bold"),
        Styled(f"  {artifact.type} · v{artifact.version} · ", "dim"),
        output.when(artifact.updated),
    )
    output.pairs(
        [
            ("about", artifact.asset or ""),
            ("run", (artifact.run.job or artifact.run.id) if artifact.run else ""),
            ("description", artifact.description or ""),
        ]
    )
    output.say()
    data = msgspec.json.decode(artifact.data)
    drawing = {"markdown": _markdown, "table": _table, "link": _link, "image": _link, "progress": _progress}
    drawing.get(artifact.type, _json)(data)


def _markdown(data: Any) -> None:
    if not isinstance(data, str) or not output.on_terminal():
        output.say(str(data))
        return
    from rich.markdown import Markdown

    output.show(Markdown(output.clean(data), hyperlinks=False))


def _table(data: Any) -> None:
    if not isinstance(data, list) or not all(isinstance(row, dict) for row in data):
        _json(data)
        return
    names = list(dict.fromkeys(name for row in data for name in row))
    numeric = {name for name in names if all(isinstance(row.get(name), int | float | None) for row in data)}
    rows = ([brief(row[name]) if row.get(name) is not None else "" for name in names] for row in data)
    output.table([Column(name, right=name in numeric) for name in names], rows)


def _link(data: Any) -> None:
    facts = data if isinstance(data, dict) else {"url": data}
    if facts.get("text"):
        output.say(str(facts["text"]))
    output.say(Styled(str(facts.get("url", "")), "underline"))


def _progress(data: Any) -> None:
    share = min(100.0, max(0.0, float(data))) if isinstance(data, int | float) else 0.0
    done = round(share / 100 * BAR_WIDTH)
    output.say(Styled("█" * done, "green"), Styled("░" * (BAR_WIDTH - done), "dim"), f" {share:g} %")


def _json(data: Any) -> None:
    output.say(msgspec.json.format(msgspec.json.encode(data), indent=2).decode())
