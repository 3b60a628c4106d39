"""What the fold has met, in memory, each thing with the position where it began: so it is known as of any position.

Its size follows the number of assets and edges, never the number of events. The writer's thread only appends;
other threads read what began at or before a folded position, which never changes.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from itertools import islice
from typing import Literal, NamedTuple

import duckdb

from assetlog.consumers.fold.scheduled import Scheduled

Direction = Literal["up", "down"]


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


class Link(NamedTuple):
    """One end of an edge, seen from the other."""

    other: int
    job: str | None
    first_pos: int


class Known:
    """Assets by key and number, the edges between them, the jobs that touch them, and what stands for what."""

    def __init__(self) -> None:
        self.aids: dict[str, int] = {}
        self.keys: list[str] = []
        self.first_positions: list[int] = []
        self._in_order: list[int] = []
        self.roots: dict[int, int] = {}
        """Alias -> the asset it stands for now; flat: no root is itself an alias."""
        self._aliases: list[tuple[int, int, int]] = []
        self._edges: set[Edge] = set()
        self._links: dict[Direction, defaultdict[int, list[Link]]] = {
            "up": defaultdict(list),
            "down": defaultdict(list),
        }
        self._sets: set[tuple[int, tuple[str, ...], str | None]] = set()
        self.usual: dict[int, tuple[tuple[str, ...], str | None]] = {}
        """How each asset was last made: from which upstream keys, by which job."""
        self._column_edges: set[ColumnEdge] = set()
        self._job_assets: set[JobAsset] = set()
        self._jobs: defaultdict[int, list[tuple[str, str, int]]] = defaultdict(list)
        self.scheduled = Scheduled()
        """The consumers that name an asset."""

    @classmethod
    def load(cls, connection: duckdb.DuckDBPyConnection) -> Known:
        """What a projection has met."""
        known = cls()
        for key, position in connection.execute("select key, first_pos from keys order by aid").fetchall():
            known.add_key(key, position)
        for up, down, job, position in connection.execute("select up, down, job, first_pos from edges").fetchall():
            known.add_edge(Edge(up, down, job), position)
        for aid, job, role, position in connection.execute("from job_assets").fetchall():
            known.add_job(JobAsset(aid, job, role), position)
        column_edges = connection.execute("select up, up_column, down, down_column from column_edges").fetchall()
        known._column_edges = set(map(ColumnEdge._make, column_edges))
        for position, root, member in connection.execute("select pos, aid, other from aliases order by pos").fetchall():
            known.add_alias(position, root, member)
        known.scheduled.load(connection)
        return known

    def add_key(self, key: str, position: int) -> int:
        """The number of an asset met for the first time."""
        aid = len(self.keys)
        self.first_positions.append(position)
        self.keys.append(key)
        self.aids[key] = aid
        return aid

    def add_edge(self, edge: Edge, position: int) -> bool:
        """Whether an edge is new."""
        if edge in self._edges:
            return False
        self._edges.add(edge)
        self._links["up"][edge.down].append(Link(edge.up, edge.job, position))
        self._links["down"][edge.up].append(Link(edge.down, edge.job, position))
        return True

    def is_new_set(self, links: tuple[int, tuple[str, ...], str | None]) -> bool:
        """Whether an asset's upstream keys and job come together for the first time: most events bring nothing new."""
        before = len(self._sets)
        self._sets.add(links)
        return len(self._sets) > before

    def add_column_edge(self, edge: ColumnEdge) -> bool:
        """Whether a column's edge is new."""
        before = len(self._column_edges)
        self._column_edges.add(edge)
        return len(self._column_edges) > before

    def add_job(self, pair: JobAsset, position: int) -> bool:
        """Whether a job touches an asset for the first time in this role."""
        if pair in self._job_assets:
            return False
        self._job_assets.add(pair)
        self._jobs[pair.aid].append((pair.role, pair.job, position))
        return True

    def add_alias(self, position: int, root: int, member: int) -> None:
        """From a position on, a key stands for an asset."""
        self._aliases.append((position, root, member))
        self.roots[member] = root

    def root(self, aid: int) -> int:
        """The asset that a number stands for now: itself unless it is an alias."""
        return self.roots.get(aid, aid)

    def members(self, aid: int) -> list[int]:
        """Every number that stands for an asset now, its own first."""
        return [aid, *(other for other, root in self.roots.items() if root == aid)] if self.roots else [aid]

    def at(self, position: int) -> KnownAt:
        """What was known as of a folded position."""
        return KnownAt(self, position)

    def roots_at(self, position: int) -> Mapping[int, int]:
        """What stood for what as of a position."""
        if not self._aliases:
            return {}
        return {member: root for at, root, member in self._aliases if at <= position}

    def in_order(self) -> list[int]:
        """Every number by its key, sorted again only where keys were added; a new list each time, never changed."""
        order, keys = self._in_order, self.keys
        if len(order) < len(keys):
            order = self._in_order = sorted((*order, *range(len(order), len(keys))), key=keys.__getitem__)
        return order

    def links_of(self, direction: Direction, aid: int) -> list[Link]:
        """The edges of a number in one direction, whenever they began."""
        return self._links[direction].get(aid, [])

    def jobs_of(self, aid: int) -> list[tuple[str, str, int]]:
        """(role, job, first position) of the jobs that touch a number."""
        return self._jobs.get(aid, [])


