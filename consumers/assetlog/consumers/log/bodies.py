"""Reading the accepted bytes of events back from the log, by position or in order."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import redis

from assetlog.consumers.log.faults import explain
from assetlog.consumers.log.wire import position_of
from assetlog.schemas.positions import SEQ_BITS, format_position
from assetlog.schemas.stream import EVENT_FIELD, stream_key

_FIELD = EVENT_FIELD.encode()
MAX_RUN = 1000
"""Entries one XRANGE is asked for."""


class Bodies:
    """The bytes of a catalog's events, as they were accepted. Usable from several threads.

    Args:
        client: a blocking client of the log server, answering bytes.

    Example:
        ``bodies.fetch([position])[0]`` is the CloudEvent's JSON, or None if the log does not hold it.
    """

    def __init__(self, client: redis.Redis, catalog: str) -> None:
        self.client = client
        self._key = stream_key(catalog)

    def fetch(self, positions: Sequence[int]) -> list[bytes | None]:
        """The bytes at each position, None where the log holds none; one round trip, positions in any order.

        Raises:
            Unavailable: the log server cannot be reached.
        """
        if not positions:
            return []
        pipeline = self.client.pipeline(transaction=False)
        for first, last in runs(sorted(set(positions))):
            pipeline.xrange(self._key, format_position(first), format_position(last))
        try:
            answers: list[Any] = pipeline.execute()
        except (redis.RedisError, OSError) as error:
            raise explain(error) from error
        found = {position_of(entry_id): body_of(fields) for entries in answers for entry_id, fields in entries}
        return [found.get(position) for position in positions]

    def fetch_range(self, after: int, limit: int) -> list[tuple[int, bytes]]:
        """The next entries after a position, in order: at most `limit` pairs of position and bytes.

        Raises:
            Unavailable: the log server cannot be reached.
        """
        try:
            entries: Any = self.client.xrange(self._key, f"({format_position(after)}", "+", count=limit)
        except (redis.RedisError, OSError) as error:
            raise explain(error) from error
        return [(position_of(entry_id), body_of(fields)) for entry_id, fields in entries]

    def added(self) -> int:
        """How many entries were ever added to the log; a server that does not count (Redis 6.2) tells those it holds.

        Raises:
            Unavailable: the log server cannot be reached.
        """
        try:
            about: Any = self.client.xinfo_stream(self._key) if self.client.exists(self._key) else {}
        except (redis.RedisError, OSError) as error:
            raise explain(error) from error
        return int(about.get("entries-added", about.get("length", 0)))

    def length(self) -> int:
        """How many entries the log holds, duplicates included.

        Raises:
            Unavailable: the log server cannot be reached.
        """
        try:
            count: Any = self.client.xlen(self._key)
        except (redis.RedisError, OSError) as error:
            raise explain(error) from error
        return int(count)


def body_of(fields: Mapping[bytes, bytes]) -> bytes:
    """The event's bytes in a stream entry; empty when a foreign XADD left the field out (the fold quarantines it).

    >>> body_of({b"event": b"{}"})
    b'{}'
    """
    return fields.get(_FIELD, b"")


def runs(positions: Sequence[int]) -> list[tuple[int, int]]:
    """Ascending positions as (first, last) of consecutive sequences within a millisecond, at most 1,000 long.

    >>> runs([1, 2, 3, 7])
    [(1, 3), (7, 7)]
    """
    found: list[tuple[int, int]] = []
    for position in positions:
        first, last = found[-1] if found else (-1, -2)
        if position == last + 1 and position >> SEQ_BITS == first >> SEQ_BITS and position - first < MAX_RUN:
            found[-1] = (first, position)
        else:
            found.append((position, position))
    return found
