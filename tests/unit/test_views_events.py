"""The log as a list: filters, order, pages, and bytes that are gone."""

from __future__ import annotations

from typing import Any

import pytest

from assetlog.schemas.errors import Invalid, Unavailable
from assetlog.schemas.events.asset import AssetMaterialized, AssetRetired


@pytest.fixture
def log(projection: Any) -> Any:
    """Two assets, a run, and an alias of the first asset."""
    projection.key(1, 0, "s3://lake/a")
    projection.key(2, 1, "s3://lake/b")
    projection.key(4, 2, "file:///old/a")
    projection.event(1, "asset.materialized", AssetMaterialized(), aid=0, run="r1", job="load")
    projection.event(2, "asset.failed", aid=1, run="r1", job="load")
    projection.event(3, "run.failed", run="r1", job="load")
    projection.event(4, "asset.aliased", aid=0)
    projection.add("aliases", pos=projection.at(4), aid=0, other=2)
    projection.event(5, "asset.observed", aid=2)
    return projection


def numbers(log: Any, **filters: Any) -> list[int]:
    """Which of the events are listed."""
    found = log.reader.events(filters.pop("at", log.at(5)), **filters).items
    return [n for item in found for n in range(9) if item.position == log.text(n)]


def test_events_come_newest_first(log: Any) -> None:
    assert numbers(log) == [5, 4, 3, 2, 1]


def test_events_come_oldest_first_if_asked(log: Any) -> None:
    assert numbers(log, order="asc") == [1, 2, 3, 4, 5]


def test_events_behind_the_position_are_not_there(log: Any) -> None:
    assert numbers(log, at=log.at(2)) == [2, 1]
    assert numbers(log, at=log.at(2), order="asc") == [1, 2]


def test_events_lie_strictly_between_after_and_before(log: Any) -> None:
    assert numbers(log, after=log.at(1), before=log.at(4)) == [3, 2]


def test_events_of_a_type(log: Any) -> None:
    assert numbers(log, type="asset.failed") == [2]


@pytest.mark.parametrize("family", ["asset.", "asset.*"])
def test_events_of_a_family_of_types(log: Any, family: str) -> None:
    assert numbers(log, type=family) == [5, 4, 2, 1]


@pytest.mark.parametrize("text", ["asset", "asset.moved", "*", "cat.*", ""])
def test_a_type_that_no_event_has_is_refused(log: Any, text: str) -> None:
    with pytest.raises(Invalid, match="event type"):
        log.reader.events(log.at(5), type=text)


def test_events_of_a_run(log: Any) -> None:
    assert numbers(log, run="r1") == [3, 2, 1]


@pytest.mark.parametrize("key", ["s3://lake/a", "S3://lake/a/", "file:///old/a"])
def test_events_of_an_asset_include_those_of_its_aliases(log: Any, key: str) -> None:
    assert numbers(log, asset=key) == [5, 4, 1]


def test_before_it_was_an_alias_a_key_has_its_own_events(log: Any) -> None:
    log.key(0, 3, "s3://lake/first")
    log.event(6, "asset.aliased", aid=0)
    log.add("aliases", pos=log.at(6), aid=0, other=3)
    assert numbers(log, asset="s3://lake/first", at=log.at(5)) == []
    assert numbers(log, asset="s3://lake/first", at=log.at(6)) == [6, 5, 4, 1]


def test_an_asset_nobody_has_heard_of_has_no_events(log: Any) -> None:
    assert numbers(log, asset="s3://lake/none") == []
    assert numbers(log, asset="s3://lake/b", at=log.at(1)) == []


def test_an_event_is_the_bytes_that_were_accepted(log: Any) -> None:
    [event] = log.reader.events(log.at(1)).items
    assert bytes(event.event) == log.bodies[log.at(1)]


def test_an_event_whose_bytes_are_gone_is_null(log: Any) -> None:
    [event] = log.reader.events(log.at(2), after=log.at(1)).items
    assert bytes(event.event) == b"null"


@pytest.mark.parametrize("order", ["asc", "desc"])
def test_pages_go_on_where_the_last_one_ended(log: Any, order: str) -> None:
    found, cursor = [], None
    while True:
        part = log.reader.events(log.at(5), order=order, limit=2, cursor=cursor)
        found += [item.position for item in part.items]
        cursor = part.next
        if cursor is None:
            break
    assert found == [item.position for item in log.reader.events(log.at(5), order=order).items]


def test_one_event_is_found_by_its_position(log: Any) -> None:
    assert bytes(log.reader.event(log.at(1)).event) == log.bodies[log.at(1)]


def test_there_is_no_event_between_events(log: Any) -> None:
    assert log.reader.event(log.at(1) + 1) is None


def test_one_event_whose_bytes_are_gone_is_unavailable(log: Any) -> None:
    with pytest.raises(Unavailable, match="no longer holds"):
        log.reader.event(log.at(2))


def test_an_order_is_asc_or_desc(log: Any) -> None:
    with pytest.raises(Invalid, match="order"):
        log.reader.events(log.at(5), order="up")


def test_quarantine_shows_reasons_and_damaged_bytes(projection: Any) -> None:
    projection.add("quarantine", pos=projection.at(1), code="malformed", detail="byte 2 is not UTF-8")
    projection.add("quarantine", pos=projection.at(2), code="invalid-key", field="subject", detail="no key")
    projection.bodies[projection.at(1)] = b'{"\xff'
    gone, damaged = projection.reader.quarantine(projection.at(9)).items
    assert (damaged.code, damaged.field, damaged.event) == ("malformed", None, '{"\\xff')
    assert (damaged.position, damaged.time) == (projection.text(1), projection.time_text(1))
    assert (gone.code, gone.field, gone.event) == ("invalid-key", "subject", "")


def test_quarantine_as_of_a_position(projection: Any) -> None:
    projection.add("quarantine", pos=projection.at(2), code="malformed", detail="no")
    assert projection.reader.quarantine(projection.at(1)).items == []


def test_a_retired_asset_keeps_its_events(projection: Any) -> None:
    projection.key(1, 0, "s3://lake/a")
    projection.event(1, "asset.retired", AssetRetired(), aid=0)
    assert len(projection.reader.events(projection.at(1), asset="s3://lake/a").items) == 1
