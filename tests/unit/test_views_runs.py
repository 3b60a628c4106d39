"""Runs and jobs: states by precedence, what a run made, which ran last."""

from __future__ import annotations

from typing import Any

import pytest

from assetlog.schemas.errors import Invalid


def ran(projection: Any, n: int, act: str, run: str, *, job: str | None = None, **row: Any) -> None:
    """A run's own event at `n`."""
    time = row.pop("time", n)
    projection.event(n, f"run.{act}", run=run, job=job, time=time)
    projection.add("runs", pos=projection.at(n), act=act, run=run, job=job, time=projection.time(time), **row)


def test_a_run_that_started_is_running(projection: Any) -> None:
    ran(projection, 1, "started", "r1", job="load", parent="r0")
    run = projection.reader.run("r1", projection.at(1))
    assert (run.id, run.job, run.parent, run.state) == ("r1", "load", "r0", "running")
    assert (run.started, run.ended, run.duration) == (projection.time_text(1), None, None)


def test_an_end_beats_a_start_that_came_later(projection: Any) -> None:
    ran(projection, 1, "succeeded", "r1")
    ran(projection, 2, "started", "r1", time=0)
    run = projection.reader.run("r1", projection.at(2))
    assert (run.state, run.position) == ("succeeded", projection.text(2))
    assert (run.started, run.ended, run.duration) == (projection.time_text(0), projection.time_text(1), 1.0)


def test_of_two_ends_the_one_that_happened_later_counts(projection: Any) -> None:
    ran(projection, 1, "succeeded", "r1", time=1)
    ran(projection, 2, "failed", "r1", time=0, error="ValueError: late news of the first try")
    run = projection.reader.run("r1", projection.at(2))
    assert (run.state, run.error) == ("succeeded", None)


def test_a_clock_that_runs_ahead_does_not_pin_an_end(projection: Any) -> None:
    ran(projection, 1, "failed", "r1", time=86_400, error="boom")
    ran(projection, 400, "succeeded", "r1")
    assert projection.reader.run("r1", projection.at(400)).state == "succeeded"


def test_a_failed_run_says_why_and_how_long(projection: Any) -> None:
    ran(projection, 1, "failed", "r1", error="ValueError: no", duration=2.5)
    run = projection.reader.run("r1", projection.at(1))
    assert (run.state, run.error, run.duration) == ("failed", "ValueError: no", 2.5)


def test_a_run_that_only_its_assets_speak_of_is_unknown(projection: Any) -> None:
    projection.key(1, 0, "s3://lake/b")
    projection.key(2, 1, "s3://lake/a")
    projection.event(1, "asset.materialized", aid=0, run="r1", job="load")
    projection.event(2, "asset.materialized", aid=1, run="r1")
    projection.event(3, "asset.failed", aid=0, run="r1")
    run = projection.reader.run("r1", projection.at(3))
    assert (run.state, run.job) == ("unknown", "load")
    assert (run.produced, run.failed) == (["s3://lake/a", "s3://lake/b"], ["s3://lake/b"])


def test_a_trigger_is_a_run_of_its_consumer(projection: Any) -> None:
    projection.key(1, 0, "s3://lake/a")
    projection.event(3, "asset.materialized", aid=0, run="t1", job="report")
    for n, act, told in (
        (1, "fired", {}),
        (2, "started", {"attempt": 1}),
        (4, "failed", {"attempt": 1, "error": "ValueError: once"}),
        (5, "started", {"attempt": 2}),
        (6, "exhausted", {"attempt": 2, "error": "ValueError: for good"}),
        (8, "succeeded", {"attempt": 1, "duration": 0.5}),
    ):
        projection.add("triggers", pos=projection.at(n), act=act, trigger="t1", consumer="report", **told)
    running, given_up, retried = (projection.reader.run("t1", projection.at(n)) for n in (5, 7, 8))
    assert (running.state, running.job, running.started) == ("running", "report", projection.time_text(2))
    assert (given_up.state, given_up.error, given_up.ended) == (
        "failed",
        "ValueError: for good",
        projection.time_text(6),
    )
    assert (retried.state, retried.duration) == ("succeeded", 0.5)
    assert [job.last_state for job in projection.reader.jobs(projection.at(8)).items] == ["succeeded"]
    assert [run.id for run in projection.reader.runs(projection.at(8), state="succeeded").items] == ["t1"]


def test_one_run_names_the_runs_it_started(projection: Any) -> None:
    ran(projection, 1, "started", "parent")
    ran(projection, 2, "started", "second", parent="parent")
    ran(projection, 3, "started", "first", parent="parent")
    assert projection.reader.run("parent", projection.at(2)).children == ["second"]
    assert projection.reader.run("parent", projection.at(3)).children == ["second", "first"]


