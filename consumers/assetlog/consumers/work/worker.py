"""A worker: imports a module, registers what it declares, and runs it when it is due."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping

from assetlog.consumers.declare.declaration import Declaration, declared_by
from assetlog.consumers.log.bodies import Bodies
from assetlog.consumers.log.connection import connect_sync
from assetlog.consumers.work.appending import BlockingAppender
from assetlog.consumers.work.functions import Functions
from assetlog.consumers.work.loading import load_module
from assetlog.consumers.work.names import Names
from assetlog.consumers.work.pool import STALE_SECONDS, Pool
from assetlog.consumers.work.registering import descriptions, register
from assetlog.consumers.work.sources import Node, Sources
from assetlog.schemas.errors import Invalid
from assetlog.schemas.scheduling_shapes import Consumer
from assetlog.schemas.targets import PythonTarget, as_target

CONCURRENCY = 8
STOP_SECONDS = 30.0


class Worker:
    """Runs the consumers of one module.

    Args:
        module: a module's dotted name, a package's, or a `.py` file.
        log: the log server's URL.
        catalog: the catalog's name.
        node: a node's API.
        pool: the workers' pool; the module's name unless given.
        concurrency: attempts that run at a time at most, in each pool.
        replace: take consumers' names over from other modules.
        stale: seconds without a sign of life after which work is claimed from another worker.
        redact: strike out what looks like a secret in what functions say of assets.

    Example:
        ``worker = Worker("pipeline.py", log=url, catalog="default", node=client); await worker.start()``
    """

    def __init__(
        self,
        module: str,
        *,
        log: str,
        catalog: str,
        node: Node,
        pool: str | None = None,
        concurrency: int = CONCURRENCY,
        replace: bool = False,
        stale: float = STALE_SECONDS,
        redact: bool = True,
    ) -> None:
        self.module = load_module(module)
        self.pool = _pool_name(pool or self.module)
        self.declared: Mapping[str, Declaration] = declared_by(self.module)
        self.consumers: list[Consumer] = []
        """What is registered, once it is started."""
        _refuse_nothing(module, self.declared)
        self._node = node
        self._replace = replace
        self._source = f"assetlog://worker/{self.pool}"
        client = connect_sync(log)
        self._client = client
        self._sources = Sources(Bodies(client, catalog), node)
        self._appender = BlockingAppender(client, catalog)
        self._functions = Functions(self.declared, self._sources, self._appender.append, self._source, redact=redact)
        names = {each.pool or self.pool for each in self.declared.values() if each.target is None}
        self.pools = [
            Pool(log, catalog, name, self._functions.execute, concurrency=concurrency, stale=stale)
            for name in sorted(names)
        ]

    async def start(self) -> None:
        """Register, then take work.

        Raises:
            Conflict: another module declares a consumer of one of the names.
            Unavailable: node or log server cannot be reached.
        """
        self.consumers = await asyncio.to_thread(self._register)
        for pool in self.pools:
            await pool.start()

    async def stop(self, seconds: float = STOP_SECONDS) -> None:
        """Take no more work; what runs may end within so many seconds, the rest is given back."""
        await asyncio.gather(*(pool.stop(seconds) for pool in self.pools))
        self._functions.close()
        self._client.close()

    def _register(self) -> list[Consumer]:
        names = Names(self._sources)
        events = descriptions(self.declared.values(), self._sources, names, self._source)
        if events:
            self._appender.append(events)
        return register(self.declared.values(), self.pool, self._node, names, replace=self._replace)


def _pool_name(name: str) -> str:
    """A pool's name, unchanged.

    Raises:
        Invalid: it is none.
    """
    target = as_target({"kind": "python", "function": "f", "pool": name})
    assert isinstance(target, PythonTarget)
    return target.pool


def _refuse_nothing(module: str, declared: Mapping[str, Declaration]) -> None:
    if declared:
        return
    raise Invalid(
        f"{module} declares no consumer.",
        code="nothing-declared",
        field="module",
        value=module,
        rule="a module that a worker runs declares a consumer by @consumer, @asset or @dag",
        hint="A function under @dag declares its DAG when it is called: is the call missing?",
    )
