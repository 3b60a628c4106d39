"""What a log server's errors mean for the caller."""

from __future__ import annotations

from typing import NamedTuple

from redis import exceptions as failed

from assetlog.schemas.errors import AssetlogError, Broken, Unavailable


class Fault(NamedTuple):
    """How a server's refusal is recognised, by the client's exception or its text, and what it means."""

    errors: tuple[type[BaseException], ...]
    text: str
    kind: type[AssetlogError]
    code: str
    detail: str
    hint: str


# In order: the first that matches. Of a command refused in these ways nothing was done.
FAULTS: tuple[Fault, ...] = (
    Fault(
        (failed.AuthenticationError, failed.AuthorizationError),
        "NOAUTH",
        Broken,
        "log-auth",
        "The log server refuses the user or the password of its URL.",
        "Correct the log's URL, e.g. redis://user:password@host:6379.",
    ),
    Fault(
        (failed.NoPermissionError,),
        "NOPERM",
        Broken,
        "log-forbidden",
        "The log server's user may not run a command that assetlog needs.",
        "Grant it ~assetlog:* +@stream +@connection +multi +exec +info +config|get +type +time.",
    ),
    Fault(
        (failed.BusyLoadingError,),
        "LOADING",
        Unavailable,
        "log-loading",
        "The log server is still loading the log.",
        "Try again in a moment.",
    ),
    Fault(
        (failed.OutOfMemoryError,),
        "OOM",
        Unavailable,
        "log-out-of-memory",
        "The log server has reached its memory limit and refuses new events.",
        "Raise its maxmemory.",
    ),
    Fault(
        (failed.ReadOnlyError,),
        "READONLY",
        Broken,
        "log-read-only",
        "The log server is a replica and takes no writes.",
        "Name the primary in the log's URL.",
    ),
    Fault(
        (),
        "MISCONF",
        Unavailable,
        "log-not-writable",
        "The log server cannot write to its disk and refuses new events.",
        "Free space on its disk, then read its log.",
    ),
    Fault(
        (),
        "WRONGTYPE",
        Broken,
        "wrong-key-type",
        "The log's key holds something that is not a stream.",
        "Rename that key, or choose another catalog name.",
    ),
    Fault(
        (),
        "exhausted the last possible ID",
        Broken,
        "log-ahead",
        "The log has no position left: an entry with the highest ID there is was added to it.",
        "Restore the log from a backup, or delete that entry (XDEL) and set the last ID back (XSETID).",
    ),
    Fault(
        (failed.ConnectionError, failed.TimeoutError, OSError),
        "CLUSTERDOWN",
        Unavailable,
        "log-unreachable",
        "The log server cannot be reached.",
        "Start it or check the log's URL; `assetlog doctor` looks at both.",
    ),
)


def explain(error: BaseException) -> AssetlogError:
    """A Redis client's exception as one of ours, its text kept as the value.

    >>> explain(failed.OutOfMemoryError("command not allowed when used memory > 'maxmemory'.")).code
    'log-out-of-memory'
    """
    text = str(error)
    for fault in FAULTS:
        if isinstance(error, fault.errors) or fault.text in text:
            return fault.kind(f"{fault.detail} ({text})", code=fault.code, hint=fault.hint, value=text)
    return Broken(
        f"The log server refused a command: {text}", code="log-refused", hint="See `assetlog doctor`.", value=text
    )
