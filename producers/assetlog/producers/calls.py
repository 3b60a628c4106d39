"""One attempt at running a task: what it was given, what it made, and the events that say so."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Mapping
from contextvars import Token
from typing import TYPE_CHECKING, Any

from msgspec import Struct

from assetlog.producers.code_version import code_version_of
from assetlog.producers.context import (
    current_asset,
    current_call,
    current_flow,
    current_lineage,
    current_run,
    declared_run,
)
from assetlog.producers.emitter import Emitter, default_emitter
from assetlog.producers.lineage import Keys, Lineage
from assetlog.producers.states import Skip
from assetlog.producers.values import check_metadata, error_text, metadata_raw, traceback_text
from assetlog.schemas.asset import Asset, metadata_sink
from assetlog.schemas.events.asset import AssetFailed, AssetMaterialized
from assetlog.schemas.events.common import RunRef
from assetlog.schemas.events.run import RunFailed, RunSkipped, RunStarted, RunSucceeded
from assetlog.schemas.ids import new_id

if TYPE_CHECKING:
    from assetlog.producers.flow import FlowCall


class Plan(Struct, frozen=True, kw_only=True):
    """What a task was declared with."""

    function: Callable[..., Any]
    job: str
    assets: tuple[Asset, ...] = ()
    upstream: Keys = ()
    """The keys of `asset_deps`."""
    by: str | None = None
    code_version: str | None = None
    partition: str | Callable[..., str | None] | None = None
    tags: tuple[str, ...] = ()

    @property
    def version(self) -> str | None:
        """The version of its code: as declared, else the git commit it lies in."""
        return self.code_version or code_version_of(self.function)


class Call:
    """One attempt at a call of a task.

    Args:
        plan: the task.
        args, kwargs: what the function gets.
        inferred: keys of the assets behind its arguments.
        attempt: 1 for the first.
    """

    __slots__ = (
        "_borrowed",
        "_flow",
        "_outer",
        "_parent",
        "_tells_run",
        "_tokens",
        "attempt",
        "duration",
        "emitter",
        "lineage",
        "metadata",
        "partition",
        "plan",
        "run",
        "started",
        "upstream",
    )

    def __init__(
        self, plan: Plan, args: tuple[Any, ...], kwargs: dict[str, Any], inferred: Iterable[str], attempt: int
    ) -> None:
        self.plan: Plan = plan
        self.attempt: int = attempt
        partition = plan.partition
        self.partition: str | None = partition(*args, **kwargs) if callable(partition) else partition
        self.emitter: Emitter = default_emitter()
        self.metadata: dict[str, dict[str, Any]] = {}
        self.upstream: dict[str, None] = dict.fromkeys((*plan.upstream, *inferred))
        self._outer: Call | None = current_call.get()
        self._flow: FlowCall | None = current_flow.get()
        self.lineage: Lineage | None = lineage_here()
        self._tells_run = self._flow is not None or not plan.assets
        borrowed = None if self._tells_run else declared_run.get() or self.emitter.ambient_run
        parent = self.emitter.run() if self._tells_run else borrowed
        self._parent = parent.id if parent is not None else None
        self.run: RunRef = borrowed or RunRef(id=new_id(), job=plan.job)
        """A task's own; a materialization in a `run(...)` block, or under `assetlog run`, belongs to that one."""
        self._borrowed = borrowed is not None
        self._tokens: tuple[Token[Any], ...] = ()
        self.started: float = 0.0
        self.duration: float = 0.0

    def enter(self) -> None:
        """Make this call the one that everything emitted here belongs to."""
        assets = self.plan.assets
        only = assets[0].key if len(assets) == 1 else None
        self._tokens = (
            current_run.set(self.run),
            current_call.set(self),
            current_asset.set(only),
            metadata_sink.set(self.add if assets else metadata_sink.get()),
        )
        if not self.started:
            self._begin()

    def _begin(self) -> None:
        if self._tells_run:
            metadata = {"attempt": self.attempt} if self.attempt > 1 else {}
            if self.plan.tags:
                metadata["tags"] = self.plan.tags  # type: ignore[assignment]  # any JSON
            data = RunStarted(job=self.plan.job, parent=self._parent, metadata=metadata_raw(metadata), by=self.plan.by)
            self.emitter.record("run.started", self.run.id, data, checked=self._flow is not None and not metadata)
        self.started = time.perf_counter()

    def leave(self) -> None:
        """The code outside is not part of the call."""
        self.duration = round(time.perf_counter() - self.started, 6)
        run, call, asset, sink = self._tokens
        metadata_sink.reset(sink)
        current_asset.reset(asset)
        current_call.reset(call)
        current_run.reset(run)

    def add(self, key: str, metadata: Mapping[str, Any]) -> None:
        """Collect metadata; see `add_asset_metadata`."""
        check_metadata(metadata)
        if all(asset.key != key for asset in self.plan.assets):
            raise ValueError(f"Can only add metadata to assets that are arguments to @materialize, not to {key}")
        self.metadata.setdefault(key, {}).update(metadata)

    def made_inside(self, carried: Iterable[str]) -> None:
        """A call inside this one returned a value that comes from these assets: so does what this one makes."""
        self.upstream.update(dict.fromkeys(carried))

    def carried(self) -> Keys:
        """The assets that what this call returns comes from: its own, else those that it was made from."""
        own = self.plan.assets
        return tuple(asset.key for asset in own) if own else tuple(self.upstream)

    def returned(self, value: Any, unheld: bool) -> None:
        """Note where a value that this call returns, or yields, comes from."""
        if self.lineage is not None:
            self.lineage.link(value, self.carried(), unheld=unheld)

    def succeeded(self) -> None:
        """Emit what was written."""
        carried = self.carried()
        if self._outer is not None:
            self._outer.made_inside(carried)
        if self._flow is not None and self.plan.assets:
            self._flow.made_inside(carried, self.upstream)
        for asset in self.plan.assets:
            self.emitter.describe(asset)
            data = AssetMaterialized(
                upstream=self._upstream_of(asset),
                run=self.run,
                partition=self.partition,
                metadata=metadata_raw(self.metadata.get(asset.key)),
                code_version=self.plan.version,
                by=self.plan.by,
                duration=self.duration,
            )
            self.emitter.record("asset.materialized", asset.key, data)
        if self._tells_run:
            ended = RunSucceeded(
                job=self.plan.job,
                parent=self._parent,
                duration=self.duration,
                metadata=metadata_raw({"attempt": self.attempt} if self.attempt > 1 else None),
                by=self.plan.by,
            )
            self.emitter.record("run.succeeded", self.run.id, ended, checked=self._flow is not None)

    def failed(self, error: BaseException, retry_in: float | None) -> None:
        """Emit what was not written, and why. An attempt that is followed by another one touches no asset."""
        if isinstance(error, Skip):
            self._skipped(error)
            return
        if retry_in is None:
            for asset in self.plan.assets:
                self._asset_failed(asset, error)
        if self._tells_run or retry_in is not None:
            self._run_failed(error, retry_in)

    def _upstream_of(self, asset: Asset) -> Keys:
        """The asset's upstreams: itself only where that is declared."""
        declared = self.plan.upstream
        known = tuple(self.upstream)  # calls on other threads may add to it
        return tuple(key for key in known if key != asset.key or key in declared)

    def _asset_failed(self, asset: Asset, error: BaseException) -> None:
        self.emitter.describe(asset)
        data = AssetFailed(
            error=error_text(error),
            traceback=traceback_text(error),
            upstream=self._upstream_of(asset),
            run=self.run,
            partition=self.partition,
            metadata=metadata_raw(self.metadata.get(asset.key)),
            code_version=self.plan.version,
            by=self.plan.by,
            duration=self.duration,
        )
        self.emitter.record_failure("asset.failed", asset.key, data)

    def _run_failed(self, error: BaseException, retry_in: float | None) -> None:
        about: dict[str, Any] = {"attempt": self.attempt} if retry_in is not None or self.attempt > 1 else {}
        if retry_in is not None:
            about["retry_in"] = round(retry_in, 3)
        data = RunFailed(
            error=error_text(error),
            traceback=traceback_text(error),
            job=self.plan.job,
            parent=self._parent,
            duration=self.duration,
            metadata=metadata_raw(about),
            by=self.plan.by,
        )
        self.emitter.record_failure("run.failed", self._attempt_id(), data)

    def _attempt_id(self) -> str:
        """The id of this very attempt: the run that it is part of goes on."""
        return new_id() if self._borrowed else self.run.id

    def _skipped(self, error: Skip) -> None:
        data = RunSkipped(
            reason=str(error) or None, job=self.plan.job, parent=self._parent, duration=self.duration, by=self.plan.by
        )
        self.emitter.record_failure("run.skipped", self._attempt_id(), data)


def lineage_here() -> Lineage | None:
    """What is known here of where values come from: of the flow or `run(...)`, else of the outermost call.

    None for an outermost call: what it returns leaves what assetlog can see.
    """
    found = current_lineage.get()
    if found is not None:
        return found
    outer = current_call.get()
    if outer is None:
        return None
    if outer.lineage is None:
        outer.lineage = Lineage()
    return outer.lineage
