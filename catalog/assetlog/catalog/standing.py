"""Where the projection of a node that does not run stands: read from its file, which stays as it is."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import duckdb

from assetlog.catalog.event_log import open_archive
from assetlog.catalog.projection import PROJECTION
from assetlog.catalog.settings import Settings
from assetlog.consumers.fold.store import FOLD_SQL
from assetlog.consumers.log.continuity import Mark
from assetlog.consumers.log.doctor import Standing
from assetlog.consumers.views.sql import statement
from assetlog.schemas.errors import Broken


@contextmanager
def standing_of(settings: Settings) -> Iterator[Standing]:
    """Where the projection and the archive of a data directory stand.

    Raises:
        Broken: the projection or the archive is damaged.
        Unavailable: the archive's store does not answer.
    """
    path = settings.home / PROJECTION
    mark, first = _read(path) if path.exists() else (None, None)
    with closing(open_archive(settings)) as archive:
        yield Standing(mark, first, archive)


def _read(path: Path) -> tuple[Mark | None, int | None]:
    try:
        with duckdb.connect(str(path), read_only=True) as connection:
            mark = statement("mark", FOLD_SQL).row(connection, {})
            first = statement("first", FOLD_SQL).row(connection, {})
    except duckdb.Error as error:
        raise Broken(
            f"{path.name} cannot be read: {str(error).splitlines()[0]}",
            code="projection-unreadable",
            field="data-dir",
            value=path,
            rule="the catalog is a file that DuckDB reads",
            hint="The next start puts it aside and folds the log again.",
        ) from error
    return Mark(*mark) if mark else None, first[0] if first else None
