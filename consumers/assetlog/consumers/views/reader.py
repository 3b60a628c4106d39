"""Answers questions about the catalog as of a position. A method is a function of its subject's module."""

from __future__ import annotations

from assetlog.consumers.views import events_reader, subjects
from assetlog.consumers.views.access import Access


class Reader(Access):
    """Reads the projection in any thread.

    Every question takes `at`, the position it is answered as of: rows behind it are not looked at, so the answer
    stays the same whatever comes later. A key may be any spelling of it, and an alias.

    >>> import duckdb
    >>> reader = Reader(duckdb.connect(":memory:").cursor, bodies=None)  # doctest: +SKIP
    """

    events = events_reader.events
    event = events_reader.event
    aliases = subjects.aliases
    resolve_key = subjects.resolve_key
