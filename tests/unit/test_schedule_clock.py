"""Ticks of cron and deadlines: recorded when they are due, of missed ones the latest, each once whoever looks."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from board import Board

from assetlog.consumers.schedule.clock import Clock
from assetlog.consumers.schedule.telling import due_event
from assetlog.schemas.asset import Asset
from assetlog.schemas.codec import decode
from assetlog.schemas.conditions import cron, deadline
from assetlog.schemas.positions import position_time

A = Asset("s3://a")


@pytest.fixture
def board(tmp_path: Path) -> Iterator[Board]:
    board = Board(tmp_path)
    yield board
    board.close()


def began(board: Board) -> datetime:
    """When the last declaration was recorded: 2025-11-21T17:52:51Z."""
    board.catch_up()
    return position_time(board.fold.position)


def test_a_tick_is_due_at_its_time_and_once(board: Board) -> None:
    board.register("hourly", A & cron("@hourly"))
    start, clock = began(board), Clock()
    assert clock.due(board.desk, start) == []
    assert clock.next() == datetime(2025, 11, 21, 18, tzinfo=UTC)
    (tick,) = clock.due(board.desk, datetime(2025, 11, 21, 18, tzinfo=UTC))
    assert (tick.consumer, tick.kind, tick.due) == ("hourly", "cron", datetime(2025, 11, 21, 18, tzinfo=UTC))
    assert clock.due(board.desk, datetime(2025, 11, 21, 18, 30, tzinfo=UTC)) == []
    assert clock.next() == datetime(2025, 11, 21, 19, tzinfo=UTC)


def test_of_missed_ticks_only_the_latest_is_recorded(board: Board) -> None:
    board.register("hourly", A & cron("@hourly"))
    ticks = Clock().due(board.desk, began(board) + timedelta(hours=5))
    assert [tick.due for tick in ticks] == [datetime(2025, 11, 21, 22, tzinfo=UTC)]


def test_time_zones_are_explicit(board: Board) -> None:
    board.register("berlin", A & cron("0 8 * * *", "Europe/Berlin"))
    board.register("tokyo", A | deadline("08:00", "Asia/Tokyo"))
    began(board)
    ticks = {tick.consumer: tick for tick in Clock().due(board.desk, datetime(2025, 11, 22, 12, tzinfo=UTC))}
    assert ticks["berlin"].due == datetime(2025, 11, 22, 7, tzinfo=UTC)
    assert (ticks["tokyo"].kind, ticks["tokyo"].due) == ("deadline", datetime(2025, 11, 21, 23, tzinfo=UTC))


def test_a_recorded_tick_is_not_recorded_again_by_another_leader(board: Board) -> None:
    board.register("hourly", A & cron("@hourly"))
    now = began(board) + timedelta(hours=1)
    (tick,) = Clock().due(board.desk, now)
    board.wait(3600)
    board.append(due_event(tick))
    board.catch_up()
    board.crash()
    assert Clock().due(board.desk, now + timedelta(minutes=1)) == []


def test_the_same_tick_is_the_same_event_whoever_tells_it(board: Board) -> None:
    board.register("hourly", A & cron("@hourly"))
    now = began(board) + timedelta(hours=1)
    one, two = (due_event(*clock.due(board.desk, now)) for clock in (Clock(), Clock()))
    assert one == two
    board.append(one)
    board.append(two)
    board.catch_up()
    assert board.fold.totals.duplicates == 1


def test_a_paused_consumer_has_no_ticks_and_its_latest_at_the_end_of_the_pause(board: Board) -> None:
    board.register("hourly", A & cron("@hourly"))
    now, clock = began(board) + timedelta(hours=7), Clock()
    board.tell("consumer.paused", "hourly")
    board.catch_up()
    assert clock.due(board.desk, now) == []
    assert clock.next() is None
    board.tell("consumer.resumed", "hourly")
    board.catch_up()
    assert [tick.due for tick in clock.due(board.desk, now)] == [datetime(2025, 11, 22, 0, tzinfo=UTC)]


def test_a_cron_alone_fires_at_every_tick(board: Board) -> None:
    leaf = cron("@hourly")
    board.register("hourly", leaf)
    clock, now = Clock(), began(board)
    for _ in range(3):
        now += timedelta(hours=1)
        board.wait(3600)
        for tick in clock.due(board.desk, now):
            board.append(due_event(tick))
        board.settle()
    assert len(board.triggers("hourly")) == 3


def test_a_tick_of_a_removed_leaf_changes_nothing(board: Board) -> None:
    board.register("hourly", A & cron("@hourly"))
    (tick,) = Clock().due(board.desk, began(board) + timedelta(hours=1))
    board.register("hourly", A)
    board.append(due_event(tick))
    a = board.materialize("s3://a")
    board.settle()
    assert decode(due_event(tick)).type == "consumer.due"
    assert board.triggers("hourly") == [[a]]
