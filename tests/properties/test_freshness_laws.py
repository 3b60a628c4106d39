"""Laws of freshness: each breach is told once, whatever comes late, whoever leads, however often nodes start again."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from board import Board
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from assetlog.consumers.fold.digest import state_digest
from assetlog.consumers.schedule.telling import overdue_event
from assetlog.consumers.views.reader import Reader
from assetlog.schemas.codec import decode, encode
from assetlog.schemas.events.asset import AssetDescribed
from assetlog.schemas.events.common import Freshness
from assetlog.schemas.events.registry import EVENT_TYPES
from assetlog.schemas.times import format_time

KEYS = ["s3://lake/a", "s3://lake/b"]
POLICIES = [
    Freshness(max_age=30.0),
    Freshness(max_age=90.0),
    Freshness(cron="* * * * *"),
    Freshness(max_age=70.0, cron="* * * * *", time_zone="Europe/Berlin"),
    Freshness(cron="not cron"),
    Freshness(),
]
LAWS = settings(
    max_examples=25, deadline=None, suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large]
)

keys = st.sampled_from(KEYS)
moves = st.one_of(
    st.tuples(st.just("materialize"), keys, st.sampled_from([0, 0, -20, -100])),
    st.tuples(st.just("describe"), keys, st.sampled_from(POLICIES)),
    st.tuples(st.sampled_from(["retire", "observe"]), keys),
    st.tuples(st.just("wait"), st.sampled_from([10.0, 45.0, 200.0])),
    st.tuples(st.sampled_from(["look", "look", "look", "lose", "refuse", "change", "crash"])),
)
plays = st.lists(moves, min_size=10, max_size=40)


class Asset:
    """An asset by the plain words of the rules."""

    def __init__(self) -> None:
        self.policy = Freshness()
        self.since = 0.0
        self.materialized: tuple[float, int] | None = None
        self.retired = False
        self.told: set[tuple[float, int] | None] = set()

    def is_overdue(self, now: float) -> bool:
        """Whether a breach is to be told that was not."""
        base = self.since if self.materialized is None else self.materialized[0]
        aged = self.policy.max_age is not None and base + self.policy.max_age <= now
        missed = self.policy.cron == "* * * * *" and (base // 60 + 2) * 60 <= now
        return (aged or missed) and not self.retired and self.materialized not in self.told


class Play:
    """A catalog, a leader that looks when it is told to, and what it should tell."""

    def __init__(self, folder: Path) -> None:
        self.board = Board(folder, snapshot_every=7)
        self.assets = {key: Asset() for key in KEYS}

    @property
    def now(self) -> float:
        return self.board.now / 1000

    def emit(self, type_name: str, key: str, shift: float = 0.0, **fields: Any) -> int:
        time = format_time(datetime.fromtimestamp(self.now + 1 + shift, UTC))
        data = EVENT_TYPES[type_name].data(**fields)
        return self.board.append(encode(type_name, "test", key, data, time=time))

    def materialize(self, key: str, shift: float) -> None:
        position, asset = self.emit("asset.materialized", key, shift), self.assets[key]
        made = (self.now + shift, position)
        asset.materialized = max(asset.materialized or made, made)
        asset.retired = False

    def describe(self, key: str, policy: Freshness) -> None:
        self.emit("asset.described", key, freshness=policy)
        asset = self.assets[key]
        if policy != asset.policy or not asset.since:
            asset.since = self.now
        asset.policy, asset.retired = policy, False

    def retire(self, key: str) -> None:
        self.emit("asset.retired", key)
        self.assets[key].retired = True

    def observe(self, key: str) -> None:
        self.emit("asset.observed", key)
        self.assets[key].retired = False

    def wait(self, seconds: float) -> None:
        self.board.wait(seconds)

    def look(self) -> list[bytes]:
        """What the leader tells; it is what should be told."""
        self.board.catch_up()
        now = datetime.fromtimestamp(self.now, UTC)
        known, watch = self.board.desk.known, self.board.desk.freshness
        following, breaches = watch.next(), watch.due(now)
        raws = [overdue_event(known.keys[breach.aid], breach) for breach in breaches]
        expected = [key for key, asset in self.assets.items() if asset.is_overdue(self.now)]
        assert sorted(str(decode(raw).subject) for raw in raws) == expected
        assert not breaches or (following is not None and following <= now)
        following = watch.next()
        assert following is None or following > now
        assert watch.due(now) == []
        for raw in raws:
            self.board.append(raw, 0.001)
            asset = self.assets[str(decode(raw).subject)]
            asset.told.add(asset.materialized)
        return raws

    def lose(self) -> None:
        """An answer is lost: the leader folds to the log's end and begins anew."""
        self.look()
        self.board.catch_up()
        self.board.desk.freshness.forget()

    def refuse(self) -> None:
        """The lease is lost: nothing was appended."""
        told, log = {key: set(asset.told) for key, asset in self.assets.items()}, len(self.board.log)
        self.look()
        del self.board.log[log:]
        for key, asset in self.assets.items():
            asset.told = told[key]
        self.board.desk.freshness.forget()

    def change(self) -> None:
        """Another node leads: it folds to the log's end first."""
        self.board.catch_up()
        self.board.desk.freshness.forget()

    def crash(self) -> None:
        """The node starts again, some of the log not folded."""
        self.board.crash()


@given(plays)
@LAWS
def test_each_breach_is_told_once_whatever_happens(moves: list[tuple[Any, ...]]) -> None:
    with TemporaryDirectory() as directory:
        play = Play(Path(directory))
        for name, *arguments in [*moves, ("look",), ("wait", 0.5), ("look",)]:
            getattr(play, name)(*arguments)
        board = play.board
        board.catch_up()
        again = board.open(Path(directory) / "again.duckdb")
        if board.log:
            again.fold(board.log)
        assert state_digest(again.store.reader) == state_digest(board.fold.store.reader)
        reader = Reader(lambda: again.store.reader, board.bodies)
        for key, asset in play.assets.items():
            found = reader.asset(key, again.position)
            overdue = asset.materialized in asset.told
            expected = "stale" if overdue else "unknown" if asset.materialized is None else "fresh"
            assert found is None or found.state == expected
        again.store.close()
        board.close()


def test_the_cost_of_an_event_does_not_grow_with_the_policies() -> None:
    """A materialization leaves the heap as it is: what comes to its top too early is put back."""
    with TemporaryDirectory() as directory:
        play = Play(Path(directory))
        for number in range(50):
            data = AssetDescribed(freshness=Freshness(max_age=300.0))
            play.board.append(encode("asset.described", "test", f"s3://many/{number}", data), 0.001)
        play.look()
        heap = play.board.desk.freshness._heap
        before = list(heap)
        for number in range(50):
            play.emit("asset.materialized", f"s3://many/{number}", 0.0)
        play.board.catch_up()
        assert heap == before
        assert len(heap) == 50
        play.look()
        assert heap == before
        play.board.wait(600)
        play.board.catch_up()
        assert len(play.board.desk.freshness.due(datetime.fromtimestamp(play.now, UTC), most=20)) == 20
        play.board.close()
