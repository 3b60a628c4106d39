"""The law of reading: a view as of a position is that view of a projection that ends there."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import timedelta
from importlib import resources
from typing import Any

import duckdb
import msgspec
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from msgspec import Raw

from assetlog.consumers.fold.store import FOLD_SQL
from assetlog.consumers.views.reader import Reader
from assetlog.consumers.views.sql import statement
from assetlog.schemas.codec import encode
from assetlog.schemas.events.artifact import ArtifactCreated, ArtifactUpdated
from assetlog.schemas.events.asset import AssetChecked
from assetlog.schemas.events.common import Data
from assetlog.schemas.positions import format_position, position_time
from assetlog.schemas.times import format_time

LAWS = settings(
    max_examples=12, deadline=None, suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large]
)
KEYS = ["s3://lake/a", "s3://lake/b/c", "s3://lake/b", "pg://shop/d"]
START_MS = 1_763_747_570_000

Tables = dict[str, list[dict[str, Any]]]
Act = dict[str, Any]

acts = st.fixed_dictionaries(
    {
        "type": st.sampled_from(
            [
                *["asset.materialized"] * 4,
                *["asset.failed", "asset.observed", "asset.retired", "asset.overdue", "asset.described"],
                *["asset.checked", "asset.aliased", "alias.resolved"],
                *["artifact.created"] * 2,
                *["artifact.updated", "artifact.retired"],
                *["run.started", "run.succeeded", "run.failed"],
                *["quarantine", "skipped"],
            ]
        ),
        "aid": st.integers(0, len(KEYS) - 1),
        "other": st.integers(0, len(KEYS) - 1),
        "run": st.sampled_from([None, "r1", "r2", "r3"]),
        "job": st.sampled_from([None, "load", "clean"]),
        "part": st.sampled_from([None, "p1", "p2"]),
        "late": st.integers(-600, 600),
        "name": st.sampled_from(["x", "y"]),
        "yes": st.booleans(),
    }
)


def numbered_by_first_sight(log: list[Act]) -> list[Act]:
    """The same log with its assets numbered as the fold numbers them: densely, a subject before its upstream."""
    order: dict[int, None] = {}
    for act in log:
        if act["type"] != "quarantine":
            order.setdefault(act["aid"])
            if act["type"] in {"asset.materialized", "asset.aliased"}:
                order.setdefault(act["other"])
    order.update(dict.fromkeys(range(len(KEYS))))
    number = {aid: place for place, aid in enumerate(order)}
    return [{**act, "aid": number[act["aid"]], "other": number[act["other"]]} for act in log]


logs = st.lists(acts, min_size=1, max_size=25).map(numbered_by_first_sight)


def position_of(n: int) -> int:
    """Some events share a millisecond."""
    return (START_MS + n // 3) << 20 | n % 3


class Projection:
    """The rows of a log, and its bodies."""

    def __init__(self, log: Sequence[Act]) -> None:
        self.tables: Tables = {}
        self.bodies: dict[int, bytes] = {}
        self.seen: set[int] = set()
        self.created: list[str] = []
        for n, act in enumerate(log):
            self._event(position_of(n), act)

    def add(self, table: str, **row: Any) -> None:
        self.tables.setdefault(table, []).append(row)

    def fetch(self, positions: Sequence[int]) -> list[bytes | None]:
        return [self.bodies.get(position) for position in positions]

    def _event(self, pos: int, act: Act) -> None:
        family = act["type"].partition(".")[0]
        if act["type"] == "quarantine":
            self.add("quarantine", pos=pos, code="malformed", detail="no")
            return
        self._key(pos, act["aid"])
        run = (act["run"] or "r1") if family == "run" else act["run"]
        aid = None if family in {"run", "skipped"} else act["aid"]
        moment = (position_time(pos) + timedelta(seconds=act["late"])).replace(tzinfo=None)
        job = None if run is None else act["job"]
        self.add("log", pos=pos, type=act["type"], aid=aid, time=moment, run=run, job=job, part=act["part"])
        _TELL.get(act["type"], _TELL.get(family, _nothing))(self, pos, {**act, "run": run, "job": job, "time": moment})

    def _key(self, pos: int, aid: int) -> None:
        if aid not in self.seen:
            self.seen.add(aid)
            self.add("keys", aid=aid, key=KEYS[aid], first_pos=pos)

    def body(self, pos: int, kind: str, data: Data, event_id: str = "e") -> None:
        self.bodies[pos] = encode(kind, "test", None, data, event_id=event_id)

    def materialized(self, pos: int, act: Act) -> None:
        self._key(pos, act["other"])
        if act["other"] != act["aid"]:
            self.add("edges", up=act["other"], down=act["aid"], job=act["job"], first_pos=pos)
        if act["job"]:
            self.add("job_assets", aid=act["aid"], job=act["job"], role="makes", first_pos=pos)

    def described(self, pos: int, act: Act) -> None:
        self.add("descriptions", pos=pos, aid=act["aid"], grp=act["name"])

    def checked(self, pos: int, act: Act) -> None:
        row = {"aid": act["aid"], "name": act["name"], "passed": act["yes"], "part": act["part"], "run": act["run"]}
        self.add("checks", pos=pos, severity="error", **row)
        data = AssetChecked(check=act["name"], passed=act["yes"], description=str(pos))
        self.bodies[pos] = encode("asset.checked", "test", KEYS[act["aid"]], data)

    def aliased(self, pos: int, act: Act) -> None:
        self._key(pos, act["other"])
        roots = {row["aid"] for row in self.tables.get("aliases", [])}
        members = {row["other"] for row in self.tables.get("aliases", [])}
        # The fold keeps aliases flat: an alias is never what another one stands for.
        if act["other"] != act["aid"] and act["other"] not in roots and act["aid"] not in members:
            self.add("aliases", pos=pos, aid=act["aid"], other=act["other"])

    def resolved(self, pos: int, act: Act) -> None:
        self.add("alias_assets", pos=pos, alias=act["name"], aid=act["aid"])

    def made(self, pos: int, act: Act) -> None:
        key = act["name"] if act["yes"] else None
        self.created.append(f"a{pos}")
        row = {"act": "created", "id": f"a{pos}", "key": key, "type": "json", "aid": act["aid"], "run": act["run"]}
        self.add("artifacts", pos=pos, **row)
        self.body(pos, "artifact.created", ArtifactCreated(type="json", data=Raw(b"%d" % pos), description="first"))

    def updated(self, pos: int, act: Act) -> None:
        artifact = self.created[act["other"] % len(self.created)] if self.created else "none"
        self.add("artifacts", pos=pos, act="updated", id=artifact)
        said = {"data": Raw(b"%d" % pos)} if act["yes"] else {"description": str(pos)}
        self.body(pos, "artifact.updated", ArtifactUpdated(artifact=artifact, **said))

    def retired(self, pos: int, act: Act) -> None:
        named = self.created[-1] if act["yes"] and self.created else None
        self.add("artifacts", pos=pos, act="retired", id=named, key=act["name"])

    def ran(self, pos: int, act: Act) -> None:
        row = {"run": act["run"], "job": act["job"], "time": act["time"]}
        parent = "r1" if act["yes"] else None
        self.add("runs", pos=pos, act=act["type"].removeprefix("run."), parent=parent, **row)

    def skipped(self, pos: int, act: Act) -> None:
        self.add("skipped", pos=pos, type=act["type"], version=9)


def _nothing(_projection: Projection, _pos: int, _act: Act) -> None:
    """The log's row says it all."""


