"""The one `Asset` of producers and consumers: a key, and what is known about it."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from contextvars import ContextVar
from typing import TYPE_CHECKING, Any, NoReturn

import msgspec
from msgspec import UNSET, Struct, UnsetType

from assetlog.schemas.errors import Invalid
from assetlog.schemas.events.common import Column, Freshness
from assetlog.schemas.freshness import MaxAgeOrCron, freshness_policy
from assetlog.schemas.keys import canonical_key

if TYPE_CHECKING:
    from assetlog.schemas.conditions.leaves import AssetRef, KeyPattern
    from assetlog.schemas.conditions.tree import Condition

metadata_sink: ContextVar[Callable[[str, Mapping[str, Any]], None] | None] = ContextVar("metadata_sink", default=None)
"""Where `Asset.add_metadata` brings metadata; `@materialize` sets it while its function runs."""

NAME_SCHEME = "asset://"
"""The scheme of an asset that is declared by its name alone."""


class AssetProperties(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What is known about an asset. A field that is left out keeps what the catalog knew before."""

    name: str | None = None
    description: str | None = None
    """Markdown."""
    url: str | None = None
    """Where people look at it."""
    owners: tuple[str, ...] | list[str] | None = None
    group: str | None = None
    kind: str | None = None
    """What sort of thing it is: table, file, model, dashboard, topic, ..."""
    tags: dict[str, str] | None = None
    columns: tuple[Column, ...] | None = None
    extra: dict[str, Any] | UnsetType = UNSET
    """Any JSON object."""
    freshness: Freshness | MaxAgeOrCron | None = None
    """How fresh it has to be: the longest time between two materializations (`timedelta`, or seconds), or a cron
    expression; becomes a `Freshness`."""

    def __post_init__(self) -> None:
        if self.freshness is not None:
            msgspec.structs.force_setattr(self, "freshness", freshness_policy(self.freshness))

    def known(self) -> dict[str, Any]:
        """The fields that say something."""
        return {
            field: value
            for field in self.__struct_fields__
            if (value := getattr(self, field)) is not None and value is not UNSET
        }


