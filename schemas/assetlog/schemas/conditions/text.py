"""A condition in words: `orders & (customers | regions)`."""

from __future__ import annotations

import re

from assetlog.schemas.conditions.leaves import AssetRef, KeyPattern, Manual, Stale
from assetlog.schemas.conditions.schedule import Cron, Deadline
from assetlog.schemas.conditions.tree import AllOf, AnyOf, AssetLeaf, Condition, Leaf

_NEEDS_QUOTES = re.compile(r'[\s&|()",]')


def condition_text(condition: Condition) -> str:
    """A condition as people read it; an asset by its name where it has one.

    >>> from assetlog.schemas.asset import Asset
    >>> orders, customers = Asset("s3://lake/orders", name="orders"), Asset("s3://lake/customers", name="customers")
    >>> condition_text(orders & (customers | Asset("s3://lake/regions")))
    'orders & (customers | s3://lake/regions)'
    """
    if isinstance(condition, AllOf):
        return " & ".join(map(_operand, condition.conditions))
    if isinstance(condition, AnyOf):
        return " | ".join(map(_operand, condition.conditions))
    assert isinstance(condition, Leaf)
    return leaf_text(condition)


def leaf_text(leaf: Leaf) -> str:
    """A leaf as people read it."""
    if isinstance(leaf, AssetLeaf):
        return _quoted(leaf.name or leaf.key)
    if isinstance(leaf, AssetRef | KeyPattern):
        return _quoted(leaf.target)
    if isinstance(leaf, Manual):
        return leaf.target
    if isinstance(leaf, Cron | Deadline):
        return f"{leaf.kind}({leaf.target})"
    label = leaf.name if isinstance(leaf, Stale) else None
    return f"{leaf.kind}({_quoted(label or leaf.target)})"


def _operand(condition: Condition) -> str:
    text = condition_text(condition)
    return text if isinstance(condition, Leaf) else f"({text})"


def _quoted(text: str) -> str:
    return '"' + text.replace('"', '\\"') + '"' if _NEEDS_QUOTES.search(text) else text
