"""What a worker has the log server do in one step. A step happens whole or not at all, also when its answer is lost.

All keys of a catalog share a hash tag, so the scripts run on a cluster, too. `mine` is true while an entry is pending
for this worker: one that another has claimed, or that a node has removed, is not.
"""

from __future__ import annotations

from typing import Final

# Each begins with KEYS[1] = the pool's stream; ARGV[1] = group, ARGV[2] = worker, ARGV[3] = entry.
_MINE: Final = """
local function mine(id)
    return #redis.call('XPENDING', KEYS[1], ARGV[1], id, id, 1, ARGV[2]) == 1
        and #redis.call('XRANGE', KEYS[1], id, id) == 1
end
"""

BEGIN: Final = (
    _MINE
    + """
if not mine(ARGV[3]) then return 0 end
redis.call('XCLAIM', KEYS[1], ARGV[1], ARGV[2], 0, ARGV[3], 'RETRYCOUNT', ARGV[4], 'JUSTID')
redis.call('XADD', KEYS[2], '*', 'event', ARGV[5])
return 1
"""
)
"""Begin an attempt, if the entry is still ours: count it (ARGV[4]) and append its event (ARGV[5]) to the log (KEYS[2]).
"""

SUCCEED: Final = """
redis.call('XACK', KEYS[1], ARGV[1], ARGV[3])
redis.call('XDEL', KEYS[1], ARGV[3])
for i = 4, #ARGV do redis.call('XADD', KEYS[2], '*', 'event', ARGV[i]) end
return 1
"""
"""Append events (ARGV[4] and on) to the log (KEYS[2]) and remove the entry, whoever has it: its work is done."""

FAIL: Final = (
    _MINE
    + """
local held = mine(ARGV[3])
for i = 5, #ARGV do redis.call('XADD', KEYS[2], '*', 'event', ARGV[i]) end
if not held then return 0 end
if ARGV[4] ~= '' then redis.call('XADD', KEYS[1], '*', 'work', ARGV[4]) end
redis.call('XACK', KEYS[1], ARGV[1], ARGV[3])
redis.call('XDEL', KEYS[1], ARGV[3])
return 1
"""
)
"""Append events (ARGV[5] and on) to the log (KEYS[2]); if the entry is still ours, put the next attempt (ARGV[4], empty
for none) in its place."""

RENEW: Final = (
    _MINE
    + """
local kept = {}
for i = 3, #ARGV do
    if mine(ARGV[i]) then
        redis.call('XCLAIM', KEYS[1], ARGV[1], ARGV[2], 0, ARGV[i], 'JUSTID')
        kept[#kept + 1] = ARGV[i]
    end
end
return kept
"""
)
"""Say that the worker lives and runs these entries (ARGV[3] and on); those that are still its own."""

RELEASE: Final = (
    _MINE
    + """
if not mine(ARGV[3]) then return 0 end
local fields = redis.call('XRANGE', KEYS[1], ARGV[3], ARGV[3])[1][2]
redis.call('XADD', KEYS[1], '*', unpack(fields))
redis.call('XACK', KEYS[1], ARGV[1], ARGV[3])
redis.call('XDEL', KEYS[1], ARGV[3])
return 1
"""
)
"""Give an entry back: a copy of it comes to whoever reads next."""

LEAVE: Final = """
if #redis.call('XPENDING', KEYS[1], ARGV[1], '-', '+', 1, ARGV[2]) > 0 then return 0 end
redis.call('XGROUP', 'DELCONSUMER', KEYS[1], ARGV[1], ARGV[2])
return 1
"""
"""Forget a worker that has nothing in hand. Without the look, what it took last would be lost for ever."""
