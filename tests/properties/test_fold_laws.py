"""Laws of the fold: however the log is split, repeated or cut, the projection says the same."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import msgspec
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from assetlog.consumers.archive.archive import Archive
from assetlog.consumers.archive.places import LocalPlace
from assetlog.consumers.archive.refill import refill
from assetlog.consumers.archive.seal import seal
from assetlog.consumers.fold.digest import state_digest
from assetlog.consumers.fold.fold import Fold, open_fold
from assetlog.consumers.fold.hot import HotAssets
from assetlog.consumers.fold.parts import in_parts
from assetlog.consumers.fold.window import WINDOW_SIZE
from assetlog.consumers.views.hot_loader import HotLoader
from assetlog.consumers.views.memory import Memory
from assetlog.consumers.views.reader import Reader
from assetlog.consumers.views.state_reader import states
from assetlog.schemas.positions import position_time

START_MS = 1_763_747_570_000
KEYS = ["s3://lake/a", "s3://lake/b", "pg://shop/c", "pg://shop/d"]
LAWS = settings(
    max_examples=25, deadline=None, suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large]
)

Log = list[tuple[int, bytes]]


class Bodies:
    """The log as a dict."""

    def __init__(self, log: Log) -> None:
        self._log = dict(log)

    def fetch(self, positions: Sequence[int]) -> list[bytes | None]:
        return [self._log.get(position) for position in positions]

    def fetch_range(self, after: int, limit: int) -> Log:
        return [entry for entry in self._log.items() if entry[0] > after][:limit]


keys = st.sampled_from(KEYS)
runs = st.none() | st.fixed_dictionaries(
    {"id": st.sampled_from(["r1", "r2"]), "job": st.sampled_from(["load", "clean"])}
)
partitions = st.sampled_from([None, "2026-11-20", "2026-11-21"])


def _data(kind: str) -> st.SearchStrategy[dict[str, object]]:
    upstream = st.lists(keys, max_size=3)
    shapes: dict[str, dict[str, st.SearchStrategy[object]]] = {
        "asset.materialized": {
            "upstream": upstream,
            "run": runs,
            "partition": partitions,
            "metadata": st.fixed_dictionaries({"rows": st.integers(0, 9)}),
            "column_lineage": st.dictionaries(
                st.sampled_from(["x", "y"]), st.lists(st.fixed_dictionaries({"asset": keys, "column": st.just("z")}))
            ),
        },
        "asset.failed": {
            "error": st.just("ValueError: no"),
            "upstream": upstream,
            "run": runs,
            "partition": partitions,
        },
        "asset.observed": {"run": runs},
        "asset.referenced": {"run": runs},
        "asset.checked": {
            "check": st.sampled_from(["not_null", "rows"]),
            "passed": st.booleans(),
            "severity": st.sampled_from(["warn", "error"]),
            "partition": partitions,
        },
        "asset.overdue": {"reason": st.just("late")},
        "asset.described": {
            "name": st.sampled_from([None, "", "Orders"]),
            "group": st.sampled_from([None, "sales"]),
            "tags": st.sampled_from([None, {}, {"tier": "gold"}]),
            "owners": st.sampled_from([None, [], ["ada"]]),
            "upstream": upstream,
            "freshness": st.sampled_from([None, {}, {"max_age": 60}, {"cron": "0 8,20 * * *", "time_zone": "UTC"}]),
        },
        "asset.retired": {},
        "asset.aliased": {"alias": keys},
        "alias.resolved": {"asset": keys},
        "artifact.created": {"type": st.just("markdown"), "data": st.just("# hi"), "asset": st.none() | keys},
        "run.started": {"job": st.sampled_from([None, "load"])},
    }
    return st.fixed_dictionaries(shapes[kind])


KINDS = [
    *["asset.materialized"] * 5,
    *["asset.failed", "asset.checked", "asset.described"] * 2,
    *["asset.observed", "asset.referenced", "asset.overdue", "asset.retired", "asset.aliased", "alias.resolved"],
    *["artifact.created", "run.started"],
]


@st.composite
def entries(draw: st.DrawFn, position: int) -> bytes:
    """The bytes of one entry: an event, early, in time or late; sometimes of a repeated id; or rubbish."""
    kind = draw(st.sampled_from([*KINDS, "rubbish"]))
    if kind == "rubbish":
        return draw(st.sampled_from([b"{", b"", b'{"specversion":"1.0"}']))
    subject = {"artifact": "report", "run": "r1", "alias": "daily"}.get(kind.split(".")[0]) or draw(keys)
    shift = draw(st.sampled_from([0, 0, 0, -86_400, 3_600]))
    event_id = f"id-{draw(st.integers(0, 3))}" if draw(st.integers(0, 4)) == 0 else draw(_ids(position, shift))
    event = {
        "specversion": "1.0",
        "id": event_id,
        "source": "test",
        "type": kind,
        "subject": subject,
        "time": _time(position, shift),
        "data": {name: value for name, value in draw(_data(kind)).items() if value is not None},
    }
    return msgspec.json.encode(event)


def _ids(position: int, shift: int) -> st.SearchStrategy[str]:
    """An id that no other event has: of any text, or a UUIDv7 of the event's time."""
    ms = (position >> 20) + shift * 1000
    return st.sampled_from([f"at-{position}", f"{ms >> 16:08x}-{ms & 0xFFFF:04x}-7000-8000-{position >> 20:012x}"])


