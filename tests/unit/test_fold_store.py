"""A commit is all or nothing, whatever its size and however many tables it fills."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from typing import Any

import duckdb
import pytest

from assetlog.consumers.fold.store import ONE_FLUSH, VALUES_UP_TO, Store

NOON = datetime.fromisoformat("2026-11-21T12:00:00")
KEY = (1, "s3://lake/orders", 1)
SIZES = (1, VALUES_UP_TO, VALUES_UP_TO + 1, ONE_FLUSH, ONE_FLUSH + 1, 3 * ONE_FLUSH)


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    opened = Store(tmp_path / "catalog.duckdb", {"catalog": "default"})
    yield opened
    opened.close()


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("keys", [[], [KEY]], ids=["one table", "two tables"])
@pytest.mark.parametrize("wrong", [None, "no number"], ids=["breaks a rule", "is of another kind"])
def test_a_commit_that_fails_leaves_nothing_and_the_next_one_only_its_own(
    store: Store, size: int, keys: list[tuple[Any, ...]], wrong: Any
) -> None:
    refused = [*(_row(position) for position in range(1, size)), _row(wrong)]
    with pytest.raises(duckdb.Error):
        store.commit({"log": refused, "keys": keys})
    assert _positions(store) == []
    store.commit({"log": [_row(position) for position in range(100, 100 + size)], "keys": keys})
    assert _positions(store) == list(range(100, 100 + size))
    assert store.cursor().execute("select count(*) from keys").fetchone() == (len(keys),)


def test_a_commit_of_nothing_is_no_error(store: Store) -> None:
    store.commit({"log": [], "keys": []})
    assert _positions(store) == []


def _row(position: Any) -> tuple[Any, ...]:
    return (position, None, bytes(16), "asset.materialized", 1, NOON, "run", "job", None)


def _positions(store: Store) -> list[int]:
    return [position for (position,) in store.cursor().execute("select pos from log order by pos").fetchall()]
