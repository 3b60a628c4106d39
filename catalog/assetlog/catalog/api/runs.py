"""Runs, and the jobs they are runs of."""

from __future__ import annotations

from typing import Annotated

from litestar.handlers import HTTPRouteHandler
from msgspec import Meta

from assetlog.catalog.api.answer import Answer
from assetlog.catalog.api.parts import Plain, parts_of
from assetlog.catalog.api.query import AsOf, Listed
from assetlog.catalog.api.reading import answer, answer_page, needed
from assetlog.catalog.api.route import read
from assetlog.schemas.keys import canonical_key
from assetlog.schemas.shapes import Job, Page, RunShape, RunState

TAG = "runs"


class Runs(Listed, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Which runs."""

    job: Annotated[str | None, Meta(description="Only runs of this job.")] = None
    state: Annotated[RunState | None, Meta(description="Only runs in this state.")] = None
    asset: Annotated[str | None, Meta(description="Only runs that made or failed to make this asset.")] = None


class OneRun(AsOf, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Which run."""

    id: Annotated[str, Meta(description="The run's id.")]


@read("/v1/runs", Runs, Page[RunShape], tag=TAG)
async def list_runs(request: Plain, query: Runs) -> Answer:
    """Runs, newest first."""
    asset = canonical_key(query.asset) if query.asset else None
    reader = parts_of(request).reader
    return await answer_page(request, query, reader.runs, job=query.job, state=query.state, asset=asset)


@read("/v1/run", OneRun, RunShape, tag=TAG, problems=(400, 404, 503))
async def get_run(request: Plain, query: OneRun) -> Answer:
    """One run, with the runs it started."""
    reader = parts_of(request).reader

    def run(at: int) -> RunShape:
        found: RunShape = needed(reader.run(query.id, at), "run", "id", query.id)
        return found

    return await answer(request, query, run)


@read("/v1/jobs", Listed, Page[Job], tag=TAG)
async def list_jobs(request: Plain, query: Listed) -> Answer:
    """What is executed, by name."""
    return await answer_page(request, query, parts_of(request).reader.jobs)


HANDLERS: list[HTTPRouteHandler] = [list_runs, get_run, list_jobs]
