"""Running a node in the foreground: what `up` and `serve` share."""

from __future__ import annotations

import errno
import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from assetlog.catalog.cli import output
from assetlog.catalog.cli.output import Cell, Styled
from assetlog.schemas.errors import Unavailable
from assetlog.schemas.node_file import default_home

if TYPE_CHECKING:
    from assetlog.catalog.node import Node
    from assetlog.catalog.settings import Settings

PROMISES = {
    "disk": "every event is on disk before it is acknowledged",
    "memory": "events are acknowledged before they are on disk: see `assetlog doctor`",
    "unknown": "the server does not tell whether events are on disk: see `assetlog doctor`",
}


def run_in_foreground(settings: Settings, *, as_json: bool) -> int:
    """Run a node until Ctrl-C or SIGTERM.

    Raises:
        Conflict: another node runs on the data directory.
        Broken: a part cannot run.
    """
    from assetlog.catalog import logs
    from assetlog.catalog.node import run_node
    from assetlog.catalog.settings import crash_at
    from assetlog.consumers.crash_points import arm

    arm(crash_at())
    logs.configure(settings.log_level, settings.log_format)

    def welcome(node: Node) -> None:
        if as_json:
            print(json.dumps(_facts(node)), flush=True)
        else:
            _greet(node)
            sys.stdout.flush()

    try:
        run_node(settings, welcome)
    except OSError as error:
        raise_if_disk_is_full(error, settings.home)
        raise
    if not as_json:
        output.say("Stopped.")
    return 0


def raise_if_disk_is_full(error: OSError, home: Path) -> None:
    """Say what to do about a disk without room.

    Raises:
        Unavailable: it is what the error is about.
    """
    if error.errno in (errno.ENOSPC, errno.EDQUOT):
        raise Unavailable(
            f"The disk of {home} has no space left.",
            code="disk-full",
            field="data-dir",
            value=home,
            rule="a node writes its log and its catalog there",
            hint="Free space there, then start again: what was acknowledged is safe. `assetlog doctor` looks closer.",
        ) from error


def _greet(node: Node) -> None:
    facts = _facts(node)
    output.say(Styled(f"assetlog {facts['version']} is up.", "bold"))
    output.say()
    log: list[Cell] = [facts["log"], Styled(PROMISES[facts["ack"]], "dim")]
    output.pairs([("API", facts["api"]), ("docs", facts["docs"]), ("data", facts["home"]), ("log", log)])
    output.say()
    output.say("From another shell:")
    output.say()
    if node.settings.home != default_home():
        output.say(f"  export ASSETLOG_HOME={node.settings.home}")
    output.say("  assetlog emit asset.materialized s3://lake/orders.parquet --meta rows=1024")
    output.say("  assetlog assets")
    output.say()
    output.say(Styled("Ctrl-C stops it.", "dim"))


def _facts(node: Node) -> dict[str, str]:
    from assetlog.catalog.cli.main import version
    from assetlog.catalog.settings import without_password

    return {
        "version": version(),
        "api": node.url,
        "docs": f"{node.url}/docs",
        "home": str(node.settings.home),
        "catalog": node.settings.catalog,
        "log": without_password(node.log.url),
        "ack": node.parts.appender.ack,
    }
