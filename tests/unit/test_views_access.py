"""Threads and connections."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from threading import Barrier
from typing import Any

from assetlog.consumers.views.access import Access
from assetlog.consumers.views.reader import Reader


def test_each_thread_reads_on_a_connection_of_its_own(projection: Any) -> None:
    together = Barrier(3)

    def connection(reader: Reader) -> tuple[int, bool]:
        together.wait(timeout=30)
        return id(reader.cursor), reader.cursor is reader.cursor

    with ThreadPoolExecutor(3) as pool:
        found = list(pool.map(connection, [projection.reader] * 3))
        assert len({number for number, _ in found}) == 3
        assert all(same for _, same in found)


def test_a_projection_that_was_opened_again_is_read_on_a_new_connection(projection: Any) -> None:
    epochs = [1]
    access = Access(projection.connection.cursor, projection, lambda: epochs[0])
    first = access.cursor
    assert access.cursor is first
    epochs[0] = 2
    assert access.cursor is not first


def test_what_is_committed_is_seen_at_the_next_question(projection: Any) -> None:
    assert projection.reader.head() == 0
    projection.event(1, "asset.observed")
    assert projection.reader.head() == projection.at(1)


def test_a_first_row_leaves_no_transaction_open(projection: Any) -> None:
    access = Access(projection.connection.cursor, projection)
    projection.event(1, "asset.observed")
    assert access.row("events", after=0, p=projection.at(9), type=None, family=None, aids=None, run=None, limit=9)
    projection.event(2, "asset.observed")
    assert access.one("head") == projection.at(2)
