"""Doctor names what is wrong with a real log server, and why it matters."""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path

import pytest
import redis

from assetlog.consumers.log.connection import connect_sync
from assetlog.consumers.log.continuity import Mark, entry_digest
from assetlog.consumers.log.doctor import Standing, examine, examine_server
from assetlog.consumers.log.finding import Finding
from assetlog.consumers.log.home import HomeLock
from assetlog.consumers.log.server import LogServer
from assetlog.consumers.log.wire import position_of
from assetlog.schemas.stream import archive_key, stream_key

KEY = stream_key()


@pytest.fixture
def home(tmp_path: Path) -> Path:
    return tmp_path / "home"


@pytest.fixture
def client(home: Path) -> Iterator[redis.Redis]:
    """A client of a log server that runs on `home` and that a test may set up badly."""
    with LogServer(home) as server, connect_sync(server.url) as client:
        yield client


def by_name(findings: list[Finding]) -> dict[str, Finding]:
    assert len({finding.name for finding in findings}) == len(findings)
    for finding in findings:
        assert finding.found
        assert finding.status == "ok" or (finding.why and finding.remedy), finding
    return {finding.name: finding for finding in findings}


def test_all_is_well_on_a_fresh_node(home: Path, client: redis.Redis) -> None:
    findings = by_name(examine(home))
    assert {name for name, finding in findings.items() if finding.status != "ok"} <= {"disk-kind", "disk-room"}
    assert {"receipts", "eviction", "memory", "clock", "log", "continuity", "processes", "spool"} <= findings.keys()


def test_doctor_changes_nothing_and_starts_nothing(home: Path) -> None:
    with LogServer(home):
        pass
    before = sorted(home.rglob("*"))
    findings = by_name(examine(home))
    assert "not running" in findings["log-server"].found
    assert sorted(home.rglob("*")) == before


@pytest.mark.parametrize(
    ("setting", "value", "name", "status", "says"),
    [
        ("appendfsync", "everysec", "receipts", "warn", "appendfsync is everysec"),
        ("appendonly", "no", "receipts", "warn", "appendonly is no"),
        ("no-appendfsync-on-rewrite", "yes", "receipts", "warn", "does not sync while"),
        ("maxmemory-policy", "allkeys-lfu", "eviction", "fail", "allkeys-lfu"),
        ("maxmemory-policy", "allkeys-lfu", "log-server", "fail", "evict"),
        ("maxmemory", "1000000", "memory", "fail", "of its limit"),
    ],
)
def test_a_bad_setting_is_named(
    home: Path, client: redis.Redis, setting: str, value: str, name: str, status: str, says: str
) -> None:
    client.config_set(setting, value)
    finding = by_name(examine(home))[name]
    assert finding.status == status
    assert says in finding.found


def test_a_position_the_log_no_longer_holds_is_named(home: Path, client: redis.Redis) -> None:
    mark = Mark(position_of(b"1000-1"), entry_digest(b"1"), "")
    client.xadd(KEY, {"event": "1"}, id="1000-1")
    assert by_name(examine(home, standing=Standing(mark)))["continuity"].status == "ok"
    client.xadd(KEY, {"event": "2"}, maxlen=1, approximate=False)
    findings = by_name(examine(home, standing=Standing(mark)))
    assert findings["continuity"].why.startswith("log-truncated")
    assert "1 older ones were removed" in findings["log"].found
    assert findings["fold-lag"].status == "warn"


def test_what_was_trimmed_behind_the_archive_is_no_fault(home: Path, client: redis.Redis) -> None:
    for number in range(1, 4):
        client.xadd(KEY, {"event": "1"}, id=f"1000-{number}")
    client.xtrim(KEY, minid="1000-3", approximate=False)
    client.hset(archive_key("default"), "trimmed", "1000-3")
    finding = by_name(examine(home))["log"]
    assert (finding.status, "2 older ones were sealed" in finding.found) == ("ok", True)


def test_a_key_of_another_type_is_named(home: Path, client: redis.Redis) -> None:
    client.set(KEY, "x")
    assert "wrong kind of value" in by_name(examine(home))["log"].found


def test_an_unreachable_server_is_one_finding(tmp_path: Path) -> None:
    (finding,) = examine_server(f"unix://{tmp_path}/none.sock", "default")
    assert (finding.name, finding.status) == ("log-server", "fail")


def test_a_clock_that_disagrees_is_named(home: Path, client: redis.Redis, monkeypatch: pytest.MonkeyPatch) -> None:
    now = time.time
    monkeypatch.setattr("assetlog.consumers.log.doctor.time.time", lambda: now() - 30)
    assert "ahead of this machine's" in by_name(examine(home))["clock"].found


def test_a_log_server_without_a_node_is_named(home: Path) -> None:
    with HomeLock(home) as lock, LogServer(home, lock=lock) as server:
        assert by_name(examine(home))["processes"].status == "ok"
        lock.release()  # as if the node were killed
        finding = by_name(examine(home))["processes"]
        assert finding.status == "warn"
        assert str(server.pid) in finding.found
