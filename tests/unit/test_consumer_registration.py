"""What a body declares, whose consumers a prefix covers, how an explanation reads, how large queues are deleted."""

from __future__ import annotations

import json
from typing import Any

import pytest

from assetlog.catalog.access.consumer_prefixes import covers, refuse_outside
from assetlog.catalog.api.desk_answers import Facts, Glimpse, LeafNews, PartitionNews
from assetlog.catalog.api.dropping import MOST_POSITIONS, MOST_RANGES, Selection, firings_that_drop
from assetlog.catalog.api.explaining import explanation
from assetlog.catalog.api.registration import check_name, read_registration, same
from assetlog.consumers.fold.known import Known
from assetlog.consumers.schedule.definition import Definition, definition_of
from assetlog.consumers.schedule.desk import Desk
from assetlog.schemas.codec import MAX_EVENT_BYTES, encode
from assetlog.schemas.errors import Forbidden, Invalid
from assetlog.schemas.events.trigger import TriggerFired

A, B, C = "s3://lake/a", "s3://lake/b", "s3://lake/c"
PYTHON = {"kind": "python", "function": "report", "pool": "pipeline"}


def registered(condition: Any, **fields: Any) -> Any:
    body = {"condition": condition, "target": PYTHON, **fields}
    return read_registration("report", json.dumps(body).encode())


def defined(condition: Any, **fields: Any) -> Definition:
    return definition_of("report", registered(condition, **fields), 1 << 20)


@pytest.mark.parametrize("name", ["", " ", "a ", "a/b", "a\n", "a\x1b", ".", "..", "x" * 201, "\u2066a"])
def test_what_is_no_name_is_refused(name: str) -> None:
    with pytest.raises(Invalid, match="is not a consumer's name"):
        check_name(name)


def test_two_spellings_of_a_declaration_are_the_same() -> None:
    one = registered([A, {"any": [{"asset": B}]}], outlets=["S3://lake/c/"], partitions={"*": {"map": "identity"}})
    other = registered(
        {"all": [{"asset": {"uri": A}}, {"asset": B}]},
        outlets=[C],
        partitions={"*": {"map": "identity"}},
        by="somebody",
        start="1-0",
    )
    assert same(one, other)
    assert not same(one, registered([A, B], outlets=[C]))
    assert not same(one, registered(A, outlets=[C], partitions={"*": {"map": "identity"}}))


@pytest.mark.parametrize(
    ("condition", "fields", "covered"),
    [
        (A, {}, True),
        ({"stale": A}, {}, True),
        ({"pattern": "s3://lake/*"}, {}, True),
        ({"pattern": "s3://lak*"}, {}, False),
        ({"pattern": "s3://*/a"}, {}, False),
        ([A, "s3://other/b"], {}, False),
        ([A, "@daily"], {}, True),
        ("@daily", {}, False),
        ("@daily", {"outlets": [A]}, True),
        ({"manual": True}, {"inlets": [A]}, True),
        ({"group": "sales"}, {}, False),
        ({"alias": "daily"}, {}, False),
        ({"asset_ref": {"name": "orders"}}, {}, False),
        (A, {"outlets": ["s3://other/b"]}, False),
        (A, {"inlets": ["s3://other/b"]}, False),
        ("s3://lake", {}, False),
    ],
)
def test_a_prefix_covers_consumers_that_name_keys_below_it_and_nothing_else(
    condition: Any, fields: Any, covered: bool
) -> None:
    definition = defined(condition, **fields)
    assert covers((), definition)
    assert covers(("s3://lake/",), definition) == covered
    if not covered:
        with pytest.raises(Forbidden) as refused:
            refuse_outside(("s3://lake/",), definition)
        assert (refused.value.code, refused.value.field is not None) == ("outside-prefix", True)


def said(definition: Definition, *news: PartitionNews, **seen: Any) -> str:
    """The sentence about a consumer."""
    usual = {"paused": False, "paused_reason": None, "active": 0, "last_trigger": None, "released": ()}
    queued = sum(told.queued for each in news for told in each.leaves.values())
    glimpse = Glimpse(**{"definition": definition, "queued": queued, **usual, **seen})
    partitions = list(news) or [PartitionNews(None, {}, within=True)]
    return explanation(Facts(glimpse, partitions, len(partitions)), None, 1 << 20).says


def waits(*leaves: str, partition: str | None = None, within: bool = True, ready: bool = True) -> PartitionNews:
    news = {f"asset:{leaf}": LeafNews(1, 5 << 20, ready) for leaf in leaves}
    return PartitionNews(partition, news, within)


