"""`assetlog token`: with and without a node, by the log server and by the API; what it makes lets commands in."""

from __future__ import annotations

import json
import stat
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from assetlog.catalog.cli.main import main
from assetlog.catalog.client import Client
from assetlog.schemas.errors import Forbidden
from assetlog.schemas.positions import parse_position


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A data directory of its own, and no settings from outside."""
    for name in ("URL", "TOKEN", "TOKEN_FILE", "REDIS_URL"):
        monkeypatch.delenv(f"ASSETLOG_{name}", raising=False)
    monkeypatch.setenv("ASSETLOG_HOME", str(tmp_path))
    return tmp_path


@pytest.fixture
def own(running_node: Any, home: Path) -> Iterator[Any]:
    """A node on this test's data directory."""
    node = running_node(home=home)
    yield node
    node.stop()


def told(capsys: pytest.CaptureFixture[str], *words: str) -> Any:
    """What a command answers with --json."""
    capsys.readouterr()
    assert main([*words, "--json"]) == 0
    return json.loads(capsys.readouterr().out)


def test_a_token_is_made_listed_and_ended_without_a_node(home: Path, capsys: pytest.CaptureFixture[str]) -> None:
    made = told(capsys, "token", "create", "--name", "ci", "--scope", "events:write", "--expires", "30d", "--save")
    assert made["token"].startswith(f"asl_{made['id']}_")
    kept = home / "token"
    assert kept.read_text().strip() == made["token"]
    assert stat.S_IMODE(kept.stat().st_mode) == 0o600
    assert main(["token", "list"]) == 0
    listed = capsys.readouterr().out
    assert made["id"] in listed
    assert made["token"].split("_", 2)[2] not in listed
    assert told(capsys, "token", "revoke", made["id"])["state"] == "revoked"
    assert main(["token", "revoke", "none"]) == 3
    assert told(capsys, "token", "forget-all") == {"forgotten": 1}
    assert told(capsys, "token", "list") == {"items": []}


def test_without_a_name_or_scope_none_is_made(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["token", "create", "--scope", "admin"]) == 2
    assert main(["token", "create", "--name", "x"]) == 2
    assert main(["token", "revoke"]) == 2
    assert "--scope" in capsys.readouterr().err


def test_what_is_made_beside_a_running_node_closes_it_and_opens_it_to_commands(
    own: Any, capsys: pytest.CaptureFixture[str]
) -> None:
    assert told(capsys, "assets")["items"] == []
    told(capsys, "token", "create", "--name", "admin", "--scope", "admin", "--save")
    own.do(own.node.parts.keeper.refresh())
    assert own.get("/v1/assets").status_code == 401
    position = told(capsys, "emit", "asset.observed", "s3://lake/x")["position"]
    own.do(own.node.parts.until_folded(parse_position(position)))
    events = told(capsys, "events")["items"]
    assert [item["event"]["subject"] for item in events] == ["s3://lake/x"]


def test_a_node_is_asked_by_its_url_and_wants_an_admin(
    own: Any, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ASSETLOG_URL", own.url)
    admin = told(capsys, "token", "create", "--name", "admin", "--scope", "admin")
    assert main(["token", "list"]) == 6
    monkeypatch.setenv("ASSETLOG_TOKEN", admin["token"])
    reader = told(capsys, "token", "create", "--name", "r", "--scope", "catalog:read", "--prefix", "s3://a/*")
    assert [row["name"] for row in told(capsys, "token", "list")["items"]] == ["admin", "r"]
    assert told(capsys, "token", "revoke", reader["id"])["state"] == "revoked"
    assert main(["token", "forget-all"]) == 2
    monkeypatch.setenv("ASSETLOG_TOKEN", reader["token"])
    assert main(["token", "list"]) == 6
    err = capsys.readouterr().err
    assert reader["token"] not in err


def test_a_client_waits_when_it_is_asked_to_come_again(running_node: Any, home: Path) -> None:
    node = running_node(home=home, requests_per_second=2)
    try:
        token = node.http.post("/v1/tokens", json={"name": "r", "scopes": ["catalog:read"]}).json()["token"]
        with Client(node.url, token=token) as client:
            assert [client.assets().items for _ in range(5)] == [[]] * 5
        with Client(node.url) as client, pytest.raises(Forbidden):
            client.assets()
    finally:
        node.stop()
