"""What `?as_of=` means."""

from __future__ import annotations

from typing import Any

import pytest

from assetlog.schemas.errors import Invalid


@pytest.fixture
def log(projection: Any) -> Any:
    """Two events, an entry in quarantine, and a look at the log behind them."""
    projection.event(1, "asset.observed")
    projection.event(2, "asset.observed")
    projection.add("quarantine", pos=projection.at(4), code="malformed", detail="no")
    projection.add(
        "progress", pos=projection.at(6), entry=b"", server="s", folded=2, duplicates=1, quarantined=1, skipped=0
    )
    return projection


def test_no_moment_is_the_last_position_that_is_folded(log: Any) -> None:
    assert log.reader.resolve(None) == log.at(6) == log.reader.head()


def test_an_empty_catalog_stands_at_the_start(projection: Any) -> None:
    assert projection.reader.resolve(None) == 0
    assert projection.reader.events(0).items == []


def test_a_position_is_itself(log: Any) -> None:
    assert log.reader.resolve(log.text(2)) == log.at(2)
    assert log.reader.resolve(log.text(2).split("-", maxsplit=1)[0]) == log.at(2)
    assert log.reader.resolve(log.text(3)) == log.at(3)


@pytest.mark.parametrize(("second", "n"), [(1, 1), (1.999, 1), (2, 2), (3.5, 2), (4.2, 4), (60, 4)])
def test_a_time_is_the_last_position_recorded_by_then(log: Any, second: float, n: int) -> None:
    assert log.reader.resolve(log.time_text(second)) == log.at(n)


def test_before_the_first_event_there_is_nothing(log: Any) -> None:
    assert log.reader.resolve(log.time_text(0.5)) == 0
    assert log.reader.resolve("0001-01-01T00:00:00Z") == 0


@pytest.mark.parametrize("moment", ["2999-01-01T00:00:00Z", "8796093022207-0"])
def test_the_future_is_refused(log: Any, moment: str) -> None:
    with pytest.raises(Invalid) as refused:
        log.reader.resolve(moment)
    assert (refused.value.code, refused.value.field) == ("future-position", "as_of")
    assert refused.value.rule is not None


@pytest.mark.parametrize("moment", ["yesterday", "", "2026-11-21", "2026-11-21T10:00:00", "12-", "-1"])
def test_what_is_neither_time_nor_position_is_refused(log: Any, moment: str) -> None:
    with pytest.raises(Invalid):
        log.reader.resolve(moment)


def test_the_moment_of_a_log_server_whose_clock_is_ahead_can_be_read(projection: Any) -> None:
    ahead = 60 * 60 * 24 * 365 * 100
    projection.event(ahead, "asset.observed", time=0)
    assert projection.reader.resolve(projection.time_text(ahead)) == projection.at(ahead)
