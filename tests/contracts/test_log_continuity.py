"""A log that is not the one a projection was folded from is told by name, and nothing is folded from it."""

from __future__ import annotations

import shutil
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import redis

from assetlog.consumers.log.connection import connect_sync
from assetlog.consumers.log.continuity import Mark, check, entry_digest
from assetlog.consumers.log.server import LogServer
from assetlog.consumers.log.wire import position_of
from assetlog.schemas.errors import Broken
from assetlog.schemas.stream import stream_key

CATALOG = "default"
KEY = stream_key(CATALOG)

OnLog = Callable[[redis.Redis], None]


@pytest.fixture
def home(tmp_path: Path) -> Path:
    return tmp_path / "home"


@pytest.fixture
def marked(home: Path) -> Iterator[tuple[redis.Redis, Mark]]:
    """A log of five entries of which three are folded: a client, and the mark of the third."""
    with LogServer(home) as server, connect_sync(server.url) as client:
        yield client, fill(client)


def fill(client: redis.Redis, first: int = 1, last: int = 5) -> Mark:
    for number in range(first, last + 1):
        client.xadd(KEY, {"event": f"event {number}"}, id=f"1000-{number}")
    return Mark(position_of(b"1000-3"), entry_digest(b"event 3"), client.info("replication")["master_replid"])


def refusal(client: redis.Redis, mark: Mark | None) -> Broken:
    with pytest.raises(Broken) as refused:
        check(client, CATALOG, mark)
    assert refused.value.hint
    assert refused.value.rule
    return refused.value


def test_the_same_log_passes(marked: tuple[redis.Redis, Mark]) -> None:
    client, mark = marked
    state = check(client, CATALOG, mark)
    assert (state.length, state.removed) == (5, 0)


def test_a_restarted_server_with_another_replication_id_passes(home: Path) -> None:
    with LogServer(home) as server, connect_sync(server.url) as client:
        mark = fill(client)
    with LogServer(home) as server, connect_sync(server.url) as client:
        assert check(client, CATALOG, mark).server != mark.server


def test_a_trim_behind_the_mark_passes(marked: tuple[redis.Redis, Mark]) -> None:
    client, mark = marked
    client.xtrim(KEY, minid="1000-3", approximate=False)
    check(client, CATALOG, mark)


def test_a_projection_that_folded_nothing_accepts_any_log(marked: tuple[redis.Redis, Mark]) -> None:
    client, _ = marked
    check(client, CATALOG, None)
    client.delete(KEY)
    check(client, CATALOG, None)


def test_an_older_copy_of_the_log_is_recognised(home: Path, tmp_path: Path) -> None:
    with LogServer(home) as server, connect_sync(server.url) as client:
        fill(client, last=2)
    shutil.copytree(home / "log" / "appendonlydir", tmp_path / "backup")
    with LogServer(home) as server, connect_sync(server.url) as client:
        mark = fill(client, first=3)
    shutil.rmtree(home / "log" / "appendonlydir")
    shutil.copytree(tmp_path / "backup", home / "log" / "appendonlydir")
    with LogServer(home) as server, connect_sync(server.url) as client:
        error = refusal(client, mark)
        assert (error.code, error.value) == ("log-behind", "1000-3")
        assert "1000-2" in error.detail


def test_an_older_copy_that_was_written_to_is_another_log(home: Path, tmp_path: Path) -> None:
    with LogServer(home) as server, connect_sync(server.url) as client:
        fill(client, last=2)
        client.xadd(KEY, {"event": "written to the restored copy"}, id="1000-9")
        error = refusal(client, Mark(position_of(b"1000-3"), entry_digest(b"event 3"), "before"))
        assert error.code == "log-replaced"
        assert "another way" in error.detail


def test_an_emptied_data_directory_is_recognised(home: Path) -> None:
    with LogServer(home) as server, connect_sync(server.url) as client:
        mark = fill(client)
    shutil.rmtree(home / "log" / "appendonlydir")
    with LogServer(home) as server, connect_sync(server.url) as client:
        assert refusal(client, mark).code == "log-empty"


@pytest.mark.parametrize(
    ("meddle", "code", "says"),
    [
        (lambda client: client.delete(KEY), "log-empty", "holds no log"),
        (lambda client: client.flushall(), "log-empty", "holds no log"),
        (lambda client: client.xtrim(KEY, minid="1000-5", approximate=False), "log-truncated", "begins at 1000-5"),
        (lambda client: client.xtrim(KEY, maxlen=0, approximate=False), "log-truncated", "no entry any more"),
        (lambda client: client.xadd(KEY, {"event": "x"}, maxlen=1, approximate=False), "log-truncated", "trimmed"),
        (lambda client: client.xdel(KEY, "1000-3"), "log-truncated", "deleted"),
    ],
)
def test_meddling_with_the_log_is_told_by_name(
    marked: tuple[redis.Redis, Mark], meddle: OnLog, code: str, says: str
) -> None:
    client, mark = marked
    meddle(client)
    error = refusal(client, mark)
    assert error.code == code
    assert says in error.detail
    assert "assetlog rebuild" in error.hint


def test_a_log_with_another_event_at_the_mark_is_another_log(marked: tuple[redis.Redis, Mark]) -> None:
    client, mark = marked
    client.delete(KEY)
    client.xadd(KEY, {"event": "another"}, id="1000-3")
    assert refusal(client, mark).code == "log-replaced"


def test_a_new_log_that_began_after_the_mark_is_another_log(marked: tuple[redis.Redis, Mark]) -> None:
    client, mark = marked
    client.delete(KEY)
    client.xadd(KEY, {"event": "new"}, id="2000-0")
    error = refusal(client, mark)
    assert error.code == "log-replaced"
    assert "new log" in error.detail


@pytest.mark.parametrize("ms", [int((time.time() + 3600) * 1000), (1 << 64) - 1], ids=["in-an-hour", "last"])
def test_a_position_in_the_future_is_refused_with_and_without_a_mark(marked: tuple[redis.Redis, Mark], ms: int) -> None:
    client, mark = marked
    client.xadd(KEY, {"event": "x"}, id=f"{ms}-0")
    assert refusal(client, mark).code == "log-ahead"
    assert "made-up ID" in refusal(client, None).detail


def test_a_fast_server_clock_is_told_apart_from_a_made_up_id(marked: tuple[redis.Redis, Mark]) -> None:
    client, mark = marked
    client.xadd(KEY, {"event": "x"})
    with pytest.raises(Broken, match="server's clock is") as refused:
        check(client, CATALOG, mark, now=time.time() - 3600)
    assert refused.value.code == "log-ahead"


def test_a_key_of_another_type_is_refused(marked: tuple[redis.Redis, Mark]) -> None:
    client, mark = marked
    client.delete(KEY)
    client.set(KEY, "x")
    with pytest.raises(Broken) as refused:
        check(client, CATALOG, mark)
    assert refused.value.code == "wrong-key-type"