_TELL: dict[str, Callable[[Projection, int, Act], None]] = {
    "asset.materialized": Projection.materialized,
    "asset.described": Projection.described,
    "asset.checked": Projection.checked,
    "asset.aliased": Projection.aliased,
    "alias.resolved": Projection.resolved,
    "artifact.created": Projection.made,
    "artifact.updated": Projection.updated,
    "artifact.retired": Projection.retired,
    "run": Projection.ran,
    "skipped": Projection.skipped,
}


def reader_of(projection: Projection, snapshots: Sequence[int] = (), until: int = 1 << 62) -> Reader:
    """A reader of the rows up to a position, with snapshots at some of them."""
    connection = duckdb.connect(":memory:", config={"threads": 1})
    connection.execute(resources.files("assetlog.consumers.fold.sql").joinpath("schema.sql").read_text())
    for table, rows in projection.tables.items():
        for row in rows:
            if row["pos" if "pos" in row else "first_pos"] <= until:
                marks = ", ".join(f"${column}" for column in row)
                connection.execute(f"insert into {table} ({', '.join(row)}) values ({marks})", row)
    reader = Reader(connection.cursor, projection)
    for position in snapshots:
        values = {"p": position, "s": reader.snapshot_before(position), "aids": None}
        statement("snapshot", FOLD_SQL).run(connection, values)
        statement("snapshot_parts", FOLD_SQL).run(connection, values)
    return reader


