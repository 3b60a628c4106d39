"""Where the SDK finds its token, where it sends it, and what it never lets into an event."""

from __future__ import annotations

import json
import logging
from pathlib import Path

import pytest

from assetlog.producers import emit, observe
from assetlog.producers.config import home_token, read_config
from assetlog.producers.destination import token_for
from assetlog.producers.testing import capture

NODE = "http://127.0.0.1:8470"
ELSEWHERE = "https://catalog.example"


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A data directory of its own, and no settings from outside."""
    for name in ("URL", "TOKEN", "TOKEN_FILE", "REDACT_SECRETS"):
        monkeypatch.delenv(f"ASSETLOG_{name}", raising=False)
    monkeypatch.setenv("ASSETLOG_HOME", str(tmp_path))
    return tmp_path


def keep(path: Path, token: str, mode: int = 0o600) -> Path:
    path.write_text(f"{token}\n")
    path.chmod(mode)
    return path


def test_the_variable_counts_for_more_than_the_file(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ASSETLOG_TOKEN_FILE", str(keep(home / "given", "from-file", 0o444)))
    assert read_config().token == "from-file"
    monkeypatch.setenv("ASSETLOG_TOKEN", "from-variable")
    assert read_config().token == "from-variable"


def test_a_file_that_is_not_there_is_said_and_breaks_nothing(
    home: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setenv("ASSETLOG_TOKEN_FILE", str(home / "none"))
    assert read_config().token is None
    assert "none" in caplog.text


def test_the_token_of_the_data_directory_never_leaves_the_machine(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    keep(home / "token", "of-this-machine")
    monkeypatch.setenv("ASSETLOG_URL", ELSEWHERE)
    config = read_config()
    assert token_for(config, NODE) == "of-this-machine"
    assert token_for(config, ELSEWHERE) is None


def test_a_given_token_goes_to_the_url_given_and_to_no_other(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ASSETLOG_URL", ELSEWHERE)
    monkeypatch.setenv("ASSETLOG_TOKEN", "mine")
    config = read_config()
    assert token_for(config, ELSEWHERE) == token_for(config, NODE) == "mine"
    assert token_for(config, "https://other.example") is None


def test_a_token_that_others_may_read_is_left_alone(home: Path, caplog: pytest.LogCaptureFixture) -> None:
    keep(home / "token", "everybody-knows", 0o644)
    assert home_token(home) is None
    assert "chmod 600" in caplog.text
    assert "everybody-knows" not in caplog.text


def test_a_secret_is_struck_out_before_it_leaves_the_task_and_said(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.WARNING, "assetlog")
    with capture() as captured:
        emit("asset.observed", "s3://a", metadata={"rows": 1, "password": "hunter2"})
        observe("s3://a", {"note": "postgres://me:hunter2@db/shop"})
        raws = captured.raw()
    assert b"hunter2" not in b"".join(raws)
    assert json.loads(raws[0])["data"]["metadata"] == {"rows": 1, "password": "[redacted]"}
    assert "1 value in the asset.observed of s3://a" in caplog.text
    assert "hunter2" not in caplog.text


def test_redaction_can_be_switched_off(monkeypatch: pytest.MonkeyPatch) -> None:
    assert read_config().redact
    monkeypatch.setenv("ASSETLOG_REDACT_SECRETS", "off")
    assert not read_config().redact
