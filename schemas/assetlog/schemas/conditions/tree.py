"""Conditions: small immutable trees that say when a consumer runs. Here are their form, `&` and `|`.

A leaf names what news is waited for; `AllOf` and `AnyOf` join. A tree is flat: no `AllOf` stands directly in an
`AllOf`, no `AnyOf` in an `AnyOf`, nothing stands twice beside itself. Build trees with `&`, `|`, `all_of` and `any_of`.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import ClassVar, NoReturn

from msgspec import Struct

from assetlog.schemas.asset import Asset
from assetlog.schemas.errors import Invalid

MAX_LEAVES = 1_000
MAX_DEPTH = 14
"""How many `AllOf` and `AnyOf` stand in each other at most: more has no room in an event, whose JSON is 32 deep."""

NOT_A_TRUTH = (
    "A condition is neither true nor false before there is news. "
    "Write & for and, | for or; to ask whether there is one at all, write `is not None`."
)


class Condition(Struct, frozen=True):
    """What a consumer waits for: a leaf, or conditions joined by `&` and `|`."""

    def __and__(self, other: Condition | Asset) -> Condition:
        return all_of(self, other) if _joins(other) else NotImplemented

    def __or__(self, other: Condition | Asset) -> Condition:
        return any_of(self, other) if _joins(other) else NotImplemented

    def __bool__(self) -> NoReturn:
        raise TypeError(NOT_A_TRUTH)


class Leaf(Condition, frozen=True, eq=False):
    """A condition that names what it waits for. Two leaves are equal if their ids are."""

    kind: ClassVar[str]
    """The leaf's name in JSON."""
    timed: ClassVar[bool] = False
    """Whether the clock brings its news: then it has no partition."""

    @property
    def id(self) -> str:
        """What names the leaf for ever: its kind and its target, e.g. ``asset:s3://lake/orders``."""
        return f"{self.kind}:{self.target}"

    @property
    def target(self) -> str:
        """What the leaf waits for."""
        raise AssertionError(f"{type(self).__name__} names no target")

    @property
    def body(self) -> str | bool | dict[str, str]:
        """What stands under its kind in JSON."""
        return self.target

    def __eq__(self, other: object) -> bool:
        return self.id == other.id if isinstance(other, Leaf) else NotImplemented

    def __hash__(self) -> int:
        return hash(self.id)


class AssetLeaf(Leaf, frozen=True, eq=False):
    """News of the asset with this key. Name and group are labels, by which it is not told from others."""

    kind: ClassVar[str] = "asset"
    key: str
    name: str | None = None
    group: str | None = None

    @property
    def target(self) -> str:
        """The asset's canonical key."""
        return self.key

    @property
    def body(self) -> dict[str, str]:
        """Its JSON, as Airflow writes it."""
        return without_none(uri=self.key, name=self.name, group=self.group)


class AllOf(Condition, frozen=True):
    """True when every one of its conditions is."""

    kind: ClassVar[str] = "all"
    conditions: tuple[Condition, ...]


class AnyOf(Condition, frozen=True):
    """True when at least one of its conditions is."""

    kind: ClassVar[str] = "any"
    conditions: tuple[Condition, ...]


def all_of(*conditions: Condition | Asset) -> Condition:
    """The condition that every one of these is true.

    Raises:
        Invalid: there is none, over 1,000 leaves, or over 14 `all` and `any` in each other.

    >>> all_of(Asset("s3://a"), Asset("s3://b"), Asset("s3://a")) == Asset("s3://a") & Asset("s3://b")
    True
    """
    return _joined(AllOf, conditions)


def any_of(*conditions: Condition | Asset) -> Condition:
    """The condition that at least one of these is true.

    Raises:
        Invalid: there is none, over 1,000 leaves, or over 14 `all` and `any` in each other.
    """
    return _joined(AnyOf, conditions)


def as_node(value: object) -> Condition:
    """An asset as the leaf that waits for its news; a condition unchanged.

    Raises:
        Invalid: it is neither.
    """
    if isinstance(value, Condition):
        return value
    if isinstance(value, Asset):
        return AssetLeaf(value.key, value.name, value.properties.group)
    raise Invalid(
        f"{value!r:.80} is not a condition.",
        code="invalid-condition",
        field="condition",
        value=value,
        rule="a condition joins assets and other leaves with & and |",
        hint='Write Asset("s3://lake/orders") & Asset("s3://lake/users").',
    )


def all_leaves(condition: Condition) -> Iterator[Leaf]:
    """The leaves of a condition from left to right, each as often as it stands there."""
    if isinstance(condition, AllOf | AnyOf):
        for part in condition.conditions:
            yield from all_leaves(part)
    elif isinstance(condition, Leaf):
        yield condition


def leaves(condition: Condition) -> tuple[Leaf, ...]:
    """The different leaves of a condition, in the order of their first place.

    >>> [leaf.id for leaf in leaves(Asset("s3://a") & (Asset("s3://b") | Asset("s3://a")))]
    ['asset:s3://a', 'asset:s3://b']
    """
    return tuple(dict.fromkeys(all_leaves(condition)))


def depth(condition: Condition) -> int:
    """How many `AllOf` and `AnyOf` stand in each other; 0 for a leaf."""
    return 1 + max(map(depth, condition.conditions)) if isinstance(condition, AllOf | AnyOf) else 0


def without_none(**labels: str | None) -> dict[str, str]:
    """Those of the labels that say something."""
    return {name: value for name, value in labels.items() if value is not None}


def _joins(operand: object) -> bool:
    return isinstance(operand, Condition | Asset)


def _joined(join: type[AllOf | AnyOf], conditions: Iterable[Condition | Asset]) -> Condition:
    parts = tuple(dict.fromkeys(_flat(join, conditions)))
    if not parts:
        raise _out_of_bounds(f"{join.kind} joins nothing", f"{join.kind} joins one condition or more", "Name an asset.")
    joined = parts[0] if len(parts) == 1 else join(parts)
    check_bounds(joined)
    return joined


def _flat(join: type[AllOf | AnyOf], conditions: Iterable[Condition | Asset]) -> Iterator[Condition]:
    for node in map(as_node, conditions):
        if isinstance(node, join):
            yield from node.conditions
        else:
            yield node


def check_bounds(condition: Condition) -> None:
    """Refuse a condition that is too large to be stored and explained."""
    if depth(condition) > MAX_DEPTH:
        rule = f"at most {MAX_DEPTH} all and any stand in each other"
        raise _out_of_bounds("The condition is nested too deep", rule, "Join some of it beforehand.")
    count = sum(1 for _ in all_leaves(condition))
    if count > MAX_LEAVES:
        rule = f"a condition has at most {MAX_LEAVES:,} leaves; this one has {count:,}"
        raise _out_of_bounds("The condition is too large", rule, "Wait for a pattern or a group instead.")


def _out_of_bounds(what: str, rule: str, hint: str) -> Invalid:
    return Invalid(f"{what}: {rule}.", code="invalid-condition", field="condition", rule=rule, hint=hint)
