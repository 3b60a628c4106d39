"""Timing reads: requests to the node, the same bytes from the plain server, and narrow queries of DuckDB alone."""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from importlib import resources
from pathlib import Path
from typing import Any
from urllib.parse import quote, urlencode

import duckdb

from assetlog.catalog.bench.load import Outcome
from assetlog.catalog.bench.processes import Server
from assetlog.catalog.bench.stage import Stage, request, send

WARM_UP = 20
SQL = "assetlog.catalog.bench.sql"


def read(node: Server, path: str, queries: Sequence[Mapping[str, Any]], contains: bytes = b"") -> Outcome:
    """Ask a path once per query, from one client."""
    requests = [request(node, "GET", f"{path}?{urlencode(query, quote_via=quote)}") for query in queries]
    return send(node, requests[:WARM_UP] + requests, contains=contains, warm_up=min(WARM_UP, len(requests)))


def plain_read(stage: Stage, answer: bytes, count: int) -> list[float]:
    """Seconds of asking the plain server for the same bytes."""
    plain = stage.plain
    plain.ask("POST", "/kept", answer)
    requests = [request(plain, "GET", "/kept")] * (count + WARM_UP)
    return send(plain, requests, warm_up=WARM_UP).times


def narrow(copy: Path, name: str, values: Sequence[Mapping[str, Any]]) -> list[float]:
    """Seconds of a narrow query on a copy of the projection, without HTTP, bodies or JSON."""
    sql = resources.files(SQL).joinpath(f"{name}.sql").read_text()
    with _opened(copy) as connection:
        for warm_up in values[:WARM_UP]:
            connection.execute(sql, warm_up).fetchall()
        return [_seconds(connection, sql, given) for given in values]


def asset_numbers(copy: Path) -> dict[str, int]:
    """Each asset's number in the projection."""
    with _opened(copy) as connection:
        return dict(connection.execute("select key, aid from keys").fetchall())


@contextmanager
def _opened(copy: Path) -> Iterator[duckdb.DuckDBPyConnection]:
    with duckdb.connect(str(copy), read_only=True) as connection:
        yield connection


def _seconds(connection: duckdb.DuckDBPyConnection, sql: str, values: Mapping[str, Any]) -> float:
    began = time.perf_counter()
    connection.execute(sql, values).fetchall()
    return time.perf_counter() - began
