"""`assetlog doctor` compares the log with the catalog, whether a node has it open or not."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import redis

from assetlog.catalog.cli.main import main
from assetlog.consumers.log.server import LogServer
from assetlog.schemas.stream import stream_key

KEY = "s3://lake/orders"


@pytest.fixture
def told(
    tmp_path: Path,
    running_node: Any,
    event: Any,
    log_server: LogServer,
    catalog_name: str,
    capsys: pytest.CaptureFixture[str],
) -> Any:
    """A node on an external log that folded an event; what doctor says of it, and then of what it left behind."""
    settings = {"home": tmp_path / "home", "redis_url": log_server.url, "catalog": catalog_name}
    node = running_node(**settings)
    node.post(event("asset.observed", KEY))

    def ask() -> dict[str, dict[str, str]]:
        flags = ["--data-dir", str(settings["home"]), "--redis-url", log_server.url, "--catalog", catalog_name]
        main(["doctor", "--json", *flags])
        return {finding["name"]: finding for finding in json.loads(capsys.readouterr().out)["items"]}

    while_it_runs = ask()
    position = node.get("/health/ready").json()["position"]
    node.stop()
    return ask, while_it_runs, position


def test_a_node_that_runs_is_asked_how_far_it_is(told: Any) -> None:
    _, findings, position = told
    assert findings["continuity"]["status"] == "ok"
    assert position in findings["continuity"]["found"]


def test_the_file_of_a_node_that_rests_is_looked_into(told: Any) -> None:
    ask, _, position = told
    findings = ask()
    assert (findings["continuity"]["status"], findings["fold-lag"]["status"]) == ("ok", "ok")
    assert position in findings["continuity"]["found"]


def test_another_log_than_the_one_that_was_folded_is_named(
    told: Any, redis_sync: redis.Redis, catalog_name: str
) -> None:
    ask, _, _ = told
    redis_sync.delete(stream_key(catalog_name))
    finding = ask()["continuity"]
    assert finding["status"] == "fail"
    assert "log-empty" in finding["why"]


def test_a_catalog_that_cannot_be_read_is_named(told: Any, tmp_path: Path) -> None:
    ask, _, _ = told
    (tmp_path / "home" / "catalog.duckdb").write_bytes(b"this is no DuckDB file" * 1000)
    finding = ask()["catalog"]
    assert finding["status"] == "fail"
    assert "puts it aside" in finding["remedy"]
