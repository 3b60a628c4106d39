"""Which consumers name an asset by its key, as of any position: who waits for it or reads it, and who makes it.

Append-only, like all that is known: each time that a consumer begins or ceases to name a key.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable

import duckdb
import msgspec

from assetlog.schemas.conditions import AssetLeaf, Condition, Stale, decode_condition, leaves
from assetlog.schemas.events.consumer import ConsumerRegistered
from assetlog.schemas.keys import canonical_key

Named = frozenset[tuple[str, str]]
"""Keys that a consumer names, each with its role: `reads` or `makes`."""


class Scheduled:
    """The consumers of each key, and since when."""

    def __init__(self) -> None:
        self._changes: defaultdict[tuple[str, str], list[tuple[int, str, bool]]] = defaultdict(list)
        """(role, key) -> position, consumer, whether it names the key from there on."""
        self._named: dict[str, Named] = {}

    def load(self, connection: duckdb.DuckDBPyConnection) -> None:
        """Take in what a projection tells."""
        rows = connection.execute(
            "select pos, act, name, data from consumers where act in ('registered', 'removed') order by pos"
        )
        for position, act, name, data in rows.fetchall():
            if act == "removed":
                self.names(position, name, frozenset())
            else:
                declared = _decoder.decode(data)
                self.names(position, name, named_by(decode_condition(declared.condition), declared))

    def names(self, position: int, consumer: str, named: Named) -> None:
        """From a position on, a consumer names these keys and no others."""
        before = self._named.get(consumer, frozenset())
        for role_and_key in named - before:
            self._changes[role_and_key].append((position, consumer, True))
        for role_and_key in before - named:
            self._changes[role_and_key].append((position, consumer, False))
        self._named[consumer] = named

    def consumers(self, role: str, keys: Iterable[str], position: int) -> set[str]:
        """The consumers that name one of these keys as of a position."""
        found: set[str] = set()
        if not self._named:
            return found
        for key in keys:
            changes = self._changes.get((role, key), ())
            now = {consumer: names for at, consumer, names in changes if at <= position}  # the last one counts
            found.update(consumer for consumer, names in now.items() if names)
        return found


def named_by(condition: Condition, declared: ConsumerRegistered) -> Named:
    """The keys that a consumer names."""
    waits = {leaf.key for leaf in leaves(condition) if isinstance(leaf, AssetLeaf | Stale)}
    reads = {("reads", key) for key in (*waits, *map(canonical_key, declared.inlets))}
    return frozenset(reads | {("makes", canonical_key(key)) for key in declared.outlets})


_decoder = msgspec.json.Decoder(ConsumerRegistered)
