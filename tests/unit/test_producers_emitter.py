"""Emitting: from many threads, through forks, at the very end of a process, with the log away."""

from __future__ import annotations

import logging
import os
import subprocess
import sys
import threading
from pathlib import Path
from textwrap import dedent

import pytest
import redis

from assetlog.consumers.log.server import LogServer
from assetlog.producers import Asset, Emitter
from assetlog.producers.context import inside
from assetlog.producers.outbox import Item
from assetlog.producers.transports import memory
from assetlog.schemas import codec
from assetlog.schemas.codec import Event
from assetlog.schemas.errors import Invalid, Unavailable
from assetlog.schemas.events.asset import AssetObserved
from assetlog.schemas.events.common import RunRef
from assetlog.schemas.node_file import NodeFile, write_node_file
from assetlog.schemas.stream import EVENT_FIELD, stream_key

AWAY = "redis://127.0.0.1:1"


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    for name in ("URL", "CATALOG", "TOKEN", "STRICT", "SOURCE", "RUN_ID", "JOB"):
        monkeypatch.delenv(f"ASSETLOG_{name}", raising=False)
    monkeypatch.setenv("ASSETLOG_HOME", str(tmp_path / "home"))
    (tmp_path / "home").mkdir()
    return tmp_path / "home"


@pytest.fixture
def events_file(tmp_path: Path) -> Path:
    return tmp_path / "events.ndjson"


def decoded(path: Path) -> list[Event]:
    return [codec.decode(line) for line in path.read_bytes().splitlines()] if path.exists() else []


def spooled(home: Path) -> list[Event]:
    """What waits, oldest first."""
    segments = [path for path in (home / "spool").rglob("0*") if path.suffix in {".ndjson", ".sealed"}]
    return [event for path in sorted(segments) for event in decoded(path)]


