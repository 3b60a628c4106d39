"""Every case that was seen on a running Airflow 3.3.2, with what comes of it here. Each name says what we do.

Source: what Airflow 3.3.2 was seen to do (SQLite, LocalExecutor, default settings), quoted in each docstring.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import chain
from pathlib import Path

import pytest
from board import Board

from assetlog.schemas.asset import Asset
from assetlog.schemas.positions import format_position

A, B, C = Asset("s3://a"), Asset("s3://b"), Asset("s3://c")


@pytest.fixture
def board(tmp_path: Path) -> Iterator[Board]:
    board = Board(tmp_path)
    yield board
    board.close()


def test_three_of_one_and_one_of_the_other_fire_an_and_once_with_all_four(board: Board) -> None:
    """Airflow: 1 run; its events hold A x3 + B."""
    board.register("both", A & B)
    events = [board.materialize(key) for key in ("s3://a", "s3://a", "s3://a", "s3://b")]
    board.settle()
    assert board.triggers("both") == [events]


def test_half_of_an_and_waits_and_is_kept(board: Board) -> None:
    """Airflow: B alone after that: nothing; the row for B waits for ever."""
    board.register("both", A & B)
    first = [board.materialize("s3://a"), board.materialize("s3://b")]
    board.settle()
    waiting = board.materialize("s3://b")
    board.settle()
    assert board.triggers("both") == [first]
    assert board.queued("both") == [waiting]
    last = board.materialize("s3://a")
    board.settle()
    assert board.triggers("both")[1] == [waiting, last]


def test_quick_events_on_an_or_are_all_in_triggers(board: Board) -> None:
    """Airflow: A, A, A quickly: 1 run with A1 only; A2, A3 in no run until B came."""
    board.register("either", A | B)
    events = [board.materialize("s3://a", seconds=0.001) for _ in range(3)]
    board.settle()
    assert list(chain(*board.triggers("either"))) == events


@pytest.mark.parametrize("count", [20, 50])
def test_all_of_many_quick_events_reach_a_run(board: Board, count: int) -> None:
    """Airflow: 20 A in 0.3 s: 1 run with 1 event, 19 events in no run; 50: 1 and 49."""
    board.register("either", A | B)
    board.register("one_by_one", A | B, mode="each")
    events = [board.materialize("s3://a", seconds=0.001) for _ in range(count)]
    board.settle()
    assert board.triggers("either") == [events]
    assert board.triggers("one_by_one") == [[event] for event in events]


def test_a_fired_alternative_leaves_the_progress_of_the_others(board: Board) -> None:
    """Airflow: (A & B) | C: B queued, then C: the run on C consumes B's progress; a later A does not complete A & B."""
    board.register("nested", (A & B) | C)
    b = board.materialize("s3://b")
    c = board.materialize("s3://c")
    board.settle()
    assert board.triggers("nested") == [[c]]
    assert board.queued("nested") == [b]
    a = board.materialize("s3://a")
    board.settle()
    assert board.triggers("nested") == [[c], [b, a]]


def test_events_of_a_pause_fire_at_its_end(board: Board) -> None:
    """Airflow: paused, A and B posted: no rows; on unpause nothing fires."""
    board.register("both", A & B)
    board.tell("consumer.paused", "both")
    events = [board.materialize("s3://a"), board.materialize("s3://b")]
    board.settle()
    assert board.triggers("both") == []
    board.tell("consumer.resumed", "both")
    board.settle()
    assert board.triggers("both") == [events]


def test_events_of_a_pause_never_count_for_who_wants_it_so(board: Board) -> None:
    """Airflow has no choice; this is what it means to do."""
    board.register("both", A & B, when_paused="skip")
    board.tell("consumer.paused", "both")
    board.materialize("s3://a")
    board.materialize("s3://b")
    board.tell("consumer.resumed", "both")
    board.settle()
    assert board.triggers("both") == []
    assert board.queued("both") == []


def test_an_event_before_a_pause_is_completed_by_one_within_it(board: Board) -> None:
    """Airflow: A queued, pause, B posted, unpause: A's row survives, B is not queued; fires only after another B."""
    board.register("both", A & B)
    a = board.materialize("s3://a")
    board.tell("consumer.paused", "both")
    b = board.materialize("s3://b")
    board.tell("consumer.resumed", "both")
    board.settle()
    assert board.triggers("both") == [[a, b]]


