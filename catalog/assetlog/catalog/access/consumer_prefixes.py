"""What a token with a key prefix sees and writes of consumers: those that name assets below it, and nothing else."""

from __future__ import annotations

from collections.abc import Iterator

from assetlog.consumers.schedule.definition import Definition
from assetlog.schemas.conditions import AssetLeaf, KeyPattern, Leaf, Manual, Stale
from assetlog.schemas.conditions.patterns import literal_prefix
from assetlog.schemas.errors import Forbidden


def covers(prefixes: tuple[str, ...], definition: Definition) -> bool:
    """Whether all that a consumer waits for, reads and makes lies below the prefixes; no prefix covers everything.

    Names, groups and aliases may stand for any asset, and so lie outside.
    """
    if not prefixes:
        return True
    named = list(_named(definition))
    return bool(named) and all(key is not None and key.startswith(prefixes) for _, key in named)


def refuse_outside(prefixes: tuple[str, ...], definition: Definition) -> None:
    """Refuse a consumer that is not covered.

    Raises:
        Forbidden: `outside-prefix`, with the field that names what lies outside.
    """
    if covers(prefixes, definition):
        return
    outside = ((field, key) for field, key in _named(definition) if key is None or not key.startswith(prefixes))
    field, key = next(outside, ("condition", None))
    allowed = ", ".join(f"{prefix}*" for prefix in prefixes)
    raise Forbidden(
        "This token may not schedule that.",
        code="outside-prefix",
        field=field,
        value=key,
        rule=f"the consumer names assets below {allowed} by their keys, at least one, and no others",
        hint="Use a token without a prefix, or with another one.",
    )


def _named(definition: Definition) -> Iterator[tuple[str, str | None]]:
    """Each field that names assets, with the key, or how all keys begin; None where they may be any."""
    for leaf in definition.leaves:
        if not leaf.timed and not isinstance(leaf, Manual):
            yield "condition", _beginning(leaf)
    for field in ("outlets", "inlets"):
        for place, key in enumerate(getattr(definition.data, field)):
            yield f"{field}[{place}]", key


def _beginning(leaf: Leaf) -> str | None:
    if isinstance(leaf, AssetLeaf | Stale):
        return leaf.key
    return literal_prefix(leaf.pattern) if isinstance(leaf, KeyPattern) else None
