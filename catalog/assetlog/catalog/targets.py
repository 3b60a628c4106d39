"""A node's part in delivering triggers: what its settings allow, and the worker that every node runs for targets."""

from __future__ import annotations

import asyncio
import platform
from collections.abc import Sequence
from typing import TYPE_CHECKING

from assetlog.catalog.settings import Settings, environment
from assetlog.consumers.deliver.rules import Rules, parse_hosts
from assetlog.consumers.work.pool import Pool
from assetlog.schemas.work import TARGETS_POOL, Work

if TYPE_CHECKING:
    import redis.asyncio

    from assetlog.consumers.deliver.deliverer import Deliverer

STOP_SECONDS = 5.0
"""Seconds that running deliveries get when a node stops; the rest is delivered by another, or after its start."""


def rules_of(settings: Settings) -> Rules:
    """What a node's settings let targets do.

    >>> rules_of(Settings(targets_allow="airflow.lan")).allow.holds_name("airflow.lan")
    True
    """
    return Rules(
        allow=parse_hosts(settings.targets_allow),
        allow_private=settings.targets_allow_private,
        only_allowed=settings.targets_only_allowed,
        secrets=settings.targets_secrets,
        environment=environment(),
    )


class Delivery:
    """Delivers what the catalog's pool of targets is given, beside the other nodes.

    Args:
        url: the log server's URL.
        client: a client of it, for streams.
    """

    def __init__(self, settings: Settings, url: str, client: redis.asyncio.Redis) -> None:
        self._settings = settings
        self._client = client
        self._deliverer: Deliverer | None = None
        self._making = asyncio.Lock()
        self._pool = Pool(
            url,
            settings.catalog,
            TARGETS_POOL,
            self._execute,
            concurrency=settings.targets_concurrency,
            source=f"assetlog://node/{platform.node() or 'localhost'}",
        )

    async def start(self) -> None:
        """Take work from now on.

        Raises:
            Unavailable: the log server cannot be reached.
        """
        await self._pool.start()

    async def stop(self) -> None:
        """Take no more, and let go."""
        await self._pool.stop(STOP_SECONDS)
        if self._deliverer is not None:
            await self._deliverer.close()

    async def _execute(self, work: Work) -> Sequence[bytes] | None:
        async with self._making:
            if self._deliverer is None:
                self._deliverer = await asyncio.to_thread(self._make)
        await self._deliverer.execute(work)
        return None

    def _make(self) -> Deliverer:
        """Most nodes never deliver anything: they need no HTTP client, and nobody waits while it loads."""
        from assetlog.consumers.deliver.deliverer import Deliverer

        return Deliverer(rules_of(self._settings), self._client, self._settings.catalog)
