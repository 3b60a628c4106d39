"""Times, positions and ids."""

from __future__ import annotations

import os
import uuid
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta

import msgspec
import pytest

from assetlog.schemas import ids
from assetlog.schemas.errors import Invalid
from assetlog.schemas.positions import (
    MAX_MS,
    MAX_SEQ,
    START,
    format_position,
    last_position_at,
    parse_position,
    position_time,
)
from assetlog.schemas.times import format_time, now_text, parse_time

GOOD_TIMES = {
    "2026-11-21T17:52:50.910608Z": datetime(2026, 11, 21, 17, 52, 50, 910608, UTC),
    "2026-11-21T17:52:50Z": datetime(2026, 11, 21, 17, 52, 50, 0, UTC),
    "2026-11-21T17:52:50.9Z": datetime(2026, 11, 21, 17, 52, 50, 900000, UTC),
    "2026-11-21t17:52:50z": datetime(2026, 11, 21, 17, 52, 50, 0, UTC),
    "2026-11-21T17:52:50+01:00": datetime(2026, 11, 21, 16, 52, 50, 0, UTC),
    "2026-11-21T17:52:50.1+01:00": datetime(2026, 11, 21, 16, 52, 50, 100000, UTC),
    "2026-11-21T00:00:00-05:30": datetime(2026, 11, 21, 5, 30, 0, 0, UTC),
    "2024-02-29T23:59:59.999999Z": datetime(2024, 2, 29, 23, 59, 59, 999999, UTC),
    "0001-01-01T00:00:00.000000Z": datetime(1, 1, 1, tzinfo=UTC),
    "9999-12-31T23:59:59.999999Z": datetime(9999, 12, 31, 23, 59, 59, 999999, UTC),
}

BAD_TIMES = {
    "2026-11-21T17:52:50": "zone",
    "2026-11-21T17:52:50.910608": "zone",
    "2026-11-21T17:52:50.910608123Z": "microseconds",
    "2026-11-21T17:52:50.9106081Z": "microseconds",
    "0000-01-01T00:00:00Z": "real moment",
    "0000-01-01T00:00:00.000000Z": "real moment",
    "0001-01-01T00:00:00+01:00": "real moment",
    "9999-12-31T23:59:59-01:00": "real moment",
    "2026-02-29T00:00:00.000000Z": "real moment",
    "2026-11-21T17:60:00.000000Z": "real moment",
    "2026-11-21T17:52:60.000000Z": "real moment",
    "2026-11-21T24:00:00.000000Z": "RFC 3339",
    "2026-11-21T24:00:00Z": "RFC 3339",
    "2026-W47-6T17:52:50.910608Z": "RFC 3339",
    "2026-11-21T17:52:50,910608Z": "RFC 3339",
    "2026-11-21 17:52:50.910608Z": "RFC 3339",
    "20261121T175250Z": "RFC 3339",
    "2026-11-21": "RFC 3339",
    "2026-11-21T17:52Z": "RFC 3339",
    "2026-11-21T17:52:50.Z": "RFC 3339",
    "2026-11-21T17:52:50+0100": "RFC 3339",
    "٢٠٢٦-11-21T17:52:50.910608Z": "RFC 3339",
    "12026-11-21T17:52:50Z": "RFC 3339",
    "1763747570": "RFC 3339",
    "now": "RFC 3339",
    "": "RFC 3339",
}


@pytest.mark.parametrize("text, moment", GOOD_TIMES.items())
def test_a_time_with_a_zone_is_read_as_utc(text: str, moment: datetime) -> None:
    assert parse_time(text) == moment
    assert parse_time(text).utcoffset() == timedelta(0)


@pytest.mark.parametrize("text, rule", BAD_TIMES.items(), ids=ascii)
def test_a_wrong_time_is_refused_with_its_rule(text: str, rule: str) -> None:
    with pytest.raises(Invalid) as caught:
        parse_time(text, "data.due")
    error = caught.value
    assert (error.code, error.field, error.value) == ("invalid-time", "data.due", text)
    assert rule in (error.rule or "")
    assert error.hint


def test_the_present_is_written_as_it_is_read() -> None:
    text = now_text()
    assert format_time(parse_time(text)) == text


