"""When cron expressions and deadlines tick, above all when clocks change."""

from __future__ import annotations

import subprocess
import sys
from datetime import UTC, datetime, timedelta

import pytest

from assetlog.consumers.schedule.ticks import check_schedule, latest_tick, next_tick, ticks_between
from assetlog.schemas.conditions import deadline
from assetlog.schemas.errors import Invalid

BERLIN = "Europe/Berlin"  # 2026: 2 to 3 is skipped on March 29, comes twice on October 25


def moment(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


def ticks(expression: str, after: str, until: str, zone: str = BERLIN) -> list[str]:
    found = ticks_between(expression, zone, moment(after), moment(until))
    return [tick.strftime("%d %H:%M") for tick in found]


def test_a_tick_is_after_the_moment_and_never_at_it() -> None:
    assert next_tick("0 8 * * *", "UTC", moment("2026-07-01T08:00")) == moment("2026-07-02T08:00")
    assert next_tick("0 8 * * *", "UTC", moment("2026-07-01T07:59:59.999999")) == moment("2026-07-01T08:00")
    assert next_tick("0 8 * * *", "UTC", moment("2026-07-01T08:00:00.000001")) == moment("2026-07-02T08:00")


def test_the_end_of_a_stretch_belongs_to_it() -> None:
    assert ticks("0 * * * *", "2026-07-01T08:00", "2026-07-01T10:00", "UTC") == ["01 09:00", "01 10:00"]


def test_a_tick_in_the_skipped_hour_comes_once_right_after_it() -> None:
    assert ticks("30 2 * * *", "2026-03-28T00:00", "2026-03-30T12:00") == ["28 01:30", "29 01:00", "30 00:30"]
    assert ticks("0,15,30 2 * * *", "2026-03-29T00:00", "2026-03-29T12:00") == ["29 01:00"]
    assert ticks("0 2,3 * * *", "2026-03-29T00:00", "2026-03-29T12:00") == ["29 01:00"]


def test_a_tick_in_the_doubled_hour_comes_once_the_first_time() -> None:
    assert ticks("30 2 * * *", "2026-10-24T00:00", "2026-10-26T12:00") == ["24 00:30", "25 00:30", "26 01:30"]


def test_asked_within_the_second_of_two_hours_the_tick_of_the_first_is_over() -> None:
    assert next_tick("30 2 * * *", BERLIN, moment("2026-10-25T01:10")) == moment("2026-10-26T01:30")


def test_what_repeats_goes_by_real_time() -> None:
    assert ticks("*/30 * * * *", "2026-03-29T00:00", "2026-03-29T02:00") == [
        "29 00:30",
        "29 01:00",
        "29 01:30",
        "29 02:00",
    ]
    assert ticks("30 * * * *", "2026-10-25T00:00", "2026-10-25T03:00") == ["25 00:30", "25 01:30", "25 02:30"]


def test_a_clock_that_changes_by_half_an_hour_is_no_exception() -> None:
    zone = "Australia/Lord_Howe"  # 2026: 2:00 to 2:30 is skipped on October 4, 1:30 to 2:00 comes twice on April 5
    assert ticks("15 2 * * *", "2026-10-03T00:00", "2026-10-04T12:00", zone) == ["03 15:30"]
    assert ticks("45 1 * * *", "2026-04-04T00:00", "2026-04-05T12:00", zone) == ["04 14:45"]


def test_a_deadline_ticks_every_day() -> None:
    by_eight = deadline("08:00", BERLIN)
    assert ticks(by_eight.expression, "2026-03-28T00:00", "2026-03-29T23:00") == ["28 07:00", "29 06:00"]


@pytest.mark.parametrize("zone", ["UTC", BERLIN, "America/New_York", "Australia/Lord_Howe", "Africa/Casablanca"])
@pytest.mark.parametrize("expression", ["30 2 * * *", "*/20 * * * *", "15 1-3 * * *", "0 */2 * * SUN"])
def test_a_tick_is_the_same_from_wherever_one_asks(expression: str, zone: str) -> None:
    for begin in ("2026-03-27T22:00", "2026-04-04T10:00", "2026-10-03T10:00", "2026-10-24T20:00", "2026-10-31T20:00"):
        start = moment(begin)
        end = start + timedelta(hours=48)
        known = list(ticks_between(expression, zone, start, end))
        assert known == sorted(set(known))
        for step in range(0, 48 * 60, 37):
            asked = start + timedelta(minutes=step)
            expected = next((tick for tick in known if tick > asked), None)
            assert expected is None or next_tick(expression, zone, asked) == expected


def test_of_missed_ticks_only_the_latest_counts() -> None:
    until = moment("2026-07-01T12:00:30")
    assert latest_tick("* * * * *", "UTC", until - timedelta(days=3000), until) == moment("2026-07-01T12:00")
    assert latest_tick("0 8 * * *", "UTC", until - timedelta(days=3), until) == moment("2026-07-01T08:00")
    assert latest_tick("0 0 29 2 *", "UTC", until - timedelta(days=3000), until) == moment("2024-02-29T00:00")
    assert latest_tick("0 8 * * *", "UTC", until - timedelta(hours=2), until) is None
    assert latest_tick("0 8 * * *", "UTC", until, until) is None


@pytest.mark.parametrize(
    "expression", ["61 * * * *", "0 8 * * FOO", "0 0 30 2 *", "0 0 * * MON#6", "*/0 * * * *", "0 8 * *"]
)
def test_an_expression_that_never_ticks_is_refused(expression: str) -> None:
    with pytest.raises(Invalid) as refused:
        check_schedule(expression, "UTC")
    assert (refused.value.field, refused.value.value) == ("cron.expression", expression)


@pytest.mark.parametrize("zone", ["Europe/Berlinn", "", "../etc/passwd", "Europe"])
def test_a_zone_that_nobody_knows_is_refused(zone: str) -> None:
    with pytest.raises(Invalid) as refused:
        check_schedule("0 8 * * *", zone)
    assert (refused.value.field, refused.value.value) == ("cron.time_zone", zone or "")


def test_cron_is_loaded_when_it_is_needed() -> None:
    code = "import sys; import assetlog.consumers.schedule.ticks; print('cronsim' in sys.modules)"
    said = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout
    assert said.strip() == "False"
