"""Appending events from a function's thread, as a task ends while its DAG goes on."""

from __future__ import annotations

import time
from collections.abc import Sequence
from typing import Final

import redis

from assetlog.consumers.log.faults import explain
from assetlog.schemas.errors import Unavailable
from assetlog.schemas.stream import EVENT_FIELD, stream_key

TRIES: Final = (0.1, 0.5, 1.0, 2.0, 4.0)
"""Seconds before each further try of what was not acknowledged: the events keep their ids, so none counts twice."""


class BlockingAppender:
    """Appends to a catalog's log; usable from several threads.

    Args:
        client: a blocking client of the log server.
    """

    def __init__(self, client: redis.Redis, catalog: str) -> None:
        self._client = client
        self._key = stream_key(catalog)

    def append(self, events: Sequence[bytes]) -> None:
        """Append events, all or none.

        Raises:
            Unavailable: the log server did not acknowledge them.
        """
        for pause in TRIES:
            try:
                return self._append(events)
            except Unavailable:
                time.sleep(pause)
        return self._append(events)

    def _append(self, events: Sequence[bytes]) -> None:
        pipeline = self._client.pipeline(transaction=True)
        for event in events:
            pipeline.xadd(self._key, {EVENT_FIELD: event})
        try:
            pipeline.execute()
        except (redis.RedisError, OSError) as error:
            raise explain(error) from error
