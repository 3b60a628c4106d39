"""What the catalog answers: the JSON shapes of API, CLI and client. Fields may be added, never renamed."""

from __future__ import annotations

from typing import Generic, Literal, TypeVar

from msgspec import Raw, Struct

from assetlog.schemas.events.common import EMPTY

Item = TypeVar("Item")
NULL = Raw(b"null")
"""No free-form value. (msgspec takes nothing but null for `Raw | None`.)"""
AssetHealth = Literal["fresh", "stale", "failed", "checks-failing", "unknown"]
RunState = Literal["running", "succeeded", "failed", "skipped", "unknown"]


class Shape(Struct, kw_only=True, gc=False):
    """An answer, or a part of one. Absent values are null."""

    def _repr_html_(self) -> str:
        """How a notebook shows it."""
        from assetlog.schemas.html import html_of

        return html_of(self)


class Page(Shape, Generic[Item], kw_only=True):
    """Part of a list, and the cursor of the next part."""

    items: list[Item]
    next: str | None = None
    position: str


class Seen(Shape, kw_only=True):
    """When something was first met."""

    position: str
    time: str


class Run(Shape, kw_only=True):
    """The run an event comes from."""

    id: str
    job: str | None = None


class Occurrence(Shape, kw_only=True):
    """One materialization or failure of an asset. `time` is at most 5 minutes after its recording."""

    event_id: str
    position: str
    time: str
    run: Run | None = None
    partition: str | None = None
    metadata: Raw = EMPTY
    by: str | None = None
    code_version: str | None = None
    duration: float | None = None
    error: str | None = None


class Asset(Shape, kw_only=True):
    """An asset as of a position."""

    key: str
    name: str | None = None
    group: str | None = None
    kind: str | None = None
    description: str | None = None
    owners: list[str] = []
    tags: dict[str, str] = {}
    url: str | None = None
    columns: Raw = Raw(b"[]")
    extra: Raw = EMPTY
    freshness: Raw = NULL
    state: AssetHealth = "unknown"
    state_reason: str | None = None
    retired: bool = False
    first_seen: Seen
    last_materialization: Occurrence | None = None
    last_failure: Occurrence | None = None
    materializations: int = 0
    failures: int = 0
    observations: int = 0
    upstream: list[str] = []
    downstream: list[str] = []
    produced_by: list[str] = []
    consumed_by: list[str] = []
    partitions: int = 0
    aliases: list[str] = []


class EventShape(Shape, kw_only=True):
    """An event as it was accepted, and where it stands."""

    position: str
    event: Raw


class TreeNode(Shape, kw_only=True):
    """One step of the key tree: a scheme or a path segment."""

    prefix: str
    """Pass it as `?prefix=` to go down."""
    name: str
    assets: int
    """How many assets are below or at it."""
    asset: str | None = None
    """The key, where the step is itself an asset."""


class LineageNode(Shape, kw_only=True):
    """An asset in a lineage graph."""

    key: str
    name: str | None = None
    group: str | None = None
    state: AssetHealth = "unknown"
    last_materialization: str | None = None
    """Its time."""
    depth: int = 0
    """Steps from the root, negative upstream."""
    columns: Raw = NULL
    """Null unless they are asked for."""


class LineageEdge(Shape, kw_only=True):
    """One asset was made from another. `last_seen` is the downstream's last materialization."""

    upstream: str
    downstream: str
    jobs: list[str] = []
    first_seen: str
    last_seen: str | None = None


class ColumnEdge(Shape, kw_only=True):
    """One column was made from another."""

    upstream: str
    upstream_column: str
    downstream: str
    downstream_column: str
    first_seen: str


class Lineage(Shape, kw_only=True):
    """What an asset was made from and what was made from it; `root` is null for the whole graph."""

    root: str | None
    nodes: list[LineageNode]
    edges: list[LineageEdge]
    column_edges: list[ColumnEdge] = []
    truncated: bool = False
    position: str


class Partition(Shape, kw_only=True):
    """One partition of an asset."""

    partition: str
    state: Literal["materialized", "failed"]
    materializations: int = 0
    failures: int = 0
    last_materialization: Seen | None = None
    last_failure: Seen | None = None


