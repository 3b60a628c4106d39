"""Bringing back a log server that dies under a running node, and saying so when it does not come back."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Callable
from typing import Literal

from msgspec import Struct

from assetlog.consumers.log.server import LogServer
from assetlog.schemas.errors import AssetlogError, Broken

LOOK_EVERY = 0.2
"""Seconds between two looks at the server."""
BACKOFF = (0.0, 0.5, 1.0, 2.0, 5.0, 10.0, 30.0)
"""Seconds to wait before the first, second, ... start in a row; the last one repeats."""
STEADY_AFTER = 60.0
"""Seconds a server must have run for its next death to count as the first again."""
FAILING_AFTER = 3
"""Deaths in a row after which the server counts as failing, not just restarting."""
WELL_AFTER = 2.0
"""Seconds a failing server must have run again to count as well: a full disk would have ended it by then."""

_logger = logging.getLogger(__name__)


class Incident(Struct, frozen=True, kw_only=True):
    """Something that happened to the embedded log server, told to whoever supervises the node."""

    kind: Literal["died", "back", "failing"]
    in_a_row: int
    """How many times it died or did not start, without a steady minute between."""
    code: str
    detail: str
    hint: str


class Supervisor:
    """Keeps an embedded log server running until `run` is cancelled.

    Args:
        server: a started server.
        tell: called with every `Incident`, in the event loop.

    Example:
        ``task = asyncio.create_task(Supervisor(server).run())``
    """

    def __init__(self, server: LogServer, tell: Callable[[Incident], None] | None = None) -> None:
        self.server = server
        self.restarts = 0
        """Times the server was brought back."""
        self.problem: AssetlogError | None = None
        """Why the server is down or keeps dying; None while all is well."""
        self._tell = tell or (lambda _: None)
        self._in_a_row = 0
        self._up_since = time.monotonic()

    async def run(self) -> None:
        """Watch the server and start it again whenever it is gone; returns when the server was stopped on purpose."""
        while self.server.wanted:
            if self.server.reachable():
                self._note_steady()
                await asyncio.sleep(LOOK_EVERY)
            else:
                await self._bring_back()

    async def _bring_back(self) -> None:
        self._note_death(self.server.last_words())
        await asyncio.sleep(BACKOFF[min(self._in_a_row, len(BACKOFF)) - 1])
        try:
            back = await asyncio.to_thread(self.server.restart)
        except (AssetlogError, OSError) as error:
            self.problem = error if isinstance(error, AssetlogError) else Broken(str(error), code="log-server-failed")
            return
        if back:
            self.restarts += 1
            self._up_since = time.monotonic()
            self._report("back", self.problem)
            self.problem = self.problem if self._in_a_row >= FAILING_AFTER else None

    def _note_steady(self) -> None:
        up = time.monotonic() - self._up_since
        if self.problem is not None and up > WELL_AFTER:
            self.problem = None
        if self._in_a_row and up > STEADY_AFTER:
            self._in_a_row = 0

    def _note_death(self, why: AssetlogError) -> None:
        if time.monotonic() - self._up_since > STEADY_AFTER and self.problem is None:
            self._in_a_row = 0
        self._in_a_row += 1
        self.problem = why
        self._report("failing" if self._in_a_row >= FAILING_AFTER else "died", why)

    def _report(self, kind: Literal["died", "back", "failing"], why: AssetlogError | None) -> None:
        code, detail, hint = (why.code, why.detail, why.hint) if why else ("log-server-failed", "", "")
        if kind == "back":
            detail, hint = f"The log server runs again as process {self.server.pid}.", ""
        incident = Incident(kind=kind, in_a_row=self._in_a_row, code=code, detail=detail, hint=hint)
        level = {"back": logging.INFO, "died": logging.WARNING, "failing": logging.ERROR}[kind]
        _logger.log(level, "log server %s (%s): %s %s", kind, code, detail, hint, extra={"incident": incident})
        self._tell(incident)
