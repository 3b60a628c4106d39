"""What a worker is given to do: one attempt of one trigger, as it stands in a pool's stream of work."""

from __future__ import annotations

from typing import Annotated, Any

import msgspec
from msgspec import Meta, Struct

from assetlog.schemas.errors import Invalid

MAX_BACKOFF = 3600.0
"""Seconds between two attempts at most."""
MAX_LISTED = 10_000
"""Events that are listed in the work itself; those of a larger trigger are asked from a node."""
TARGETS_POOL = "assetlog-targets"
"""The pool of what nodes deliver themselves: webhooks and the other foreign targets."""


class WorkEvent(Struct, frozen=True, omit_defaults=True, array_like=True):
    """An event that the trigger consumed."""

    position: int
    key: str | None
    """The asset's key; None for a tick of the clock."""
    partition: str | None = None


class Work(Struct, frozen=True, omit_defaults=True, kw_only=True):
    """One attempt of a trigger."""

    trigger: str
    """The trigger's id: the idempotency key of all attempts."""
    position: str
    """Where its `trigger.fired` stands in the log."""
    consumer: str
    target: dict[str, Any]
    """What to run; see `targets`."""
    fired: str
    """When it fired (RFC 3339)."""
    partition: str | None = None
    attempt: Annotated[int, Meta(ge=1)] = 1
    attempts: int = 4
    backoff: float = 1.0
    timeout: float | None = None
    not_before: float = 0.0
    """Seconds since 1970 before which it must not begin: the pause after a failed attempt."""
    depth: int = 1
    count: int = 0
    """How many events it consumed."""
    events: tuple[WorkEvent, ...] = ()
    """They, in the order of positions; empty where there are more than `MAX_LISTED`."""
    outlets: tuple[str, ...] = ()

    @property
    def is_last(self) -> bool:
        """Whether no attempt follows if this one fails."""
        return self.attempt >= self.attempts

    def pause(self) -> float:
        """Seconds to wait after this attempt failed.

        >>> Work(trigger="t", consumer="c", target={}, fired="", position="1-0", attempt=3, backoff=2.0).pause()
        8.0
        """
        return float(min(self.backoff * 2.0 ** min(self.attempt - 1, 20), MAX_BACKOFF))


_decoder = msgspec.json.Decoder(Work)


def decode_work(raw: bytes) -> Work:
    """The work of an entry.

    Raises:
        Invalid: it is none.
    """
    try:
        return _decoder.decode(raw)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        rule = "an entry of a stream of work is a Work in JSON"
        raise Invalid(f"The entry is no work: {error}.", code="invalid-work", field="work", rule=rule) from None


def encode_work(work: Work) -> bytes:
    """The bytes of an entry."""
    return msgspec.json.encode(work)