def test_a_run_is_not_there_before_its_first_event(projection: Any) -> None:
    ran(projection, 2, "started", "r1")
    assert projection.reader.run("r1", projection.at(1)) is None


@pytest.fixture
def many(projection: Any) -> Any:
    """Nine runs in three states; the last event of r0 comes after all others."""
    projection.key(0, 0, "s3://lake/a")
    for n in range(9):
        ran(projection, n, "started", f"r{n}", job=f"job{n % 2}")
    for n in range(3):
        ran(projection, 10 + n, "failed", f"r{n + 3}")
    projection.event(20, "asset.observed", aid=0, run="only-assets")
    projection.event(21, "asset.observed", aid=0, run="r0")
    return projection


def ids(page: Any) -> list[str]:
    return [run.id for run in page.items]


def test_the_run_with_the_latest_event_comes_first(many: Any) -> None:
    found = ids(many.reader.runs(many.at(21)))
    assert found == ["r0", "only-assets", "r5", "r4", "r3", "r8", "r7", "r6", "r2", "r1"]


def test_runs_page_by_page(many: Any) -> None:
    first = many.reader.runs(many.at(21), limit=4)
    second = many.reader.runs(many.at(21), limit=4, cursor=first.next)
    third = many.reader.runs(many.at(21), limit=4, cursor=second.next)
    assert ids(first) + ids(second) + ids(third) == ids(many.reader.runs(many.at(21)))
    assert third.next is None


def test_runs_far_back_are_found_as_well(many: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    whole = ids(many.reader.runs(many.at(21)))
    monkeypatch.setattr("assetlog.consumers.views.runs_reader.FIRST_LOOK_BACK", 2)
    assert ids(many.reader.runs(many.at(21))) == whole


def test_runs_of_a_state(many: Any) -> None:
    reader, at = many.reader, many.at(21)
    assert ids(reader.runs(at, state="failed")) == ["r5", "r4", "r3"]
    assert ids(reader.runs(at, state="unknown")) == ["only-assets"]
    assert ids(reader.runs(at, state="running")) == ["r0", "r8", "r7", "r6", "r2", "r1"]


def test_runs_of_a_job_and_of_an_asset(many: Any) -> None:
    reader, at = many.reader, many.at(21)
    assert ids(reader.runs(at, job="job1")) == ["r5", "r3", "r7", "r1"]
    assert ids(reader.runs(at, asset="s3://lake/a")) == ["r0", "only-assets"]
    assert ids(reader.runs(at, asset="s3://lake/a", job="job0", state="running")) == ["r0"]


def test_what_is_said_of_a_run_later_does_not_choose_it_before(many: Any) -> None:
    many.event(30, "asset.observed", aid=0, run="r1", job="job0")
    assert "r1" not in ids(many.reader.runs(many.at(29), job="job0"))
    assert "r1" not in ids(many.reader.runs(many.at(29), asset="s3://lake/a"))
    assert ids(many.reader.runs(many.at(30), job="job0", asset="s3://lake/a"))[0] == "r1"


def test_a_state_that_no_run_has_is_refused(many: Any) -> None:
    with pytest.raises(Invalid, match="state"):
        many.reader.runs(many.at(21), state="done")


def test_a_job_has_runs_and_assets(projection: Any) -> None:
    projection.key(1, 0, "s3://lake/a")
    projection.key(1, 1, "s3://lake/b")
    projection.event(1, "asset.materialized", aid=0, run="r1", job="load")
    projection.add("job_assets", aid=0, job="load", role="makes", first_pos=projection.at(1))
    projection.add("job_assets", aid=1, job="load", role="reads", first_pos=projection.at(1))
    ran(projection, 2, "started", "r2", job="load")
    ran(projection, 3, "failed", "r2", job="load")
    [job] = projection.reader.jobs(projection.at(3)).items
    assert (job.name, job.runs, job.last_run, job.last_state) == ("load", 2, "r2", "failed")
    assert (job.produces, job.consumes, job.position) == (["s3://lake/a"], ["s3://lake/b"], projection.text(3))
    [earlier] = projection.reader.jobs(projection.at(1)).items
    assert (earlier.runs, earlier.last_run, earlier.last_state) == (1, "r1", "unknown")


def test_jobs_page_by_name(many: Any) -> None:
    first = many.reader.jobs(many.at(21), limit=1)
    second = many.reader.jobs(many.at(21), limit=1, cursor=first.next)
    assert [job.name for job in first.items + second.items] == ["job0", "job1"]
    assert second.next is None
