"""Drawing an artifact in the terminal: markdown, tables, links, images, progress, JSON."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import msgspec

from assetlog.catalog.cli import output
from assetlog.catalog.cli.event_text import brief
from assetlog.catalog.cli.output import Cell, Column, Styled
from assetlog.schemas.images import BLOBS, embedded, image_type
from assetlog.schemas.shapes import Artifact

if TYPE_CHECKING:
    from collections.abc import Iterable

    from assetlog.schemas.artifact_shapes import ArtifactChange, ArtifactDiff

BAR_WIDTH = 40
HISTORY = (Column("what", keep=True), Column("when", keep=True), Column("content"), Column("description"))
DIFF_STYLES = (("+++", "bold"), ("---", "bold"), ("@@", "cyan"), ("+", "green"), ("-", "red"))


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
    if data is None:
        output.say(Styled("The log no longer holds what it says.", "dim"))
        return
    drawing = {"markdown": _markdown, "table": _table, "link": _link, "image": _image, "progress": _progress}
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


def _image(data: Any) -> None:
    url = str(data.get("url", "")) if isinstance(data, dict) else str(data)
    content = embedded(url)
    if content is not None:
        output.say(f"{image_type(content)}, {len(content):,} bytes, in the event itself")
    elif url.startswith(BLOBS):
        output.say("kept by the catalog, SHA-256 ", Styled(url.removeprefix(BLOBS), "underline"))
    else:
        output.say(Styled(url, "underline"))
        return
    output.say(Styled("--save FILE writes it to a file", "dim"))


def show_history(changes: Iterable[ArtifactChange]) -> None:
    """A row for each thing that happened."""
    output.table(HISTORY, (_happened(change) for change in changes))


def show_diff(diff: ArtifactDiff) -> None:
    """How many rows of a table are different, then the lines."""
    if not diff.lines:
        output.say(f"{diff.key} v{diff.from_} and v{diff.to} are the same.")
        return
    rows = {"added": len(diff.added), "removed": len(diff.removed), "changed": len(diff.changed)}
    counts = [f"{count} {'row' if count == 1 else 'rows'} {word}" for word, count in rows.items() if count]
    if counts:
        output.say(", ".join(counts), Styled(f"  (rows are named by {diff.by})" if diff.by else "", "dim"))
    for line in diff.lines:
        output.say(Styled(line, next((style for mark, style in DIFF_STYLES if line.startswith(mark)), "")))


def _happened(change: ArtifactChange) -> list[Cell]:
    said = msgspec.json.decode(change.data)
    shown = "" if said is None else f"{said:g}" if isinstance(said, float) else brief(said)
    return [change.act, output.when(change.time), _first_line(shown), change.description or ""]


def _first_line(text: str) -> str:
    line, more, _ = text.partition("\n")
    return f"{line} …" if more else line


def _progress(data: Any) -> None:
    share = min(100.0, max(0.0, float(data))) if isinstance(data, int | float) else 0.0
    done = round(share / 100 * BAR_WIDTH)
    output.say(Styled("█" * done, "green"), Styled("░" * (BAR_WIDTH - done), "dim"), f" {share:g} %")


def _json(data: Any) -> None:
    output.say(msgspec.json.format(msgspec.json.encode(data), indent=2).decode())
