"""compose.yaml and Dockerfile keep what the code promises."""

from __future__ import annotations

import re
import subprocess
import sys
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
import yaml

from assetlog.catalog.cli.main import command_parser
from assetlog.consumers.log.binary import find_server
from assetlog.consumers.log.launch import command

ROOT = Path(__file__).parents[2]
DOCKERFILE = (ROOT / "Dockerfile").read_text(encoding="utf-8")
SERVICES: dict[str, Any] = yaml.safe_load((ROOT / "compose.yaml").read_text(encoding="utf-8"))["services"]
LOCAL = {"--port", "--unixsocket", "--unixsocketperm", "--dir", "--daemonize", "--aof-use-rdb-preamble"}


def breaches(compose: Path) -> str:
    """What breaks the Compose specification's schema, which the checker carries with it; empty for nothing."""
    check = [sys.executable, "-m", "check_jsonschema", "--builtin-schema", "vendor.compose-spec", str(compose)]
    done = subprocess.run(check, capture_output=True, text=True, check=False)
    return done.stdout + done.stderr if done.returncode else ""


def test_the_compose_file_is_what_the_compose_specification_says() -> None:
    assert breaches(ROOT / "compose.yaml") == ""


def test_a_misspelt_compose_file_is_found_out(tmp_path: Path) -> None:
    misspelt = tmp_path / "compose.yaml"
    misspelt.write_text((ROOT / "compose.yaml").read_text(encoding="utf-8").replace("healthcheck:", "healthchek:", 1))
    assert "healthchek" in breaches(misspelt)


def options(arguments: list[str]) -> dict[str, str]:
    return {name: value for name, value in pairwise(arguments) if name.startswith("--")}


def test_the_composed_log_keeps_what_the_embedded_one_keeps(tmp_path: Path) -> None:
    embedded = options(command(find_server(), tmp_path, tmp_path / "socket"))
    kept = {name: value for name, value in embedded.items() if name not in LOCAL}
    assert options(SERVICES["valkey"]["command"]) == kept
    assert kept["--appendfsync"] == "always"
    assert kept["--maxmemory-policy"] == "noeviction"


def test_the_composed_log_is_on_a_volume_and_out_of_reach() -> None:
    valkey = SERVICES["valkey"]
    assert "log:/data" in valkey["volumes"]
    assert "ports" not in valkey
    assert valkey["healthcheck"]["test"] == ["CMD", "valkey-cli", "ping"]


def test_the_composed_node_is_reachable_from_this_machine_only() -> None:
    assert SERVICES["node"]["ports"] == ["127.0.0.1:8470:8470"]
    assert SERVICES["node"]["depends_on"]["valkey"]["condition"] == "service_healthy"


@pytest.mark.parametrize(
    "arguments", [SERVICES["node"]["command"], re.findall(r'"([^"]+)"', DOCKERFILE.rsplit("CMD", 1)[1])], ids=" ".join
)
def test_the_command_of_a_container_is_one_the_command_line_knows(arguments: list[str]) -> None:
    name, *rest = arguments
    args = command_parser(name).parse_args(rest)
    assert args.host == "0.0.0.0"
    assert args.allow_anonymous is True


def test_the_image_runs_as_nobody_special_and_without_build_tools() -> None:
    final = DOCKERFILE.rsplit("\nFROM ", 1)[1]
    assert re.search(r"^USER 10001$", final, re.MULTILINE)
    assert "STOPSIGNAL SIGTERM" in final
    assert "HEALTHCHECK" in final
    assert not re.search(r"apt-get|/bin/uv|gcc", final)


def test_the_image_gets_all_it_is_built_from() -> None:
    copied = {name for line in re.findall(r"^COPY (?!--)(.+) \S+$", DOCKERFILE, re.MULTILINE) for name in line.split()}
    ignored = (ROOT / ".dockerignore").read_text(encoding="utf-8").splitlines()
    assert copied == {line[1:] for line in ignored if line.startswith("!")}
