"""What a consumer's options do: how much a trigger takes, how long it waits, and what it waits for."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import chain
from pathlib import Path

import pytest
from board import Board

from assetlog.consumers.schedule.deciding import MAX_DEPTH, MOST_RANGES, decide
from assetlog.consumers.schedule.handing import work_name
from assetlog.schemas.asset import Asset
from assetlog.schemas.conditions import AssetAlias, cron, deadline, group, matching, stale

A, B, C = Asset("s3://a"), Asset("s3://b"), Asset("s3://c")
DAILY = {"*": {"map": "start-of", "unit": "day"}}


@pytest.fixture
def board(tmp_path: Path) -> Iterator[Board]:
    board = Board(tmp_path)
    yield board
    board.close()


def test_each_takes_one_event_of_an_or_and_one_of_every_branch_of_an_and(board: Board) -> None:
    board.register("pairs", A & B, mode="each")
    a = [board.materialize("s3://a") for _ in range(3)]
    b = [board.materialize("s3://b") for _ in range(2)]
    board.settle()
    assert board.triggers("pairs") == [[a[0], b[0]], [a[1], b[1]]]
    assert board.queued("pairs") == [a[2]]


def test_a_batch_takes_the_oldest_and_leaves_the_rest_for_the_next(board: Board) -> None:
    board.register("threes", A | B, batch_size=3)
    events = [board.materialize(key) for key in ("s3://a", "s3://b", "s3://a", "s3://b", "s3://a")]
    board.settle()
    assert board.triggers("threes") == [events[:3], events[3:]]


def test_a_debounced_consumer_waits_for_a_quiet_moment(board: Board) -> None:
    board.register("quiet", A, debounce=10.0)
    events = [board.materialize("s3://a", seconds=5) for _ in range(4)]
    board.catch_up()
    decision = decide(board.desk, board.now)
    assert decision.intents == []
    assert decision.later == {"quiet": (events[-1] >> 20) + 10_000}
    board.wait(10)
    board.settle()
    assert board.triggers("quiet") == [events]


def test_events_that_never_cease_keep_a_debounced_consumer_waiting_ten_times_as_long_at_most(board: Board) -> None:
    board.register("quiet", A & B, debounce=10.0)
    early = board.materialize("s3://b")
    board.wait(1_000)  # the condition is not true yet: this does not count
    events = [early, *(board.materialize("s3://a", seconds=5) for _ in range(20))]
    board.settle()
    assert board.triggers("quiet") == []
    events.append(board.materialize("s3://a", seconds=5))
    board.settle()
    assert board.triggers("quiet") == [events]


def test_the_events_of_an_and_must_lie_within_the_window(board: Board) -> None:
    board.register("fresh", A & B, within=60.0)
    old = board.materialize("s3://a")
    late = board.materialize("s3://b", seconds=120)
    board.settle()
    assert board.triggers("fresh") == []
    new = board.materialize("s3://a", seconds=30)
    board.settle()
    assert board.triggers("fresh") == [[old, late, new]]  # what waited goes along: nothing is left behind


def test_a_window_that_was_met_in_a_pause_still_counts_at_its_end(board: Board) -> None:
    board.register("fresh", A & B, within=60.0)
    board.tell("consumer.paused", "fresh")
    events = [board.materialize("s3://a"), board.materialize("s3://b")]
    board.tell("consumer.resumed", "fresh")
    board.wait(600)
    board.crash()
    board.settle()
    assert board.triggers("fresh") == [events]


def test_a_cron_joined_by_and_waits_for_both(board: Board) -> None:
    tick = cron("0 8 * * *")
    board.register("morning", A & tick)
    a = board.materialize("s3://a")
    board.settle()
    assert board.triggers("morning") == []
    due = board.tick("morning", tick.id)
    board.settle()
    assert board.triggers("morning") == [[a, due]]


def test_a_tick_counts_once_in_every_partition(board: Board) -> None:
    tick = cron("0 8 * * *")
    board.register("morning", A & tick)
    monday, tuesday = board.materialize("s3://a", "mon"), board.materialize("s3://a", "tue")
    due = board.tick("morning", tick.id)
    board.settle()
    assert sorted(board.triggers("morning")) == [[monday, due], [tuesday, due]]
    board.materialize("s3://a", "mon")
    board.settle()
    assert len(board.triggers("morning")) == 2


def test_a_deadline_runs_with_what_arrived(board: Board) -> None:
    by = deadline("08:00")
    board.register("report", (A & B) | by)
    a = board.materialize("s3://a")
    due = board.tick("report", by.id)
    board.settle()
    assert board.triggers("report") == [[a, due]]


def test_a_deadline_before_anything_arrived_fires_nothing_then_or_later(board: Board) -> None:
    by = deadline("08:00")
    board.register("report", (A & B) | by)
    board.tick("report", by.id)
    a = board.materialize("s3://a")
    board.settle()
    assert board.triggers("report") == []
    assert board.queued("report") == [a]


def test_a_day_waits_for_all_of_its_hours(board: Board) -> None:
    board.register("daily", A, partitions={"*": {"map": "start-of", "unit": "day", "of": "hour"}})
    hours = [board.materialize("s3://a", f"2026-11-20T{hour:02d}") for hour in range(23)]
    board.settle()
    assert board.triggers("daily") == []
    hours.append(board.materialize("s3://a", "2026-11-20T23"))
    board.settle()
    assert board.triggers("daily") == [hours]


@pytest.mark.parametrize(("at_least", "needed"), [(3, 3), (-22, 2)])
def test_a_day_may_wait_for_so_many_hours_or_miss_so_many(board: Board, at_least: int, needed: int) -> None:
    mapper = {"map": "start-of", "unit": "day", "of": "hour", "at_least": at_least}
    board.register("daily", A, partitions={"*": mapper})
    for hour in range(needed - 1):
        board.materialize("s3://a", f"2026-11-20T{hour:02d}")
    board.materialize("s3://a", "2026-11-20T00")  # the same hour again is no other hour
    board.settle()
    assert board.triggers("daily") == []
    board.materialize("s3://a", "2026-11-20T12")
    board.settle()
    assert board.counts("daily") == [needed + 1]


def test_patterns_groups_and_aliases_match_what_is_so_when_the_event_comes(board: Board) -> None:
    board.register("by_pattern", matching("s3://raw/*"))
    board.register("by_group", group("sales"))
    board.register("by_alias", AssetAlias("daily"))
    board.materialize("s3://raw/orders")
    board.settle()
    assert [len(board.triggers(name)) for name in ("by_pattern", "by_group", "by_alias")] == [1, 0, 0]
    board.tell("asset.described", "s3://raw/orders", group="sales")
    board.tell("alias.resolved", "daily", asset="s3://raw/orders")
    board.materialize("s3://raw/orders")
    board.settle()
    assert [len(board.triggers(name)) for name in ("by_pattern", "by_group", "by_alias")] == [2, 1, 1]
    board.tell("asset.described", "s3://raw/orders", group="other")
    board.materialize("s3://raw/orders")
    board.settle()
    assert [len(board.triggers(name)) for name in ("by_pattern", "by_group", "by_alias")] == [3, 1, 2]


def test_an_asset_by_its_name_alone_is_found_once_it_is_told(board: Board) -> None:
    board.register("by_name", Asset.ref(name="Orders"))
    board.materialize("s3://lake/orders")
    board.settle()
    assert board.triggers("by_name") == []
    board.tell("asset.described", "s3://lake/orders", name="Orders")
    event = board.materialize("s3://lake/orders")
    board.settle()
    assert board.triggers("by_name") == [[event]]


def test_an_event_of_a_second_key_is_one_of_the_asset(board: Board) -> None:
    board.register("one", A)
    board.tell("asset.aliased", "s3://a", alias="s3a://a")
    event = board.materialize("s3a://a")
    board.settle()
    assert board.triggers("one") == [[event]]


def test_an_overdue_asset_is_news_of_its_own(board: Board) -> None:
    board.register("alarm", stale(A))
    board.materialize("s3://a")
    overdue = board.tell("asset.overdue", "s3://a", reason="older than an hour")
    board.settle()
    assert board.triggers("alarm") == [[overdue]]


def test_a_changed_condition_keeps_the_queue_of_the_leaves_it_keeps(board: Board) -> None:
    board.register("one", A & B & C)
    a, b = board.materialize("s3://a"), board.materialize("s3://b")
    board.register("one", A & Asset("s3://d"))
    board.settle()
    assert board.queued("one") == [a]
    assert board.desk.consumers["one"].released == (b,)
    d = board.materialize("s3://d")
    board.settle()
    assert board.triggers("one") == [[a, d]]


def test_a_removed_consumer_lets_its_queue_go(board: Board) -> None:
    board.register("one", A & B)
    board.materialize("s3://a")
    board.tell("consumer.removed", "one")
    board.register("one", A & B)
    b = board.materialize("s3://b")
    board.settle()
    assert board.triggers("one") == []
    assert board.queued("one") == [b]


def test_a_consumer_that_sets_itself_off_is_paused_and_says_why(board: Board) -> None:
    board.register("circle", A)
    board.materialize("s3://a")
    for _ in range(MAX_DEPTH + 2):
        board.settle()
        for trigger in list(board.desk.firings):
            board.materialize("s3://a", cause=trigger)
            board.succeed(trigger)
    assert board.desk.consumers["circle"].paused
    assert "circle" in (board.desk.consumers["circle"].paused_reason or "")
    assert len(board.triggers("circle")) == MAX_DEPTH


def test_more_assets_than_one_event_can_name_fire_in_several_triggers(board: Board) -> None:
    board.register("all", matching("s3://lake/*"))
    events = [board.materialize(f"s3://lake/{number}", seconds=0.001) for number in range(MOST_RANGES + 5)]
    board.catch_up(at_a_time=5_000)
    board.settle()
    assert sorted(chain(*board.triggers("all"))) == events
    assert len(board.triggers("all")) == 2


def test_a_firing_of_many_events_of_one_asset_is_told_in_one_range(board: Board) -> None:
    board.register("all", A)
    events = [board.materialize("s3://a", seconds=0.001) for _ in range(1_000)]
    board.catch_up(at_a_time=5_000)
    (intent,) = board.decide()
    (consumed,) = intent.data.consumed
    assert consumed.count == len(events)
    assert intent.data.positions == ()


def test_a_declaration_that_nobody_can_read_is_quarantined(board: Board) -> None:
    good = board.register("one", A)
    bad = board.log.pop()[1].replace(b"s3://a", b"no key")
    board.log.append((good, bad))
    board.catch_up()
    assert board.desk.consumers == {}
    assert board.fold.totals.quarantined == 1


def test_a_leaf_that_begins_in_the_past_counts_what_waits_already_once(board: Board) -> None:
    board.register("one", A & C)
    events = [board.materialize("s3://a") for _ in range(3)]
    board.register("one", A & C & matching("s3://*"), start="0-0")
    board.settle()
    assert board.queued("one") == events
    assert board.desk.consumers["one"].queued == 3
    c = board.materialize("s3://c")
    board.settle()
    assert board.triggers("one") == [[*events, c]]
    assert board.desk.consumers["one"].queued == 0


def test_each_retry_of_a_trigger_is_work_of_another_name_whatever_was_forgotten(board: Board) -> None:
    board.register("one", A)
    board.materialize("s3://a")
    board.settle()
    (trigger,) = board.desk.firings
    names = [work_name(board.desk.firings[trigger])]
    for _ in range(3):
        board.tell("trigger.exhausted", trigger, consumer="one", error="no")
        board.catch_up()
        board.crash()
        board.tell("trigger.retried", trigger, consumer="one")
        board.catch_up()
        names.append(work_name(board.desk.firings[trigger]))
    assert len(set(names)) == 4


def test_a_trigger_that_is_called_off_is_taken_from_its_workers(board: Board) -> None:
    board.register("one", A)
    board.materialize("s3://a")
    board.settle()
    (trigger,) = board.desk.firings
    board.tell("trigger.cancelled", trigger, consumer="one")
    board.catch_up()
    assert [firing.id for firing in board.desk.to_withdraw] == [trigger]
    assert board.desk.firings == {}