def answers(reader: Reader, at: int, earlier: int) -> dict[str, Any]:
    """What every view says as of a position."""
    named = {
        "tree": [reader.tree(prefix, at) for prefix in (None, "s3://", "s3://lake", "pg")],
        "groups": reader.groups(at),
        "aliases": reader.aliases(at),
        "quarantine": reader.quarantine(at),
        "counts": reader.counts(at),
        "jobs": reader.jobs(at),
        "diff": reader.diff(earlier, at),
        "events": [reader.events(at, order=order, type=kind) for order in ("asc", "desc") for kind in (None, "run.")],
        "runs": [reader.runs(at, state=state) for state in (None, "running", "succeeded", "failed", "unknown")],
        "runs of": [reader.runs(at, job="load"), reader.runs(at, asset=KEYS[0]), reader.events(at, run="r1")],
        "run": [reader.run(run, at) for run in ("r1", "r2", "r3", "none")],
        "artifacts": [reader.artifacts(at), reader.artifacts(at, q="X"), reader.artifacts(at, run="r1")],
        "artifacts of": [reader.artifacts(at, asset=key) for key in KEYS],
        "versions": [reader.artifact_versions(key, at) for key in ("x", "y", "none")],
        "history": [reader.artifact_history(at, key="x", version=version) for version in (None, 1, 2)],
        "version": [reader.artifact(at, key="x", version=version) for version in (None, 1, 2)],
    }
    for key in KEYS:
        subject = [reader.resolve_key(key, at), reader.partitions(key, at), reader.checks(key, at)]
        named[key] = [*subject, reader.asset(key, at), reader.events(at, asset=key)]
    found: dict[str, Any] = msgspec.json.decode(msgspec.json.encode(named))
    return found


@LAWS
@given(logs, st.data())
def test_as_of_a_position_nothing_behind_it_counts(log: list[Act], data: st.DataObject) -> None:
    projection = Projection(log)
    numbers = st.integers(-1, len(log) - 1).map(position_of)
    at, other = data.draw(numbers), data.draw(numbers)
    snapshots = sorted(data.draw(st.sets(numbers, max_size=2)))
    whole = reader_of(projection, snapshots)
    cut = reader_of(projection, until=at)
    assert answers(whole, at, min(at, other)) == answers(cut, at, min(at, other))


def pages(ask: Callable[..., Any], limit: int) -> list[Any]:
    """All items of a list, page by page."""
    items: list[Any] = []
    cursor = None
    while True:
        part = ask(limit=limit, cursor=cursor)
        assert len(part.items) <= limit
        items += part.items
        cursor = part.next
        if cursor is None:
            return items


@LAWS
@given(logs, st.integers(1, 4))
def test_pages_of_any_size_make_the_same_list(log: list[Act], limit: int) -> None:
    reader = reader_of(Projection(log))
    at = position_of(len(log) - 1)
    lists: dict[str, Callable[..., Any]] = {
        "events": lambda **part: reader.events(at, **part),
        "events asc": lambda **part: reader.events(at, order="asc", **part),
        "runs": lambda **part: reader.runs(at, **part),
        "runs of a job": lambda **part: reader.runs(at, job="load", **part),
        "jobs": lambda **part: reader.jobs(at, **part),
        "artifacts": lambda **part: reader.artifacts(at, **part),
        "versions": lambda **part: reader.artifact_versions("x", at, **part),
        "partitions": lambda **part: reader.partitions(KEYS[0], at, **part),
        "checks": lambda **part: reader.checks(KEYS[0], at, **part),
        "groups": lambda **part: reader.groups(at, **part),
        "aliases": lambda **part: reader.aliases(at, **part),
        "quarantine": lambda **part: reader.quarantine(at, **part),
        "diff": lambda **part: reader.diff(0, at, **part),
    }
    for name, ask in lists.items():
        whole = msgspec.json.encode(ask(limit=1000, cursor=None).items)
        assert msgspec.json.encode(pages(ask, limit)) == whole, name


@LAWS
@given(logs)
def test_a_time_means_the_last_position_of_its_millisecond(log: list[Act]) -> None:
    reader = reader_of(Projection(log))
    positions = [position_of(n) for n in range(len(log))]
    for position in positions:
        assert reader.resolve(format_position(position)) == position
        moment = format_time(position_time(position))
        assert reader.resolve(moment) == max(other for other in positions if other >> 20 <= position >> 20)
