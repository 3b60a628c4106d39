"""Which faults of a reader are the file's, and which are a bug of ours."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any, cast

import duckdb
import pytest

from assetlog.consumers.fold.fold import open_fold
from assetlog.consumers.fold.hot import HotAssets
from assetlog.consumers.fold.projector import Projector


class NoBodies:
    """A log that holds nothing."""

    def fetch(self, positions: Sequence[int]) -> list[bytes | None]:
        return [None for _ in positions]


@pytest.fixture
def projector() -> Projector:
    """One that has not begun to read: it talks to no log."""
    return Projector(
        lambda: open_fold(Path(":memory:"), "default", NoBodies())[0],
        cast("Any", None),
        "redis://127.0.0.1:1",
        "default",
        HotAssets(lambda *_: []),
    )


def test_a_connection_that_was_closed_under_its_reader_is_worth_asking_again(projector: Projector) -> None:
    assert projector.note_fault(duckdb.ConnectionException("Connection Error: Connection already closed!"))
    assert projector.trouble is None  # the file itself is open and good


def test_a_wrong_statement_is_a_bug_and_not_the_files_fault(projector: Projector) -> None:
    assert not projector.note_fault(duckdb.BinderException("no such column"))
    assert projector.trouble is None
