"""`assetlog emit` and `assetlog run`, as a shell sees them."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import msgspec
import pytest

from assetlog.catalog.cli.main import main
from assetlog.consumers.log.server import LogServer
from assetlog.schemas import codec
from assetlog.schemas.codec import Event
from assetlog.schemas.events.asset import AssetFailed, AssetMaterialized
from assetlog.schemas.events.run import RunFailed, RunStarted

GOOD = b'{"type":"asset.observed","subject":"s3://a","specversion":"1.0","id":"%d","source":"me","time":"2026-11-21T00:00:00Z"}\n'


@pytest.fixture(autouse=True)
def target(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The file that events go to."""
    for name in ("CATALOG", "TOKEN", "STRICT", "SOURCE", "RUN_ID", "JOB"):
        monkeypatch.delenv(f"ASSETLOG_{name}", raising=False)
    monkeypatch.setenv("ASSETLOG_HOME", str(tmp_path / "home"))
    monkeypatch.setenv("ASSETLOG_URL", (tmp_path / "events.ndjson").as_uri())
    return tmp_path / "events.ndjson"


def decoded(path: Path) -> list[Event]:
    return [codec.decode(line) for line in path.read_bytes().splitlines()]


def test_one_event_with_its_options(target: Path, capsys: pytest.CaptureFixture[str]) -> None:
    words = "emit asset.materialized s3://a --upstream s3://b --upstream s3://c --meta rows=3 --meta note=as=text"
    more = "--partition p --by dbt --id 17 --time 2026-11-21T00:00:00Z --source me"
    assert main([*words.split(), *more.split(), "--data", '{"metadata":{"x":[1]},"duration":2}']) == 0
    [event] = decoded(target)
    assert isinstance(event.data, AssetMaterialized)
    assert (event.id, event.source, event.upstream) == ("17", "me", ("s3://b", "s3://c"))
    assert (event.data.partition, event.data.by, event.data.duration) == ("p", "dbt", 2)
    assert msgspec.json.decode(event.data.metadata) == {"x": [1], "rows": 3, "note": "as=text"}
    assert "17  ack: disk" in capsys.readouterr().out


def test_the_receipt_of_a_log_names_the_position(
    log_server: LogServer, catalog_name: str, capsys: pytest.CaptureFixture[str]
) -> None:
    words = ["emit", "asset.observed", "s3://a", "--url", log_server.url, "--catalog", catalog_name]
    assert main([*words, "--json"]) == 0
    said = msgspec.json.decode(capsys.readouterr().out)
    assert said["ack"] == "disk"
    assert "-" in said["position"]


