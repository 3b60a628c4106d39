"""Where a running function finds what it asks for: events in the log, and what a node knows."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Protocol, TypeVar

import msgspec
from msgspec import Raw

from assetlog.consumers.log.bodies import Bodies
from assetlog.schemas.codec import decode
from assetlog.schemas.envelope import Event
from assetlog.schemas.errors import AssetlogError, NotFound
from assetlog.schemas.positions import format_position, parse_position
from assetlog.schemas.scheduling_shapes import Trigger
from assetlog.schemas.shapes import Alias, Asset, EventShape, Page
from assetlog.schemas.work import Work, WorkEvent

Shape = TypeVar("Shape")
PART = 1000
"""Events or assets that a node is asked for at a time."""


class Node(Protocol):
    """A node's API, as `assetlog.catalog.client.Client` asks it. Blocking; usable from several threads."""

    def fetch(self, path: str, **params: Any) -> bytes:
        """The JSON answer to `GET path`; parameters that are None are left out."""

    def put(self, path: str, body: object, shape: type[Shape], **params: Any) -> Shape:
        """The answer to `PUT path` with a JSON body, as a shape."""


class Sources:
    """The log and a node.

    Args:
        bodies: the log's events by position.
        node: a node's API.
        least: a position that the node has folded before it answers: work may come before the node shows why.

    Every method blocks, and raises `Unavailable` when log or node cannot be reached.
    """

    def __init__(self, bodies: Bodies, node: Node, least: str | None = None) -> None:
        self._bodies = bodies
        self._node = node
        self._least = least
        self._named: dict[str, str] = {}

    def knowing(self, position: str) -> Sources:
        """The same, where the node answers once it has folded up to a position."""
        return Sources(self._bodies, self._node, position)

    def events(self, positions: Sequence[int]) -> list[Event | None]:
        """The events at these positions; those that the log no longer holds are asked from the node."""
        raws = self._bodies.fetch(positions)
        return [_event(raw or self._archived(position)) for raw, position in zip(raws, positions, strict=True)]

    def consumed(self, work: Work) -> list[WorkEvent]:
        """The events that a trigger consumed, by position."""
        if len(work.events) >= work.count:
            return list(work.events)
        found: list[WorkEvent] = []
        after = None
        while True:
            answer = self._node.fetch(f"/v1/triggers/{work.trigger}", after=after, min_position=work.position)
            part = msgspec.json.decode(answer, type=Trigger).events
            found += [WorkEvent(parse_position(one.position), one.key, one.partition) for one in part]
            if len(part) < PART:
                return found
            after = part[-1].position

    def history(self, key: str, **params: Any) -> Page[EventShape]:
        """A part of an asset's materializations."""
        filters = {"key": key, "type": "asset.materialized", "limit": PART, **params}
        return msgspec.json.decode(self._ask("/v1/asset/events", **filters), type=Page[EventShape])

    def asset(self, key: str) -> Asset | None:
        """What the catalog knows of an asset; None for one that no event names."""
        try:
            return msgspec.json.decode(self._ask("/v1/asset", key=key), type=Asset)
        except NotFound:
            return None

    def key_named(self, name: str) -> str | None:
        """The key of the one asset with this name; None if there is none, or several."""
        if name not in self._named:
            answer = self._ask("/v1/assets", q=name, limit=PART)
            keys = [asset.key for asset in msgspec.json.decode(answer, type=Page[Asset]).items if asset.name == name]
            if len(keys) != 1:
                return None
            self._named[name] = keys[0]
        return self._named[name]

    def behind(self, alias: str) -> list[str]:
        """The keys of the assets that an alias has stood for."""
        cursor = None
        while True:
            answer = self._ask("/v1/aliases", limit=PART, cursor=cursor)
            page = msgspec.json.decode(answer, type=Page[Alias])
            for one in page.items:
                if one.name == alias:
                    return one.assets
            if (cursor := page.next) is None:
                return []

    def _ask(self, path: str, **params: Any) -> bytes:
        return self._node.fetch(path, min_position=self._least, **params)

    def _archived(self, position: int) -> bytes | None:
        before = format_position(position - 1)
        answer = self._node.fetch("/v1/events", after=before, order="asc", limit=1)
        found = msgspec.json.decode(answer, type=Page[EventShape]).items
        return bytes(found[0].event) if found and found[0].position == format_position(position) else None


def event_of(shape: EventShape) -> Event | None:
    """The event of an answer; None where the log no longer holds it."""
    return _event(bytes(shape.event)) if shape.event != Raw(b"null") else None


def _event(raw: bytes | None) -> Event | None:
    try:
        return None if raw is None else decode(raw)
    except AssetlogError:  # of a version that this one does not know
        return None
