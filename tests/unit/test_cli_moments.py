"""Moments as people type them and as a terminal shows them."""

from __future__ import annotations

import time
from collections.abc import Iterator
from datetime import UTC, datetime

import pytest

from assetlog.catalog.cli.moments import ago, duration, full_local, local, moment, recorded
from assetlog.schemas.errors import Invalid

NOW = datetime(2026, 11, 21, 12, 0, tzinfo=UTC)


@pytest.fixture
def berlin(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setenv("TZ", "Europe/Berlin")
    time.tzset()
    yield
    monkeypatch.undo()
    time.tzset()


@pytest.mark.parametrize(
    "typed, meant",
    [
        ("-10m", "2026-11-21T11:50:00.000000Z"),
        ("10m", "2026-11-21T11:50:00.000000Z"),
        ("-2d", "2026-11-19T12:00:00.000000Z"),
        ("1763747570910-0", "1763747570910-0"),
        ("1763747570910", "1763747570910"),
        ("2026-11-21T17:52:50+01:00", "2026-11-21T16:52:50.000000Z"),
        ("2026-11-21T17:52Z", "2026-11-21T17:52:00.000000Z"),
        ("now", None),
    ],
)
def test_a_moment_is_an_age_a_position_or_a_time(typed: str, meant: str | None) -> None:
    assert moment(typed, NOW) == meant


@pytest.mark.usefixtures("berlin")
def test_a_time_without_a_zone_is_local() -> None:
    assert moment("2026-11-21 18:30", NOW) == "2026-11-21T17:30:00.000000Z"
    assert moment("2026-07-01", NOW) == "2026-06-30T22:00:00.000000Z"


@pytest.mark.parametrize("typed", ["", "yesterday", "-10q", "10", "2026-13-01", "999999999w", "0001-01-01T00:00+23:00"])
def test_what_names_no_moment_is_refused_with_the_rule(typed: str) -> None:
    with pytest.raises(Invalid) as caught:
        moment(typed, NOW)
    assert caught.value.rule


@pytest.mark.parametrize(
    "time_, shown",
    [
        ("2026-11-21T12:00:00Z", "just now"),
        ("2026-11-21T11:59:30Z", "30s ago"),
        ("2026-11-21T11:01:00Z", "59m ago"),
        ("2026-11-20T12:30:00Z", "23h ago"),
        ("2026-11-01T12:00:00Z", "20d ago"),
        ("2020-11-21T12:00:00Z", "6y ago"),
        ("2026-11-21T12:05:00Z", "in 5m"),
    ],
)
def test_an_age_has_one_unit(time_: str, shown: str) -> None:
    assert ago(time_, NOW) == shown


@pytest.mark.usefixtures("berlin")
def test_a_time_is_as_short_as_today_allows() -> None:
    assert local("2026-11-21T11:30:00Z", NOW) == "12:30:00"
    assert local("2026-11-20T22:30:00Z", NOW) == "20 Nov 23:30"
    assert local("2019-01-01T22:30:00Z", NOW) == "2019-01-01"
    assert full_local("2026-11-20T22:30:00Z") == "2026-11-20 23:30:00+01:00"


def test_a_position_tells_when_it_was_recorded() -> None:
    assert recorded("1763747570910-3") == "2025-11-21T17:52:50.910000Z"


def test_a_duration_is_short() -> None:
    assert [duration(seconds) for seconds in (0.000025, 0.25, 59.9, 75, 3700)] == [
        "25 µs",
        "250 ms",
        "59.9 s",
        "1m 15s",
        "1h 1m",
    ]