def test_positions_sort_as_the_log_orders_them() -> None:
    texts = ["0-1", "1-0", "1-2", "1-10", "2-0", "1763747570910-0", f"{MAX_MS}-{MAX_SEQ}"]
    positions = [parse_position(text) for text in texts]
    assert positions == sorted(positions)
    assert [format_position(position) for position in positions] == texts
    assert positions[0] > START
    assert positions[-1] < 1 << 63


def test_a_position_may_leave_its_sequence_out() -> None:
    assert parse_position("1763747570910") == parse_position("1763747570910-0")


@pytest.mark.parametrize("text", ["", "-", "1-", "-1", "1-2-3", "a-b", "1-1048576", f"{MAX_MS + 1}-0", "1 - 2", "٣-1"])
def test_a_wrong_position_is_refused_with_its_rule(text: str) -> None:
    with pytest.raises(Invalid) as caught:
        parse_position(text)
    assert (caught.value.code, caught.value.field, caught.value.value) == ("invalid-position", "position", text)


def test_a_time_means_the_last_position_recorded_at_or_before_it() -> None:
    moment = datetime(2026, 11, 21, 17, 52, 50, 910608, UTC)
    last = last_position_at(moment)
    assert position_time(last) == moment.replace(microsecond=910000)
    assert position_time(last + 1) > moment


@pytest.mark.parametrize("moment", [datetime(1, 1, 1, tzinfo=UTC), datetime(9999, 12, 31, tzinfo=UTC)])
def test_times_before_and_after_all_positions_are_clamped(moment: datetime) -> None:
    assert 0 <= last_position_at(moment) < 1 << 63


def test_ids_of_one_process_grow() -> None:
    made = [ids.new_id() for _ in range(20_000)]
    assert made == sorted(set(made))


def test_an_id_is_a_version_seven_uuid_of_the_present() -> None:
    made = ids.new_id()
    assert str(uuid.UUID(made)) == made
    assert (uuid.UUID(made).version, uuid.UUID(made).variant) == (7, uuid.RFC_4122)
    recorded = datetime.fromtimestamp((ids.uuid7_ms(made) or 0) / 1000, UTC)
    assert abs(recorded - datetime.now(UTC)) < timedelta(minutes=1)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "7",
        "5f0c7127-3be9-4488-b801-c7b6415b45e9",
        "x" * 14 + "7" + "x" * 21,
        "0193-b5e8a2e7cc0-98c4-dc0c0c07398f0",
        "-1932b5e-8a2e-7cc0-98c4-dc0c0c07398f",
    ],
)
def test_other_ids_have_no_time_inside(text: str) -> None:
    assert ids.uuid7_ms(text) is None


def test_ids_of_many_threads_are_unique() -> None:
    with ThreadPoolExecutor(8) as pool:
        batches = list(pool.map(lambda _: [ids.new_id() for _ in range(2_000)], range(8)))
    assert len({made for batch in batches for made in batch}) == 16_000
    assert all(batch == sorted(batch) for batch in batches)


def test_a_full_counter_borrows_from_the_next_millisecond(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ids, "_last_ms", ahead := (1 << 47))
    monkeypatch.setattr(ids, "_counter", 0xFFE)
    made = [ids.new_id() for _ in range(3)]
    assert made == sorted(made)
    assert [ids.uuid7_ms(one) for one in made] == [ahead, ahead + 1, ahead + 1]


@pytest.mark.skipif(not hasattr(os, "fork"), reason="this system does not fork")
@pytest.mark.filterwarnings("ignore:.*multi-threaded.*fork.*:DeprecationWarning")
def test_a_forked_child_makes_ids_of_its_own_even_while_the_lock_is_held() -> None:
    readable, writable = os.pipe()
    with ids._lock:
        child = os.fork()
        if child == 0:
            os.write(writable, msgspec.json.encode([ids.new_id() for _ in range(1_000)]))
            os._exit(0)
    os.close(writable)
    with os.fdopen(readable, "rb") as pipe:
        theirs = msgspec.json.decode(pipe.read(), type=list[str])
    os.waitpid(child, 0)
    ours = [ids.new_id() for _ in range(1_000)]
    assert len(set(theirs) | set(ours)) == 2_000
