"""The tree of keys and the groups of assets: two ways to find one's way."""

from __future__ import annotations

from typing import Any

from assetlog.consumers.views.access import Access
from assetlog.consumers.views.paging import DEFAULT_LIMIT, check_limit, page, read_cursor
from assetlog.schemas.shapes import Group, Page, TreeNode


def tree(access: Access, prefix: str | None, at: int) -> list[TreeNode]:
    """The next steps under a prefix, by name: schemes where there is none, then path segments.

    Args:
        prefix: a node's `prefix`; a scheme or path without its last slash will do. What nothing is below is empty.
    """
    shown = shown_values(access, at)
    if not prefix:
        rows = access.rows("schemes", **shown)
        return [_node(f"{name}://", name, assets, key) for name, assets, key in rows]
    start = complete(prefix)
    rows = access.rows("tree", prefix=start, **shown)
    return [_node(f"{start}{name}/", name or "/", assets, key) for name, assets, key in rows]


def groups(access: Access, at: int, *, limit: int = DEFAULT_LIMIT, cursor: str | None = None) -> Page[Group]:
    """Groups by name, each with the number of its assets."""
    after = read_cursor(cursor, str) or ""
    s = access.snapshot_before(at)
    rows = access.rows("groups", p=at, s=s, aids=None, after=after, limit=check_limit(limit) + 1)
    return page(rows, limit, at, lambda row: row[0], lambda shown: [Group(name=row[0], assets=row[1]) for row in shown])


def shown_values(access: Access, at: int) -> dict[str, Any]:
    """The parameters of views on shown_keys."""
    values = {"p": at, "s": access.snapshot_before(at)}
    return {**values, "aids": [aid for (aid,) in access.rows("retired_members", **values)]}


def complete(prefix: str) -> str:
    """A prefix up to its slash, its scheme as keys have it.

    >>> complete("S3"), complete("s3://lake")
    ('s3://', 's3://lake/')
    """
    scheme, separator, rest = prefix.partition("://")
    start = f"{scheme.lower()}://{rest}"
    return start if not separator or start.endswith("/") else f"{start}/"


def _node(prefix: str, name: str, assets: int, key: str | None) -> TreeNode:
    return TreeNode(prefix=prefix, name=name, assets=assets, asset=key)
