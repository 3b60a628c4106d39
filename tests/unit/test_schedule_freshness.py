"""When assets are overdue, and what is told of it: the watch alone, its facts in memory."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import UTC, datetime, timedelta

import msgspec
import pytest

from assetlog.consumers.fold.judging import judge
from assetlog.consumers.fold.known import Known
from assetlog.consumers.fold.rank import breach_rank, rank
from assetlog.consumers.schedule.freshness import FreshnessWatch, Policy, Standing
from assetlog.consumers.schedule.telling import overdue_event
from assetlog.schemas.codec import decode
from assetlog.schemas.events.common import Freshness

NOON = datetime(2026, 11, 21, 12, tzinfo=UTC)
HOURLY = Freshness(max_age=3600.0)
DAILY = Freshness(cron="0 8 * * *", time_zone="Europe/Berlin")


def at(hours: float) -> datetime:
    """So many hours after noon."""
    return NOON + timedelta(hours=hours)


def position(hours: float) -> int:
    """What was recorded then."""
    return round(at(hours).timestamp() * 1000) << 20


class Catalog:
    """A watch of two keys, and the facts it reads."""

    def __init__(self) -> None:
        self.known = Known()
        for number, key in enumerate(("s3://a", "s3://b")):
            self.known.add_key(key, number)
        self.told: dict[int, Policy] = {}
        self.standing: dict[int, Standing] = {}
        self.watch = FreshnessWatch(self.known, self)

    def policies(self, aids: Sequence[int] | None) -> Iterable[Policy]:
        return [policy for aid, policy in self.told.items() if aids is None or aid in aids]

    def standings(self, aids: Sequence[int]) -> Iterable[Standing]:
        return [standing for aid, standing in self.standing.items() if aid in aids]

    def describe(self, freshness: Freshness, hours: float = 0, aid: int = 0) -> None:
        text = msgspec.json.encode(freshness).decode()
        self.told[aid] = Policy(aid, text, position(hours), position(hours))
        self.watch.describe(aid, freshness)

    def event(self, kind: str, hours: float, aid: int = 0, made: float | None = None) -> None:
        """An event, made then and recorded later; told to the watch alone."""
        self.watch.heard(kind, position(hours), aid, at(hours if made is None else made))

    def due(self, hours: float) -> list[tuple[int, datetime]]:
        return [(breach.aid, breach.due) for breach in self.watch.due(at(hours))]


@pytest.fixture
def catalog() -> Catalog:
    return Catalog()


def test_an_asset_that_was_never_materialized_counts_from_its_policy(catalog: Catalog) -> None:
    catalog.describe(HOURLY)
    assert catalog.watch.next() == at(1)
    assert catalog.due(0.99) == []
    assert catalog.due(1) == [(0, at(1))]
    assert catalog.due(99) == []
    assert catalog.watch.next() is None


@pytest.mark.parametrize(
    ("materialized", "due"),
    [(-5, "2026-11-23T07:00"), (-4, "2026-11-23T07:00"), (19, "2026-11-24T07:00"), (-5.01, "2026-11-22T07:00")],
)
def test_by_cron_an_asset_is_overdue_at_the_second_tick_after_it_was_made(
    catalog: Catalog, materialized: float, due: str
) -> None:
    """Ticks are at 07:00 UTC, five hours before noon; one made at a tick belongs to the time after it."""
    catalog.standing[0] = Standing(0, rank(at(materialized), position(materialized)), 0, 0, position(materialized))
    catalog.describe(DAILY)
    following = catalog.watch.next()
    assert following is not None
    assert following.isoformat()[:16] == due


def test_the_sooner_of_two_rules_counts(catalog: Catalog) -> None:
    catalog.describe(Freshness(max_age=3600.0, cron="0 8 * * *"))
    assert [breach.reason for breach in catalog.watch.due(at(99))] == ["not materialized for 3600 seconds"]
    catalog.describe(Freshness(max_age=3600.0 * 99, cron="0 8 * * *"), aid=1)
    [breach] = catalog.watch.due(at(99))
    assert breach.reason == "not materialized from one tick of 0 8 * * * UTC to the next"


def test_a_breach_is_told_again_once_the_asset_was_made_and_is_overdue_anew(catalog: Catalog) -> None:
    catalog.describe(HOURLY)
    assert catalog.due(1) == [(0, at(1))]
    catalog.event("asset.overdue", 1.001, made=1)
    assert catalog.due(50) == []
    catalog.event("asset.materialized", 50)
    assert catalog.watch.news
    assert catalog.due(50.9) == []
    assert catalog.due(51) == [(0, at(51))]


def test_one_that_was_told_before_a_restart_is_not_told_again(catalog: Catalog) -> None:
    made, told = rank(at(0), position(0)), breach_rank(at(1), position(1.001))
    catalog.standing[0] = Standing(0, made, told, 0, position(1.001))
    catalog.describe(HOURLY, -9)
    assert catalog.due(99) == []
    catalog.event("asset.materialized", 100)
    assert catalog.due(101) == [(0, at(101))]


def test_a_materialization_that_was_in_the_log_when_the_breach_was_told_hides_it(catalog: Catalog) -> None:
    catalog.describe(HOURLY)
    assert catalog.due(1) == [(0, at(1))]
    catalog.event("asset.materialized", 1.0001)
    catalog.event("asset.overdue", 1.0002, made=1)
    assert catalog.watch.next() == at(2.0001)
    state, reason = judge(rank(at(1.0001), position(1.0001)), 0, breach_rank(at(1), position(1.0002)), [], (0, ""))
    assert (state, reason) == ("fresh", None)


@pytest.mark.parametrize(("made", "due"), [(0.5, 1.5), (0.1, 1.1)])
def test_one_that_comes_late_counts_from_when_it_was_made(catalog: Catalog, made: float, due: float) -> None:
    catalog.describe(HOURLY)
    assert catalog.due(1) == [(0, at(1))]
    catalog.event("asset.overdue", 1.001, made=1)
    catalog.event("asset.materialized", 1.4, made=made)
    assert catalog.watch.next() == at(due)


def test_the_first_one_may_bring_the_moment_forward(catalog: Catalog) -> None:
    catalog.describe(HOURLY)
    assert catalog.watch.next() == at(1)
    catalog.event("asset.materialized", 0.1, made=-0.5)
    assert catalog.watch.news
    assert catalog.watch.next() == at(0.5)
    assert catalog.due(1) == [(0, at(0.5))]


def test_an_asset_that_is_retired_is_not_overdue_until_it_is_back(catalog: Catalog) -> None:
    catalog.describe(HOURLY)
    catalog.due(0)
    catalog.event("asset.retired", 0.5)
    assert catalog.due(5) == []
    catalog.event("asset.overdue", 6, made=0)
    assert catalog.due(6) == []
    catalog.watch.forget()
    catalog.standing[0] = Standing(0, 0, 0, position(0.5), position(0))
    assert catalog.due(6) == []
    catalog.event("asset.observed", 7)
    assert catalog.due(7) == [(0, at(1))]


def test_a_stricter_policy_counts_at_once_and_the_same_one_changes_nothing(catalog: Catalog) -> None:
    catalog.describe(Freshness(max_age=36_000.0))
    assert catalog.watch.next() == at(10)
    catalog.watch.describe(0, Freshness(max_age=36_000.0))
    assert [catalog.watch.news] == [False]
    catalog.describe(HOURLY)
    assert catalog.watch.news
    assert catalog.watch.next() == at(1)
    assert catalog.due(1) == [(0, at(1))]
    catalog.describe(Freshness(max_age=60.0), 2)
    assert catalog.due(99) == []


@pytest.mark.parametrize(
    "unreadable", [Freshness(), Freshness(max_age=1e300), Freshness(cron="x"), Freshness(cron="@daily", time_zone="X")]
)
def test_a_policy_that_cannot_be_read_is_passed_over(catalog: Catalog, unreadable: Freshness) -> None:
    catalog.describe(HOURLY)
    catalog.due(0)
    catalog.describe(unreadable)
    assert catalog.due(99) == []
    assert catalog.watch.watched == {}
    catalog.event("asset.materialized", 99)
    catalog.describe(HOURLY, 100)
    assert catalog.due(101) == [(0, at(101))]


def test_what_one_key_says_counts_for_all_that_name_the_asset(catalog: Catalog) -> None:
    catalog.describe(HOURLY)
    catalog.describe(Freshness(max_age=7200.0), 0.1, aid=1)
    assert catalog.watch.next() == at(1)
    catalog.known.add_alias(position(0.2), 0, 1)
    catalog.watch.alias([0, 1])
    assert catalog.due(1) == []
    assert catalog.watch.next() == at(2.1)
    catalog.event("asset.materialized", 0.5, aid=1)
    assert catalog.due(2.4) == []
    assert catalog.due(2.5) == [(0, at(2.5))]
    catalog.event("asset.overdue", 2.501, made=2.5)
    assert catalog.due(9) == []


def test_an_alias_of_assets_without_a_policy_is_no_news(catalog: Catalog) -> None:
    catalog.watch.next()
    catalog.watch.alias([0, 1])
    assert not catalog.watch.news


def test_nothing_is_kept_by_a_node_that_nobody_asks(catalog: Catalog) -> None:
    catalog.describe(HOURLY)
    assert (catalog.watch.watched, catalog.watch.news) == ({}, False)
    assert catalog.watch.next() is not None
    catalog.watch.forget()
    assert catalog.watch.news
    catalog.watch.forget()
    assert (catalog.watch.watched, catalog.watch.news) == ({}, False)


def test_a_breach_has_the_same_bytes_whoever_tells_it(catalog: Catalog) -> None:
    catalog.describe(HOURLY)
    [breach] = catalog.watch.due(at(1))
    catalog.watch.forget()
    [again] = catalog.watch.due(at(9))
    raw = overdue_event("s3://a", breach)
    assert raw == overdue_event("s3://a", again)
    event = decode(raw)
    assert (event.source, event.type, event.subject, event.time) == (
        "assetlog://scheduler",
        "asset.overdue",
        "s3://a",
        at(1),
    )
    later = overdue_event("s3://a", breach._replace(after=rank(at(0), position(0))))
    assert decode(later).id != event.id


def test_what_is_due_is_told_some_at_a_time(catalog: Catalog) -> None:
    catalog.describe(HOURLY)
    catalog.describe(HOURLY, 0.5, aid=1)
    assert [breach.aid for breach in catalog.watch.due(at(9), most=1)] == [0]
    assert catalog.watch.next() == at(1.5)
    assert catalog.due(9) == [(1, at(1.5))]
