"""Runs: `with run(job="nightly"):` gives everything emitted inside one run, and says how it ended."""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from assetlog.producers.context import current_lineage, inside
from assetlog.producers.emitter import default_emitter
from assetlog.producers.lineage import Lineage
from assetlog.producers.values import check_metadata, error_text, metadata_raw, traceback_text
from assetlog.schemas.events.common import RunRef
from assetlog.schemas.events.run import RunFailed, RunStarted, RunSucceeded
from assetlog.schemas.ids import new_id


@contextmanager
def run(
    job: str, *, run_id: str | None = None, metadata: Mapping[str, Any] | None = None, by: str | None = None
) -> Iterator[RunRef]:
    """Emit `run.started` now and `run.succeeded` or `run.failed` at the end.

    What is emitted inside by this thread or task belongs to the run; a run inside a run is its child.

    Args:
        job: what is executed.
        run_id: the runtime's own id, unless a fresh one is wanted.
        metadata: parameters, tags and the like.

    Raises:
        Invalid: a value breaks its rule; raised before the block runs.

    >>> with run(job="nightly") as this_run:  # doctest: +SKIP
    ...     this_run.job
    'nightly'
    """
    check_metadata(metadata if metadata is not None else {})
    emitter = default_emitter()
    outer = emitter.run()
    parent = outer.id if outer is not None else None
    reference = RunRef(id=run_id or new_id(), job=job)
    emitter.emit(
        "run.started", reference.id, RunStarted(job=job, parent=parent, metadata=metadata_raw(metadata), by=by)
    )
    started = time.perf_counter()
    try:
        with inside(reference), lineage_scope():
            yield reference
    except BaseException as error:
        failed = RunFailed(
            error=error_text(error),
            traceback=traceback_text(error),
            job=job,
            parent=parent,
            duration=round(time.perf_counter() - started, 6),
            by=by,
        )
        emitter.record_failure("run.failed", reference.id, failed)
        raise
    succeeded = RunSucceeded(job=job, parent=parent, duration=round(time.perf_counter() - started, 6), by=by)
    emitter.record("run.succeeded", reference.id, succeeded)


@contextmanager
def lineage_scope() -> Iterator[None]:
    """Know in this block where values come from; an outer block's knowledge is used where there is one."""
    token = current_lineage.set(current_lineage.get() or Lineage())
    try:
        yield
    finally:
        current_lineage.reset(token)
