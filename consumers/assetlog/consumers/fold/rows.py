"""From one decoded event to its rows: a pure function of the event, its position and what was known before."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import msgspec

from assetlog.consumers.fold.identity import Identity
from assetlog.consumers.fold.known import ColumnEdge, Edge, JobAsset, Known
from assetlog.consumers.fold.scheduling_rows import (
    CONSUMER_TYPES,
    TRIGGER_TYPES,
    consumer_row,
    refuse_unreadable,
    trigger_rows,
)
from assetlog.consumers.schedule.desk import Desk
from assetlog.schemas.codec import Event
from assetlog.schemas.errors import Invalid
from assetlog.schemas.events.common import NOTHING
from assetlog.schemas.keys import canonical_key
from assetlog.schemas.positions import position_time

ERROR_LENGTH = 1000
"""Runs keep this much of their error in the projection; all of it is in the event."""

Row = tuple[Any, ...]


class Rows:
    """The rows of one commit, by table."""

    TABLES = (
        "log",
        "keys",
        "edges",
        "column_edges",
        "job_assets",
        "descriptions",
        "checks",
        "aliases",
        "alias_assets",
        "artifacts",
        "runs",
        "consumers",
        "triggers",
        "consumed",
        "quarantine",
        "skipped",
        "progress",
    )

    def __init__(self, known: Known, desk: Desk) -> None:
        self.known = known
        self.desk = desk
        self.tables: dict[str, list[Row]] = {table: [] for table in self.TABLES}
        self._log = self.tables["log"].append
        self._watched = desk.freshness.watched

    def add(self, position: int, event: Event, of: Identity) -> int | None:
        """Add an event's rows; returns the number of the asset it is about.

        Raises:
            Invalid: the event contradicts what is known; nothing was added.
        """
        kind, data = event.type, event.data
        if kind in _REFUSING:
            _REFUSING[kind](self, event)
        time = recorded(position) if event.time is None else event.time.replace(tzinfo=None)
        aid = self._subject(position, event)
        run = getattr(data, "run", None)
        run_id, job = _run(event) if run is None else (run.id, run.job)
        tid, hid = (of.digest, None) if of.timed else (None, of.digest)
        self._log((position, tid, hid, kind, aid, time, run_id, job, getattr(data, "partition", None)))
        if aid in self._watched:
            self.desk.freshness.heard(kind, position, aid, event.time)
        if data is None:
            self.tables["skipped"].append((position, kind, event.version))
            return aid
        if kind == "asset.materialized":
            if self.desk.consumers and aid is not None:
                self.desk.materialized(position, aid, data.partition, event.causation_id)  # type: ignore[attr-defined]
            if self._is_usual(aid, event.upstream, job, data):
                return aid
        if aid is not None and event.upstream and kind != "asset.failed":
            self._link(position, aid, job, event)
        add_family = _FAMILIES.get(kind)
        if add_family is not None:
            add_family(self, position, event, aid, job, time)
        return aid

    def _is_usual(self, aid: Any, upstream: tuple[str, ...], job: str | None, data: Any) -> bool:
        """Whether an asset was made as it was the last time, which most are: there is nothing new to know."""
        return self.known.usual.get(aid) == (upstream, job) and not data.column_lineage

    def _link(self, position: int, aid: int, job: str | None, event: Event) -> None:
        """The asset's edges; a set of upstreams that was met before has nothing new."""
        links = (aid, event.upstream, job)
        if self.known.is_new_set(links):
            for key in event.upstream:
                self.edge(position, self.number(key, position), aid, job)

    def number(self, key: str, position: int) -> int:
        """The asset's number, given at first sight."""
        aid = self.known.aids.get(key)
        if aid is None:
            aid = self.known.add_key(key, position)
            self.tables["keys"].append((aid, key, position))
        return aid

    def job_asset(self, position: int, aid: int, job: str | None, role: str) -> None:
        """A job makes or reads an asset."""
        if job is None:
            return
        pair = JobAsset(aid, job, role)
        if self.known.add_job(pair, position):
            self.tables["job_assets"].append((*pair, position))

    def edge(self, position: int, up: int, down: int, job: str | None) -> None:
        """An asset was made from another."""
        edge = Edge(up, down, job)
        if self.known.add_edge(edge, position):
            self.tables["edges"].append((*edge, position))
            self.job_asset(position, up, job, "reads")

    def column_edge(self, position: int, edge: ColumnEdge) -> None:
        """A column was made from a column."""
        if self.known.add_column_edge(edge):
            self.tables["column_edges"].append((*edge, position))

    def _subject(self, position: int, event: Event) -> int | None:
        key = event.subject if event.type.startswith("asset.") else event.other
        if key is None:
            key = event.other
            if key is None:
                return None
        aid = self.known.aids.get(key)
        return self.number(key, position) if aid is None else aid


def naive(moment: datetime) -> datetime:
    """A UTC moment as the projection stores it."""
    return moment.replace(tzinfo=None)


def recorded(position: int) -> datetime:
    """When the log recorded a position, as the projection stores it."""
    return position_time(position).astimezone(UTC).replace(tzinfo=None)


def _run(event: Event) -> tuple[str | None, str | None]:
    """The run and the job of an event whose data names no run of its own."""
    return (event.subject, getattr(event.data, "job", None)) if event.type.startswith("run.") else (None, None)


def _json(value: Any) -> str | None:
    return None if value is None else msgspec.json.encode(value).decode()


