"""The scheduler when something goes wrong within it: the fold must go on."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from board import Board

from assetlog.consumers.schedule import scheduler as module
from assetlog.consumers.schedule.scheduler import Scheduler


class NoLease:
    """A lease that nobody asks for."""

    epoch = 1


@pytest.fixture
def scheduler(tmp_path: Path) -> Any:
    """A scheduler that leads, and is told of what a fold feeds to its desk."""
    anything: Any = None
    lease: Any = NoLease()
    scheduler = Scheduler(anything, lease, "default", anything, anything)
    scheduler.leads = True
    return scheduler


def test_a_bug_of_the_scheduler_does_not_end_the_fold(
    tmp_path: Path, scheduler: Scheduler, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: Any) -> None:
        raise ZeroDivisionError("a bug")

    monkeypatch.setattr(module, "decide", fail)
    board = Board(tmp_path)
    board.fold.on_fed = scheduler.fed
    board.register("one", "s3://a")
    last = board.materialize("s3://a")
    board.catch_up()
    assert board.fold.position == last
    assert not scheduler.leads
    assert scheduler.problem is not None
    assert scheduler.problem.code == "scheduler-bug"
    board.close()


def test_who_does_not_lead_keeps_no_news(tmp_path: Path, scheduler: Scheduler) -> None:
    scheduler.leads = False
    board = Board(tmp_path)
    board.fold.on_fed = scheduler.fed
    board.register("one", "s3://a")
    board.materialize("s3://a")
    board.catch_up()
    assert board.desk.news == {}
    assert board.queued("one") != []
    board.close()
