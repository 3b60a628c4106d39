"""Ids in memory decide most duplicates; what they have let go of is found in the file."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import msgspec
import pytest

from assetlog.consumers.fold.fold import Entry, Fold, open_fold
from assetlog.consumers.fold.identity import identity
from assetlog.schemas.ids import new_id

WINDOW = 2
FIRST = 1_763_747_570_000 << 20


class NoBodies:
    """No bytes are left: equal ids are the same event."""

    def fetch(self, positions: Sequence[int]) -> list[bytes | None]:
        return [None] * len(positions)


@pytest.fixture
def fold() -> Fold:
    opened, _ = open_fold(Path(":memory:"), "default", NoBodies())
    return Fold(opened.store, NoBodies(), window=WINDOW)


@pytest.fixture(params=["text", "uuid7"])
def ids(request: pytest.FixtureRequest) -> list[str]:
    return [new_id() if request.param == "uuid7" else f"event-{number}" for number in range(6)]


def entries(start: int, ids: Sequence[str]) -> list[Entry]:
    event = {"specversion": "1.0", "source": "test", "type": "asset.observed", "subject": "s3://a", "data": {}}
    return [(FIRST + start + at, msgspec.json.encode({**event, "id": each})) for at, each in enumerate(ids)]


def test_a_repetition_is_known_whose_first_is_pushed_out_of_memory_by_the_same_batch(
    fold: Fold, ids: list[str]
) -> None:
    fold.fold(entries(0, ids[:2]))
    commit = fold.fold(entries(10, [ids[2], ids[3], ids[0], ids[1]]))
    assert commit.duplicates == {FIRST + 12: FIRST, FIRST + 13: FIRST + 1}
    assert (fold.totals.folded, fold.totals.duplicates) == (4, 2)


def test_a_repetition_within_a_batch_larger_than_memory_is_known(fold: Fold, ids: list[str]) -> None:
    commit = fold.fold(entries(0, [*ids, ids[0]]))
    assert commit.duplicates == {FIRST + 6: FIRST}


def test_a_repetition_of_what_only_the_file_knows_is_found_there(fold: Fold, ids: list[str]) -> None:
    for at, each in enumerate(ids):
        fold.fold(entries(at, [each]))
    gone = identity("test", ids[0])
    assert fold.window.find(gone) is None
    assert not fold.window.is_new(gone)
    assert fold.fold(entries(10, [ids[0]])).duplicates == {FIRST + 10: FIRST}


def test_memory_holds_no_more_than_its_size_after_a_batch(fold: Fold, ids: list[str]) -> None:
    fold.fold(entries(0, ids))
    assert [fold.window.find(identity("test", each)) is not None for each in ids] == [False] * 4 + [True] * 2
