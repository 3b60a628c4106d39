"""The projection's DuckDB file: opened, written in one transaction a commit, read through cursors.

One process holds the file; its one writer thread owns the writing connection. A second connection keeps
DuckDB's optimizer for the exact duplicate check, which lives from zonemap pruning.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime
from importlib import resources
from pathlib import Path
from typing import Any

import duckdb

from assetlog.consumers.crash_points import passing
from assetlog.schemas.errors import Broken, Unavailable

FOLD_SQL = "assetlog.consumers.fold.sql"
CHECKPOINT_EVERY = 20_000
BULK_CHECKPOINT = 1_000_000
VALUES_UP_TO = 3
"""Up to so many rows an INSERT is quicker than the appender, which costs a fixed 0.6 ms."""
ONE_FLUSH = 2_000
"""Up to so many rows the appender hands on together: it does so by itself at each 2,048th."""

NO_DAMAGE = (
    "No space left on device",
    "Disk quota exceeded",
    "File too large",
    "Permission denied",
    "Read-only file system",
    "Too many open files",
    "Cannot allocate memory",
    "Out of Memory",
)
"""What the system says when a file may be good and still cannot be read or written."""
DAMAGE = ("Corrupt database file", "Corrupt WAL file", "computed checksum", "Failed to deserialize")

_CONFIG: dict[str, str | bool | int | float | list[str]] = {
    "autoinstall_known_extensions": "false",
    "autoload_known_extensions": "false",
    "checkpoint_threshold": "1GB",  # a checkpoint stops commits: ours run when idle
    "threads": 2,
}


class Store:
    """One projection file, made if there is none. `path` may be `:memory:`.

    Args:
        path: the file.
        meta: what a new file says of itself.
    """

    def __init__(self, path: Path | str, meta: Mapping[str, str]) -> None:
        self.path = path
        self._writer = _connect(path)
        self._appenders: dict[str, Any] = {}
        self._since_checkpoint = 0
        self._create_unless_there(meta)
        self.reader = self._writer.cursor()
        self._writer.execute("pragma disable_optimizer")  # halves planning; the fold's statements have nothing to gain

    def cursor(self) -> duckdb.DuckDBPyConnection:
        """A connection of its own for a reading thread, sees what is committed."""
        return self._writer.cursor()

    def meta(self) -> dict[str, str]:
        """What the file says of itself."""
        return dict(self.reader.execute("select name, value from meta").fetchall())

    @contextlib.contextmanager
    def transaction(self) -> Iterator[duckdb.DuckDBPyConnection]:
        """All or nothing. A failing commit leaves its outcome open: close, reopen and read the position."""
        self._writer.begin()
        try:
            yield self._writer
        except BaseException:
            self._abandon()
            raise
        passing("commit.before")
        self._writer.commit()
        passing("commit.after")

    def commit(self, tables: Mapping[str, Sequence[tuple[Any, ...]]]) -> None:
        """Append rows to their tables, all or nothing; see `transaction`.

        Rows of one table, as most events are, come by one statement, which needs no transaction around it.
        """
        filled = [rows for rows in tables.values() if rows]
        if len(filled) > 1 or (filled and len(filled[0]) > ONE_FLUSH):
            with self.transaction():
                self.append(tables)
            return
        passing("commit.before")
        try:
            self.append(tables)
        except BaseException:
            self._forget_rows()
            raise
        passing("commit.after")

    @contextlib.contextmanager
    def optimized(self) -> Iterator[None]:
        """Plan with the optimizer for once: a snapshot scans the log's tail only if its filters are pushed down."""
        self._writer.execute("pragma enable_optimizer")
        try:
            yield
        finally:
            with contextlib.suppress(duckdb.TransactionException):  # aborted: the caller's error says why
                self._writer.execute("pragma disable_optimizer")

    def append(self, tables: Mapping[str, Sequence[tuple[Any, ...]]]) -> None:
        """Append rows to their tables, inside a transaction."""
        for table, rows in tables.items():
            if not rows:
                continue
            if len(rows) <= VALUES_UP_TO:
                self._insert(table, rows)
            else:
                appender = self._appenders.get(table) or self._appender(table)
                appender.append_rows(rows)
                appender.flush()
            self._since_checkpoint += len(rows)

    def inserted(self, rows: int) -> None:
        """Take note of rows that came by SQL; a million of them do not wait for a checkpoint."""
        self._since_checkpoint += rows
        self.checkpoint(at_least=BULK_CHECKPOINT)

    def checkpoint(self, *, at_least: int = 1) -> bool:
        """Move the write-ahead log into the file if so many rows wait there. It stops commits: do it when idle."""
        if self._since_checkpoint < at_least:
            return False
        passing("checkpoint.begin")
        self._writer.execute("checkpoint")
        passing("checkpoint.end")
        self._since_checkpoint = 0
        return True

    def close(self) -> None:
        """Close every connection to the file."""
        self._appenders.clear()
        self.reader.close()
        self._writer.close()

    def _create_unless_there(self, meta: Mapping[str, str]) -> None:
        tables = {name for (name,) in self._writer.execute("select table_name from duckdb_tables()").fetchall()}
        if not tables:
            with self.transaction() as connection:
                connection.execute(sql_text("schema"))
                connection.executemany("insert into meta values (?, ?)", list(meta.items()))
        elif "meta" not in tables:
            self._writer.close()
            raise duckdb.CatalogException("it holds other tables than assetlog's")

    def _insert(self, table: str, rows: Sequence[tuple[Any, ...]]) -> None:
        marks = ", ".join(["(" + ", ".join("?" * len(rows[0])) + ")"] * len(rows))
        values = [value for row in rows for value in row]
        self._writer.execute(f"insert into {table} values {marks}", values)  # noqa: S608 - table names are ours

    def _appender(self, table: str) -> Any:
        appender = self._appenders[table] = self._writer.appender(table)
        return appender

    def _forget_rows(self) -> None:
        """Empty the appenders' buffers: their rows must not reach the next commit."""
        for appender in self._appenders.values():
            appender.clear()
        self._appenders.clear()

    def _abandon(self) -> None:
        self._forget_rows()
        with contextlib.suppress(duckdb.Error):
            self._writer.rollback()


