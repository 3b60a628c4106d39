"""The whole log, for commands that fold it by themselves; and how far they are."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing, contextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from assetlog.catalog.settings import Settings
    from assetlog.consumers.archive.bodies import ArchivedBodies

OnProgress = Callable[[int, int], None]


@contextmanager
def log_of_stopped_node(settings: Settings, *, from_archive: bool = False) -> Iterator[ArchivedBodies]:
    """The log, while no node runs: its server is started for the time being, unless it is an external one.

    Args:
        from_archive: let a log that was lost or is an older copy of itself go on where the archive ends.

    Raises:
        Conflict: a node runs on the data directory.
    """
    from assetlog.consumers.log.home import HomeLock
    from assetlog.consumers.log.server import LogServer

    with ExitStack() as stack:
        lock = stack.enter_context(HomeLock(settings.home))
        url = settings.redis_url
        if url is None:
            server = LogServer(settings.home, lock=lock)
            url = stack.enter_context(server).url
        yield stack.enter_context(_bodies(url, settings, from_archive=from_archive))


@contextmanager
def log_to_read(settings: Settings) -> Iterator[ArchivedBodies]:
    """The log, whether a node runs or not: nothing but the log is read."""
    from assetlog.schemas.node_file import read_node_file

    node = read_node_file(settings.home)
    url = settings.redis_url or (node.log if node else None)
    with log_of_stopped_node(settings) if url is None else _bodies(url, settings) as bodies:
        yield bodies


@contextmanager
def progress(bodies: ArchivedBodies, what: str, *, quiet: bool) -> Iterator[OnProgress]:
    """A bar on standard error that is told how many entries are read; nothing in a pipe or when `quiet`."""
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

    unseen = quiet or not sys.stderr.isatty()
    columns = (TextColumn(what), BarColumn(), MofNCompleteColumn(), TextColumn("events"), TimeRemainingColumn())
    with Progress(*columns, console=Console(stderr=True), disable=unseen, transient=True) as bar:
        task = bar.add_task(what, total=bodies.length())
        yield lambda entries, _: bar.update(task, completed=entries)


@contextmanager
def _bodies(url: str, settings: Settings, *, from_archive: bool = False) -> Iterator[ArchivedBodies]:
    from assetlog.catalog.event_log import open_archive
    from assetlog.consumers.archive.bodies import ArchivedBodies
    from assetlog.consumers.archive.continuing import continue_log
    from assetlog.consumers.log.bodies import Bodies
    from assetlog.consumers.log.connection import connect_sync

    with connect_sync(url) as client, closing(open_archive(settings)) as archive:
        if from_archive:
            continue_log(client, settings.catalog, archive)
        yield ArchivedBodies(Bodies(client, settings.catalog), archive)
