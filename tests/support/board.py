"""A catalog without servers: a log in memory, a real fold on a real file, and a leader that decides when it is asked.

Time goes by the log: each event comes one second after the one before.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import msgspec

from assetlog.consumers.fold.fold import Fold, open_fold
from assetlog.consumers.schedule.deciding import Intent, decide
from assetlog.consumers.schedule.desk import Desk
from assetlog.consumers.schedule.loading import keep
from assetlog.consumers.schedule.telling import fired_event, too_deep_event
from assetlog.schemas.codec import encode
from assetlog.schemas.conditions import as_condition, encode_condition
from assetlog.schemas.conditions.declare import Declared
from assetlog.schemas.events.asset import AssetMaterialized
from assetlog.schemas.events.consumer import ConsumerDue, ConsumerRegistered
from assetlog.schemas.events.registry import EVENT_TYPES
from assetlog.schemas.positions import SEQ_BITS

START_MS = 1_763_747_570_000
TARGET = msgspec.Raw(b'{"kind":"python","function":"run","pool":"test"}')

Log = list[tuple[int, bytes]]


class Bodies:
    """The log, as the fold asks for bytes."""

    def __init__(self, log: Log) -> None:
        self._log = log

    def fetch(self, positions: Sequence[int]) -> list[bytes | None]:
        known = dict(self._log)
        return [known.get(position) for position in positions]

    def fetch_range(self, after: int, limit: int) -> Log:
        return [entry for entry in self._log if entry[0] > after][:limit]


class Board:
    """Consumers, events and triggers of one catalog."""

    def __init__(self, folder: Path, *, snapshot_every: int = 1_000) -> None:
        self.log: Log = []
        self._path = folder / "catalog.duckdb"
        self._snapshot_every = snapshot_every
        self._ms = START_MS
        self._ended = 0
        self.fold = self.open(self._path)

    @property
    def bodies(self) -> Bodies:
        """The log's bytes."""
        return Bodies(self.log)

    @property
    def desk(self) -> Desk:
        return self.fold.desk

    @property
    def now(self) -> int:
        """Milliseconds since 1970."""
        return self._ms

    def open(self, path: Path) -> Fold:
        """A fold of this log on a file."""
        return open_fold(path, "default", Bodies(self.log), snapshot_every=self._snapshot_every)[0]

    def append(self, raw: bytes, seconds: float = 1.0) -> int:
        """Append an event; its position."""
        self._ms += round(seconds * 1000)
        position = self._ms << SEQ_BITS
        self.log.append((position, raw))
        return position

    def register(self, name: str, on: Declared, **fields: Any) -> int:
        """Declare a consumer."""
        condition = msgspec.Raw(encode_condition(as_condition(on)))
        fields = {
            key: msgspec.Raw(msgspec.json.encode(value)) if key == "partitions" else value
            for key, value in fields.items()
        }
        data = ConsumerRegistered(condition=condition, target=TARGET, **fields)
        return self.append(encode("consumer.registered", "test", name, data))

    def tell(self, type_name: str, subject: str, **fields: Any) -> int:
        """Append an event of any type."""
        return self.append(encode(type_name, "test", subject, EVENT_TYPES[type_name].data(**fields)))

    def materialize(
        self, key: str, partition: str | None = None, *, cause: str | None = None, seconds: float = 1.0
    ) -> int:
        """An asset has news."""
        raw = encode("asset.materialized", "test", key, AssetMaterialized(partition=partition), causation_id=cause)
        return self.append(raw, seconds)

    def tick(self, consumer: str, leaf: str) -> int:
        """A tick of the clock is recorded."""
        data = ConsumerDue(kind="cron", due="2026-11-22T08:00:00Z", leaf=leaf)
        return self.append(encode("consumer.due", "test", consumer, data))

    def wait(self, seconds: float) -> None:
        """Time goes by."""
        self._ms += round(seconds * 1000)

    def catch_up(self, at_a_time: int = 100) -> None:
        """Fold to the log's end."""
        new = [entry for entry in self.log if entry[0] > self.fold.position]
        for start in range(0, len(new), at_a_time):
            self.fold.fold(new[start : start + at_a_time])

    def decide(self) -> list[Intent]:
        """What is due now, of everything that waits."""
        self.desk.news = dict.fromkeys(self.desk.consumers)
        decision = decide(self.desk, self._ms)
        for name in decision.too_deep:
            self.append(too_deep_event(name))
        return decision.intents

    def settle(self) -> None:
        """Fold and fire until nothing is due any more."""
        for _ in range(100):
            self.catch_up()
            intents = self.decide()
            if not intents and self.fold.position == (self.log[-1][0] if self.log else 0):
                return
            for intent in intents:
                self.append(fired_event(intent))
        raise AssertionError("it goes on and on")

    def crash(self) -> None:
        """The node ends and starts again: what it knows comes from the file."""
        self.fold.store.close()
        self.fold = self.open(self._path)

    def succeed(self, trigger: str) -> int:
        """A worker has run a trigger."""
        state = self.desk.firings[trigger]
        return self.tell("trigger.succeeded", trigger, consumer=state.definition.name)

    def triggers(self, consumer: str) -> list[list[int]]:
        """The positions that each accepted trigger of a consumer consumed, in the order they fired."""
        query = "select trigger from triggers where consumer = ? and act in ('fired', 'cancelled') order by pos"
        fired = [row[0] for row in self.fold.store.reader.execute(query, [consumer]).fetchall()]
        return [self.consumed(trigger) for trigger in dict.fromkeys(fired)]

    def counts(self, consumer: str) -> list[int]:
        """How many events each trigger consumed."""
        return [len(events) for events in self.triggers(consumer)]

    def consumed(self, trigger: str) -> list[int]:
        """The positions that a trigger consumed, from the tables alone."""
        query = """
            select log.pos
            from consumed
            join log on
                log.pos > after_pos and log.pos <= up_to and log.aid is not distinct from consumed.aid
                and log.part is not distinct from consumed.part
                and log.type in ('asset.materialized', 'asset.overdue', 'consumer.due')
            where consumed.trigger = ?
            order by log.pos
        """
        return [row[0] for row in self.fold.store.reader.execute(query, [trigger]).fetchall()]

    def queued(self, consumer: str) -> list[int]:
        """The positions that wait for a consumer."""
        return [position for position, _, _ in self.desk.queued(consumer)]

    def kept(self) -> object:
        """All that the desk knows, in an order of its own."""
        return _sorted(msgspec.msgpack.decode(keep(self.desk)))

    def close(self) -> None:
        self.fold.store.close()


def _sorted(value: Any) -> Any:
    """Lists whose order means nothing, in one order."""
    if isinstance(value, list):
        return sorted((_sorted(each) for each in value), key=repr)
    return {key: _sorted(each) for key, each in value.items()} if isinstance(value, dict) else value
