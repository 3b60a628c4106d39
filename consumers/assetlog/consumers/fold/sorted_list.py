"""Lists that answers show in order, each item once."""

from __future__ import annotations

from bisect import bisect_left


def insert(items: list[str], item: str | None) -> None:
    """Put an item into a sorted list unless it is there, or there is none.

    >>> items = ["a", "c"]; insert(items, "b"); insert(items, "b"); items
    ['a', 'b', 'c']
    """
    if item is None:
        return
    place = bisect_left(items, item)
    if place == len(items) or items[place] != item:
        items.insert(place, item)
