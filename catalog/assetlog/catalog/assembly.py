"""Putting a node's parts together; the half of the composition root that needs the heavy libraries."""

from __future__ import annotations

import gc
import platform
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from importlib.metadata import version

from assetlog.catalog.access.keeper import Keeper
from assetlog.catalog.access.store import TokenStore
from assetlog.catalog.api.metrics import Metrics
from assetlog.catalog.api.parts import Parts
from assetlog.catalog.event_log import EventLog
from assetlog.catalog.intake import Intake
from assetlog.catalog.projection import Projection
from assetlog.catalog.settings import Settings
from assetlog.consumers.archive.archiver import Archiver, Rules
from assetlog.consumers.archive.blobs import FOLDER, Blobs
from assetlog.consumers.archive.places import open_place
from assetlog.consumers.fold.fold import Fold
from assetlog.consumers.fold.hot import HotAsset, HotAssets
from assetlog.consumers.fold.projector import Projector
from assetlog.consumers.log.home import place_of
from assetlog.consumers.log.lease import Lease
from assetlog.consumers.schedule.scheduler import LEASE, Scheduler
from assetlog.consumers.views.hot_loader import HotLoader
from assetlog.consumers.views.memory import Memory
from assetlog.consumers.views.reader import Reader
from assetlog.schemas.errors import Unavailable

COLLECT_IDLE_FROM = 10_000
"""New objects that make a collection worth its time while idle."""
WARM_ASSETS = 1_000
"""Assets in memory when a node is ready, the most recent ones; the others are read when nothing else is to do."""


async def build_parts(settings: Settings, log: EventLog, projection: Projection) -> tuple[Parts, Callable[[], None]]:
    """The parts that serve a log's catalog, and what ends their threads."""
    hot = HotAssets(_few_at_first(HotLoader(log.bodies)), settings.hot_assets)
    projector = Projector(projection.open, log.watch, log.url, settings.catalog, hot, on_idle=_collect)
    place = place_of(settings.home)
    metrics = Metrics()
    metrics.announce(version("assetlog"))
    threads = ThreadPoolExecutor(settings.reader_threads, thread_name_prefix="assetlog-reader")
    parts = Parts(
        settings=settings,
        redis=log.client,
        log_problem=log.problem,
        appender=log.appender,
        intake=Intake(log.appender, projector, settings.redact_secrets),
        projector=projector,
        scheduler=Scheduler(
            log.client,
            Lease(log.blocking, settings.catalog, LEASE, place),
            settings.catalog,
            projector,
            log.appender.last_position,
        ),
        archiver=Archiver(log.blocking, settings.catalog, place, log.archive, projector, _rules(settings), log.index),
        reader=Reader(projector.cursor, log.bodies, lambda: projector.epoch, lambda: projector.fold.known),
        keeper=Keeper(
            TokenStore(log.blocking, settings.catalog), settings.requests_per_second, settings.events_per_second
        ),
        memory=Memory(hot),
        blobs=Blobs(open_place(settings.archive_url, settings.home, f"{settings.catalog}/{FOLDER}")),
        threads=threads,
        metrics=metrics,
        api_source=f"api://{platform.node() or 'localhost'}",
        identity=f"{version('assetlog')}\0{settings.catalog}\0".encode(),
    )
    return parts, lambda: threads.shutdown(wait=True)


def _rules(settings: Settings) -> Rules:
    return Rules(settings.archive_every, settings.archive_keep_in_log, settings.archive_after_idle)


def _few_at_first(load: HotLoader) -> Callable[[Fold, list[int] | None, int], list[HotAsset]]:
    """Loading ten thousand assets takes over a second, for which nobody should wait who asks for one."""

    def load_few(fold: Fold, wanted: list[int] | None, limit: int) -> list[HotAsset]:
        if wanted is not None:
            return load(fold, wanted, limit)
        try:
            return load(fold, None, min(limit, WARM_ASSETS))
        except Unavailable:  # the archive is away: memory only makes answers quicker
            return []

    return load_few


def _collect() -> None:
    """Collect garbage while nobody waits, if there is enough; `tune_process` switches the automatic collection off."""
    if not gc.isenabled() and gc.get_count()[0] > COLLECT_IDLE_FROM:
        gc.collect()
