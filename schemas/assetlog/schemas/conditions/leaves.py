"""Leaves other than an asset's key: assets by name, alias, pattern and group, stale ones, and a person's hand."""

from __future__ import annotations

from typing import ClassVar

from assetlog.schemas.asset import Asset, asset_key
from assetlog.schemas.conditions.patterns import canonical_pattern
from assetlog.schemas.conditions.tree import Leaf, without_none
from assetlog.schemas.errors import Invalid

MAX_NAME_LENGTH = 1500


class AssetRef(Leaf, frozen=True, eq=False):
    """News of the asset that bears this name when the event comes (Airflow's `Asset.ref(name=...)`)."""

    kind: ClassVar[str] = "asset_ref"
    name: str

    def __post_init__(self) -> None:
        check_name(self.name, "asset_ref.name")

    @property
    def target(self) -> str:
        """The asset's name."""
        return self.name

    @property
    def body(self) -> dict[str, str]:
        """Its JSON."""
        return {"name": self.name}


class AssetAlias(Leaf, frozen=True, eq=False):
    """News of any asset that a run said this alias stands for. The group is a label.

    >>> AssetAlias("daily").id
    'alias:daily'
    """

    kind: ClassVar[str] = "alias"
    name: str
    group: str = ""

    def __post_init__(self) -> None:
        check_name(self.name, "alias.name")
        if self.group:
            check_name(self.group, "alias.group")

    @property
    def target(self) -> str:
        """The alias's name."""
        return self.name

    @property
    def body(self) -> dict[str, str]:
        """Its JSON."""
        return {"name": self.name, "group": self.group}


class KeyPattern(Leaf, frozen=True, eq=False):
    """News of any asset whose key matches. Make one with `Asset.matching` or `matching`, which check it."""

    kind: ClassVar[str] = "pattern"
    pattern: str

    @property
    def target(self) -> str:
        """The pattern."""
        return self.pattern


class Group(Leaf, frozen=True, eq=False):
    """News of any asset that is in this group when the event comes."""

    kind: ClassVar[str] = "group"
    name: str

    def __post_init__(self) -> None:
        check_name(self.name, "group")

    @property
    def target(self) -> str:
        """The group's name."""
        return self.name


class Stale(Leaf, frozen=True, eq=False):
    """The asset's freshness policy is breached: each `asset.overdue` event is news. The name is a label."""

    kind: ClassVar[str] = "stale"
    key: str
    name: str | None = None

    @property
    def target(self) -> str:
        """The asset's canonical key."""
        return self.key

    @property
    def body(self) -> dict[str, str]:
        """Its JSON."""
        return without_none(uri=self.key, name=self.name)


class Manual(Leaf, frozen=True, eq=False):
    """Nothing that happens: the consumer runs when a person or a program asks for it, and only then.

    >>> Manual().id
    'manual:by hand'
    """

    kind: ClassVar[str] = "manual"

    @property
    def target(self) -> str:
        """What it waits for."""
        return "by hand"

    @property
    def body(self) -> bool:
        """Its JSON."""
        return True


def matching(pattern: str) -> KeyPattern:
    """News of any asset whose key matches: ``*`` is any text without ``/``, ``**`` any text, ``?`` one character.

    Raises:
        Invalid: there is no wildcard, or no key can match.

    >>> matching("S3://raw/*").id
    'pattern:s3://raw/*'
    """
    return KeyPattern(canonical_pattern(pattern))


def group(name: str) -> Group:
    """News of any asset of a group."""
    return Group(name)


def stale(asset: Asset | str) -> Stale:
    """The asset, or the one with this key, is no longer as fresh as its policy demands."""
    return Stale(asset_key(asset), asset.name if isinstance(asset, Asset) else None)


def check_name(name: object, field: str) -> None:
    """Refuse a name that is not 1 to 1,500 characters of text, or only white space."""
    if isinstance(name, str) and name.strip() and len(name) <= MAX_NAME_LENGTH:
        return
    raise Invalid(
        f"{field} names nothing: {name!r:.80}.",
        code="invalid-condition",
        field=field,
        value=name,
        rule=f"a name has 1 to {MAX_NAME_LENGTH:,} characters, not only white space",
        hint='Write a name such as "sales".',
    )
