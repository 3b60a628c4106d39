"""Entries in a Redis stream of the user's own, on the log's server: each trigger once, by one script."""

from __future__ import annotations

from typing import Any, Final

import redis
import redis.asyncio

from assetlog.consumers.deliver.payload import message
from assetlog.consumers.log.faults import explain
from assetlog.schemas.stream import delivered_key
from assetlog.schemas.targets import StreamTarget
from assetlog.schemas.work import Work

REMEMBERED_SECONDS: Final = 86_400
"""How long it is remembered that a trigger was delivered: a node that died in between repeats it before that."""

# the entry first: if it is refused (no stream, no memory), nothing claims that it is there
_ADD: Final = """
if redis.call('EXISTS', KEYS[2]) == 1 then return false end
local id = redis.call('XADD', KEYS[1], '*', ARGV[1], ARGV[2])
redis.call('SET', KEYS[2], id, 'EX', ARGV[3])
return id
"""


async def deliver(work: Work, target: StreamTarget, client: redis.asyncio.Redis, catalog: str) -> None:
    """Add a trigger to a stream, unless it was added.

    Raises:
        Unavailable: the server cannot be reached.
        Broken: the key holds something else than a stream.
    """
    mark = delivered_key(catalog, target.stream, work.trigger)
    try:
        added: Any = client.eval(_ADD, 2, target.stream, mark, target.field, message(work), str(REMEMBERED_SECONDS))
        await added
    except (redis.RedisError, OSError) as error:
        raise explain(error) from error
