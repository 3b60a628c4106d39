"""What an event says, in one line for people. Pure functions over the accepted bytes."""

from __future__ import annotations

from typing import Any

import msgspec
from msgspec import Raw, Struct

from assetlog.catalog.cli.moments import duration
from assetlog.catalog.cli.output import Cell, Styled

GOOD = {"asset.materialized", "run.succeeded"}
BAD = {"asset.failed", "run.failed", "asset.overdue"}
STYLES = dict.fromkeys(GOOD, "green") | dict.fromkeys(BAD, "red")
SHOWN_FACTS = 4


class Told(Struct, frozen=True):
    """An event, read for showing."""

    id: str = ""
    type: str = "?"
    source: str = ""
    subject: str | None = None
    time: str | None = None
    data: dict[str, Any] = {}


def told(raw: Raw) -> Told:
    """The event's parts; what is damaged or missing is left empty."""
    try:
        return msgspec.json.decode(raw, type=Told)
    except msgspec.MsgspecError:
        return Told()


def type_cell(event: Told) -> Cell:
    """The event's type in its colour."""
    if event.type == "asset.checked":
        return Styled(event.type, "green" if event.data.get("passed") else "red")
    return Styled(event.type, STYLES.get(event.type, "cyan"))


def summary(event: Told) -> str:
    """What the event says beside its type and subject.

    >>> summary(Told(type="asset.materialized", data={"partition": "2026-11-21", "metadata": {"rows": 3}}))
    '[2026-11-21] rows=3'
    """
    data = event.data
    partition = f"[{data['partition']}] " if data.get("partition") else ""
    return (partition + _content(event.type, data)).strip()


def facts(metadata: Any, limit: int = SHOWN_FACTS) -> str:
    """Metadata as `name=value` words, the first few of them."""
    if not isinstance(metadata, dict):
        return ""
    words = [f"{name}={brief(value)}" for name, value in metadata.items()]
    return " ".join(words[:limit]) + (" …" if len(words) > limit else "")


def brief(value: Any) -> str:
    """A JSON value as a short text."""
    text = value if isinstance(value, str) else msgspec.json.encode(value).decode()
    return text if len(text) <= 60 else text[:59] + "…"


def raw_facts(metadata: Raw) -> dict[str, Any]:
    """Metadata that travelled as text."""
    value = msgspec.json.decode(metadata)
    return value if isinstance(value, dict) else {}


def _content(type_: str, data: dict[str, Any]) -> str:
    if data.get("error"):
        return str(data["error"])
    if type_ == "asset.checked":
        mark = "✔" if data.get("passed") else "✖"
        return f"{mark} {data.get('check')} {facts(data.get('metadata'))}"
    if type_.startswith("artifact."):
        progress = data.get("data")
        shown = f"{progress:g} %" if isinstance(progress, int | float) else ""
        return " ".join(filter(None, (data.get("type"), shown, data.get("description") or data.get("reason"))))
    if type_ == "asset.described":
        return ", ".join(name for name in data if name not in {"run", "by"})
    if type_.startswith("run."):
        return " ".join(filter(None, (data.get("job"), duration(data.get("duration")), facts(data.get("metadata")))))
    return facts(data.get("metadata")) or str(data.get("reason") or "")
