"""The systemd unit of docs/deploy.md: one that systemd takes, and that lets a node stop in its own time."""

from __future__ import annotations

import re
import shlex
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from assetlog.catalog.api.metrics import Facts, Metrics
from assetlog.catalog.cli.main import command_parser
from assetlog.catalog.settings import Settings
from assetlog.consumers.log.server import ENDS_WITHIN

DEPLOY = (Path(__file__).parents[2] / "docs" / "deploy.md").read_text(encoding="utf-8")
UNIT = DEPLOY.split("```text\n[Unit]", 1)[1].split("```", 1)[0]
VALUES = dict(re.findall(r"^(\w+)=(.*)$", UNIT, re.MULTILINE))


def test_a_node_has_the_time_to_stop() -> None:
    longest = Settings.model_fields["stop_seconds"].default + 3 * ENDS_WITHIN
    assert float(VALUES["TimeoutStopSec"]) > longest
    assert VALUES["KillMode"] == "mixed"


def test_the_unit_starts_a_command_that_the_command_line_knows() -> None:
    program, name, *rest = shlex.split(VALUES["ExecStart"])
    assert Path(program).name == "assetlog"
    assert command_parser(name).parse_args(rest).log_format == "json"


@pytest.mark.skipif(shutil.which("systemd-analyze") is None, reason="systemd is not installed")
def test_systemd_takes_the_unit(tmp_path: Path) -> None:
    unit = tmp_path / "assetlog.service"
    unit.write_text("[Unit]" + UNIT.replace("/opt/assetlog/bin/assetlog", sys.executable), encoding="utf-8")
    done = subprocess.run(["systemd-analyze", "verify", str(unit)], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")


def test_the_alerts_ask_for_metrics_that_there_are() -> None:
    facts = Facts({"quarantined": 0}, 0, running=True, log_entries=0, log_bytes=0, lag_events=0, lag_seconds=0.0)
    served = Metrics().text(facts).decode()
    asked = set(re.findall(r"\bassetlog_\w+", DEPLOY))
    assert len(asked) > 5
    assert {name for name in asked if f"\n{name}" not in served} == set()