def _time(position: int, shift: int) -> str:
    moment = position_time(position).astimezone(UTC) + timedelta(seconds=shift)
    return moment.strftime("%Y-%m-%dT%H:%M:%SZ")


@st.composite
def logs(draw: st.DrawFn) -> Log:
    """A log with some entries written twice."""
    count = draw(st.integers(1, 25))
    log: Log = []
    for number in range(count):
        position = (START_MS + number * 1000) << 20
        again = log and draw(st.integers(0, 5)) == 0
        log.append((position, draw(st.sampled_from(log))[1] if again else draw(entries(position))))
    return log


def folded(
    log: Log,
    sizes: Sequence[int] = (),
    *,
    snapshot_every: int = 3,
    window: int = WINDOW_SIZE,
    hot: HotAssets | None = None,
    bodies: Bodies | None = None,
    check: Callable[[Fold, HotAssets], None] = lambda *_: None,
) -> Fold:
    """A projection in memory of a log that was split into batches of these sizes, the rest in one."""
    fold, _ = open_fold(Path(":memory:"), "default", bodies or Bodies(log), snapshot_every=snapshot_every)
    fold = Fold(fold.store, bodies or Bodies(log), snapshot_every=snapshot_every, window=window)
    if hot is not None:
        hot.load(fold)
    rest = list(log)
    for size in [*sizes, len(log)]:
        batch, rest = rest[:size], rest[size:]
        if batch:
            commit = fold.fold(batch)
            if hot is not None:
                for part in in_parts(commit, 2):
                    hot.apply(part)
                    check(fold, hot)
    return fold


sizes = st.lists(st.integers(1, 7), max_size=20)


@given(logs(), sizes, st.integers(1, 10))
@LAWS
def test_any_split_of_the_log_into_batches_gives_the_same_projection(log: Log, split: list[int], every: int) -> None:
    assert digest(folded(log, split, snapshot_every=every)) == digest(folded(log))


@given(logs(), sizes, st.integers(1, 8))
@settings(LAWS, max_examples=40)
def test_however_few_ids_are_in_memory_each_event_is_folded_once(log: Log, split: list[int], window: int) -> None:
    fold, known = folded(log, split, window=window), folded(log)
    assert (digest(fold), fold.totals) == (digest(known), known.totals)


@given(logs(), sizes)
@LAWS
def test_what_is_in_memory_says_the_same_as_sql(log: Log, split: list[int]) -> None:
    bodies = Bodies(log)
    hot = HotAssets(HotLoader(bodies))
    fold = folded(log, split, hot=hot)
    for key in fold.known.keys:
        in_memory = hot.asset(key)
        if in_memory is None:  # an alias came: everything in memory was let go
            hot.admit(hot.reload(fold, hot.take_wanted(100, spare_time=True)))
            in_memory = hot.asset(key)
        assert plain(in_memory) == plain(reader_of(fold, bodies).asset(key, fold.position))
    memory, reader = Memory(hot), reader_of(fold, bodies)
    assert plain(memory.graph(limit=3)) == plain(reader.graph(fold.position, limit=3))
    for key in fold.known.keys:
        around: dict[str, Any] = {"direction": "both", "depth": 2, "max_nodes": 3}
        assert plain(memory.lineage(key, **around)) == plain(reader.lineage(key, fold.position, **around))


@given(logs(), sizes)
@LAWS
def test_what_is_in_memory_between_two_parts_of_a_commit_is_what_sql_says_of_that_position(
    log: Log, split: list[int]
) -> None:
    bodies = Bodies(log)

    def check(fold: Fold, hot: HotAssets) -> None:
        reader = reader_of(fold, bodies)
        for key in KEYS:
            if (in_memory := hot.asset(key)) is not None:
                assert plain(in_memory) == plain(reader.asset(key, hot.position))

    folded(log, split, hot=HotAssets(HotLoader(bodies)), bodies=bodies, check=check)