def test_the_sentence_says_what_is_so() -> None:
    both = defined([A, B])
    assert said(both) == f"It waits for {A} & {B}; nothing has come yet."
    assert said(both, last_trigger=("t", 1)) == f"It waits for {A} & {B}; nothing has come since it fired last."
    assert said(both, waits(A)) == f"1 event waits; it still waits for {B}."
    assert said(both, waits(A, B)) == "Its condition is true; it is about to fire."
    assert said(both, waits(A, partition="x"), waits(A, B, partition="y")).startswith(
        "Its condition is true in 1 of 2 partitions;"
    )
    assert said(both, waits(A, partition="x"), waits(B, partition="y")).startswith("2 events wait in 2 partitions;")


def test_the_sentence_says_what_holds_a_true_condition_up() -> None:
    both = waits(A, B)
    assert "fires when its running trigger ends" in said(defined([A, B], max_active=1), both, active=1)
    assert "one of its 2 running triggers ends" in said(defined([A, B], max_active=2), both, active=2)
    assert "after 5 s without more events, 50 s at the latest" in said(defined([A, B], debounce=5), both)
    apart = waits(A, B, within=False)
    assert "did not come within 60 s of each other" in said(defined([A, B], within=60), apart)
    incomplete = waits(A, B, ready=False)
    assert said(defined([A, B]), incomplete) == f"2 events wait; it still waits for {A} & {B}."


def test_the_sentence_of_a_paused_consumer_says_what_becomes_of_events() -> None:
    assert said(defined(A), waits(A), paused=True) == (
        "It is paused: what comes meanwhile fires when it is resumed. Its condition is true."
    )
    assert "is not kept" in said(defined(A, when_paused="skip"), paused=True, paused_reason="why")
    assert said(defined({"manual": True})) == "It runs by hand alone."


def test_a_condition_with_many_leaves_missing_is_counted() -> None:
    keys = [f"s3://lake/{number}" for number in range(20)]
    assert said(defined(keys), waits(keys[0])) == "1 event waits; it still waits for 19 more leaves."


def queue_of(keys: list[str], condition: Any, **fields: Any) -> Desk:
    """A desk at which an event of each key waits twice."""
    known = Known()
    desk = Desk(known)
    desk.register(1 << 20, "report", registered(condition, **fields))
    for times in range(2):
        for number, key in enumerate(keys):
            position = (2 + times) << 40 | number << 20
            aid = known.aids[key] if key in known.aids else known.add_key(key, position)
            desk.materialized(position, aid, None)
    return desk


def taken(firings: list[TriggerFired]) -> int:
    return sum(len(each.positions) + sum(part.count for part in each.consumed) for each in firings)


@pytest.mark.parametrize("mode", ["queue", "skip"])
def test_a_large_queue_is_deleted_by_events_that_the_log_takes(mode: str) -> None:
    keys = [f"s3://lake/{'x' * 1400}/{number}" for number in range(MOST_RANGES + 1)]
    desk = queue_of(keys, [{"pattern": "s3://lake/**"}, "s3://missing"], when_paused=mode)
    fired = TriggerFired(consumer="report", dropped="deleted")
    firings = firings_that_drop(desk, "report", Selection(), fired)
    assert taken(firings) == 2 * len(keys)
    assert len(firings) == (2 if mode == "queue" else 1)
    for number, each in enumerate(firings):
        assert len(encode("trigger.fired", "test", f"t{number}", each)) < MAX_EVENT_BYTES
        assert desk.fire(9 << 40 | number, f"t{number}", each).act == "cancelled"
    assert desk.consumers["report"].queued == 0
    assert firings_that_drop(desk, "report", Selection(), fired) == []


def test_what_one_event_takes_singly_fits_into_it() -> None:
    positions = tuple(f"{10**13}-{number}" for number in range(MOST_POSITIONS))
    fired = TriggerFired(consumer="c" * 200, positions=positions)
    assert len(encode("trigger.fired", "test", "t", fired)) < MAX_EVENT_BYTES


def test_an_event_that_waits_in_two_partitions_is_deleted_once() -> None:
    mappers = {f"asset:{A}": {"map": "start-of", "unit": "day"}}
    desk = Desk(Known())
    desk.register(1 << 20, "report", registered([A, {"pattern": "s3://lake/*"}, "s3://missing"], partitions=mappers))
    desk.materialized(2 << 20, desk.known.add_key(A, 2 << 20), "2026-11-21T05")
    assert desk.consumers["report"].queues.partitions() == ["2026-11-21", "2026-11-21T05"]
    firings = firings_that_drop(desk, "report", Selection(), TriggerFired(consumer="report", dropped="deleted"))
    assert taken(firings) == 1
    assert [desk.fire(3 << 20, "t", each).act for each in firings] == ["cancelled"]
    assert desk.consumers["report"].queued == 0
