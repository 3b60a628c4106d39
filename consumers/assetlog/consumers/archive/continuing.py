"""Letting a log that was lost, or came back from an older backup, go on where its archive ends."""

from __future__ import annotations

from typing import Any, Final

import redis

from assetlog.consumers.archive.archive import Archive
from assetlog.consumers.log.bodies import body_of
from assetlog.consumers.log.continuity import entry_digest, look
from assetlog.consumers.log.faults import explain
from assetlog.consumers.log.wire import position_of
from assetlog.schemas.errors import Broken
from assetlog.schemas.positions import format_position
from assetlog.schemas.stream import EVENT_FIELD, archive_key, stream_key

# XADD refuses an ID that is not the newest, and then nothing is trimmed: an event may have come in meanwhile.
_CONTINUE: Final = """
redis.call('XADD', KEYS[1], ARGV[1], ARGV[2], ARGV[3])
redis.call('XTRIM', KEYS[1], 'MINID', '=', ARGV[1])
redis.call('HSET', KEYS[2], 'trimmed', ARGV[1])
return 1
"""


def continue_log(client: redis.Redis, catalog: str, archive: Archive) -> int | None:
    """Make the archive's last entry the log's last one, as if all before it had just been trimmed.

    The log must be empty, or an older copy of what is archived. Nothing that anybody was told is kept gets lost:
    what leaves the log is in the archive.

    Returns:
        The position at which the log goes on; None if it reaches as far by itself, and nothing was done.

    Raises:
        Broken: `log-replaced`, the log's last entry is not in the archive: the two are not one log.
        Unavailable: the log server cannot be reached.
    """
    archive.refresh()
    end = archive.last
    if end is None or (look(client, catalog).last_generated or 0) >= end:
        return None
    try:
        _check_same_log(client, catalog, archive)
        raw = archive.fetch([end])[0]
        assert raw is not None, "an archive holds its last entry"
        keys = stream_key(catalog), archive_key(catalog)
        client.eval(_CONTINUE, len(keys), *keys, format_position(end), EVENT_FIELD, raw)
    except (redis.RedisError, OSError) as error:
        raise explain(error) from error
    return end


def _check_same_log(client: redis.Redis, catalog: str, archive: Archive) -> None:
    newest: Any = client.xrevrange(stream_key(catalog), count=1)
    if not newest:
        return
    position = position_of(newest[0][0])
    if archive.digest_at(position) == entry_digest(body_of(newest[0][1])):
        return
    raise Broken(
        f"The log's last entry, at {format_position(position)}, is not in the archive: the log took another way.",
        code="log-replaced",
        field="log",
        value=format_position(position),
        rule="a log that goes on from its archive is empty, or an older copy of what is archived",
        hint="Restore the log's files once more, and let nobody write to it before the node is back.",
    )