class Check(Shape, kw_only=True):
    """The newest result of one check of an asset (per partition)."""

    name: str
    passed: bool
    severity: Literal["warn", "error"]
    partition: str | None = None
    position: str
    time: str
    run: str | None = None
    description: str | None = None
    metadata: Raw = EMPTY
    results: int = 1
    """How many results there are."""
    failed: int = 0
    """How many of them failed."""


class Artifact(Shape, kw_only=True):
    """One version of an artifact."""

    id: str
    key: str | None = None
    version: int
    """1 for the first of its key, and for artifacts without a key."""
    type: str
    data: Raw
    description: str | None = None
    created: str
    updated: str
    run: Run | None = None
    asset: str | None = None
    position: str


class RunShape(Shape, kw_only=True):
    """One execution. `unknown` where only its assets speak of it."""

    id: str
    job: str | None = None
    parent: str | None = None
    state: RunState = "unknown"
    started: str | None = None
    ended: str | None = None
    duration: float | None = None
    """In seconds."""
    error: str | None = None
    produced: list[str] = []
    """Keys of the assets it materialized."""
    failed: list[str] = []
    """Keys of the assets it failed to materialize."""
    children: list[str] = []
    """Ids of the runs it started; only for one run."""
    position: str
    """Its last event."""


class Job(Shape, kw_only=True):
    """Something that is executed."""

    name: str
    runs: int = 0
    last_run: str | None = None
    last_state: RunState = "unknown"
    produces: list[str] = []
    consumes: list[str] = []
    position: str


class Group(Shape, kw_only=True):
    """A group of assets."""

    name: str
    assets: int


class Alias(Shape, kw_only=True):
    """A run-time alias and the assets it stood for."""

    name: str
    assets: list[str]
    position: str


class Quarantined(Shape, kw_only=True):
    """An event the fold could not take."""

    position: str
    time: str
    code: str
    field: str | None = None
    detail: str
    event: str
    """Its bytes as text, damaged ones marked."""


class AssetChange(Shape, kw_only=True):
    """What is different about one asset between two positions."""

    key: str
    change: Literal["added", "changed", "removed"]
    state_before: AssetHealth | None = None
    state_after: AssetHealth | None = None
    materializations: int = 0
    """How many were added."""
    failures: int = 0
    upstream_added: list[str] = []


class Diff(Shape, kw_only=True, rename={"from_": "from"}):
    """What changed between two positions."""

    items: list[AssetChange]
    next: str | None = None
    from_: str
    to: str
    events: int
    artifacts: int
    """New artifact versions."""
    runs: int
    position: str


class Counts(Shape, kw_only=True):
    """How much the catalog holds as of a position."""

    events: int
    """Duplicates aside, and without what is in quarantine."""
    assets: int
    """Aliases and retired assets aside."""
    artifacts: int
    """Versions, retired ones included."""
    runs: int
    """Runs that events of their own speak of."""
    quarantined: int
    skipped: int
    """Events of a newer version than this assetlog knows."""
    position: str


class Accepted(Shape, kw_only=True):
    """An event's receipt."""

    id: str
    position: str
    duplicate: bool = False
    folded: bool | None = None
    """With `?wait=folded`: whether it is visible now."""
    verdict: Literal["folded", "duplicate", "quarantined"] | None = None
    """With `?wait=folded`: what the fold made of it; null where it has not come to it."""


class Rejected(Shape, kw_only=True):
    """An event that was not taken."""

    index: int
    code: str
    detail: str
    field: str | None = None
    value: str | None = None
    rule: str | None = None
    hint: str | None = None


class Receipt(Shape, kw_only=True):
    """The answer to `POST /v1/events`; `ack` says where the events are: `disk`, `memory`, `unknown`."""

    accepted: list[Accepted]
    ack: Literal["disk", "memory", "unknown"]
    rejected: list[Rejected] = []
    folded: bool | None = None
    redacted: int = 0
    """So many values of the accepted events looked like secrets and were struck out."""


class ProblemItem(Shape, kw_only=True):
    """One culprit of a problem."""

    index: int | None = None
    field: str | None = None
    value: str | None = None
    rule: str | None = None


class Problem(Shape, kw_only=True):
    """An error (RFC 9457)."""

    type: str
    title: str
    status: int
    code: str
    detail: str
    hint: str | None = None
    errors: list[ProblemItem] = []
