"""Runs, and the jobs they are executions of."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, get_args

from assetlog.consumers.views.access import Access, Row
from assetlog.consumers.views.paging import DEFAULT_LIMIT, check_limit, page, read_cursor
from assetlog.consumers.views.parts import time_text
from assetlog.consumers.views.subjects import find_numbers
from assetlog.schemas.errors import Invalid
from assetlog.schemas.positions import START, format_position
from assetlog.schemas.shapes import Job, Page, RunShape, RunState

FIRST_LOOK_BACK = 10_000
"""So many events are searched for the latest runs before all are."""


def runs(
    access: Access,
    at: int,
    *,
    job: str | None = None,
    state: str | None = None,
    asset: str | None = None,
    limit: int = DEFAULT_LIMIT,
    cursor: str | None = None,
) -> Page[RunShape]:
    """Runs, the one with the latest event first.

    Args:
        job: only runs of which an event names this job.
        state: only runs in this state.
        asset: only runs of which an event is about the asset with this key, or an alias of it.

    Raises:
        Invalid: a limit, cursor, key or state that is not one.
    """
    edge = read_cursor(cursor, int)
    values: dict[str, Any] = {"p": at, "high": at if edge is None else edge - 1, "limit": check_limit(limit) + 1}
    if (job, state, asset) == (None, None, None):
        rows = _latest(access, values)
    else:
        aids = None if asset is None else find_numbers(access, asset, at)
        rows = access.rows("filtered_runs", ids=None, job=job, state=_check_state(state), aids=aids, **values)
    return page(rows, limit, at, lambda row: row[1], lambda shown: _runs(access, at, [run for run, _ in shown]))


def run(access: Access, run_id: str, at: int) -> RunShape | None:
    """One run with the runs it started, None for an id not known yet."""
    found = _runs(access, at, [run_id])
    if not found:
        return None
    found[0].children = [child for (child,) in access.rows("run_children", id=run_id, p=at)]
    return found[0]


def jobs(access: Access, at: int, *, limit: int = DEFAULT_LIMIT, cursor: str | None = None) -> Page[Job]:
    """Jobs by name, each with its last run."""
    after = read_cursor(cursor, str) or ""
    rows = access.rows("jobs", p=at, ids=None, after=after, limit=check_limit(limit) + 1)
    return page(rows, limit, at, lambda row: row[0], lambda shown: list(map(_job, shown)))


def _latest(access: Access, values: dict[str, Any]) -> list[Row]:
    """The latest runs; nearly always the last few thousand events hold them."""
    low = int(access.one("position_before", p=values["high"], count=FIRST_LOOK_BACK))
    rows = access.rows("latest_runs", low=low, **values)
    if len(rows) < values["limit"] and low > START:
        rows = access.rows("latest_runs", low=START, **values)
    return rows


def _runs(access: Access, at: int, ids: Sequence[str]) -> list[RunShape]:
    if not ids:
        return []
    rows = access.rows("runs", ids=list(ids), id=ids[0] if len(ids) == 1 else None, p=at)
    return list(map(_run, rows))


def _run(row: Row) -> RunShape:
    run_id, position, job, parent, state, started, ended, duration, error, produced, failed = row
    if duration is None and started is not None and ended is not None and ended >= started:
        duration = (ended - started).total_seconds()
    return RunShape(
        id=run_id,
        job=job,
        parent=parent,
        state=state,
        started=None if started is None else time_text(started),
        ended=None if ended is None else time_text(ended),
        duration=duration,
        error=error,
        produced=produced or [],
        failed=failed or [],
        position=format_position(position),
    )


def _job(row: Row) -> Job:
    name, count, position, last_run, last_state, produces, consumes = row
    return Job(
        name=name,
        runs=count,
        last_run=last_run,
        last_state=last_state,
        produces=produces or [],
        consumes=consumes or [],
        position=format_position(position),
    )


def _check_state(state: str | None) -> str | None:
    states = get_args(RunState)
    if state is None or state in states:
        return state
    raise Invalid(
        f"{state[:60]!r} is not a run's state.",
        code="invalid-state",
        field="state",
        value=state,
        rule=f"a run's state is one of {', '.join(states)}",
    )
