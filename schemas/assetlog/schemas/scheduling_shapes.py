"""What the catalog answers about consumers and triggers: the JSON shapes of API, CLI and client."""

from __future__ import annotations

from typing import Any, Literal

from assetlog.schemas.shapes import Shape

TriggerState = Literal["fired", "started", "succeeded", "failed", "exhausted", "cancelled", "void"]


class TriggerBrief(Shape, kw_only=True):
    """The last trigger of a consumer."""

    id: str
    state: TriggerState
    fired: str


class Consumer(Shape, kw_only=True):
    """A consumer as of a position."""

    name: str
    condition: dict[str, Any]
    condition_text: str
    target: dict[str, Any]
    module: str | None = None
    description: str | None = None
    mode: Literal["batch", "each"] = "batch"
    batch_size: int | None = None
    debounce: float | None = None
    within: float | None = None
    max_active: int | None = None
    when_paused: Literal["queue", "skip"] = "queue"
    partitions: dict[str, Any] = {}
    attempts: int = 4
    backoff: float = 1.0
    timeout: float | None = None
    paused: bool = False
    paused_reason: str | None = None
    outlets: list[str] = []
    inlets: list[str] = []
    queued: int = 0
    """Events that wait for it to fire."""
    active: int = 0
    """Triggers that have fired and not ended."""
    last_trigger: TriggerBrief | None = None
    registered: str
    """When it was declared last."""
    position: str
    """Where that stands in the log."""
    released: list[str] = []
    """Positions of queued events that a changed condition let go; only in the answer to that change."""


class TriggerEvent(Shape, kw_only=True):
    """An event that a trigger consumed, or that waits to be."""

    position: str
    id: str | None = None
    key: str | None = None
    """The asset's key; null for a tick of the clock."""
    partition: str | None = None


class Trigger(Shape, kw_only=True):
    """A firing of a consumer as of a position."""

    id: str
    consumer: str
    state: TriggerState
    position: str
    fired: str
    started: str | None = None
    ended: str | None = None
    attempt: int = 0
    """The latest attempt, from 1; 0 before the first."""
    partition: str | None = None
    count: int = 0
    """How many events it consumed."""
    events: list[TriggerEvent] = []
    """The first thousand of them; none in lists of triggers."""
    by: str | None = None
    """Who fired it by hand."""
    error: str | None = None
    duration: float | None = None
    worker: str | None = None
    depth: int = 1


class QueueDeletion(Shape, kw_only=True):
    """What was deleted from a consumer's queue."""

    consumer: str
    count: int = 0
    """How many events."""
    events: list[TriggerEvent] = []
    """The first thousand of them."""
    triggers: list[str] = []
    """Ids of the triggers, cancelled as they fired, that hold them."""
    position: str


class Branch(Shape, kw_only=True):
    """What is so of a condition, or of a part of it."""

    node: str
    """`all`, `any`, or a leaf's id, e.g. `asset:s3://lake/orders`."""
    true: bool
    queued: int = 0
    """How many events wait on it."""
    since: str | None = None
    """When the first of them came."""
    branches: list[Branch] = []


class Pending(Shape, kw_only=True):
    """What waits in one partition of a consumer."""

    partition: str | None = None
    true: bool
    verdict: Branch
    missing: list[str] = []
    """Ids of leaves that wait for news: all of them under `all`, one is enough under `any`."""
    waits_for: str | None = None
    """The rest of the condition in words; null when it is true."""


class Explanation(Shape, kw_only=True):
    """Why a consumer fired, or what it waits for."""

    consumer: str
    position: str
    condition_text: str
    paused: bool
    active: int
    max_active: int | None = None
    says: str
    """The whole in a sentence."""
    pending: list[Pending] = []
    last_trigger: Trigger | None = None
