"""What the fold has met before: asset numbers, and pairs that are stored once.

Its size follows the number of assets and edges, never the number of events.
"""

from __future__ import annotations

from typing import NamedTuple

import duckdb


class Edge(NamedTuple):
    """`down` was made from `up`, by `job` where one is named."""

    up: int
    down: int
    job: str | None


class ColumnEdge(NamedTuple):
    """A column of `down` was made from a column of `up`."""

    up: int
    up_column: str
    down: int
    down_column: str


class JobAsset(NamedTuple):
    """A job makes or reads an asset."""

    aid: int
    job: str
    role: str


class Known:
    """Asset numbers by key, in both directions; pairs; and which key stands for which."""

    def __init__(self) -> None:
        self.aids: dict[str, int] = {}
        self.keys: list[str] = []
        self.edges: set[Edge] = set()
        self.column_edges: set[ColumnEdge] = set()
        self.job_assets: set[JobAsset] = set()
        self.roots: dict[int, int] = {}
        """Alias -> the asset it stands for; flat: no root is itself an alias."""

    @classmethod
    def load(cls, connection: duckdb.DuckDBPyConnection) -> Known:
        """What a projection has met."""
        known = cls()
        known.keys = [key for (key,) in connection.execute("select key from keys order by aid").fetchall()]
        known.aids = {key: aid for aid, key in enumerate(known.keys)}
        known.edges = set(map(Edge._make, connection.execute("select up, down, job from edges").fetchall()))
        column_edges = connection.execute("select up, up_column, down, down_column from column_edges").fetchall()
        known.column_edges = set(map(ColumnEdge._make, column_edges))
        job_assets = connection.execute("select aid, job, role from job_assets").fetchall()
        known.job_assets = set(map(JobAsset._make, job_assets))
        aliases = connection.execute("select other, aid from aliases order by pos").fetchall()
        known.roots = dict(aliases)
        return known

    def root(self, aid: int) -> int:
        """The asset that a number stands for: itself unless it is an alias."""
        return self.roots.get(aid, aid)

    def members(self, aid: int) -> list[int]:
        """Every number that stands for an asset, its own first."""
        return [aid, *(other for other, root in self.roots.items() if root == aid)] if self.roots else [aid]
