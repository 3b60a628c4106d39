"""The desk from the projection: what was kept at a snapshot, and the events after it. So a start reads little."""

from __future__ import annotations

import heapq
from array import array
from collections.abc import Callable, Iterable, Iterator
from functools import partial
from typing import Any

import duckdb
import msgspec
from msgspec import Struct

from assetlog.consumers.fold.known import Known
from assetlog.consumers.schedule.consumer_state import Accepted, ConsumerState, Firing
from assetlog.consumers.schedule.definition import Definition
from assetlog.consumers.schedule.desk import Desk
from assetlog.consumers.schedule.past import MAX_POSITION, FoldedPast, definitions, registered, sql
from assetlog.consumers.schedule.queues import Queues, Range
from assetlog.schemas.conditions import AssetLeaf, Manual, Stale, decode_condition, leaves

Step = tuple[int, Callable[[], None]]


class KeptQueue(Struct, array_like=True):
    """What waits in a partition, on a leaf, of an asset and its partition."""

    target: str | None
    leaf: str
    aid: int
    part: str | None
    positions: list[int]


class KeptConsumer(Struct, array_like=True):
    """A consumer at a snapshot."""

    declared: int
    exact: bool
    paused: bool
    reason: str | None
    queues: list[KeptQueue]
    last: int
    ticks: dict[str, int]
    used: list[tuple[str, str | None, int]]
    complete: list[str | None]
    last_trigger: tuple[str, int] | None
    depth: int


class KeptFiring(Struct, array_like=True):
    """A trigger that had not ended at a snapshot."""

    id: str
    declared: int
    position: int
    partition: str | None
    ranges: list[tuple[int | None, str | None, int, int, int]]
    depth: int
    started: bool
    asked: int


class Kept(Struct, array_like=True):
    """A desk at a snapshot, without what the projection's tables tell."""

    consumers: list[KeptConsumer]
    firings: list[KeptFiring]


_kept = msgspec.msgpack.Decoder(Kept)


def keep(desk: Desk) -> bytes:
    """What has to be kept of a desk."""
    return msgspec.msgpack.encode(
        Kept(
            [_keep_consumer(state) for state in desk.consumers.values()],
            [_keep_firing(firing) for firing in desk.firings.values()],
        )
    )


def load_desk(
    connection: duckdb.DuckDBPyConnection, position: int, known: Known, past: FoldedPast | None = None
) -> Desk:
    """The desk as of a folded position.

    Args:
        connection: reads the projection.
        position: as of which event.
        known: the assets; key aliases count as they are now.
        past: where the desk finds earlier events; in the projection up to the position unless given.
    """
    past = past or FoldedPast(connection)
    desk = Desk(known, past)
    row = sql("latest_queues").row(connection, {"p": position})
    past.position = 0 if row is None else row[0]
    if row is not None:
        _restore(desk, connection, _kept.decode(row[1]))
    for _, step in _tail(desk, connection, past, position):
        step()
    past.position = MAX_POSITION
    return desk


def _tail(desk: Desk, connection: duckdb.DuckDBPyConnection, past: FoldedPast, position: int) -> Iterator[Step]:
    """What happened after a snapshot, in order, as steps to take."""
    values: dict[str, Any] = {"after": past.position, "p": position}
    consumers = sql("consumer_events").run(connection, values).fetchall()
    if not consumers and not desk.consumers and not desk.firings:
        return
    triggers = sql("trigger_events").run(connection, values).fetchall()
    declared = [row[0] for row in consumers if row[1] == "registered"]
    if not desk.consumers and declared:  # nobody waited for anything before
        values["after"] = past.position = min(declared)
    values["aids"] = _watched(desk, [registered(data) for _, act, _, data in consumers if act == "registered"])
    news = sql("asset_news").run(connection, values).fetchall()
    names = sql("told_names").run(connection, values).fetchall()
    aliases = sql("alias_facts").run(connection, values).fetchall()
    steps: Iterable[Step] = heapq.merge(
        ((row[0], _consumer_step(desk, *row)) for row in consumers),
        ((row[0], _trigger_step(desk, *row)) for row in triggers),
        ((row[0], _news_step(desk, *row)) for row in news),
        ((row[0], partial(desk.describe, *row[1:])) for row in names),
        ((row[0], partial(desk.resolve, *row[1:])) for row in aliases),
        key=_position_of,
    )
    yield from steps


def _position_of(step: Step) -> int:
    return step[0]


