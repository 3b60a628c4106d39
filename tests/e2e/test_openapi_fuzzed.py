"""Requests made up from the API's own description: nothing breaks, and every answer is as described.

A failure prints the seed of its run, and for each case the request that shows it.
"""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from random import SystemRandom
from typing import Any

import pytest

CHECKS = (
    "not_a_server_error",
    "status_code_conformance",
    "content_type_conformance",
    "response_headers_conformance",
    "response_schema_conformance",
    "negative_data_rejection",
    "unsupported_method",
    "allow_header_conformance",
    "ignored_auth",
)
"""All but those that take every text of the right shape for a key, a cursor or a time."""
ENDLESS = "/v1/events/stream"


@pytest.fixture
def catalog(running_node: Any, tmp_path: Path, event: Any) -> Iterator[Any]:
    """A node with something in it, and a token."""
    node = running_node(home=tmp_path / "home")
    key, run = "s3://lake/orders", {"id": "run-1", "job": "load"}
    node.post(
        event("asset.materialized", key, {"upstream": ["s3://lake/raw"], "run": run, "partition": "p"}),
        event("asset.checked", key, {"check": "rows", "passed": False}),
        event("asset.described", key, {"group": "sales", "tags": {"tier": "gold"}, "columns": [{"name": "id"}]}),
        event("artifact.created", "report", {"type": "markdown", "data": "# x", "asset": key}),
        event("run.failed", "run-1", {"error": "no rows", "job": "load"}),
    )
    target = {"kind": "python", "function": "report", "pool": "nobody-works-here"}
    node.http.put("/v1/consumers/report", json={"condition": key, "target": target, "outlets": [key], "start": "0-0"})
    node.http.post("/v1/consumers/report/trigger", json={})
    node.token = node.http.post("/v1/tokens", json={"name": "fuzz", "scopes": ["admin"]}).json()["token"]
    yield node
    node.stop()


def fuzz(node: Any, directory: Path, examples: int) -> None:
    seed = SystemRandom().randrange(1_000_000)
    command = [
        str(Path(sys.executable).with_name("schemathesis")),
        "run",
        f"{node.url}/openapi.json",
        *("--header", f"Authorization: Bearer {node.token}"),
        *("--exclude-path", ENDLESS),
        *("--checks", ",".join(CHECKS)),
        *("--phases", "examples,coverage,fuzzing,stateful"),
        *("--max-examples", str(examples), "--seed", str(seed)),
        *("--continue-on-failure", "--no-color", "--suppress-health-check", "all", "--warnings", "off"),
    ]
    done = subprocess.run(command, cwd=directory, capture_output=True, text=True, check=False)
    print(f"schemathesis --seed {seed}")
    assert done.returncode == 0, done.stdout[-20_000:] + done.stderr
    assert "Test cases:" in done.stdout
    assert "internal" not in node.http.get("/health/ready").text


@pytest.mark.timeout(300)
def test_made_up_requests_break_nothing_and_every_answer_is_as_described(catalog: Any, tmp_path: Path) -> None:
    fuzz(catalog, tmp_path, examples=5)


@pytest.mark.long
@pytest.mark.timeout(3600)
def test_many_made_up_requests_break_nothing(catalog: Any, tmp_path: Path) -> None:
    fuzz(catalog, tmp_path, examples=500)