class KnownAt:
    """What was known as of a position, aliases resolved. Numbers given and returned are roots."""

    hidden = False
    """Whether something was left out because it may not be seen."""

    def __init__(self, known: Known, position: int) -> None:
        self._known = known
        self._position = position
        self._roots = known.roots_at(position)
        self._members: defaultdict[int, list[int]] = defaultdict(list)
        for member, root in self._roots.items():
            self._members[root].append(member)

    @property
    def has_aliases(self) -> bool:
        """Whether a number stands for another one."""
        return bool(self._roots)

    def number(self, key: str) -> int | None:
        """The asset that a canonical key names."""
        aid = self._known.aids.get(key)
        if aid is None or self._known.first_positions[aid] > self._position:
            return None
        return self._roots.get(aid, aid)

    def size(self) -> int:
        """How many keys there are, at most."""
        return len(self._known.keys)

    def members(self, root: int) -> list[int]:
        """The asset's own number, then those of its aliases."""
        return [root, *sorted(self._members[root])] if self._members else [root]

    def key(self, root: int) -> str:
        """The asset's key."""
        return self._known.keys[root]

    def first_position(self, root: int) -> int:
        """Where the asset, or an alias of it, was met first."""
        if not self._members:
            return self._known.first_positions[root]
        return min(self._known.first_positions[aid] for aid in self.members(root))

    def aliases(self, root: int) -> list[str]:
        """The keys that stand for the asset, in order."""
        return sorted(self._known.keys[aid] for aid in self.members(root)[1:])

    def links(self, direction: Direction, root: int) -> list[Link]:
        """The asset's edges in one direction; the same neighbour may come once for each job."""
        position = self._position
        if self._roots:
            return self._resolved(direction, root)
        found = self._known.links_of(direction, root)
        return [link for link in found if link.first_pos <= position and link.other != root]

    def _resolved(self, direction: Direction, root: int) -> list[Link]:
        """The edges of the asset and its aliases, to what others' aliases stand for."""
        roots, position = self._roots, self._position
        found = (link for member in self.members(root) for link in self._known.links_of(direction, member))
        there = [link._replace(other=roots.get(link.other, link.other)) for link in found if link.first_pos <= position]
        return [link for link in there if link.other != root]

    def links_up(self, roots: Iterable[int]) -> dict[int, list[Link]]:
        """Some assets, in their order, each with its edges upstream."""
        return {root: self.links("up", root) for root in roots}

    def neighbours(self, direction: Direction, root: int) -> set[int]:
        """The assets one step away."""
        return {link.other for link in self.links(direction, root)}

    def jobs(self, role: str, root: int) -> list[str]:
        """The jobs and the consumers that make or read the asset (`makes`, `reads`), in order."""
        members = self.members(root)
        found = {
            job
            for member in members
            for of, job, position in self._known.jobs_of(member)
            if of == role and position <= self._position
        }
        return sorted(found | self.consumers(role, members))

    def consumers(self, role: str, members: Iterable[int]) -> set[str]:
        """The consumers that name one of these numbers' keys: waiting for it or reading it, or making it."""
        keys = (self._known.keys[aid] for aid in members)
        return self._known.scheduled.consumers(role, keys, self._position)

    def reach(self, direction: Direction, root: int, depth: int, limit: int) -> dict[int, int]:
        """The assets up to so many steps away, the nearest first, each with its distance."""
        distances = {root: 0}
        frontier = [root]
        for steps in range(1, depth + 1):
            found = {link.other for aid in frontier for link in self.links(direction, aid)} - distances.keys()
            frontier = sorted(found)
            distances.update((aid, steps) for aid in frontier)
            if not frontier or len(distances) > limit:
                break
        return dict(list(distances.items())[: limit + 1])

    def roots_in_order(self, prefix: str = "", after: str = "") -> Iterator[int]:
        """Every asset by its key: those whose key begins so, and comes after another key."""
        keys, order, first_positions = self._known.keys, self._known.in_order(), self._known.first_positions
        start = max(bisect_left(order, prefix, key=keys.__getitem__), bisect_right(order, after, key=keys.__getitem__))
        for aid in islice(order, start, None):
            if not keys[aid].startswith(prefix):
                return
            if first_positions[aid] <= self._position and aid not in self._roots:
                yield aid