@given(logs(), st.data())
@LAWS
def test_narrow_statements_and_the_whole_catalogs_view_say_the_same(log: Log, data: st.DataObject) -> None:
    fold = folded(log)
    at = data.draw(st.sampled_from(log))[0]
    reader = reader_of(fold, Bodies(log))
    rows = reader.rows("asset_state", p=at, s=reader.snapshot_before(at), aids=None)
    narrow = {state.aid: state for state in states(reader, [row[0] for row in rows], at)}
    assert narrow.keys() == set(reader.known_at(at).roots_in_order())
    for row in rows:
        aid, key, first_pos, *told = row[:13]
        *counts, _failing, state, reason, retired = row[13:]
        found = narrow[aid]
        assert (found.key, found.first_pos, *found.told) == (key, first_pos, *told)
        assert tuple(found.counts) == tuple(value or 0 for value in counts)
        assert (found.state, found.state_reason, found.retired) == (state, reason, retired)


@given(logs(), st.data())
@LAWS
def test_a_projection_opened_again_goes_on_as_if_it_had_stayed_open(log: Log, data: st.DataObject) -> None:
    cut = data.draw(st.integers(0, len(log)))
    bodies = Bodies(log)
    fold = folded(log[:cut])
    again = Fold(fold.store, bodies, snapshot_every=3)
    if log[cut:]:
        again.fold(log[cut:])
    assert digest(again) == digest(folded(log))
    assert again.totals == folded(log).totals


@given(logs(), st.data())
@LAWS
def test_every_view_as_of_a_position_is_the_view_of_the_fold_of_the_prefix(log: Log, data: st.DataObject) -> None:
    cut = data.draw(st.integers(1, len(log)))
    position = log[cut - 1][0]
    whole, prefix = folded(log), folded(log[:cut])
    assert views(whole, log, position) == views(prefix, log, position)


@given(logs(), st.integers(5, 25), st.booleans(), st.data())
@settings(LAWS, max_examples=10)
def test_a_projection_filled_from_sealed_columns_or_from_sealed_bytes_is_the_one_that_was_folded(
    log: Log, every: int, by_columns: bool, data: st.DataObject
) -> None:
    with TemporaryDirectory() as directory:
        archive = Archive(LocalPlace(Path(directory)))
        live, bodies = folded(log), Bodies(log)
        while seal(live.store.cursor(), bodies, archive, up_to=live.position, most=every):
            pass
        if not by_columns:
            archive.segments = [replace(segment, fold_version="of old") for segment in archive.segments]
        cut, up_to = sorted((data.draw(st.integers(0, len(log))), data.draw(st.integers(1, len(log)))))
        fold = folded(log[:cut], snapshot_every=5, bodies=bodies)
        refill(fold, archive, log[up_to - 1][0])
        before = folded(log[:up_to])
        assert (digest(fold), fold.position, fold.totals) == (digest(before), before.position, before.totals)
        if rest := log[max(cut, up_to) :]:
            fold.fold(rest)
        assert digest(fold) == digest(live)
        assert [archive.fetch([position])[0] for position, _ in log] == [raw for _, raw in log]
        archive.close()


def views(fold: Fold, log: Log, at: int) -> list[object]:
    """Everything about assets and lineage as of a position."""
    reader = reader_of(fold, Bodies(log))
    keys_there = [key for key in KEYS if reader.asset(key, at) is not None]
    return [
        *[plain(reader.asset(key, at)) for key in KEYS],
        *[plain(reader.lineage(key, at, depth=3, columns=True)) for key in keys_there],
        plain(reader.graph(at, columns=True)),
        plain(reader.assets(at)),
        plain(reader.assets(at, sort="last_materialization", retired=True)),
        plain(reader.assets(at, state="stale")),
        plain(reader.assets(at, tag="tier=gold", owner="ada")),
    ]


def reader_of(fold: Fold, bodies: Bodies) -> Reader:
    return Reader(lambda: fold.store.reader, bodies)


def digest(fold: Fold) -> str:
    return state_digest(fold.store.reader)


def plain(shape: object) -> object:
    """A shape as JSON says it."""
    return msgspec.json.decode(msgspec.json.encode(shape))


def test_a_million_years_do_not_move_the_clock() -> None:
    """A fast clock does not pin an asset: its event counts as at most five minutes after it was recorded."""
    position = START_MS << 20
    event = {"specversion": "1.0", "source": "t", "type": "asset.materialized", "subject": KEYS[0], "data": {}}
    far = datetime(9999, 12, 31, tzinfo=UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    log: Log = [
        (position, msgspec.json.encode({**event, "id": "fast", "time": far})),
        (position + (301_000 << 20), msgspec.json.encode({**event, "id": "right", "time": _time(position, 301)})),
    ]
    fold = folded(log)
    found = reader_of(fold, Bodies(log)).asset(KEYS[0], fold.position)
    assert found is not None
    assert found.last_materialization is not None
    assert found.last_materialization.event_id == "right"
