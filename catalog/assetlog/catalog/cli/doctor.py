"""Check the data directory, the log server and the node; exit code 1 if something does not work."""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING

from assetlog.catalog.cli import output
from assetlog.catalog.cli.flags import add_settings, read_settings
from assetlog.catalog.cli.output import Cell, Column, Styled
from assetlog.schemas.errors import AssetlogError

if TYPE_CHECKING:
    from assetlog.catalog.settings import Settings
    from assetlog.consumers.log.finding import Finding

SETTINGS = ("home", "redis_url", "catalog")
MARKS = {"ok": ("✔ ok", "green"), "warn": ("▲ warn", "yellow"), "fail": ("✖ fail", "red")}
COLUMNS = (Column("status", keep=True), Column("check", keep=True), Column("found"))


def configure(parser: argparse.ArgumentParser) -> None:
    """The command's options: where the data is."""
    add_settings(parser, only=SETTINGS)


def run(args: argparse.Namespace) -> int:
    """Look at everything; nothing is changed or started."""
    from assetlog.consumers.log.doctor import examine

    settings = read_settings(args)
    findings = examine(settings.home, url=settings.redis_url, catalog=settings.catalog)
    findings.append(_node(settings))
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


def _node(settings: Settings) -> Finding:
    """Whether the node of the data directory answers and folds."""
    from assetlog.catalog.client import Client
    from assetlog.consumers.log.finding import Finding, from_error

    try:
        with Client(home=settings.home) as client:
            client.fetch("/health/ready")
            return Finding("node", "ok", f"The node answers at {client.node.url} and has folded all of the log.")
    except AssetlogError as error:
        if error.code == "no-node":
            return Finding("node", "ok", "No node is running.", remedy="Start one with `assetlog up`.")
        return from_error("node", error)
