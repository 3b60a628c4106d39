"""Trimming the log: only behind the archive, and only behind every node that is alive.

Nodes say how far they are, and how far the archive that they can read reaches; the log server itself takes the least
of all that, in the same step in which it checks the lease and trims. The entry a node stands at is kept: it tells that
the log is still the one it folded.
"""

from __future__ import annotations

from typing import Any, Final, NamedTuple

import redis

from assetlog.consumers.log.faults import explain
from assetlog.consumers.log.lease import Lease
from assetlog.schemas.errors import Conflict
from assetlog.schemas.positions import format_position, parse_position
from assetlog.schemas.stream import archive_key, nodes_key, stream_key

ALIVE_SECONDS: Final = 60.0
"""A node that was silent for longer does not hold the trim back; it reads on from the archive."""

_BEAT: Final = """
local now = redis.call('TIME')
redis.call('HSET', KEYS[1], ARGV[1], now[1] .. ' ' .. ARGV[2] .. ' ' .. ARGV[3])
return 1
"""

_TRIM: Final = """
if redis.call('GET', KEYS[2]) ~= ARGV[1] then return {-1, ''} end
local function before(a, b)
    local a_ms, a_seq = string.match(a, '^(%d+)-(%d+)$')
    local b_ms, b_seq = string.match(b, '^(%d+)-(%d+)$')
    a_ms, b_ms = tonumber(a_ms), tonumber(b_ms)
    if a_ms ~= b_ms then return a_ms < b_ms end
    return tonumber(a_seq) < tonumber(b_seq)
end
local now = tonumber(redis.call('TIME')[1])
local bound = ARGV[2]
local nodes = redis.call('HGETALL', KEYS[3])
for i = 1, #nodes, 2 do
    local seen, position, archived = string.match(nodes[i + 1], '^(%d+) (%S+) (%S+)$')
    if now - tonumber(seen) > tonumber(ARGV[3]) then
        redis.call('HDEL', KEYS[3], nodes[i])
    else
        if before(position, bound) then bound = position end
        if before(archived, bound) then bound = archived end
    end
end
redis.call('HSET', KEYS[4], 'position', ARGV[4], 'sha256', ARGV[5], 'url', ARGV[6])
local removed = redis.call('XTRIM', KEYS[1], 'MINID', '=', bound)
if removed > 0 then redis.call('HSET', KEYS[4], 'trimmed', bound) end
return {removed, bound}
"""


class Node(NamedTuple):
    """A node that folds the log, as it last said."""

    name: str
    position: int
    archived: int
    """How far the archive that it can read reaches."""
    silent: float
    """Seconds since it said so."""


class Record(NamedTuple):
    """What the log server knows of the archive."""

    position: int
    """The last sealed position."""
    sha256: str
    """The last segment's hash."""
    url: str
    trimmed: int
    """Entries before it were trimmed from the log; 0 for none."""


class Trimmed(NamedTuple):
    """What a trim came to."""

    removed: int
    bound: int
    """Nothing before it is left."""


def beat(client: redis.Redis, catalog: str, name: str, position: int, archived: int) -> None:
    """Say how far a node is; once it is silent for a minute, the trim does not wait for it.

    Raises:
        Unavailable: the log server cannot be reached.
    """
    try:
        client.eval(_BEAT, 1, nodes_key(catalog), name, format_position(position), format_position(archived))
    except (redis.RedisError, OSError) as error:
        raise explain(error) from error


def leave(client: redis.Redis, catalog: str, name: str) -> None:
    """Say that a node has stopped.

    Raises:
        Unavailable: the log server cannot be reached.
    """
    try:
        client.hdel(nodes_key(catalog), name)
    except (redis.RedisError, OSError) as error:
        raise explain(error) from error


def trim(client: redis.Redis, catalog: str, lease: Lease, record: Record, target: int) -> Trimmed:
    """Record how far the archive reaches, and trim the log up to a sealed position, or less where a node is behind it.

    Raises:
        Conflict: the lease is another's by now (`lease-lost`): nothing was done.
        Unavailable: the log server cannot be reached; it may have been done.
    """
    keys = stream_key(catalog), lease.key, nodes_key(catalog), archive_key(catalog)
    position = format_position(record.position)
    values = lease.token, format_position(target), str(ALIVE_SECONDS), position, record.sha256, record.url
    try:
        answer: Any = client.eval(_TRIM, len(keys), *keys, *values)
    except (redis.RedisError, OSError) as error:
        raise explain(error) from error
    removed, bound = answer
    if removed < 0:
        raise Conflict("Another node archives the log by now.", code="lease-lost", field="lease", value=lease.key)
    return Trimmed(removed, parse_position(bound.decode()))


def nodes(client: redis.Redis, catalog: str) -> list[Node]:
    """The nodes that fold a catalog's log, by name.

    Raises:
        Unavailable: the log server cannot be reached.
    """
    try:
        now: Any = client.time()
        found: Any = client.hgetall(nodes_key(catalog))
    except (redis.RedisError, OSError) as error:
        raise explain(error) from error
    return sorted(_node(name.decode(), text.decode(), now[0]) for name, text in found.items())


def read_record(client: redis.Redis, catalog: str) -> Record | None:
    """What the log server knows of the archive, None before the first seal.

    Raises:
        Unavailable: the log server cannot be reached.
    """
    try:
        found: Any = client.hgetall(archive_key(catalog))
    except (redis.RedisError, OSError) as error:
        raise explain(error) from error
    texts = {name.decode(): text.decode() for name, text in found.items()}
    if "position" not in texts:
        return None
    trimmed = parse_position(texts.get("trimmed", "0-0"))
    return Record(parse_position(texts["position"]), texts["sha256"], texts["url"], trimmed)


def _node(name: str, text: str, now: int) -> Node:
    seen, position, archived = text.split()
    return Node(name, parse_position(position), parse_position(archived), float(now - int(seen)))