def run_python(program: str, home: Path, url: str | None = None, **variables: str) -> subprocess.CompletedProcess[str]:
    """A fresh interpreter that runs a program with the SDK's environment."""
    environment = {name: value for name, value in os.environ.items() if not name.startswith("ASSETLOG_")}
    environment |= {"ASSETLOG_HOME": str(home), **({"ASSETLOG_URL": url} if url else {}), **variables}
    return subprocess.run(
        [sys.executable, "-c", dedent(program)],
        env=environment,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


def stream(client: redis.Redis, catalog: str) -> list[Event]:
    entries: object = client.xrange(stream_key(catalog))
    assert isinstance(entries, list)
    return [codec.decode(fields[EVENT_FIELD.encode()]) for _, fields in entries]


def test_an_event_is_what_was_said(events_file: Path) -> None:
    with Emitter(events_file.as_uri(), source="me") as emitter:
        event_id = emitter.emit("asset.materialized", "S3://lake/orders/", upstream=["s3://raw"], metadata={"rows": 3})
    [event] = decoded(events_file)
    assert (event.id, event.source, event.subject, event.upstream) == (
        event_id,
        "me",
        "s3://lake/orders",
        ("s3://raw",),
    )


def test_data_may_be_a_struct_a_mapping_and_fields(events_file: Path) -> None:
    with Emitter(events_file.as_uri()) as emitter:
        emitter.emit("asset.observed", Asset("s3://a"), AssetObserved(by="x"), partition="p")
        emitter.emit("asset.observed", "s3://a", {"by": "x"}, partition="p")
    assert {repr(event.data) for event in decoded(events_file)} == {repr(AssetObserved(by="x", partition="p"))}


@pytest.mark.parametrize(
    ("event_type", "subject", "fields"),
    [
        ("asset.observed", "no key", {}),
        ("asset.observed", None, {}),
        ("asset.observe", "s3://a", {}),
        ("asset.observed", "s3://a", {"upstreams": ["s3://b"]}),
        ("asset.materialized", "s3://a", {"upstream": ["nonsense"]}),
        ("asset.materialized", "s3://a", {"duration": -1}),
        ("asset.materialized", "s3://a", {"metadata": [1]}),
        ("artifact.created", "Not Allowed", {"type": "markdown", "data": "x"}),
        ("artifact.created", "key", {"type": "markdown", "data": 3}),
    ],
)
def test_a_programming_error_raises_at_the_call(event_type: str, subject: str, fields: dict[str, object]) -> None:
    with Emitter("memory:errors") as emitter, pytest.raises(Invalid) as caught:
        emitter.emit(event_type, subject, fields)
    assert caught.value.rule
    assert memory.events("memory:errors") == []


def test_waiting_gives_the_position(log_server: LogServer, catalog_name: str, redis_sync: redis.Redis) -> None:
    with Emitter(log_server.url, catalog=catalog_name) as emitter:
        first = emitter.emit("asset.observed", "s3://a", wait=True)
        second = emitter.emit("asset.observed", "s3://a", wait=True)
    assert (first.ack, second.ack) == ("disk", "disk")
    assert [event.id for event in stream(redis_sync, catalog_name)] == [first.id, second.id]
    assert first.position is not None
    assert second.position is not None


def test_eight_threads_lose_and_double_nothing_and_keep_their_order(
    log_server: LogServer, catalog_name: str, redis_sync: redis.Redis
) -> None:
    with Emitter(log_server.url, catalog=catalog_name, queue_limit=1_000) as emitter:

        def emit_many(thread: int) -> None:
            for number in range(1_000):
                emitter.emit("asset.observed", f"s3://{thread}", event_id=f"{thread}-{number:04}")

        threads = [threading.Thread(target=emit_many, args=(thread,)) for thread in range(8)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert emitter.flush()
    ids = [event.id for event in stream(redis_sync, catalog_name)]
    assert len(ids) == 8_000
    for name in range(8):
        assert [each for each in ids if each.startswith(f"{name}-")] == [f"{name}-{n:04}" for n in range(1_000)]


def test_a_fork_amid_emitting_doubles_and_loses_nothing(home: Path, events_file: Path) -> None:
    program = """
        import os, warnings
        warnings.simplefilter("ignore", DeprecationWarning)
        from assetlog.producers import emit, flush
        for number in range(200):
            emit("asset.observed", "s3://before", event_id=f"before-{number}")
        child = os.fork()
        name = "child" if child == 0 else "parent"
        for number in range(200):
            emit("asset.observed", "s3://after", event_id=f"{name}-{number}")
        if child == 0:
            flush()
            os._exit(0)
        os.waitpid(child, 0)
    """
    result = run_python(program, home, events_file.as_uri())
    assert result.returncode == 0, result.stderr
    ids = [event.id for event in decoded(events_file)]
    expected = [f"{name}-{number}" for name in ("before", "child", "parent") for number in range(200)]
    assert sorted(ids) == sorted(expected)


@pytest.mark.parametrize("method", ["fork", "spawn"])
def test_a_multiprocessing_child_delivers_its_last_event(
    tmp_path: Path, home: Path, events_file: Path, method: str
) -> None:
    script = tmp_path / "script.py"
    script.write_text(
        dedent(
            f"""
            import multiprocessing, warnings
            warnings.simplefilter("ignore", DeprecationWarning)
            from assetlog.producers import emit
            def work(number):
                emit("asset.observed", "s3://a", event_id=f"child-{{number}}")
            if __name__ == "__main__":
                emit("asset.observed", "s3://a", event_id="parent")
                context = multiprocessing.get_context("{method}")
                children = [context.Process(target=work, args=(number,)) for number in range(3)]
                [child.start() for child in children]
                [child.join() for child in children]
            """
        )
    )
    program = f"import runpy; runpy.run_path({str(script)!r}, run_name='__main__')"
    if method == "spawn":
        program = f"import subprocess, sys; subprocess.run([sys.executable, {str(script)!r}], check=True)"
    result = run_python(program, home, events_file.as_uri())
    assert result.returncode == 0, result.stderr
    assert sorted(event.id for event in decoded(events_file)) == ["child-0", "child-1", "child-2", "parent"]


@pytest.mark.parametrize("target", ["log", "file", "away"])
def test_an_interpreter_that_ends_at_once_keeps_its_last_events(
    log_server: LogServer, catalog_name: str, redis_sync: redis.Redis, home: Path, events_file: Path, target: str
) -> None:
    url = {"log": log_server.url, "file": events_file.as_uri(), "away": AWAY}[target]
    program = """
        from assetlog.producers import emit
        for number in range(100):
            emit("asset.observed", "s3://a", event_id=f"{number:03}")
    """
    result = run_python(program, home, url, ASSETLOG_CATALOG=catalog_name)
    assert result.returncode == 0, result.stderr
    kept = {"log": stream(redis_sync, catalog_name), "file": decoded(events_file), "away": spooled(home)}[target]
    assert [event.id for event in kept] == [f"{number:03}" for number in range(100)]


def test_an_event_of_an_exit_handler_is_kept(home: Path, events_file: Path) -> None:
    program = """
        import atexit
        def last():
            emit("asset.observed", "s3://a", event_id="last")
        from assetlog.producers import emit
        emit("asset.observed", "s3://a", event_id="first")
        atexit.register(last)
        import assetlog.producers.emitter as emitter
        atexit.unregister(emitter._close_all); atexit.register(emitter._close_all)
    """
    result = run_python(program, home, events_file.as_uri())
    assert result.returncode == 0, result.stderr
    assert [event.id for event in decoded(events_file) + spooled(home)] == ["first", "last"]


def test_events_wait_while_the_log_is_away_and_arrive_in_order(
    log_server: LogServer, catalog_name: str, redis_sync: redis.Redis, tmp_path: Path, home: Path
) -> None:
    link = Path(f"/tmp/assetlog-test-{os.getpid()}-{catalog_name}.sock")  # a socket's path has at most 107 bytes
    url = f"unix://{link}"
    try:
        with Emitter(url, catalog=catalog_name) as emitter:
            for number in range(50):
                emitter.emit("asset.observed", "s3://a", event_id=f"{number:03}")
            assert not emitter.flush()
            assert len(spooled(home)) == 50
        with Emitter(url, catalog=catalog_name) as emitter:
            emitter.emit("asset.observed", "s3://a", event_id="050")
            link.symlink_to(log_server.url.removeprefix("unix://").partition("?")[0])
            emitter.emit("asset.observed", "s3://a", event_id="051")
            assert emitter.flush()
    finally:
        link.unlink(missing_ok=True)
    assert [event.id for event in stream(redis_sync, catalog_name)] == [f"{number:03}" for number in range(52)]
    assert list((home / "spool").rglob("0*")) == []


def test_one_warning_says_that_the_log_is_away(caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.WARNING, "assetlog"), Emitter(AWAY) as emitter:
        for _ in range(20):
            emitter.emit("asset.observed", "s3://a")
            emitter.flush()
    assert len(caplog.records) == 1
    assert "events wait in" in caplog.text


def test_a_full_queue_goes_to_the_spool_and_the_order_holds(home: Path) -> None:
    with Emitter(AWAY, queue_limit=10) as emitter:
        for number in range(200):
            emitter.emit("asset.observed", "s3://a", event_id=f"{number:03}")
        emitter.flush()
    assert [event.id for event in spooled(home)] == [f"{number:03}" for number in range(200)]


def test_strict_mode_raises_when_the_log_is_away() -> None:
    emitter = Emitter(AWAY, strict=True)
    raw = codec.encode("asset.observed", "test://emitter", "s3://a", AssetObserved())
    emitter._sender.put(Item(raw))  # `emit` would raise, too, if the sender is quick
    with pytest.raises(Unavailable):
        emitter.flush()
    with pytest.raises(Unavailable):
        emitter.emit("asset.observed", "s3://a", wait=True)
    emitter._sender.put(Item(raw))
    with pytest.raises(Unavailable):
        emitter.close()


def test_a_full_spool_says_that_events_are_lost(caplog: pytest.LogCaptureFixture) -> None:
    with Emitter(AWAY, spool_limit=300) as emitter:
        kept = emitter.emit("asset.observed", "s3://a", wait=True)
        lost = emitter.emit("asset.observed", "s3://a", wait=True)
    assert (kept.ack, lost.ack) == ("spool", "lost")
    assert "full" in (lost.reason or "")
    assert "Events are lost" in caplog.text


def test_what_is_refused_goes_aside_and_the_caller_goes_on(home: Path, caplog: pytest.LogCaptureFixture) -> None:
    with Emitter("memory:refusing") as emitter:
        emitter.put(b'{"specversion": "1.0"}')
        assert not emitter.flush()
    [aside] = (home / "spool" / "rejected").iterdir()
    assert b'"code":' in aside.read_bytes()
    assert "refused" in caplog.text


def test_strict_mode_raises_what_is_refused() -> None:
    emitter = Emitter("memory:strictly-refusing", strict=True)
    emitter._sender.put(Item(b'{"specversion": "1.0"}'))  # `put` would raise, too, if the sender is quick
    with pytest.raises(Invalid):
        emitter.close()


def test_without_a_url_events_go_to_the_node_of_this_machine_or_wait_for_it(home: Path, events_file: Path) -> None:
    with Emitter() as emitter:
        waiting = emitter.emit("asset.observed", "s3://a", wait=True)
        assert waiting.ack == "spool"
        assert "assetlog up" in (waiting.reason or "")
        write_node_file(home, NodeFile(api=events_file.as_uri(), log="", pid=os.getpid(), version="0"))
        assert emitter.flush()
    assert [event.id for event in decoded(events_file)] == [waiting.id]


def test_a_node_of_another_catalog_gets_nothing(home: Path, events_file: Path) -> None:
    write_node_file(home, NodeFile(api=events_file.as_uri(), log="", catalog="other", pid=os.getpid(), version="0"))
    with Emitter(catalog="mine") as emitter:
        assert "other" in (emitter.emit("asset.observed", "s3://a", wait=True).reason or "")
    assert not events_file.exists()


def test_what_waits_for_one_log_never_reaches_another(events_file: Path) -> None:
    with Emitter(AWAY) as emitter:
        emitter.emit("asset.observed", "s3://a", event_id="for the other")
        emitter.flush()
    with Emitter(events_file.as_uri()) as emitter:
        emitter.emit("asset.observed", "s3://a", event_id="for this one")
        emitter.flush()
    assert [event.id for event in decoded(events_file)] == ["for this one"]


def test_a_wrong_url_of_the_environment_does_not_break_the_task(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ASSETLOG_URL", "gopher://nowhere")
    with Emitter() as emitter:
        assert emitter.emit("asset.observed", "s3://a", wait=True).ack == "spool"
    with pytest.raises(Invalid):
        Emitter("gopher://nowhere")


def test_everything_emitted_inside_a_run_belongs_to_it(events_file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ASSETLOG_RUN_ID", "ambient")
    with Emitter(events_file.as_uri()) as emitter:
        emitter.emit("asset.observed", "s3://a")
        with inside(RunRef(id="inner", job="job")):
            emitter.emit("asset.observed", "s3://a")
            emitter.emit("asset.observed", "s3://a", run={"id": "own"})
    runs = [event.data.run for event in decoded(events_file) if isinstance(event.data, AssetObserved)]
    assert [run.id for run in runs if run] == ["ambient", "inner", "own"]


@pytest.fixture
def closed() -> Emitter:
    emitter = Emitter("memory:closed")
    emitter.close()
    return emitter


def test_a_closed_emitter_keeps_events_in_the_spool(closed: Emitter, home: Path) -> None:
    assert closed.emit("asset.observed", "s3://a", wait=True).ack == "spool"
    closed.close()
    assert len(spooled(home)) == 1
