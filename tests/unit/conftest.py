"""What the unit tests share: a projection that is filled row by row, and an SDK whose events stay in memory."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import UTC, datetime, timedelta
from importlib import resources
from pathlib import Path
from typing import Any

import duckdb
import pytest

from assetlog.consumers.views.reader import Reader
from assetlog.producers.testing import Captured, capture
from assetlog.schemas.codec import encode
from assetlog.schemas.events.common import Data
from assetlog.schemas.positions import format_position, position_time

MILLISECONDS = 1_763_747_570_000


class Projection:
    """An empty projection, the bodies beside it, and a reader of both. Event `n` stands in second `n`."""

    def __init__(self) -> None:
        self.connection = duckdb.connect(":memory:")
        self.connection.execute(resources.files("assetlog.consumers.fold.sql").joinpath("schema.sql").read_text())
        self.bodies: dict[int, bytes] = {}
        self.reader = Reader(self.connection.cursor, self)

    def fetch(self, positions: Sequence[int]) -> list[bytes | None]:
        """The bodies, as the reader asks for them."""
        return [self.bodies.get(position) for position in positions]

    def at(self, n: int) -> int:
        """The position of event `n`."""
        return (MILLISECONDS + 1000 * n) << 20

    def text(self, n: int) -> str:
        """The position of event `n`, as answers write it."""
        return format_position(self.at(n))

    def time(self, n: float) -> datetime:
        """The time of second `n`, as the projection stores it."""
        return (position_time(self.at(0)) + timedelta(seconds=n)).astimezone(UTC).replace(tzinfo=None)

    def time_text(self, n: float) -> str:
        """The time of second `n`, as answers write it."""
        return f"{self.time(n).isoformat(timespec='microseconds')}Z"

    def add(self, table: str, **row: Any) -> None:
        """Add a row; columns not named are null."""
        marks = ", ".join(f"${column}" for column in row)
        self.connection.execute(f"insert into {table} ({', '.join(row)}) values ({marks})", row)

    def key(self, n: int, aid: int, key: str) -> None:
        """An asset is first heard of at `n`."""
        self.add("keys", aid=aid, key=key, first_pos=self.at(n))

    def event(self, n: int, kind: str, data: Data | None = None, *, time: float | None = None, **row: Any) -> None:
        """An event at `n`; with data, also its bytes."""
        moment = self.time(n if time is None else time)
        self.add("log", pos=self.at(n), type=kind, time=moment, **row)
        if data is not None:
            self.bodies[self.at(n)] = encode(kind, "test", "s3://any/subject", data, event_id=f"e{n}")


@pytest.fixture
def projection() -> Iterator[Projection]:
    """An empty projection to fill."""
    made = Projection()
    yield made
    made.connection.close()


@pytest.fixture
def captured(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Captured]:
    """What the SDK emits in a test, strict, and nothing of the environment it runs in."""
    monkeypatch.setenv("ASSETLOG_HOME", str(tmp_path))
    for name in ("URL", "STRICT", "RUN_ID", "JOB"):
        monkeypatch.delenv(f"ASSETLOG_{name}", raising=False)
    with capture() as captured:
        yield captured
