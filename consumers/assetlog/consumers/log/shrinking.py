"""Keeping the embedded log's file as small as the log: a node starts as fast as its server reads that file.

The server rewrites its file by itself once it has doubled. What is trimmed makes it no larger, so a log that was
large, sealed and trimmed would be read in whole at every start.
"""

from __future__ import annotations

import asyncio
import contextlib
from typing import Any

import redis
import redis.asyncio

LOOK_EVERY = 2.0
"""Seconds between two looks at the file."""
WORTH_FROM = 32 * 1024 * 1024
"""Bytes of a file from which on a start gets noticeably slower: a tenth of a second."""
MOST_TIMES = 2
"""A file without trimmed entries is a fifth larger than the log in memory; above this factor it is rewritten."""


async def keep_small(client: redis.asyncio.Redis) -> None:
    """Have the file rewritten whenever most of it is trimmed; until cancelled."""
    while True:
        await asyncio.sleep(LOOK_EVERY)
        with contextlib.suppress(redis.RedisError, OSError):
            await shrink(client)


async def shrink(client: redis.asyncio.Redis) -> bool:
    """Have the file rewritten in the background if most of it is trimmed; whether it was.

    Raises:
        redis.RedisError: the server does not answer, or cannot rewrite now.
    """
    facts: Any = {**await client.info("persistence"), **await client.info("memory")}
    if facts["aof_rewrite_in_progress"] or facts["aof_rewrite_scheduled"]:
        return False
    if facts["aof_current_size"] < max(WORTH_FROM, MOST_TIMES * facts["used_memory"]):
        return False
    await client.bgrewriteaof()
    return True