def _refuse_alias_cycle(rows: Rows, event: Event) -> None:
    known = rows.known
    aid, other = known.aids.get(event.subject or ""), known.aids.get(event.other or "")
    if aid is not None and other is not None and known.root(aid) == known.root(other) == other:
        raise Invalid(
            f"{event.other} cannot stand for {event.subject}: it is what {event.subject} stands for.",
            code="alias-cycle",
            field="data.alias",
            value=event.other,
            rule="aliases do not form a cycle",
            hint="Alias the other way round, or use a third key for both.",
        )


AddFamily = Callable[[Rows, int, Event, Any, str | None, datetime], None]


def _materialized(rows: Rows, position: int, event: Event, aid: Any, job: str | None, _time: datetime) -> None:
    rows.job_asset(position, aid, job, "makes")
    lineage = event.data.column_lineage  # type: ignore[union-attr]
    for column, refs in lineage.items():
        for ref in refs:
            up = rows.number(canonical_key(ref.asset), position)
            rows.edge(position, up, aid, job)
            rows.column_edge(position, ColumnEdge(up, ref.column, aid, column))
    rows.known.usual[aid] = event.upstream, job


def _failed(rows: Rows, position: int, _event: Event, aid: Any, job: str | None, _time: datetime) -> None:
    rows.job_asset(position, aid, job, "makes")


def _referenced(rows: Rows, position: int, _event: Event, aid: Any, job: str | None, _time: datetime) -> None:
    rows.job_asset(position, aid, job, "reads")


def _overdue(rows: Rows, position: int, event: Event, aid: Any, _job: str | None, _time: datetime) -> None:
    rows.desk.overdue(position, aid, event.data.partition)  # type: ignore[union-attr]


def _described(rows: Rows, position: int, event: Event, aid: Any, _job: str | None, _time: datetime) -> None:
    data: Any = event.data
    rows.desk.describe(aid, data.name, data.group)
    if data.freshness is not None:
        rows.desk.freshness.describe(aid, data.freshness)
    rows.tables["descriptions"].append(
        (
            position,
            aid,
            data.name,
            data.group,
            data.kind,
            data.description,
            data.url,
            _json(data.owners),
            _json(data.tags),
            _json(data.columns),
            None if data.extra == NOTHING else bytes(data.extra).decode(),
            _json(data.freshness),
        )
    )


def _checked(rows: Rows, position: int, event: Event, aid: Any, _job: str | None, _time: datetime) -> None:
    data: Any = event.data
    run_id = None if data.run is None else data.run.id
    row = (position, aid, data.check, data.passed, data.severity, data.partition, run_id)
    rows.tables["checks"].append(row)


def _aliased(rows: Rows, position: int, event: Event, aid: Any, _job: str | None, _time: datetime) -> None:
    """The alias, and all that stood for it, now stand for the subject's root."""
    known = rows.known
    root = known.root(aid)
    other = rows.number(event.other or "", position)
    for member in known.members(other):
        known.add_alias(position, root, member)
        rows.tables["aliases"].append((position, root, member))
    rows.desk.alias()
    rows.desk.freshness.alias(known.members(root))


def _resolved(rows: Rows, position: int, event: Event, aid: Any, _job: str | None, _time: datetime) -> None:
    rows.desk.resolve(aid, event.subject or "")
    rows.tables["alias_assets"].append((position, event.subject, aid))


def _artifact(rows: Rows, position: int, event: Event, aid: Any, _job: str | None, _time: datetime) -> None:
    data: Any = event.data
    act = event.type.removeprefix("artifact.")
    artifact_id = event.id if act == "created" else data.artifact
    reference = getattr(data, "run", None)
    run_id = None if reference is None else reference.id
    row = (position, act, artifact_id, event.subject, getattr(data, "type", None), aid, run_id)
    rows.tables["artifacts"].append(row)


def _ran(rows: Rows, position: int, event: Event, _aid: Any, job: str | None, time: datetime) -> None:
    data: Any = event.data
    act = event.type.removeprefix("run.")
    error = getattr(data, "error", None) or getattr(data, "reason", None)
    row = (
        position,
        act,
        event.subject,
        job,
        data.parent,
        time,
        getattr(data, "duration", None),
        None if error is None else error[:ERROR_LENGTH],
    )
    rows.tables["runs"].append(row)


def _consumer(rows: Rows, position: int, event: Event, _aid: Any, _job: str | None, _time: datetime) -> None:
    rows.tables["consumers"].append(consumer_row(rows.desk, position, event))


def _trigger(rows: Rows, position: int, event: Event, _aid: Any, _job: str | None, _time: datetime) -> None:
    row, consumed = trigger_rows(rows.desk, position, event)
    rows.tables["triggers"].append(row)
    rows.tables["consumed"].extend(consumed)


_FAMILIES: dict[str, AddFamily] = {
    "asset.materialized": _materialized,
    "asset.failed": _failed,
    "asset.overdue": _overdue,
    "asset.referenced": _referenced,
    "asset.described": _described,
    "asset.checked": _checked,
    "asset.aliased": _aliased,
    "alias.resolved": _resolved,
    "artifact.created": _artifact,
    "artifact.updated": _artifact,
    "artifact.retired": _artifact,
    "run.started": _ran,
    "run.succeeded": _ran,
    "run.failed": _ran,
    "run.skipped": _ran,
    **dict.fromkeys(CONSUMER_TYPES, _consumer),
    **dict.fromkeys(TRIGGER_TYPES, _trigger),
}
_REFUSING: dict[str, Callable[[Rows, Event], None]] = {
    "asset.aliased": _refuse_alias_cycle,
    "consumer.registered": lambda _rows, event: refuse_unreadable(event),
}
"""What an event must not contradict, before anything of it is added."""