def _watched(desk: Desk, declarations: Iterable[Any]) -> list[int] | None:
    """The numbers of the assets that matter, if leaves name nothing but keys; None for all of them."""
    known = desk.known
    if not desk.interests.only_keys or known.roots:
        return None
    keys = set(desk.interests.watched_keys())
    for data in declarations:
        for leaf in leaves(decode_condition(bytes(data.condition))):
            if leaf.timed or isinstance(leaf, Manual):
                continue
            if not isinstance(leaf, AssetLeaf | Stale):
                return None
            keys.add(leaf.key)
    return [known.aids[key] for key in keys if key in known.aids]


def _consumer_step(desk: Desk, position: int, act: str, name: str, data: str) -> Callable[[], None]:
    if act == "registered":
        return partial(desk.register, position, name, registered(data))
    said = msgspec.json.decode(data)
    if act == "paused":
        return partial(desk.pause, name, said.get("reason"))
    if act in {"resumed", "removed"}:
        return partial(desk.resume if act == "resumed" else desk.remove, name)
    return partial(desk.tick, position, name, said.get("leaf"))


def _trigger_step(
    desk: Desk,
    position: int,
    act: str,
    trigger: str,
    consumer: str,
    part: str | None,
    depth: int | None,
    error: str | None,
    ranges: list[list[int]] | None,
    parts: list[str | None] | None,
) -> Callable[[], None]:
    taken = tuple(
        Range(aid, each, after, up_to, events)
        for (aid, after, up_to, events), each in zip(ranges or (), parts or (), strict=True)
    )
    if act == "fired" or (act == "cancelled" and taken):
        accepted = Accepted("fired" if act == "fired" else "cancelled", error, taken)
        return partial(desk.accept, position, trigger, consumer, part, accepted, depth or 1)
    if act == "retried":
        return partial(desk.retry, position, trigger)
    return partial(desk.told, act, trigger)


def _news_step(desk: Desk, position: int, kind: str, aid: int, part: str | None) -> Callable[[], None]:
    if kind == "asset.materialized":
        return partial(desk.materialized, position, aid, part)
    return partial(desk.overdue, position, aid, part)


def _restore(desk: Desk, connection: duckdb.DuckDBPyConnection, kept: Kept) -> None:
    positions = {consumer.declared for consumer in kept.consumers} | {firing.declared for firing in kept.firings}
    known = definitions(connection, sorted(positions)) if positions else {}
    states = [_restored_consumer(consumer, known[consumer.declared]) for consumer in kept.consumers]
    firings = [_restored_firing(firing, known[firing.declared]) for firing in kept.firings]
    desk.adopt(states, firings)


def _restored_consumer(kept: KeptConsumer, definition: Definition) -> ConsumerState:
    queues = Queues()
    for queue in kept.queues:
        leaves = queues.by_partition.setdefault(queue.target, {})
        leaves.setdefault(queue.leaf, {})[queue.aid, queue.part] = array("q", queue.positions)
    queues.count, queues.last = sum(1 for _ in queues.all()), kept.last
    queues.ticks = dict(kept.ticks)
    queues.used = {(leaf, part): at for leaf, part, at in kept.used}
    return ConsumerState(
        definition,
        kept.exact,
        kept.paused,
        kept.reason,
        queues,
        set(kept.complete),
        last_trigger=kept.last_trigger,
        depth=kept.depth,
    )


def _restored_firing(kept: KeptFiring, definition: Definition) -> Firing:
    return Firing(
        kept.id,
        definition,
        kept.position,
        kept.partition,
        tuple(map(Range._make, kept.ranges)),
        kept.depth,
        "started" if kept.started else "fired",
        asked=kept.asked,
    )


def _keep_consumer(state: ConsumerState) -> KeptConsumer:
    queues = [
        KeptQueue(target, leaf, aid, part, positions.tolist())
        for target, leaves in state.queues.by_partition.items()
        for leaf, sources in leaves.items()
        for (aid, part), positions in sources.items()
    ]
    return KeptConsumer(
        state.definition.registered,
        state.exact,
        state.paused,
        state.paused_reason,
        queues,
        state.queues.last,
        state.queues.ticks,
        [(leaf, part, at) for (leaf, part), at in state.queues.used.items()],
        list(state.complete),
        state.last_trigger,
        state.depth,
    )


def _keep_firing(firing: Firing) -> KeptFiring:
    return KeptFiring(
        firing.id,
        firing.definition.registered,
        firing.position,
        firing.partition,
        list(map(tuple, firing.ranges)),  # type: ignore[arg-type]
        firing.depth,
        firing.state == "started",
        firing.asked,
    )
