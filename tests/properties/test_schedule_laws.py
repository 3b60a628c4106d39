"""Laws of scheduling: whatever comes in whatever order, every event on a leaf is in one trigger or still queued."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from board import Board
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from assetlog.consumers.archive.archive import Archive
from assetlog.consumers.archive.places import LocalPlace
from assetlog.consumers.archive.refill import refill
from assetlog.consumers.archive.seal import seal
from assetlog.consumers.fold.digest import state_digest
from assetlog.consumers.schedule.deciding import Intent, decide
from assetlog.consumers.schedule.judge import taken
from assetlog.consumers.schedule.telling import fired_event
from assetlog.schemas.asset import Asset
from assetlog.schemas.conditions import (
    Condition,
    Leaf,
    Queued,
    all_of,
    any_of,
    as_condition,
    cron,
    deadline,
    evaluate,
    group,
    leaves,
    matching,
)

KEYS = ["s3://lake/a", "s3://lake/b", "s3://raw/c"]
EVENT_LEAVES = [*map(as_condition, KEYS), matching("s3://lake/*"), group("sales")]
TIMED_LEAVES = [cron("@daily"), deadline("08:00")]
CONSUMERS = ["one", "two"]
LAWS = settings(
    max_examples=25, deadline=None, suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large]
)


def trees(of: Sequence[Condition]) -> st.SearchStrategy[Condition]:
    return st.recursive(
        st.sampled_from(of),
        lambda inner: st.builds(
            lambda join, parts: join(*parts), st.sampled_from([all_of, any_of]), st.lists(inner, min_size=1, max_size=3)
        ),
        max_leaves=5,
    )


definitions = st.fixed_dictionaries(
    {"on": trees(EVENT_LEAVES)},
    optional={
        "mode": st.sampled_from(["batch", "each"]),
        "batch_size": st.integers(1, 3),
        "max_active": st.integers(1, 2),
        "when_paused": st.sampled_from(["queue", "skip"]),
        "within": st.sampled_from([2.0, 30.0]),
        "debounce": st.just(3.0),
        "partitions": st.just({"*": {"map": "start-of", "unit": "day"}}),
    },
)
partitions = st.sampled_from([None, None, "2026-11-20T05", "2026-11-20T06", "2026-11-21"])
steps = st.one_of(
    st.tuples(st.just("materialize"), st.sampled_from(KEYS), partitions),
    st.tuples(st.just("materialize"), st.sampled_from(KEYS), partitions),
    st.tuples(st.just("register"), st.sampled_from(CONSUMERS), definitions),
    st.tuples(st.just("describe"), st.sampled_from(KEYS), st.sampled_from(["sales", "other"])),
    st.tuples(st.sampled_from(["pause", "resume", "remove"]), st.sampled_from(CONSUMERS)),
    st.tuples(st.sampled_from(["lead", "lead", "fold", "fold", "crash", "crash", "succeed", "forget"])),
    st.tuples(st.just("drop"), st.sampled_from(CONSUMERS)),
)
plays = st.builds(
    lambda one, two, moves: [("register", "one", one), ("register", "two", two), *moves],
    definitions,
    definitions,
    st.lists(steps, min_size=10, max_size=40),
)


class Model:
    """What should wait for each consumer, by the plain words of the rules: one list of events a consumer."""

    def __init__(self) -> None:
        self.leaves: dict[str, tuple[Leaf, ...]] = {}
        self.skips: dict[str, bool] = {}
        self.paused: set[str] = set()
        self.groups: dict[str, str] = {}
        self.came: dict[str, dict[int, set[str]]] = {}
        """By consumer: the events that came since it was declared, each with the leaves it came for."""

    def register(self, name: str, on: Condition, when_paused: str = "queue", **_: Any) -> None:
        found = leaves(on)
        kept = {leaf.id for leaf in found}
        came = self.came.get(name, {})
        self.came[name] = {event: on & kept for event, on in came.items() if on & kept}
        self.leaves[name], self.skips[name] = found, when_paused == "skip"

    def materialize(self, position: int, key: str) -> None:
        for name, found in self.leaves.items():
            if name in self.paused and self.skips[name]:
                continue
            on = {leaf.id for leaf in found if self._speaks(leaf, key)}
            if on:
                self.came[name][position] = on

    def _speaks(self, leaf: Leaf, key: str) -> bool:
        if leaf.kind == "group":
            return self.groups.get(key) == leaf.target
        return leaf.target == key or (leaf.kind == "pattern" and key.startswith("s3://lake/"))

    def remove(self, name: str) -> None:
        self.leaves.pop(name, None)
        self.came.pop(name, None)
        self.paused.discard(name)


class Play:
    """One catalog, its model, and a leader that may be wrong about what is folded."""

    def __init__(self, folder: Path) -> None:
        self.board = Board(folder, snapshot_every=5)
        self.model = Model()
        self.decided: list[Intent] = []
        """Firings that a leader decided on and has not recorded: a later one may record them, late."""
        self.mappers: dict[str, dict[str, Any]] = {}

    def step(self, what: str, *details: Any) -> None:
        getattr(self, f"_{what}")(*details)

    def _materialize(self, key: str, partition: str | None) -> None:
        self.model.materialize(self.board.materialize(key, partition), key)

    def _register(self, name: str, definition: dict[str, Any]) -> None:
        if name in self.model.leaves:  # the mappers stay: a leaf with another one counts as another leaf
            definition = {**definition, "partitions": self.mappers[name]}
        self.mappers[name] = definition.get("partitions", {})
        self.board.register(name, **definition)
        self.model.register(name, **definition)

    def _describe(self, key: str, name: str) -> None:
        self.board.tell("asset.described", key, group=name)
        self.model.groups[key] = name

    def _pause(self, name: str) -> None:
        self.board.tell("consumer.paused", name)
        if name in self.model.leaves:
            self.model.paused.add(name)

    def _resume(self, name: str) -> None:
        self.board.tell("consumer.resumed", name)
        self.model.paused.discard(name)

    def _remove(self, name: str) -> None:
        self.board.tell("consumer.removed", name)
        self.model.remove(name)

    def _fold(self) -> None:
        self.board.catch_up(at_a_time=3)

    def _lead(self) -> None:
        """A leader that has folded a part of the log decides; what it decided before is recorded now."""
        for intent in self.decided:
            self.board.append(fired_event(intent))
        self.decided = self.board.decide()

    def _forget(self) -> None:
        """The leader dies before it records what it decided."""
        self.decided = []

    def _crash(self) -> None:
        self.board.catch_up(at_a_time=3)
        before = self.board.kept()
        self.board.crash()
        assert self.board.kept() == before

    def _succeed(self) -> None:
        for trigger in list(self.board.desk.firings)[:1]:
            self.board.succeed(trigger)

    def _drop(self, name: str) -> None:
        """The first event of a queue is deleted."""
        if name in self.board.desk.consumers:
            for position, aid, part in list(self.board.desk.queued(name))[:1]:
                del aid
                state = self.board.desk.consumers[name]
                target = None if part is None else state.definition.mapper("*").target(part)
                text = f"{position >> 20}-0"
                self.board.tell(
                    "trigger.fired",
                    f"drop-{len(self.board.log)}",
                    consumer=name,
                    positions=(text,),
                    partition=target,
                    dropped="deleted",
                )


def played(folder: Path, moves: list[tuple[Any, ...]]) -> Play:
    play = Play(folder)
    for what, *details in moves:
        play.step(what, *details)
    return play


@LAWS
@given(plays)
def test_every_event_on_a_leaf_is_in_one_trigger_or_still_queued(moves: list[tuple[Any, ...]]) -> None:
    with TemporaryDirectory() as folder:
        play = played(Path(folder), moves)
        board, model = play.board, play.model
        board.catch_up()
        assert board.desk.consumers.keys() == model.leaves.keys()
        for name, came in model.came.items():
            queued = board.queued(name)
            consumed = [event for events in board.triggers(name) for event in events]
            assert len(set(consumed)) == len(consumed), "an event was consumed twice"
            assert not set(consumed) & set(queued), "an event was consumed and is queued"
            assert set(queued) == came.keys() - set(consumed), "an event is lost, or came from nowhere"
            assert board.desk.consumers[name].queued == len(queued)
        board.close()


@LAWS
@given(plays)
def test_a_replay_comes_to_the_same_triggers_and_queues(moves: list[tuple[Any, ...]]) -> None:
    with TemporaryDirectory() as folder:
        board = played(Path(folder), moves).board
        board.catch_up(at_a_time=4)
        live, kept = state_digest(board.fold.store.reader), board.kept()
        board.close()
        (Path(folder) / "again").mkdir()
        board.fold = board.open(Path(folder) / "again" / "catalog.duckdb")
        board.catch_up(at_a_time=1_000)
        assert state_digest(board.fold.store.reader) == live
        assert board.kept() == kept
        board.close()


@settings(LAWS, max_examples=10)
@given(plays, st.integers(5, 15))
def test_a_desk_that_comes_back_from_the_archive_is_the_one_that_was_fed(
    moves: list[tuple[Any, ...]], every: int
) -> None:
    with TemporaryDirectory() as folder:
        board = played(Path(folder), moves).board
        board.catch_up()
        archive = Archive(LocalPlace(Path(folder) / "archive"))
        while seal(board.fold.store.cursor(), board.bodies, archive, up_to=board.fold.position, most=every):
            pass
        live, kept = state_digest(board.fold.store.reader), board.kept()
        board.close()
        (Path(folder) / "again").mkdir()
        board.fold = board.open(Path(folder) / "again" / "catalog.duckdb")
        refill(board.fold, archive, board.log[-1][0])
        assert state_digest(board.fold.store.reader) == live
        assert board.kept() == kept
        archive.close()
        board.close()


@LAWS
@given(plays)
def test_when_all_is_quiet_nothing_that_could_fire_waits(moves: list[tuple[Any, ...]]) -> None:
    with TemporaryDirectory() as folder:
        board = played(Path(folder), moves).board
        board.wait(60)
        for _ in range(50):
            board.settle()
            if not board.desk.firings:
                break
            for trigger in list(board.desk.firings):
                board.succeed(trigger)
        for state in board.desk.consumers.values():
            if state.paused or state.definition.data.within is not None:
                continue
            for partition in state.queues.partitions():
                news = {
                    leaf: tuple(Queued(at) for at in state.queues.waiting(partition, [leaf]))
                    for leaf in {leaf.id for leaf in state.definition.leaves}
                }
                assert not evaluate(state.definition.condition, news).true
        board.close()


@given(trees([*EVENT_LEAVES, *TIMED_LEAVES]), st.data())
def test_truth_told_by_leaves_is_the_truth_told_by_events(condition: Condition, data: st.DataObject) -> None:
    found = leaves(condition)
    counts = data.draw(st.fixed_dictionaries({leaf.id: st.integers(0, 2) for leaf in found}))
    order = data.draw(st.permutations([leaf for leaf, count in counts.items() for _ in range(count)]))
    news: dict[str, tuple[Queued, ...]] = {}
    for position, leaf in enumerate(order):
        timed = next(each for each in found if each.id == leaf).timed
        news[leaf] = (Queued(position),) if timed else (*news.get(leaf, ()), Queued(position))
    firsts = {leaf: queue[0].position for leaf, queue in news.items()}
    told, verdict = taken(condition, firsts, firsts.keys()), evaluate(condition, news)
    assert (told is not None) == verdict.true
    if told is not None:
        assert {one.position for leaf in told for one in news[leaf]} == set(verdict.consumes)


def test_a_firing_that_comes_late_is_void(tmp_path: Path) -> None:
    board = Board(tmp_path)
    board.register("one", Asset("s3://lake/a"))
    event = board.materialize("s3://lake/a")
    board.catch_up()
    late = decide(board.desk, board.now).intents
    board.tell("trigger.fired", "by-hand", consumer="one", positions=(f"{event >> 20}-0",), dropped="deleted")
    board.catch_up()
    for intent in late:
        board.append(fired_event(intent))
    board.catch_up()
    acts = board.fold.store.reader.execute("select act, error from triggers order by pos").fetchall()
    assert [act for act, _ in acts] == ["cancelled", "void"]
    assert "not all of it was queued any more" in acts[1][1]
    assert board.desk.firings == {}
    board.close()
