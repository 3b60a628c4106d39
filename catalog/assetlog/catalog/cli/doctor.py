"""Check the data directory, the log server and the node; exit code 1 if something does not work."""

from __future__ import annotations

import argparse
import json
from functools import partial
from typing import TYPE_CHECKING

from assetlog.catalog.cli import output
from assetlog.catalog.cli.flags import add_settings, read_settings
from assetlog.catalog.cli.output import Cell, Column, Styled
from assetlog.schemas.errors import AssetlogError

if TYPE_CHECKING:
    from assetlog.catalog.settings import Settings
    from assetlog.consumers.log.finding import Finding

SETTINGS = ("home", "redis_url", "catalog", "archive_url")
MARKS = {"ok": ("✔ ok", "green"), "warn": ("▲ warn", "yellow"), "fail": ("✖ fail", "red")}
COLUMNS = (Column("status", keep=True), Column("check", keep=True), Column("found"))


def configure(parser: argparse.ArgumentParser) -> None:
    """The command's options: where the data is."""
    add_settings(parser, only=SETTINGS)


def run(args: argparse.Namespace) -> int:
    """Look at everything; nothing is changed or started."""
    settings = read_settings(args)
    findings = _findings(settings)
    if args.json:
        import msgspec

        output.answer(msgspec.json.encode({"items": findings}))
    else:
        _show(findings)
    return int(any(finding.status == "fail" for finding in findings))


def _show(findings: list[Finding]) -> None:
    rows: list[list[Cell]] = []
    for finding in findings:
        text = [finding.found, *(part for part in (finding.why, finding.remedy) if part)]
        rows.append([Styled(*MARKS[finding.status]), finding.name, "\n".join(text)])
    output.table(COLUMNS, rows)


def _findings(settings: Settings) -> list[Finding]:
    """What there is to find. A node that runs compares the log with its catalog itself; else we do."""
    from assetlog.catalog.standing import standing_of
    from assetlog.consumers.log.doctor import examine
    from assetlog.consumers.log.finding import from_error
    from assetlog.consumers.log.home import LOCK_NAME, FileLock

    node = _node(settings)
    look = partial(examine, settings.home, url=settings.redis_url, catalog=settings.catalog)
    if FileLock(settings.home / LOCK_NAME).held_elsewhere():
        return [*(_as_the_node_says(found, node) for found in look()), node]
    try:
        with standing_of(settings) as standing:
            return [*look(standing=standing), node]
    except AssetlogError as error:
        return [*look(), from_error("catalog", error), node]


def _as_the_node_says(finding: Finding, node: Finding) -> Finding:
    """We cannot look into the catalog while a node has it open."""
    if finding.name != "continuity" or finding.status != "ok":
        return finding
    from msgspec.structs import replace

    return replace(finding, status=node.status, found=f"The node compares the log with its catalog: {node.found}")


def _node(settings: Settings) -> Finding:
    """Whether the node of the data directory answers and folds, and how far it is."""
    from assetlog.catalog.client import Client
    from assetlog.consumers.log.finding import Finding, from_error

    try:
        with Client(home=settings.home) as client:
            position = json.loads(client.fetch("/health/ready"))["position"]
            found = f"The node answers at {client.node.url} and has folded all of the log, up to {position}."
            return Finding("node", "ok", found)
    except AssetlogError as error:
        if error.code == "no-node":
            return Finding("node", "ok", "No node is running.", remedy="Start one with `assetlog up`.")
        return from_error("node", error)
