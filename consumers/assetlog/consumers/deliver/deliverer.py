"""Delivers work to foreign targets: what every node runs on the pool of targets. Import it when there is some."""

from __future__ import annotations

import ssl
import time
from collections.abc import Callable

import redis.asyncio

from assetlog.consumers.deliver import airflow, dagster, guard, prefect, stream, webhook
from assetlog.consumers.deliver.rules import Rules
from assetlog.consumers.deliver.secrets import Secrets
from assetlog.consumers.deliver.web import Web
from assetlog.consumers.work.outcomes import Exhausted
from assetlog.schemas.errors import Invalid
from assetlog.schemas.targets import (
    AirflowTarget,
    DagsterTarget,
    PrefectTarget,
    StreamTarget,
    WebhookTarget,
    as_target,
)
from assetlog.schemas.work import Work


class Deliverer:
    """Delivers triggers, one attempt at a time. `execute` is what a pool of workers is given.

    Args:
        rules: what the node lets targets do.
        client: the log's server, for streams.
        catalog: the catalog's name.
        resolve: gives the addresses of a host.
        tls: the certificates to trust.
        clock: seconds since 1970.
    """

    def __init__(
        self,
        rules: Rules,
        client: redis.asyncio.Redis,
        catalog: str,
        *,
        resolve: guard.Resolve = guard.resolve,
        tls: ssl.SSLContext | None = None,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._rules = rules
        self._client = client
        self._catalog = catalog
        self._web = Web(rules, resolve, tls)
        self._clock = clock

    async def execute(self, work: Work) -> None:
        """Deliver one attempt; it is delivered when this returns.

        Raises:
            Exhausted: no further attempt can succeed.
            RetryLater: the target says when to try again.
            AssetlogError: the attempt failed; another may succeed.
        """
        try:
            target = as_target(work.target)
        except Invalid as error:
            raise Exhausted(str(error)) from None
        secrets = Secrets(self._rules)
        match target:
            case WebhookTarget():
                await webhook.deliver(work, target, self._web, secrets, self._clock)
            case AirflowTarget():
                await airflow.deliver(work, target, self._web, secrets)
            case PrefectTarget():
                await prefect.deliver(work, target, self._web, secrets)
            case DagsterTarget():
                await dagster.deliver(work, target, self._web, secrets)
            case StreamTarget():
                await stream.deliver(work, target, self._client, self._catalog)
            case _:
                raise Exhausted("A Python target is run by a worker, `assetlog work MODULE`, not by a node.")

    async def close(self) -> None:
        """Let go of what is held."""
        await self._web.close()
