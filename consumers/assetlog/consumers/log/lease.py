"""A lease: what only one of several nodes may do, and for how long. Each new holder gets a higher epoch.

A holder that was killed need not be waited for by the node that follows it on its own data directory.
"""

from __future__ import annotations

from typing import Any, Final

import redis

from assetlog.consumers.log.faults import explain
from assetlog.schemas.ids import new_id
from assetlog.schemas.stream import epoch_key, lease_key

LEASE_SECONDS: Final = 10.0

# The value is "<epoch> <place> <owner>": what a holder does at the server is done by a script that compares it first.
# Another owner of the same place is dead: its place is free for one process at a time only.
_HOLD: Final = """
local held = redis.call('GET', KEYS[1])
if held then
    local epoch, place, owner = string.match(held, '^(%d+) (.*) ([^ ]*)$')
    if place ~= ARGV[1] then return 0 end
    if owner == ARGV[2] then
        redis.call('PEXPIRE', KEYS[1], ARGV[3])
        return tonumber(epoch)
    end
end
local epoch = redis.call('INCR', KEYS[2])
redis.call('SET', KEYS[1], epoch .. ' ' .. ARGV[1] .. ' ' .. ARGV[2], 'PX', ARGV[3])
return epoch
"""
_RELEASE: Final = "if redis.call('GET', KEYS[1]) == ARGV[1] then return redis.call('DEL', KEYS[1]) end return 0"


class Lease:
    """One name's lease, as one owner sees it.

    Args:
        client: a blocking client of the log server.
        name: what is leased, e.g. `archiver`.
        place: names what one process has to itself while it runs, as `home.place_of` a data directory.
        seconds: how long it holds without being renewed.

    Example:
        ``if lease.hold(): …`` every third of its time; what is done passes ``lease.token`` to a script.
    """

    def __init__(
        self, client: redis.Redis, catalog: str, name: str, place: str, seconds: float = LEASE_SECONDS
    ) -> None:
        self.key = lease_key(catalog, name)
        self.epoch = 0
        """Of this holding; 0 while another holds it."""
        self._epochs = epoch_key(catalog, name)
        self._client = client
        self._place = place
        self._owner = new_id()
        self._milliseconds = round(seconds * 1000)

    @property
    def token(self) -> str:
        """The lease's value while this owner holds it in this epoch."""
        return f"{self.epoch} {self._place} {self._owner}"

    def hold(self) -> bool:
        """Take or renew the lease; False while another holds it.

        Raises:
            Unavailable: the log server cannot be reached; the lease may expire.
        """
        try:
            values = self._place, self._owner, str(self._milliseconds)
            epoch: Any = self._client.eval(_HOLD, 2, self.key, self._epochs, *values)
        except (redis.RedisError, OSError) as error:
            raise explain(error) from error
        self.epoch = int(epoch)
        return self.epoch > 0

    def release(self) -> None:
        """Give it up, if it is still ours.

        Raises:
            Unavailable: the log server cannot be reached.
        """
        try:
            self._client.eval(_RELEASE, 1, self.key, self.token)
        except (redis.RedisError, OSError) as error:
            raise explain(error) from error
        self.epoch = 0
