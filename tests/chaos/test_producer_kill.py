"""A producer is killed again and again while its log comes and goes: what was acknowledged arrives, in order."""

from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path
from textwrap import dedent

import pytest
import redis

from assetlog.consumers.log.server import LogServer
from assetlog.producers import Emitter
from assetlog.schemas import codec
from assetlog.schemas.stream import EVENT_FIELD, stream_key

PRODUCER = dedent(
    """
    import sys
    from assetlog.producers import Emitter
    cycle, url, catalog, home = sys.argv[1:]
    emitter = Emitter(url, catalog=catalog, home=home)
    for number in range(1_000_000):
        for step in range(20):
            emitter.emit("asset.observed", "s3://a", event_id=f"{cycle}-{number:06}-{step:02}")
        emission = emitter.emit("asset.observed", "s3://a", event_id=f"{cycle}-{number:06}-99", wait=True)
        print(number, emission.ack, flush=True)
    """
)


@pytest.fixture
def link(catalog_name: str) -> Iterator[Path]:
    """The log server's socket under a name that comes and goes; such a path has at most 107 bytes."""
    link = Path(f"/tmp/assetlog-test-{os.getpid()}-{catalog_name}.sock")
    yield link
    link.unlink(missing_ok=True)


def test_what_was_acknowledged_survives_kills(
    log_server: LogServer, catalog_name: str, redis_sync: redis.Redis, link: Path, tmp_path: Path
) -> None:
    socket = Path(log_server.url.removeprefix("unix://").partition("?")[0])
    acknowledged: list[str] = []
    acks: set[str] = set()
    for cycle in range(4):
        with _coming_and_going(link, socket):
            arguments = [f"{cycle}", f"unix://{link}", catalog_name, str(tmp_path / "home")]
            said = _killed([sys.executable, "-c", PRODUCER, *arguments], lines=random.Random(cycle).randint(20, 60))
        acks |= {ack for _, ack in said}
        acknowledged += [f"{cycle}-{int(number):06}-{step:02}" for number, _ in said for step in (*range(20), 99)]
    link.symlink_to(socket)
    with Emitter(f"unix://{link}", catalog=catalog_name, home=tmp_path / "home") as emitter:
        assert emitter.flush()
    ids = _ids(redis_sync, catalog_name)
    first_seen = list(dict.fromkeys(ids))
    assert acks <= {"disk", "spool"}
    assert set(acknowledged) <= set(first_seen)
    assert list((tmp_path / "home").rglob("*.sealed")) == []
    for cycle in range(4):
        own = [each for each in first_seen if each.startswith(f"{cycle}-")]
        assert own == sorted(own)


class _coming_and_going:  # noqa: N801 - reads as a sentence
    """While it lasts, a link to the log server is there half of the time."""

    def __init__(self, link: Path, socket: Path) -> None:
        self._link, self._socket = link, socket
        self._end = threading.Event()
        self._thread = threading.Thread(target=self._toggle)

    def __enter__(self) -> None:
        self._link.unlink(missing_ok=True)
        self._thread.start()

    def __exit__(self, *_: object) -> None:
        self._end.set()
        self._thread.join()
        self._link.unlink(missing_ok=True)

    def _toggle(self) -> None:
        while not self._end.wait(0.05):
            if self._link.is_symlink():
                self._link.unlink()
            else:
                self._link.symlink_to(self._socket)


def _killed(command: list[str], lines: int) -> list[tuple[str, str]]:
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True) as process:
        assert process.stdout is not None
        said = [process.stdout.readline() for _ in range(lines)]
        os.kill(process.pid, signal.SIGKILL)
        said += process.stdout.readlines()
    return [(line.split()[0], line.split()[1]) for line in said if line.endswith("\n")]


def _ids(client: redis.Redis, catalog: str) -> list[str]:
    entries: object = client.xrange(stream_key(catalog))
    assert isinstance(entries, list)
    return [codec.decode(fields[EVENT_FIELD.encode()]).id for _, fields in entries]