class Asset:
    """A logical piece of data.

    The first argument is the key if it has ``://``, else the name; a name alone gives the key ``asset://<name>``.
    `key` and `uri` are synonyms. Two assets are equal if their canonical keys are.

    Raises:
        Invalid: there is no key and no name, two different keys, a key that breaks the key rule, or a freshness policy
            that nobody can keep.

    >>> Asset("S3://lake/orders/").key
    's3://lake/orders'
    >>> Asset("daily report") == Asset(name="daily report", owners=["ada"])
    True
    """

    __slots__ = ("key", "properties")
    key: str
    """The canonical key."""
    properties: AssetProperties

    def __init__(
        self,
        key_or_name: str | None = None,
        uri: str | None = None,
        *,
        key: str | None = None,
        name: str | None = None,
        properties: AssetProperties | None = None,
        description: str | None = None,
        url: str | None = None,
        owners: Iterable[str] | None = None,
        group: str | None = None,
        kind: str | None = None,
        tags: Mapping[str, str] | None = None,
        columns: Iterable[Column | str] | None = None,
        extra: Mapping[str, Any] | None = None,
        freshness: Freshness | MaxAgeOrCron | None = None,
    ) -> None:
        first_is_key = key_or_name is not None and "://" in key_or_name
        name = name or (None if first_is_key else key_or_name)
        found = _one_key([key_or_name if first_is_key else None, uri, key])
        given = {
            "name": name,
            "description": description,
            "url": url,
            "owners": None if owners is None else tuple(owners),
            "group": group,
            "kind": kind,
            "tags": None if tags is None else dict(tags),
            "columns": None if columns is None else tuple(map(_column, columns)),
            "extra": None if extra is None else dict(extra),
            "freshness": freshness,
        }
        known = {field: value for field, value in given.items() if value is not None}
        object.__setattr__(self, "key", _key_of_name(name) if found is None else found)
        object.__setattr__(self, "properties", msgspec.structs.replace(properties or AssetProperties(), **known))

    @property
    def uri(self) -> str:
        """The key, by Airflow's name for it."""
        return self.key

    @property
    def name(self) -> str | None:
        """What people call it."""
        return self.properties.name

    def add_metadata(self, metadata: Mapping[str, Any]) -> None:
        """Add facts to this asset's materialization, from inside its `@materialize` function.

        Raises:
            RuntimeError: no `@materialize` function runs here.
            ValueError: the one that runs does not materialize this asset.
        """
        sink = metadata_sink.get()
        if sink is None:
            raise RuntimeError("Asset metadata can only be added while a @materialize function runs")
        sink(self.key, metadata)

    @staticmethod
    def matching(pattern: str) -> KeyPattern:
        """The condition that any asset whose key matches has news, e.g. ``Asset.matching("s3://raw/*")``."""
        from assetlog.schemas.conditions.leaves import matching

        return matching(pattern)

    @staticmethod
    def ref(*, name: str | None = None, uri: str | None = None) -> AssetRef | Asset:
        """An asset named by what it is called, looked up when an event comes; by its URI it is the asset itself."""
        from assetlog.schemas.conditions.leaves import AssetRef

        if name is not None and uri is None:
            return AssetRef(name)
        return Asset(uri=uri, name=name)

    def __and__(self, other: Condition | Asset) -> Condition:
        from assetlog.schemas.conditions.tree import as_node

        return as_node(self) & other

    def __or__(self, other: Condition | Asset) -> Condition:
        from assetlog.schemas.conditions.tree import as_node

        return as_node(self) | other

    def __bool__(self) -> NoReturn:
        from assetlog.schemas.conditions.tree import NOT_A_TRUTH

        raise TypeError(NOT_A_TRUTH)

    def __eq__(self, other: object) -> bool:
        return self.key == other.key if isinstance(other, Asset) else NotImplemented

    def __hash__(self) -> int:
        return hash(self.key)

    def __repr__(self) -> str:
        return f"Asset({self.key!r})"

    def __setattr__(self, name: str, value: object) -> None:
        raise AttributeError(f"An Asset is frozen; make another one instead of setting {name}")

    def __delattr__(self, name: str) -> None:
        raise AttributeError(f"An Asset is frozen; {name} can't be deleted")

    def __reduce__(self) -> tuple[Any, ...]:
        return _restored, (self.key, self.properties)


def _restored(key: str, properties: AssetProperties) -> Asset:
    return Asset(key=key, properties=properties)


def asset_key(asset: Asset | str) -> str:
    """The canonical key of an asset, or of a text that is a key.

    >>> asset_key("S3://a"), asset_key(Asset(name="b"))
    ('s3://a', 'asset://b')
    """
    return asset.key if isinstance(asset, Asset) else canonical_key(asset)


def _one_key(given: list[str | None]) -> str | None:
    keys = sorted({canonical_key(key) for key in given if key is not None})
    if len(keys) > 1:
        raise Invalid(
            f"The asset has {len(keys)} different keys: {', '.join(keys)}.",
            code="invalid-key",
            field="key",
            value=keys[1],
            rule="an asset has one key",
            hint="Give key= or uri=, not both.",
        )
    return keys[0] if keys else None


def _key_of_name(name: str | None) -> str:
    key = f"{NAME_SCHEME}{name or ''}"
    if not name or canonical_key(key) != key:
        raise Invalid(
            f"{name!r} names no asset by itself.",
            code="invalid-key",
            field="name",
            value=name,
            rule="an asset has a key, or a name without # and ? that does not end in /",
            hint='Give it a key: Asset("s3://bucket/path").',
        )
    return key


def _column(column: Column | str) -> Column:
    return Column(name=column) if isinstance(column, str) else column
