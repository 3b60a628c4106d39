"""Secrets never reach the log by HTTP; a retry with the same bytes is still the duplicate it is."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from assetlog.catalog.cli.main import main
from assetlog.schemas.stream import stream_key


def stored(node: Any) -> bytes:
    """All bytes of the log."""
    entries = node.node.log.blocking.xrange(stream_key())
    return b"\n".join(fields[b"event"] for _, fields in entries)


def test_a_secret_is_struck_out_before_it_is_stored_and_the_receipt_says_so(node: Any, event: Any, key: str) -> None:
    metadata = {"rows": 3, "db": {"password": "hunter2"}, "dsn": "postgres://me:hunter2@db/shop"}
    answer = node.post(event("asset.materialized", key, {"metadata": metadata}), event("asset.observed", key))
    assert (answer.status_code, answer.json()["redacted"]) == (201, 2)
    assert b"hunter2" not in stored(node)
    shown = node.get("/v1/asset", key=key).json()["last_materialization"]["metadata"]
    assert shown == {"rows": 3, "db": {"password": "[redacted]"}, "dsn": "postgres://me:[redacted]@db/shop"}


def test_a_retry_of_an_event_with_a_secret_is_its_duplicate(node: Any, event: Any, key: str) -> None:
    made = event("asset.observed", key, {"metadata": {"token": "hunter2"}})
    first, flying, folded = (node.post(made, wait=wait).json()["accepted"][0] for wait in (False, False, True))
    assert (first["duplicate"], flying["duplicate"], folded["duplicate"]) == (False, True, True)
    assert first["position"] == flying["position"] == folded["position"]
    other = {**made, "data": {"metadata": {"token": "hunter2", "rows": 1}}}
    assert node.post(other).json()["code"] == "id-conflict"


def test_an_artifact_is_looked_through_too(node: Any, key: str) -> None:
    body = {"type": "json", "data": {"api_key": "hunter2"}, "asset": key}
    made = node.http.post("/v1/artifacts", json=body, params={"wait": "folded"})
    assert (made.status_code, made.json()["redacted"]) == (201, 1)
    assert node.get("/v1/artifact", id=made.json()["id"]).json()["data"] == {"api_key": "[redacted]"}


def test_an_event_without_secrets_is_stored_byte_for_byte(node: Any, key: str) -> None:
    head = f'{{"specversion" : "1.0","id":"{key}","source":"t","type":"asset.observed","subject":"{key}",'
    raw = (head + '"data":{"metadata":{"max_tokens": 1.50e3}}}').encode()
    headers = {"content-type": "application/json"}
    assert node.http.post("/v1/events", content=raw, headers=headers).json()["redacted"] == 0
    assert raw in stored(node)


def test_a_node_may_be_told_to_keep_secrets(running_node: Any, tmp_path: Path, event: Any, key: str) -> None:
    node = running_node(home=tmp_path, redact_secrets=False)
    try:
        answer = node.post(event("asset.observed", key, {"metadata": {"password": "hunter2"}}))
        assert answer.json()["redacted"] == 0
        assert b"hunter2" in stored(node)
    finally:
        node.stop()


def test_a_command_says_what_it_struck_out(
    node: Any, tmp_path: Path, key: str, capsys: pytest.CaptureFixture[str]
) -> None:
    where = ["--url", node.url]
    assert main(["emit", "asset.observed", key, "--meta", "password=hunter2", *where]) == 0
    assert "1 value(s) looked like secrets" in capsys.readouterr().err
    file = tmp_path / "events.ndjson"
    line = {"type": "asset.observed", "subject": key, "data": {"metadata": {"secret": "hunter2"}}}
    file.write_text(f"{json.dumps(line)}\n" * 3)
    assert main(["emit", "--file", str(file), "--json", *where]) == 0
    assert json.loads(capsys.readouterr().out)["redacted"] == 3
    assert b"hunter2" not in stored(node)