def open_store(path: Path, meta: Mapping[str, str]) -> tuple[Store, str | None]:
    """A projection's file, and what was wrong with the one before if it had to be set aside.

    The projection can always be folded again, so a damaged or foreign file is renamed, never repaired.

    Raises:
        Broken: another process holds the file.
        Unavailable: the file cannot be read or written now, which says nothing about what is in it.
    """
    try:
        return Store(path, meta), None
    except duckdb.Error as error:
        refuse_unless_damaged(path, error)
        damage = put_aside_damaged(path, error)
        return Store(path, meta), damage


def refuse_unless_damaged(path: Path, error: duckdb.Error) -> None:
    """Return only if the file itself is bad: a full disk or another process is no reason to fold all again.

    Raises:
        Broken: another process holds the file.
        Unavailable: the system let nobody read or write it.
    """
    text = str(error)
    if "Could not set lock on file" in text:
        raise Broken(
            f"Another process holds {path.name}.",
            code="projection-locked",
            hint="Stop the other node or the program that has the file open.",
        ) from error
    if any(reason in text for reason in NO_DAMAGE):
        raise Unavailable(
            f"The projection cannot be read or written: {text.splitlines()[0]}.",
            code="projection-unusable",
            field="data-dir",
            value=path,
            hint="Free space on its disk and let the user that runs the node read and write it; nothing is lost.",
        ) from error


def put_aside_damaged(path: Path, error: duckdb.Error) -> str:
    """Rename a bad file; says so in a sentence."""
    aside = set_aside(path, "damaged")
    return f"{path.name} could not be read and is now {aside.name}: {str(error).splitlines()[0]}"


def is_damage(error: BaseException) -> bool:
    """Whether DuckDB found the file's content wrong, which it may do long after opening it."""
    return isinstance(error, duckdb.Error) and any(sign in str(error) for sign in DAMAGE)


def set_aside(path: Path, why: str) -> Path:
    """Rename a projection and its write-ahead log; both stay for whoever wants to look."""
    stamp = datetime.now(UTC).strftime("%Y%m%dT%H%M%S%f")
    aside = path.with_name(f"{path.name}.{why}-{stamp}")
    with contextlib.suppress(FileNotFoundError):  # only its write-ahead log was there
        path.rename(aside)
    passing("set-aside.between")
    wal = path.with_name(path.name + ".wal")
    if wal.exists():
        wal.rename(aside.with_name(aside.name + ".wal"))
    return aside


def _connect(path: Path | str) -> duckdb.DuckDBPyConnection:
    return duckdb.connect(str(path), config=_CONFIG)


def sql_text(name: str) -> str:
    """One of the fold's SQL files as it stands: schemas are several statements."""
    return resources.files(FOLD_SQL).joinpath(f"{name}.sql").read_text()
