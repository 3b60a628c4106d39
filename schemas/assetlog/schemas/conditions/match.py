"""Which assets a leaf speaks of. Which of their events are news is the scheduler's affair."""

from __future__ import annotations

from msgspec import Struct

from assetlog.schemas.conditions.leaves import AssetAlias, AssetRef, Group, KeyPattern, Stale
from assetlog.schemas.conditions.patterns import matcher
from assetlog.schemas.conditions.tree import AssetLeaf, Leaf


class Subject(Struct, frozen=True, kw_only=True):
    """An asset as it stood when an event of it came."""

    key: str
    name: str | None = None
    group: str | None = None
    aliases: frozenset[str] = frozenset()
    """The aliases that stand for it."""


def speaks_of(leaf: Leaf, asset: Subject) -> bool:
    """Whether a leaf waits for this asset; a tick of the clock is of none.

    >>> from assetlog.schemas.conditions.leaves import group
    >>> speaks_of(group("sales"), Subject(key="s3://a", group="sales"))
    True
    """
    if isinstance(leaf, AssetLeaf | Stale):
        return leaf.key == asset.key
    if isinstance(leaf, KeyPattern):
        return matcher(leaf.pattern).matches(asset.key)
    if isinstance(leaf, AssetRef):
        return leaf.name == asset.name
    if isinstance(leaf, Group):
        return leaf.name == asset.group
    return isinstance(leaf, AssetAlias) and leaf.name in asset.aliases
