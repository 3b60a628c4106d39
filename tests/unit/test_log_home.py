"""The data directory: private, locked, its socket's path short; and what doctor sees of it without a server."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from assetlog.consumers.log import home as home_module
from assetlog.consumers.log.doctor_home import examine_home
from assetlog.consumers.log.finding import Finding
from assetlog.consumers.log.home import (
    LOCK_NAME,
    SOCKET_PATH_LIMIT,
    FileLock,
    HomeLock,
    holder_pid,
    make_private,
    socket_path,
)
from assetlog.schemas.errors import Broken, Conflict


def found_in(home: Path) -> dict[str, Finding]:
    return {finding.name: finding for finding in examine_home(home)}


def test_a_lock_lets_one_holder_in_and_names_it(tmp_path: Path) -> None:
    home = tmp_path / "home"
    with HomeLock(home) as lock:
        assert lock.held
        assert holder_pid(home) == os.getpid()
        with pytest.raises(Conflict, match=f"process {os.getpid()}"):
            HomeLock(home).acquire()
    with HomeLock(home) as lock:
        assert lock.held


def test_a_lock_lives_on_in_a_child_that_inherited_it(tmp_path: Path) -> None:
    lock = FileLock(tmp_path / "lock")
    assert lock.try_acquire()
    assert lock.descriptor is not None
    inherited = os.dup(lock.descriptor)
    lock.release()
    assert FileLock(lock.path).held_elsewhere()
    os.close(inherited)
    assert not FileLock(lock.path).held_elsewhere()


def test_a_killed_nodes_lock_is_waited_for_while_a_child_still_holds_it(tmp_path: Path) -> None:
    ended = subprocess.run([sys.executable, "-c", "import os; print(os.getpid())"], capture_output=True, check=True)
    child = FileLock(tmp_path / LOCK_NAME)
    assert child.try_acquire()
    child.path.write_bytes(ended.stdout)
    letting_go = threading.Timer(0.1, child.release)
    letting_go.start()
    with HomeLock(tmp_path) as lock:
        assert lock.held
        assert holder_pid(tmp_path) == os.getpid()
    letting_go.join()


def test_a_lock_that_a_child_of_a_killed_node_keeps_is_refused_in_the_end(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(home_module, "INHERITED_FOR", 0.05)
    child = FileLock(tmp_path / LOCK_NAME)
    assert child.try_acquire()
    with pytest.raises(Conflict, match="another process"):
        HomeLock(tmp_path).acquire()
    child.release()


def test_a_created_data_directory_is_private(tmp_path: Path) -> None:
    make_private(tmp_path / "a" / "home")
    assert (tmp_path / "a" / "home").stat().st_mode & 0o777 == 0o700


def test_a_data_directory_that_is_a_file_is_refused(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(Broken) as refused:
        make_private(tmp_path / "file" / "home")
    assert refused.value.code == "home-unusable"


@pytest.fixture
def runtime() -> Iterator[Path]:
    """A runtime directory with a short path, as systems have it; the path of a test's own directory may be long."""
    with tempfile.TemporaryDirectory(prefix="run-") as directory:
        yield Path(directory)


def test_a_socket_has_a_short_private_path_that_depends_on_the_home_alone(tmp_path: Path, runtime: Path) -> None:
    home = tmp_path / ("long" * 30)
    home.mkdir()
    path = socket_path(home, runtime)
    assert path == socket_path(Path(os.path.relpath(home)), runtime)
    assert path != socket_path(tmp_path, runtime)
    assert path.parent.parent == runtime
    assert path.parent.stat().st_mode & 0o777 == 0o700
    assert len(os.fsencode(path)) <= SOCKET_PATH_LIMIT


@pytest.mark.parametrize("trap", ["open", "link"])
def test_a_directory_others_prepared_is_not_used_for_the_socket(tmp_path: Path, runtime: Path, trap: str) -> None:
    home = runtime / "h"
    directory = socket_path(home, runtime).parent
    directory.rmdir()
    if trap == "open":
        directory.mkdir()
        directory.chmod(0o777)
    else:
        (tmp_path / "elsewhere").mkdir(mode=0o700)
        directory.symlink_to(tmp_path / "elsewhere")
    assert socket_path(home, runtime).parent == home / "log"


def test_no_place_for_a_socket_is_explained(tmp_path: Path) -> None:
    home = tmp_path / ("long" * 30)
    with pytest.raises(Broken, match="No place for the log's socket"):
        socket_path(home, tmp_path / "missing")


def test_doctor_names_a_missing_data_directory_and_stops_there(tmp_path: Path) -> None:
    (finding,) = examine_home(tmp_path / "none")
    assert (finding.name, finding.status) == ("data-directory", "fail")


def test_doctor_names_a_data_directory_open_to_others(tmp_path: Path) -> None:
    tmp_path.chmod(0o755)
    assert "chmod 700" in found_in(tmp_path)["data-directory"].remedy


def test_doctor_counts_what_waits_in_the_spool_and_what_was_refused(tmp_path: Path) -> None:
    spool = tmp_path / "spool"
    (spool / "node").mkdir(parents=True)
    (spool / "rejected").mkdir()
    (spool / "node" / "1-2-3.ndjson").write_bytes(b"{}\n{}\n")
    (spool / "node" / "1-2-4.sealed").write_bytes(b"{}\n")
    (spool / "node" / "1-2-4.done").write_bytes(b"3\n")
    (spool / "rejected" / "node.ndjson").write_bytes(b"{}\n")
    findings = found_in(tmp_path)
    assert findings["spool"].found.startswith("3 events wait")
    assert findings["rejected"].found.startswith("1 refused")


def test_doctor_names_a_log_without_its_manifest(tmp_path: Path) -> None:
    files = tmp_path / "log" / "appendonlydir"
    files.mkdir(parents=True)
    (files / "appendonly.aof.1.incr.aof").write_bytes(b"x")
    assert found_in(tmp_path)["log-files"].status == "fail"


def test_doctor_names_a_disk_that_is_nearly_full(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("assetlog.consumers.log.doctor_home.LITTLE_ROOM", 1 << 60)
    assert found_in(tmp_path)["disk-room"].status == "warn"
    monkeypatch.setattr("assetlog.consumers.log.doctor_home.NO_ROOM", 1 << 60)
    assert found_in(tmp_path)["disk-room"].status == "fail"


def test_doctor_names_a_data_directory_in_memory() -> None:
    memory = Path("/dev/shm")
    if not memory.is_dir():
        pytest.skip("no /dev/shm on this system")
    assert found_in(memory)["disk-kind"].status == "warn"
