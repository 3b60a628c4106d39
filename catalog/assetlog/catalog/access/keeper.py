"""The tokens of a catalog in a node's memory: a request is judged without asking the log server."""

from __future__ import annotations

import asyncio
import logging
import time
from datetime import UTC, datetime

from assetlog.catalog.access.limits import Bucket
from assetlog.catalog.access.prefixes import refuse_outside
from assetlog.catalog.access.store import TokenStore
from assetlog.catalog.access.tokens import Token, is_secret_of, parse
from assetlog.schemas.codec import Event
from assetlog.schemas.errors import AssetlogError, Unavailable
from assetlog.schemas.times import format_time, parse_time

LOOK_EVERY = 0.5
"""Seconds between two looks whether the tokens have changed."""
NOTE_USES_EVERY = 60.0
"""Seconds between two notes of when tokens were used last."""

_log = logging.getLogger("assetlog.access")


class Caller:
    """Who asks: a token that is good, and what is left of its limits."""

    __slots__ = ("__weakref__", "_ends", "events", "requests", "token", "used")

    def __init__(self, token: Token, requests: Bucket, events: Bucket) -> None:
        self.token = token
        self.requests = requests
        self.events = events
        self.used = False
        self._ends = float("inf") if token.expires is None else parse_time(token.expires).timestamp()

    def ended(self, now: float) -> bool:
        """Whether the token has expired or is revoked."""
        return self.token.revoked is not None or now >= self._ends

    def check_write(self, event: Event) -> None:
        """Refuse an event that the token's prefix does not cover.

        Raises:
            Forbidden: `outside-prefix`.
        """
        if self.token.prefixes:
            refuse_outside(event, self.token.prefixes)


class Keeper:
    """Knows who may come in.

    Args:
        store: where the tokens are.
        requests_per_second: what each token is good for; 0 for no limit.
        events_per_second: the same of events.
    """

    def __init__(self, store: TokenStore, requests_per_second: float = 0, events_per_second: float = 0) -> None:
        self.store = store
        self._rates = (requests_per_second, events_per_second)
        self._callers: dict[str, Caller] = {}
        self._version = -1
        self._watching: asyncio.Task[None] | None = None
        self._refreshing = asyncio.Lock()

    @property
    def has_tokens(self) -> bool:
        """Whether a token was ever made (and not all forgotten): from then on every request needs one."""
        return bool(self._callers)

    def find(self, text: str) -> Caller | None:
        """The caller whose token this is, whether or not it has ended; None for what is no token of ours."""
        parsed = parse(text)
        caller = None if parsed is None else self._callers.get(parsed.id)
        if parsed is None or caller is None or not is_secret_of(caller.token, parsed.secret):
            return None
        caller.used = True
        return caller

    def knows(self, caller: Caller) -> bool:
        """Whether a caller's token is still good."""
        return self._callers.get(caller.token.id) is caller and not caller.ended(time.time())

    async def open(self) -> None:
        """Read the tokens, and again whenever they change.

        Raises:
            Unavailable: the log server does not answer.
        """
        await self.refresh()
        self._watching = asyncio.create_task(self._watch())

    async def close(self) -> None:
        """Stop looking; note the last uses."""
        if self._watching is not None:
            self._watching.cancel()
            await asyncio.gather(self._watching, return_exceptions=True)
        try:
            await self._note_uses()
        except Unavailable:
            _log.debug("the last uses of tokens are not noted")

    async def refresh(self) -> None:
        """Read the tokens anew if they have changed.

        Raises:
            Unavailable: the log server does not answer; what was known stays in force.
        """
        async with self._refreshing:
            version = await asyncio.to_thread(self.store.version)
            if version != self._version:
                tokens = await asyncio.to_thread(self.store.load)
                self._callers = {token_id: self._caller(token) for token_id, token in tokens.items()}
                self._version = version

    def _caller(self, token: Token) -> Caller:
        known = self._callers.get(token.id)
        if known is not None and known.token == token:
            return known  # its limits go on where they are
        requests, events = self._rates
        return Caller(token, Bucket(requests, "requests"), Bucket(events, "events"))

    async def _watch(self) -> None:
        since_noted = 0.0
        while True:
            await asyncio.sleep(LOOK_EVERY)
            since_noted += LOOK_EVERY
            try:
                await self.refresh()
                if since_noted >= NOTE_USES_EVERY:
                    since_noted = 0.0
                    await self._note_uses()
            except AssetlogError as error:  # a log server that is away must not end the looking
                _log.debug("the tokens cannot be read", extra={"reason": error.detail})
            except Exception:
                _log.exception("the tokens cannot be read")

    async def _note_uses(self) -> None:
        used = [caller for caller in self._callers.values() if caller.used]
        if not used:
            return
        now = format_time(datetime.now(UTC))
        for caller in used:
            caller.used = False
        await asyncio.to_thread(self.store.note_uses, {caller.token.id: now for caller in used})
