"""Reading the accepted bytes back from a real log."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import pytest
import redis

from assetlog.consumers.log.bodies import Bodies
from assetlog.consumers.log.connection import connect_sync
from assetlog.consumers.log.server import LogServer
from assetlog.schemas.errors import Unavailable
from assetlog.schemas.positions import parse_position
from assetlog.schemas.stream import stream_key

IDS = ["5-0", "5-1", "5-2", "5-4", "9-0", "1763747570910-0"]


@pytest.fixture
def bodies(redis_sync: redis.Redis, catalog_name: str) -> Bodies:
    """Six entries whose bytes are their IDs."""
    for entry_id in IDS:
        redis_sync.xadd(stream_key(catalog_name), {"event": entry_id}, id=entry_id)
    return Bodies(redis_sync, catalog_name)


def at(*ids: str) -> list[int]:
    return [parse_position(entry_id) for entry_id in ids]


def test_bodies_come_in_the_order_asked_for_and_none_where_there_is_none(bodies: Bodies) -> None:
    asked = at("9-0", "5-1", "5-3", "5-0", "5-2", "7-0", "9-0", "1763747570910-0")
    assert bodies.fetch(asked) == [b"9-0", b"5-1", None, b"5-0", b"5-2", None, b"9-0", b"1763747570910-0"]


def test_no_positions_give_no_bodies(bodies: Bodies) -> None:
    assert bodies.fetch([]) == []


def test_the_log_is_read_in_order_from_any_position(bodies: Bodies) -> None:
    read = bodies.fetch_range(0, 4)
    assert read == [(parse_position(entry_id), entry_id.encode()) for entry_id in IDS[:4]]
    assert [raw.decode() for _, raw in bodies.fetch_range(read[-1][0], 10)] == IDS[4:]
    assert bodies.fetch_range(parse_position(IDS[-1]), 10) == []


def test_an_entry_without_an_event_reads_as_empty_bytes(
    bodies: Bodies, redis_sync: redis.Redis, catalog_name: str
) -> None:
    redis_sync.xadd(stream_key(catalog_name), {"other": "x"}, id="1763747570910-1")
    assert bodies.fetch(at("1763747570910-1")) == [b""]


def test_several_threads_read_at_once(bodies: Bodies) -> None:
    with ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(lambda _: bodies.fetch(at(*IDS)), range(100)))
    assert answers == [[entry_id.encode() for entry_id in IDS]] * 100


def test_a_stopped_server_is_unavailable(log_server: LogServer) -> None:
    with connect_sync(f"{log_server.url}.none") as client, pytest.raises(Unavailable):
        Bodies(client, "default").fetch([1])