@pytest.mark.parametrize(
    "words",
    [
        "emit",
        "emit asset.observed no-key",
        "emit asset.observed",
        "emit asset.seen s3://a",
        "emit asset.observed s3://a --meta rows",
        "emit asset.observed s3://a --data [1]",
        "emit asset.observed s3://a --time yesterday",
        "emit asset.observed s3://a --file -",
        "emit asset.observed s3://a --url ftp://x",
        "run --asset s3://a",
        "run --asset no-key -- true",
    ],
)
def test_wrong_usage_is_2_and_emits_nothing(words: str, target: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(words.split()) == 2
    assert "error:" in capsys.readouterr().err
    assert not target.exists()


def test_an_event_waits_while_the_log_is_away_and_is_drained_later(
    target: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    directory = target.parent / "later"
    monkeypatch.setenv("ASSETLOG_URL", (directory / "events.ndjson").as_uri())
    assert main(["emit", "asset.observed", "s3://a", "--id", "1"]) == 0
    assert "kept in the spool" in capsys.readouterr().err
    assert main(["emit", "asset.observed", "s3://a", "--id", "2", "--strict"]) == 5
    assert main(["emit", "--drain"]) == 5
    directory.mkdir()
    capsys.readouterr()
    assert main(["emit", "--drain", "--json"]) == 0
    assert msgspec.json.decode(capsys.readouterr().out) == {"delivered": 2, "duplicates": 0, "rejected": 0, "left": 0}
    assert [event.id for event in decoded(directory / "events.ndjson")] == ["1", "2"]
    assert main(["emit", "--drain"]) == 0
    assert "0 events delivered" in capsys.readouterr().out


def test_a_file_is_sent_and_each_bad_line_named(
    target: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "in.ndjson"
    lines = [GOOD % 1, b"\n", b"nonsense\n", GOOD % 2, b'{"type":"asset.observed","subject":"no key"}\n', GOOD % 3]
    file.write_bytes(b"".join(lines)[:-1])
    assert main(["emit", "--file", str(file)]) == 2
    said = capsys.readouterr()
    assert "3 accepted (0 duplicates), 2 refused" in said.err
    assert "line 3: malformed-json" in said.err
    assert "line 5: invalid-key" in said.err
    assert target.read_bytes() == GOOD % 1 + GOOD % 2 + GOOD % 3
    assert main(["emit", "--file", str(file), "--json"]) == 2
    report = msgspec.json.decode(capsys.readouterr().out)
    assert [refused["line"] for refused in report["refused"]] == [3, 5]
    assert (report["accepted"], report["spooled"], report["ack"]) == (3, 0, "disk")


def test_attributes_that_a_line_lacks_are_filled_in(target: Path, tmp_path: Path) -> None:
    file = tmp_path / "in.ndjson"
    file.write_bytes(
        b'{"type":"asset.retired","subject":"s3://a"}\n{"type":"asset.retired","subject":"s3://a","id":"7"}\n'
    )
    assert main(["emit", "--file", str(file)]) == 0
    first, second = decoded(target)
    assert len(first.id) == 36
    assert first.time is not None
    assert first.source.startswith("python://")
    assert second.id == "7"


def test_standard_input_is_a_file(target: Path) -> None:
    command = [sys.executable, "-m", "assetlog.catalog.cli.main", "emit", "--file", "-"]
    result = subprocess.run(command, input=b"".join(GOOD % n for n in range(5_000)), capture_output=True, check=False)
    assert result.returncode == 0, result.stderr
    assert [event.id for event in decoded(target)] == [str(n) for n in range(5_000)]


def test_a_file_for_a_log_that_is_away_waits_or_fails_if_strict(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("ASSETLOG_URL", (tmp_path / "missing" / "events.ndjson").as_uri())
    file = tmp_path / "in.ndjson"
    file.write_bytes(b"".join(GOOD % n for n in range(3_000)))
    assert main(["emit", "--file", str(file)]) == 0
    assert "3,000 kept in the spool" in capsys.readouterr().err
    assert main(["emit", "--file", str(file), "--strict"]) == 5
    assert main(["emit", "--file", str(tmp_path / "no such file")]) == 3


def test_a_command_that_succeeds_materializes(target: Path, capfd: pytest.CaptureFixture[str]) -> None:
    words = "run --asset s3://a --asset s3://b --upstream s3://c --job nightly --partition p --meta rows=3"
    assert main([*words.split(), "--", "sh", "-c", "echo $ASSETLOG_JOB $ASSETLOG_RUN_ID"]) == 0
    started, first, second, ended = decoded(target)
    assert capfd.readouterr().out.strip() == f"nightly {started.subject}"
    assert [event.type for event in (started, ended)] == ["run.started", "run.succeeded"]
    assert (first.subject, second.subject, first.upstream) == ("s3://a", "s3://b", ("s3://c",))
    assert isinstance(first.data, AssetMaterialized)
    assert first.data.run is not None
    assert (first.data.run.id, first.data.run.job, first.data.partition) == (started.subject, "nightly", "p")
    assert msgspec.json.decode(first.data.metadata) == {"rows": 3, "exit_code": 0}
    assert first.data.duration is not None


@pytest.mark.parametrize(
    ("command", "code", "error"),
    [
        (["sh", "-c", "exit 3"], 3, "exit code 3"),
        (["sh", "-c", "kill -9 $$"], 137, "ended by SIGKILL"),
        (["sh", "-c", "kill -TERM $$"], 143, "ended by SIGTERM"),
        (["no-such-command"], 127, "no-such-command can't be run: No such file or directory"),
        (["/dev/null"], 126, "/dev/null can't be run: Permission denied"),
    ],
)
def test_a_command_that_fails_keeps_its_exit_code(target: Path, command: list[str], code: int, error: str) -> None:
    assert main(["run", "--asset", "s3://a", "--", *command]) == code
    _, failed, ended = decoded(target)
    assert isinstance(failed.data, AssetFailed)
    assert isinstance(ended.data, RunFailed)
    assert failed.data.error == ended.data.error == error
    assert msgspec.json.decode(failed.data.metadata) == {"exit_code": code}
    assert failed.data.traceback is None


def test_the_end_of_stderr_is_recorded_if_asked_for(target: Path, capfd: pytest.CaptureFixture[str]) -> None:
    script = "import sys; sys.stderr.write('x' * 100_000 + 'the end'); sys.exit(1)"
    assert main(["run", "--asset", "s3://a", "--capture-stderr", "--", sys.executable, "-c", script]) == 1
    assert len(capfd.readouterr().err) == 100_007
    failed = decoded(target)[1].data
    assert isinstance(failed, AssetFailed)
    assert failed.traceback is not None
    assert failed.traceback.endswith("xthe end")
    assert len(failed.traceback) == 32_768


def test_a_run_inside_a_run_is_its_child(target: Path) -> None:
    inner = [sys.executable, "-m", "assetlog.catalog.cli.main", "run", "--", "true"]
    assert main(["run", "--job", "outer", "--", *inner]) == 0
    outer, child, *_ = decoded(target)
    assert isinstance(child.data, RunStarted)
    assert child.data.parent == outer.subject


def test_recording_never_changes_the_exit_code(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("no directory")
    monkeypatch.setenv("ASSETLOG_URL", "redis://127.0.0.1:1")
    monkeypatch.setenv("ASSETLOG_HOME", str(tmp_path / "file"))
    monkeypatch.setenv("ASSETLOG_STRICT", "1")
    assert main(["run", "--asset", "s3://a", "--", "sh", "-c", "exit 4"]) == 4
    assert main(["run", "--asset", "s3://a", "--", "true"]) == 0


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP, signal.SIGINT])
def test_signals_reach_the_command(target: Path, tmp_path: Path, number: signal.Signals) -> None:
    ready = tmp_path / "ready"
    script = f"import pathlib, time; pathlib.Path({str(ready)!r}).touch(); time.sleep(60)"
    command = [sys.executable, "-m", "assetlog.catalog.cli.main", "run", "--asset", "s3://a", "--"]
    with subprocess.Popen(
        [*command, sys.executable, "-c", script], start_new_session=True, stderr=subprocess.DEVNULL
    ) as process:
        _wait_for(ready.exists)
        os.kill(process.pid, number)
        code = process.wait(30)
    assert code == 128 + number
    failed = decoded(target)[1].data
    assert isinstance(failed, AssetFailed)
    assert failed.error == f"ended by {number.name}"


def _wait_for(condition: Callable[[], Any], seconds: float = 30.0) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.01)
