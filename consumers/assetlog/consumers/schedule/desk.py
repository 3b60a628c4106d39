"""The desk: what is scheduled, what waits for it, what has fired and not ended. Fed with every folded event, in order.

It looks at no clock and decides nothing: it accepts a firing if all that it consumes still waits, else says why not.
So whoever folds the log again comes to the same queues and the same triggers.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Iterable, Iterator

from assetlog.consumers.fold.known import Known
from assetlog.consumers.schedule.consumer_state import Accepted, ConsumerState, Firing, Past
from assetlog.consumers.schedule.definition import Definition, definition_of
from assetlog.consumers.schedule.freshness import FreshnessWatch
from assetlog.consumers.schedule.interest import Interests
from assetlog.consumers.schedule.judge import taken
from assetlog.consumers.schedule.queues import NOWHERE, Chosen, Range, Source, milliseconds, single
from assetlog.schemas.events.consumer import ConsumerRegistered
from assetlog.schemas.events.trigger import TriggerFired
from assetlog.schemas.keys import canonical_key
from assetlog.schemas.positions import parse_position
from assetlog.schemas.work import MAX_LISTED

MOST_REMEMBERED = 10_000
"""Ended triggers whose depth is remembered: what they emitted may come late."""
ENDING = frozenset({"succeeded", "exhausted", "cancelled"})


class Desk:
    """The state of all scheduling as of a position. Its owner is one thread.

    Args:
        known: the assets by key and number.
        past: earlier events.
    """

    def __init__(self, known: Known, past: Past | None = None) -> None:
        self.known = known
        self._past = past or Past()
        self.consumers: dict[str, ConsumerState] = {}
        self.firings: dict[str, Firing] = {}
        self.news: dict[str, set[str | None] | None] = {}
        """Consumers of which something changed that may let them fire, and in which partitions (None: in any)."""
        self.told_firings: list[tuple[str, str]] = []
        """Consumer and trigger of firings, accepted or void. Whoever decides takes these and the news out."""
        self.to_hand: list[Firing] = []
        """Triggers to hand to workers; whoever leads takes them out."""
        self.to_withdraw: list[Firing] = []
        """Triggers that were called off: their work is to be taken away from workers; whoever leads takes them out."""
        self.version = 0
        """Counts what changes which ticks are waited for."""
        self.interests = Interests()
        self.freshness = FreshnessWatch(known, self._past)
        """Which assets are overdue; it is fed with what it watches."""
        self._ended: OrderedDict[str, Firing] = OrderedDict()
        self._knows_facts = False

    def __bool__(self) -> bool:
        return bool(self.consumers or self.firings or self.told_firings or self.to_withdraw or self.freshness.news)

    def register(self, position: int, name: str, data: ConsumerRegistered) -> None:
        """A consumer was declared, or declared anew: leaves that it keeps keep their queues.

        Raises:
            Invalid: the condition, the target or the partitions break a rule.
        """
        definition = definition_of(name, data, position)
        self._learn_facts()
        state = self.consumers.get(name)
        if state is None:
            fresh = {leaf.id for leaf in definition.leaves}
            state = self.consumers[name] = ConsumerState(definition, definition.exact)
        else:
            self.interests.remove(name, state.definition.leaves)
            fresh = _redeclare(state, definition)
        self.interests.add(name, definition.leaves)
        self.version += 1
        if data.start is not None and fresh:
            self._backfill(state, parse_position(data.start), fresh)
        self.news[name] = None

    def pause(self, name: str, reason: str | None) -> None:
        """A consumer no longer fires."""
        state = self.consumers.get(name)
        if state is not None:
            state.paused, state.paused_reason = True, reason
            self.version += 1

    def resume(self, name: str) -> None:
        """A consumer fires again."""
        state = self.consumers.get(name)
        if state is not None:
            state.paused, state.paused_reason, state.depth = False, None, 0
            self.version += 1
            self.news[name] = None

    def remove(self, name: str) -> None:
        """A consumer is gone, with all that waits for it; triggers that fired go on."""
        state = self.consumers.pop(name, None)
        if state is not None:
            self.interests.remove(name, state.definition.leaves)
            self.version += 1

    def tick(self, position: int, name: str, leaf: str | None) -> None:
        """A cron tick or a deadline came due."""
        state = self.consumers.get(name)
        if state is None or leaf not in {each.id for each in state.definition.leaves}:
            return
        if state.paused and state.definition.data.when_paused == "skip":
            return
        state.queues.tick(leaf, position)
        self._look(state, None, position)
        self.news[name] = None

    def materialized(self, position: int, aid: int, part: str | None, cause: str | None = None) -> None:
        """An asset has news."""
        interests = self.interests.found.get(aid)
        if interests is None:
            interests = self.interests.of(aid, self._keys(aid))
        if interests:
            self._queue(interests, position, aid, part, self.depth_of(cause))

    def overdue(self, position: int, aid: int, part: str | None) -> None:
        """An asset is no longer as fresh as it has to be."""
        self._queue(self.interests.of_overdue(self._keys(aid)), position, aid, part, 0)

    def describe(self, aid: int, name: str | None, group: str | None) -> None:
        """An asset's name or group became known."""
        self.interests.describe(aid, name, group)

    def resolve(self, aid: int, alias: str) -> None:
        """A run-time alias stands for an asset."""
        self.interests.resolve(aid, alias)

    def alias(self) -> None:
        """Two keys now name one asset."""
        self.interests.forget()

    def fire(self, position: int, trigger: str, data: TriggerFired) -> Accepted:
        """A firing: accepted if all that it consumes waits, void otherwise."""
        self.told_firings.append((data.consumer, trigger))
        state = self.consumers.get(data.consumer)
        if state is None:
            return Accepted("void", f"there is no consumer {data.consumer!r}")
        wanted = tuple(self._ranges(state, data))
        for one in wanted:
            if not state.queues.holds(data.partition, one):
                return Accepted("void", f"not all of it was queued any more: {self._told(one)}")
        accepted = Accepted("fired" if data.dropped is None else "cancelled", data.dropped, wanted)
        self.accept(position, trigger, data.consumer, data.partition, accepted, data.depth)
        return accepted

    def accept(
        self, position: int, trigger: str, name: str, partition: str | None, accepted: Accepted, depth: int
    ) -> None:
        """Take what an accepted firing consumes."""
        state = self.consumers.get(name)
        if state is None:
            return
        gone: dict[int, Source | None] = {}
        for one in accepted.ranges:
            gone.update(state.queues.take(partition, one))
        state.complete.discard(partition)
        if state.queues.count == 0:
            state.depth = 0
        elif state.definition.data.within is not None:
            self._look(state, partition, max(state.queues.lasts(partition).values(), default=0))
        self._note(name, partition)
        if accepted.act == "fired":
            state.active[trigger] = position
            state.last_trigger = trigger, position
            firing = Firing(trigger, state.definition, position, partition, accepted.ranges, depth)
            firing.events = tuple(sorted(gone.items())) if len(gone) <= MAX_LISTED else ()
            self.firings[trigger] = firing
            self.to_hand.append(firing)

    def told(self, act: str, trigger: str) -> None:
        """What became of a trigger."""
        firing = self.firings.get(trigger)
        if firing is None:
            return
        if act == "started":
            firing.state = "started"
        elif act in ENDING:
            self._end(firing)
            if act == "cancelled":
                self.to_withdraw.append(firing)

    def retry(self, position: int, trigger: str) -> None:
        """An ended trigger is to be tried once more."""
        firing = self.firings.get(trigger) or self._ended.pop(trigger, None) or self._past.firing(trigger)
        if firing is None:
            return
        firing.state, firing.asked = "fired", position
        self.to_hand.append(firing)
        self.firings[trigger] = firing
        state = self.consumers.get(firing.definition.name)
        if state is not None:
            state.active[trigger] = firing.position

    def adopt(self, states: Iterable[ConsumerState], firings: Iterable[Firing]) -> None:
        """Go on from what was kept."""
        self.firings = {firing.id: firing for firing in firings}
        for state in states:
            name = state.definition.name
            self.consumers[name] = state
            self.interests.add(name, state.definition.leaves)
        for firing in self.firings.values():
            owner = self.consumers.get(firing.definition.name)
            if owner is not None:
                owner.active[firing.id] = firing.position
        self._learn_facts()
        self.news.update(dict.fromkeys(self.consumers))

    def depth_of(self, cause: str | None) -> int:
        """How many triggers led to an event that names the trigger which caused it."""
        if cause is None:
            return 0
        firing = self.firings.get(cause)
        firing = firing or self._ended.get(cause)
        return 0 if firing is None else firing.depth

    def queued(self, name: str) -> Iterator[tuple[int, int, str | None]]:
        """What waits for a consumer, in order: position, the asset's number, its partition."""
        for position, (aid, part) in self.consumers[name].queues.all():
            yield position, aid, part

    def events_of(self, ranges: Iterable[Range]) -> list[tuple[int, Source | None]]:
        """What a trigger consumed, in order, from the projection."""
        found: list[tuple[int, Source | None]] = []
        for one in ranges:
            if one.aid is None:
                found.append((one.up_to, None))
            else:
                source: Source = (one.aid, one.part)
                positions = [one.up_to] if one.events == 1 else self._past.positions(one)
                found += [(position, source) for position in positions]
        return sorted(found)

    def readers(self, aid: int) -> list[str]:
        """The consumers whose conditions name an asset by key."""
        return self.interests.readers(self._keys(aid))

    def _learn_facts(self) -> None:
        """What assets are called: nobody has to know before somebody waits for a group or a name."""
        if self._knows_facts:
            return
        self._knows_facts = True
        for aid, name, group in self._past.facts():
            self.interests.describe_before(aid, name, group)
        for aid, alias in self._past.resolved():
            self.interests.resolve(aid, alias)

    def _backfill(self, state: ConsumerState, after: int, fresh: set[str]) -> None:
        """Queue what came before the declaration, by what assets are called now."""
        for position, aid, part in self._past.materializations(after, state.definition.registered):
            for consumer, leaf in self.interests.of(aid, self._keys(aid)):
                if consumer == state.definition.name and leaf in fresh:
                    self._wait(state, leaf, position, aid, part)
        state.queues.recount()

    def _queue(
        self, interests: Iterable[tuple[str, str]], position: int, aid: int, part: str | None, depth: int
    ) -> None:
        for name, leaf in interests:
            state = self.consumers[name]
            if state.paused and state.definition.data.when_paused == "skip":
                continue
            self._wait(state, leaf, position, aid, part)
            state.depth = max(state.depth, depth)

    def _wait(self, state: ConsumerState, leaf: str, position: int, aid: int, part: str | None) -> None:
        target = None if part is None else state.definition.mapper(leaf).target(part)
        state.queues.add(target, leaf, (aid, part), position)
        self._note(state.definition.name, target)
        if state.definition.data.within is not None:
            self._look(state, target, position)

    def _note(self, name: str, partition: str | None) -> None:
        partitions = self.news.setdefault(name, set())
        if partitions is not None:
            partitions.add(partition)

    def _look(self, state: ConsumerState, partition: str | None, now: int) -> None:
        """Whether all that is needed has come within the window that ends at a position."""
        window = state.definition.data.within
        if window is None:
            return
        begin = milliseconds(now) - window * 1000
        firsts, ready = state.ready(partition)
        lasts = state.queues.lasts(partition)
        recent = {leaf for leaf in ready if milliseconds(lasts[leaf]) >= begin}
        if taken(state.definition.condition, firsts, recent) is not None:
            state.complete.add(partition)

    def _ranges(self, state: ConsumerState, data: TriggerFired) -> Iterator[Range]:
        for part in data.consumed:
            aid = self.known.aids.get(canonical_key(part.key), -1)
            yield Range(aid, part.partition, parse_position(part.after), parse_position(part.up_to), part.count)
        positions = list(map(parse_position, data.positions))
        ticks = set(state.queues.ticks.values())
        waiting: Chosen = {position: None for position in positions if position in ticks}
        if len(waiting) < len(positions):
            waiting |= state.queues.waiting(data.partition, (leaf.id for leaf in state.definition.leaves))
        for position in positions:
            yield single(position, waiting.get(position, NOWHERE))

    def _told(self, one: Range) -> str:
        asset = "a tick" if one.aid is None else self.known.keys[one.aid] if one.aid >= 0 else "what is asked for"
        return f"{one.events} of {asset}" if one.events > 1 else asset

    def _end(self, firing: Firing) -> None:
        del self.firings[firing.id]
        self._ended[firing.id] = firing
        while len(self._ended) > MOST_REMEMBERED:
            self._ended.popitem(last=False)
        state = self.consumers.get(firing.definition.name)
        if state is not None:
            state.active.pop(firing.id, None)
            self.news[firing.definition.name] = None

    def _keys(self, aid: int) -> list[str]:
        """The keys that name an asset: its own, and those that name the same thing."""
        known = self.known
        if not known.roots:
            return [known.keys[aid]]
        return [known.keys[member] for member in known.members(known.root(aid))]


def _redeclare(state: ConsumerState, definition: Definition) -> set[str]:
    """Put a declaration in the place of another one; returns the leaves that are new."""
    before = {leaf.id: state.definition.mapper(leaf.id) for leaf in state.definition.leaves}
    after = {leaf.id: definition.mapper(leaf.id) for leaf in definition.leaves}
    lost = [leaf for leaf, mapper in before.items() if after.get(leaf) != mapper]
    fresh = {leaf for leaf, mapper in after.items() if before.get(leaf) != mapper}
    waiting = {at for at, _ in state.queues.all()} if lost else set()
    for leaf in lost:
        state.queues.drop_leaf(leaf)
    state.released = tuple(sorted(waiting - {at for at, _ in state.queues.all()}))
    state.exact = definition.exact and state.exact and not fresh and not lost
    state.definition = definition
    state.complete.clear()
    return fresh