def test_a_deleted_event_does_not_come_back(board: Board) -> None:
    """Airflow: DELETE queuedEvents after A, then B: no run; but A's event comes back in the next run's window."""
    board.register("both", A & B)
    a = board.materialize("s3://a")
    board.settle()
    board.tell(
        "trigger.fired", "dropped", consumer="both", positions=(_text(a),), dropped="deleted from the queue", by="ops"
    )
    b = board.materialize("s3://b")
    board.settle()
    assert board.queued("both") == [b]
    again = board.materialize("s3://a")
    board.settle()
    assert board.triggers("both") == [[a], [b, again]]  # the first one is the deletion: recorded, never run
    assert [firing.position for firing in board.desk.firings.values()] != []
    assert "dropped" not in board.desk.firings


def test_events_during_a_run_fire_after_it_where_one_may_run_at_a_time(board: Board) -> None:
    """Airflow: max_active_runs=1, 3 A's during a 12 s run: the next run consumes the first only; 2 are stranded."""
    board.register("alone", A | B, max_active=1)
    first = board.materialize("s3://a")
    board.settle()
    later = [board.materialize("s3://a") for _ in range(3)]
    board.settle()
    assert board.triggers("alone") == [[first]]
    board.succeed(next(iter(board.desk.firings)))
    board.settle()
    assert board.triggers("alone") == [[first], later]


def test_mapped_tasks_with_one_outlet_are_three_events(board: Board) -> None:
    """Airflow: 3 mapped tasks -> same asset: the consumer's run has 1 of 3 events."""
    board.register("consumer", A)
    events = [board.materialize("s3://a", seconds=0.001) for _ in range(3)]
    board.settle()
    assert list(chain(*board.triggers("consumer"))) == events


def test_a_consumer_begins_where_it_was_declared(board: Board) -> None:
    """Airflow: the first run of a consumer unpaused late: its window held 52 events, everything since it was parsed."""
    for _ in range(52):
        board.materialize("s3://a")
    board.register("late", A)
    new = board.materialize("s3://a")
    board.settle()
    assert board.triggers("late") == [[new]]


def test_a_consumer_may_begin_in_the_past_with_one_trigger(board: Board) -> None:
    """Airflow: no replay; a backfill emits events anew and floods consumers."""
    events = [board.materialize("s3://a") for _ in range(52)]
    board.register("late", A, start=_text(events[9]))
    board.settle()
    assert board.triggers("late") == [events[10:]]


def test_the_events_of_a_trigger_are_in_the_order_of_the_log(board: Board) -> None:
    """Airflow: the order of upstreamAssetEvents is arbitrary (a set)."""
    board.register("both", A & B)
    events = [board.materialize(key) for key in ("s3://a", "s3://b", "s3://a")]
    board.catch_up()
    board.settle()
    assert list(chain(*board.triggers("both"))) == events


def test_partitions_of_a_day_come_together(board: Board) -> None:
    """Airflow: A & B with StartOfDayMapper: A@05, A@06, B@22 -> one run with 3 events; B of the next day pends."""
    board.register("daily", A & B, partitions={"*": {"map": "start-of", "unit": "day"}})
    events = [
        board.materialize("s3://a", "2026-11-20T05"),
        board.materialize("s3://a", "2026-11-20T06"),
        board.materialize("s3://b", "2026-11-20T22"),
    ]
    waiting = board.materialize("s3://b", "2026-11-21T01")
    board.settle()
    assert board.triggers("daily") == [events]
    assert [firing.partition for firing in board.desk.firings.values()] == ["2026-11-20"]
    assert board.queued("daily") == [waiting]


def test_an_and_matches_within_a_partition_only(board: Board) -> None:
    """Airflow: the same; and an event without a key never queues for partitioned ones: here it pends by itself."""
    board.register("daily", A & B)
    monday = board.materialize("s3://a", "mon")
    whole = board.materialize("s3://b")
    board.settle()
    assert board.triggers("daily") == []
    other = board.materialize("s3://b", "mon")
    board.settle()
    assert board.triggers("daily") == [[monday, other]]
    assert board.queued("daily") == [whole]


def _text(position: int) -> str:
    return format_position(position)
