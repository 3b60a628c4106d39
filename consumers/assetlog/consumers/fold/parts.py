"""A large commit in parts, so that requests are answered between them."""

from __future__ import annotations

from collections.abc import Iterator

from assetlog.consumers.fold.fold import Commit

PART = 500
"""Events: they keep the event loop for about a millisecond."""


def in_parts(commit: Commit, size: int = PART) -> Iterator[Commit]:
    """The commit as several, each with the position where it ends; what is told of it is of that position.

    One with an alias stays whole: from the alias on, earlier events add up to another asset.
    """
    folded = commit.folded
    if len(folded) > size and not any(kind == "asset.aliased" for _, kind, *_ in folded):
        for start in range(0, len(folded) - size, size):
            part = folded[start : start + size]
            yield Commit(part[-1][0], part, {}, {})
        folded = folded[start + size :]
    yield commit._replace(folded=folded)
