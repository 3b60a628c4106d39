"""Triggers: their states by what was told of them, their events by what they consumed, their lists by what is asked."""

from __future__ import annotations

from typing import Any

import pytest

from assetlog.consumers.views.limited_reader import LimitedReader
from assetlog.consumers.views.triggers_reader import trigger_events
from assetlog.schemas.errors import Invalid
from assetlog.schemas.events.asset import AssetMaterialized, AssetOverdue


def told(projection: Any, n: int, act: str, trigger: str = "t1", *, consumer: str = "report", **row: Any) -> None:
    """A row about a trigger at `n`; the one it begins with has a depth."""
    begins = {"depth": 1} if act in ("fired", "void") else {}
    projection.add("triggers", pos=projection.at(n), act=act, trigger=trigger, consumer=consumer, **begins, **row)


def consumed(projection: Any, n: int, after: int, up_to: int, events: int, trigger: str = "t1", **row: Any) -> None:
    """A range that the trigger fired at `n` consumed."""
    where = {"after_pos": projection.at(after), "up_to": projection.at(up_to)}
    projection.add("consumed", pos=projection.at(n), trigger=trigger, events=events, **where, **row)


@pytest.mark.parametrize(
    ("acts", "state"),
    [
        (["fired"], "fired"),
        (["void"], "void"),
        (["cancelled"], "cancelled"),
        (["fired", "started"], "started"),
        (["fired", "started", "failed"], "failed"),
        (["fired", "started", "failed", "started"], "started"),
        (["fired", "started", "succeeded"], "succeeded"),
        (["fired", "started", "failed", "exhausted"], "exhausted"),
        (["fired", "started", "cancelled", "failed"], "cancelled"),
        (["fired", "started", "exhausted", "retried"], "fired"),
        (["fired", "started", "exhausted", "retried", "started"], "started"),
        (["fired", "started", "exhausted", "retried", "started", "succeeded"], "succeeded"),
        (["fired", "void"], "fired"),
    ],
)
def test_a_trigger_stands_as_what_was_told_last(projection: Any, acts: list[str], state: str) -> None:
    for n, act in enumerate(acts, 1):
        told(projection, n, act)
    assert projection.reader.trigger("t1", projection.at(len(acts))).state == state


def test_an_earlier_moment_shows_an_earlier_state(projection: Any) -> None:
    told(projection, 1, "fired")
    told(projection, 2, "started", attempt=1, worker="w1")
    told(projection, 3, "failed", attempt=1, error="KeyError: 'price'", duration=0.5)
    told(projection, 4, "started", attempt=2, worker="w2")
    told(projection, 5, "succeeded", attempt=2, duration=1.5)
    reader = projection.reader
    assert reader.trigger("t1", projection.at(0)) is None
    first = reader.trigger("t1", projection.at(1))
    assert (first.state, first.attempt, first.started) == ("fired", 0, None)
    failed = reader.trigger("t1", projection.at(3))
    assert (failed.state, failed.error, failed.worker, failed.ended) == ("failed", "KeyError: 'price'", "w1", None)
    done = reader.trigger("t1", projection.at(5))
    assert (done.state, done.attempt, done.error, done.duration) == ("succeeded", 2, None, 1.5)
    assert (done.started, done.ended) == (projection.time_text(2), projection.time_text(5))


def test_what_was_dropped_as_it_fired_says_why_and_by_whom(projection: Any) -> None:
    told(projection, 1, "cancelled", depth=1, actor="ada", error="deleted from the queue")
    dropped = projection.reader.trigger("t1", projection.at(1))
    assert (dropped.state, dropped.by, dropped.error) == ("cancelled", "ada", "deleted from the queue")


@pytest.fixture
def events(projection: Any) -> Any:
    """Five materializations of two assets, a breach of freshness and a tick."""
    projection.key(1, 0, "s3://a")
    projection.key(2, 1, "s3://b")
    for n, aid, part in ((1, 0, "mon"), (2, 1, None), (3, 0, "tue"), (4, 0, "mon"), (5, 0, "mon")):
        projection.event(n, "asset.materialized", AssetMaterialized(), aid=aid, part=part)
    projection.event(6, "asset.overdue", AssetOverdue(reason="late"), aid=0)
    projection.event(7, "consumer.due")
    projection.add("consumers", pos=projection.at(7), act="due", name="report", data="{}")
    projection.add("consumers", pos=projection.at(7) + 1, act="due", name="other", data="{}")
    return projection


