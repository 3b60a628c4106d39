"""What is due: which consumers fire, and what each firing consumes. Pure: the desk and the time in, firings out."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Sequence
from hashlib import sha256
from typing import NamedTuple

from assetlog.consumers.schedule.consumer_state import ConsumerState
from assetlog.consumers.schedule.desk import Desk
from assetlog.consumers.schedule.judge import core, taken
from assetlog.consumers.schedule.queues import Queues, Range, milliseconds, singles
from assetlog.schemas.events.common import Consumed
from assetlog.schemas.events.trigger import TriggerFired
from assetlog.schemas.ids import derived_id
from assetlog.schemas.positions import format_position

MOST_AT_ONCE = 500
"""Firings of a consumer that are decided at a time."""
MOST_RANGES = 2_000
MOST_POSITIONS = 5_000
KEY_ROOM = 400_000
"""Ranges, single events, and bytes of keys and partitions that one `trigger.fired` names at most: the rest stays
queued and fires next."""
MOST_BY_KEY = 50
"""Up to so many single events are named with their keys: the fold finds them without looking at all that waits."""
DEBOUNCES = 10
"""A consumer that waits for quiet waits at most so many times its `debounce` from the moment its condition came true:
events that never cease would keep it waiting for ever."""
MAX_DEPTH = 64
"""A chain of so many triggers, each set off by what the one before emitted, counts as a circle."""


class Intent(NamedTuple):
    """A firing that is to be recorded."""

    consumer: str
    trigger: str
    data: TriggerFired
    ranges: list[Range]


class Decision(NamedTuple):
    """What is due now, and what will be."""

    intents: list[Intent]
    too_deep: list[str]
    """Consumers whose chain of triggers is too long."""
    later: dict[str, int]
    """Consumers to look at again, each with the time in milliseconds."""


def decide(desk: Desk, now: int, flying: Collection[str] = (), epoch: int = 0) -> Decision:
    """What is due of all that is new at the desk, which is taken out.

    Args:
        desk: the queues.
        now: milliseconds since 1970.
        flying: consumers with firings that the desk has not seen yet: they are looked at again afterwards.
        epoch: of the leader's lease.
    """
    news, desk.news = desk.news, {}
    decision = Decision([], [], {})
    for name, partitions in news.items():
        state = desk.consumers.get(name)
        if state is None or state.paused:
            continue
        if name in flying:
            desk.news[name] = partitions
            continue
        _decide_consumer(desk, state, partitions, now, epoch, decision)
    return decision


def _decide_consumer(
    desk: Desk, state: ConsumerState, partitions: Iterable[str | None] | None, now: int, epoch: int, decision: Decision
) -> None:
    data, name = state.definition.data, state.definition.name
    free = MOST_AT_ONCE if data.max_active is None else min(MOST_AT_ONCE, data.max_active - len(state.active))
    for partition in list(state.queues.partitions() if partitions is None else partitions):
        if not _is_true(state, partition):
            continue
        due = 0 if data.debounce is None else _quiet_at(state, partition, round(data.debounce * 1000))
        if now < due:
            decision.later[name] = min(due, decision.later.get(name, due))
        elif state.depth >= MAX_DEPTH:
            decision.too_deep.append(name)
            return
        else:
            found = list(_firings(desk, state, partition, free, epoch))
            decision.intents.extend(found)
            free -= len(found)


def _quiet_at(state: ConsumerState, partition: str | None, pause: int) -> int:
    """When the pause after the last event is over, or that patience with ever more events; in milliseconds."""
    firsts, ready = state.ready(partition)
    leaves = core(state.definition.condition, firsts, ready) or ready
    true_since = max((firsts[leaf] for leaf in leaves), default=0)
    return min(milliseconds(state.queues.last) + pause, milliseconds(true_since) + DEBOUNCES * pause)


def _is_true(state: ConsumerState, partition: str | None) -> bool:
    if state.definition.data.within is not None and partition not in state.complete:
        return False
    firsts, ready = state.ready(partition)
    return taken(state.definition.condition, firsts, ready) is not None


def _firings(desk: Desk, state: ConsumerState, partition: str | None, most: int, epoch: int) -> Iterator[Intent]:
    """The firings that are due in a partition, each of what those before it left."""
    if most <= 0:
        return
    queues = state.queues
    keys = desk.known.keys
    ranges = _next(state, queues, partition, keys)
    repeats = state.definition.most is not None and state.definition.data.within is None
    while ranges and most > 0:
        yield _intent(desk, state, partition, ranges, epoch)
        most -= 1
        if not repeats or not most:
            return
        queues = queues.copy(partition) if queues is state.queues else queues
        for one in ranges:
            queues.take(partition, one)
        ranges = _next(state, queues, partition, keys)


def _next(state: ConsumerState, queues: Queues, partition: str | None, keys: Sequence[str]) -> list[Range]:
    """What the next firing consumes; nothing where the condition is not true."""
    condition, most = state.definition.condition, state.definition.most
    firsts, ready = state.ready_in(queues, partition)
    leaves = taken(condition, firsts, ready)
    if leaves is None:
        return []
    if most is not None:
        return _few(state, queues, partition, leaves, core(condition, firsts, ready) or leaves, most)
    if state.exact:
        return _with_room(queues.spans(partition, leaves), keys)
    return singles(queues.waiting(partition, leaves, MOST_POSITIONS))


def _with_room(ranges: list[Range], keys: Sequence[str]) -> list[Range]:
    """As many ranges as one event can name: keys are up to 1,500 characters long."""
    room, found = KEY_ROOM, list[Range]()
    for one in ranges[:MOST_RANGES]:
        room -= 0 if one.aid is None else len(f"{keys[one.aid]}{one.part}".encode())
        if room < 0 and found:
            break
        found.append(one)
    return found


def _few(
    state: ConsumerState, queues: Queues, partition: str | None, leaves: set[str], needed: set[str], most: int
) -> list[Range]:
    """The least that makes the condition true, then the oldest of the rest up to so many."""
    chosen = {}
    for leaf in needed:
        whole = state.definition.mapper(leaf).of is not None
        chosen.update(queues.waiting(partition, [leaf], MOST_POSITIONS if whole else 1))
    if len(chosen) < most:
        for position, source in queues.waiting(partition, leaves, most).items():
            if len(chosen) < most:
                chosen[position] = source
    return singles(dict(sorted(chosen.items())))


def _intent(desk: Desk, state: ConsumerState, partition: str | None, ranges: list[Range], epoch: int) -> Intent:
    name, keys = state.definition.name, desk.known.keys
    by_key = len(ranges) <= MOST_BY_KEY
    many = [one for one in ranges if one.aid is not None and (by_key or one.events > 1)]
    few = [one for one in ranges if one.aid is None or not (by_key or one.events > 1)]
    data = TriggerFired(
        consumer=name,
        epoch=epoch,
        consumed=tuple(consumed(keys[one.aid or 0], one) for one in many),
        positions=tuple(format_position(one.up_to) for one in sorted(few, key=lambda one: one.up_to)),
        partition=partition,
        depth=state.depth + 1,
    )
    return Intent(name, trigger_id(name, state.definition.registered, partition, ranges), data, ranges)


def consumed(key: str, one: Range) -> Consumed:
    """A range as events tell it."""
    return Consumed(
        key=key,
        partition=one.part,
        after=format_position(one.after),
        up_to=format_position(one.up_to),
        count=one.events,
    )


def trigger_id(consumer: str, registered: int, partition: str | None, ranges: Iterable[Range]) -> str:
    """A trigger's id, a UUIDv7 in form: the same for the same events of the same declaration, whoever decides.

    >>> from assetlog.consumers.schedule.queues import single
    >>> trigger_id("report", 1, None, [single(7 << 20, (1, None))])[:13]
    '00000000-0007'
    """
    ordered = sorted(ranges, key=lambda one: (one.up_to, one.aid or -1))
    said = repr((consumer, registered, partition, [(one.after, one.up_to, one.events) for one in ordered]))
    return derived_id(milliseconds(ordered[-1].up_to) if ordered else 0, sha256(said.encode()).digest())
