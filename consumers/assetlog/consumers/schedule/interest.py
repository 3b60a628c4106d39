"""From an asset to the leaves that wait for its events, without asking every consumer.

What matches by key, name, group or alias is found in dictionaries; of patterns only those are tried whose beginning
the key has. The answer for an asset is kept until something changes it.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from typing import NamedTuple

from assetlog.schemas.asset import NAME_SCHEME
from assetlog.schemas.conditions import AssetAlias, AssetLeaf, AssetRef, Group, KeyPattern, Leaf, Stale
from assetlog.schemas.conditions.patterns import literal_prefix, matcher


class Interest(NamedTuple):
    """A leaf of a consumer."""

    consumer: str
    leaf: str


class Facts(NamedTuple):
    """What an asset is called, beside its keys."""

    name: str | None = None
    group: str | None = None


class Interests:
    """All leaves of all consumers, by what they wait for."""

    def __init__(self) -> None:
        self._named: defaultdict[tuple[str, str], dict[Interest, None]] = defaultdict(dict)
        """(kind of leaf, what it names) -> the leaves."""
        self._patterns: defaultdict[str, dict[Interest, str]] = defaultdict(dict)
        """The pattern's beginning -> the leaves, each with its pattern."""
        self.found: dict[int, tuple[Interest, ...]] = {}
        """What was asked before and still holds, by the asset's number."""
        self._facts: dict[int, Facts] = {}
        self._aliases: defaultdict[int, set[str]] = defaultdict(set)

    def __bool__(self) -> bool:
        return bool(self._named or self._patterns)

    def add(self, consumer: str, leaves: Iterable[Leaf]) -> None:
        """A consumer waits on these leaves."""
        for leaf in leaves:
            interest = Interest(consumer, leaf.id)
            if isinstance(leaf, KeyPattern):
                self._patterns[literal_prefix(leaf.pattern)][interest] = leaf.pattern
            elif isinstance(leaf, AssetLeaf | Stale | AssetRef | AssetAlias | Group):
                self._named[leaf.kind, leaf.target][interest] = None
        self.found.clear()

    def remove(self, consumer: str, leaves: Iterable[Leaf]) -> None:
        """A consumer no longer waits on these leaves."""
        for leaf in leaves:
            interest = Interest(consumer, leaf.id)
            if isinstance(leaf, KeyPattern):
                _discard(self._patterns, literal_prefix(leaf.pattern), interest)
            else:
                _discard(self._named, (leaf.kind, leaf.target), interest)
        self.found.clear()

    def describe(self, aid: int, name: str | None, group: str | None) -> None:
        """An asset's name or group became known; None keeps what was known."""
        before = self._facts.get(aid, Facts())
        after = Facts(name or before.name, group or before.group)
        if after != before:
            self._facts[aid] = after
            self.found.pop(aid, None)

    def describe_before(self, aid: int, name: str | None, group: str | None) -> None:
        """An asset's name and group as they were before what is known."""
        after = self._facts.get(aid, Facts())
        self._facts[aid] = Facts(after.name or name, after.group or group)

    def resolve(self, aid: int, alias: str) -> None:
        """A run-time alias stands for an asset, for good."""
        if alias not in self._aliases[aid]:
            self._aliases[aid].add(alias)
            self.found.pop(aid, None)

    def forget(self) -> None:
        """Keys now name other assets."""
        self.found.clear()

    def of(self, aid: int, keys: Iterable[str]) -> tuple[Interest, ...]:
        """The leaves that wait for the materializations of an asset, known by these keys."""
        found = self.found.get(aid)
        if found is None:
            found = self.found[aid] = tuple(self._search(aid, keys))
        return found

    def of_overdue(self, keys: Iterable[str]) -> tuple[Interest, ...]:
        """The leaves that wait for an asset to be overdue."""
        return tuple(interest for key in keys for interest in self._named.get(("stale", key), ()))

    def watched_keys(self) -> list[str]:
        """The keys that leaves name."""
        return [target for kind, target in self._named if kind in {"asset", "stale"}]

    @property
    def only_keys(self) -> bool:
        """Whether every leaf names a key."""
        return not self._patterns and all(kind in {"asset", "stale"} for kind, _ in self._named)

    def readers(self, keys: Iterable[str]) -> list[str]:
        """The consumers that name an asset by one of its keys."""
        named = (self._named.get((kind, key), ()) for key in keys for kind in ("asset", "stale"))
        return sorted({interest.consumer for interests in named for interest in interests})

    def _search(self, aid: int, keys: Iterable[str]) -> dict[Interest, None]:
        found: dict[Interest, None] = {}
        for key in keys:
            found.update(self._named.get(("asset", key), {}))
            found.update(self._matching(key))
            if key.startswith(NAME_SCHEME):
                found.update(self._named.get(("asset_ref", key.removeprefix(NAME_SCHEME)), {}))
        facts = self._facts.get(aid, Facts())
        if facts.name is not None:
            found.update(self._named.get(("asset_ref", facts.name), {}))
        if facts.group is not None:
            found.update(self._named.get(("group", facts.group), {}))
        for alias in self._aliases.get(aid, ()):
            found.update(self._named.get(("alias", alias), {}))
        return found

    def _matching(self, key: str) -> dict[Interest, None]:
        if not self._patterns:
            return {}
        starts = (key[:length] for length in range(len(key) + 1))
        known = (self._patterns[start] for start in starts if start in self._patterns)
        return {
            interest: None
            for patterns in known
            for interest, pattern in patterns.items()
            if matcher(pattern).matches(key)
        }


def _discard(table: defaultdict, name: object, interest: Interest) -> None:  # type: ignore[type-arg]
    table[name].pop(interest, None)
    if not table[name]:
        del table[name]