def test_a_trigger_lists_the_events_of_the_ranges_it_consumed(events: Any) -> None:
    told(events, 8, "fired", part="mon")
    consumed(events, 8, 0, 4, 2, aid=0, part="mon")
    consumed(events, 8, 0, 2, 1, aid=1, part=None)
    shown = events.reader.trigger("t1", events.at(8))
    assert (shown.count, shown.partition) == (3, "mon")
    assert [(each.id, each.key, each.partition) for each in shown.events] == [
        ("e1", "s3://a", "mon"),
        ("e2", "s3://b", None),
        ("e4", "s3://a", "mon"),
    ]
    later = events.reader.trigger("t1", events.at(8), after=events.at(1)).events
    assert [each.position for each in later] == [events.text(2), events.text(4)]


def test_breaches_and_ticks_that_were_consumed_are_listed(events: Any) -> None:
    told(events, 8, "fired")
    overdue, tick = events.at(6), events.at(7)
    for aid, position in ((0, overdue), (None, tick)):
        where = {"aid": aid, "after_pos": position - 1, "up_to": position}
        events.add("consumed", pos=events.at(8), trigger="t1", events=1, **where)
    shown = events.reader.trigger("t1", events.at(8)).events
    assert [(each.position, each.key) for each in shown] == [(events.text(6), "s3://a"), (events.text(7), None)]


def test_a_range_holds_no_breaches(events: Any) -> None:
    told(events, 8, "fired")
    consumed(events, 8, 5, 7, 1, aid=0)
    assert events.reader.trigger("t1", events.at(8)).events == []


@pytest.fixture
def many(projection: Any) -> Any:
    """Nine triggers of three consumers; every third has failed for good."""
    projection.key(0, 0, "s3://a")
    for n in range(1, 10):
        told(projection, n, "fired", f"t{n}", consumer=f"c{n % 3}")
    for n in range(3, 10, 3):
        told(projection, 10 + n, "exhausted", f"t{n}", consumer="c0", error="no")
    consumed(projection, 5, 0, 4, 1, "t5", aid=0)
    return projection


def ids(page: Any) -> list[str]:
    return [trigger.id for trigger in page.items]


def test_triggers_are_listed_newest_first_part_by_part(many: Any) -> None:
    at = many.at(30)
    page = many.reader.triggers(at, limit=4)
    assert ids(page) == ["t9", "t8", "t7", "t6"]
    page = many.reader.triggers(at, limit=4, cursor=page.next)
    assert ids(page) == ["t5", "t4", "t3", "t2"]
    page = many.reader.triggers(at, limit=4, cursor=page.next)
    assert (ids(page), page.next) == (["t1"], None)


def test_triggers_are_filtered(many: Any) -> None:
    at = many.at(30)
    assert ids(many.reader.triggers(at, consumer="c1")) == ["t7", "t4", "t1"]
    assert ids(many.reader.triggers(at, state="exhausted")) == ["t9", "t6", "t3"]
    assert ids(many.reader.triggers(at, state="exhausted", limit=1)) == ["t9"]
    assert ids(many.reader.triggers(many.at(15), state="exhausted")) == ["t3"]
    assert ids(many.reader.triggers(many.at(10), state="fired", consumer="c0")) == ["t9", "t6", "t3"]
    assert ids(many.reader.triggers(at, asset="s3://a")) == ["t5"]
    assert ids(many.reader.triggers(at, consumers=["c1", "c2"], limit=3)) == ["t8", "t7", "t5"]
    assert ids(many.reader.triggers(at, consumers=[])) == []
    assert ids(many.reader.triggers(at, consumers=["c1"], state="exhausted")) == []
    assert ids(many.reader.triggers(at, asset="s3://unknown")) == []
    assert ids(many.reader.triggers(many.at(2))) == ["t2", "t1"]
    with pytest.raises(Invalid, match="state"):
        many.reader.triggers(at, state="done")


def test_the_state_of_a_few_is_told_by_id(many: Any) -> None:
    briefs = many.reader.trigger_briefs(["t1", "t3", "nobody"], many.at(30))
    assert {name: brief.state for name, brief in briefs.items()} == {"t1": "fired", "t3": "exhausted"}


def test_who_may_see_some_assets_sees_the_triggers_of_these_alone(events: Any) -> None:
    for n, aid in ((8, 0), (9, 1)):
        told(events, n, "fired", f"t{n}")
        consumed(events, n, 0, 5, 1, f"t{n}", aid=aid, part="mon" if aid == 0 else None)
    reader = LimitedReader(events.reader, ("s3://b",))
    assert ids(reader.triggers(events.at(9))) == ["t9"]
    (seen,) = reader.triggers(events.at(9)).items
    assert [each.key for each in trigger_events(reader, seen, events.at(9))] == ["s3://b"]
    assert reader.trigger("t8", events.at(9)) is None
