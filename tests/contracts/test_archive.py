"""Sealing, trimming and reading back, on a real log server: nothing is lost, whatever breaks in between."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import duckdb
import msgspec
import pytest
import redis

from assetlog.consumers.archive import archiver as archiver_module
from assetlog.consumers.archive import places as places_module
from assetlog.consumers.archive import seal as seal_module
from assetlog.consumers.archive.archive import Archive
from assetlog.consumers.archive.archiver import Archiver, Rules
from assetlog.consumers.archive.bodies import ArchivedBodies
from assetlog.consumers.archive.manifest import MANIFEST
from assetlog.consumers.archive.places import LocalPlace, Place
from assetlog.consumers.fold.digest import state_digest
from assetlog.consumers.fold.fold import Fold, open_fold
from assetlog.consumers.fold.progress import MAX_POSITION, Totals
from assetlog.consumers.fold.rebuild import extend
from assetlog.consumers.log.bodies import Bodies
from assetlog.consumers.log.continuity import Mark, check, entry_digest
from assetlog.consumers.log.trim import beat, nodes, read_record
from assetlog.schemas.errors import AssetlogError, Broken, Conflict
from assetlog.schemas.ids import new_id
from assetlog.schemas.stream import EVENT_FIELD, stream_key

EVENTS = 30
RULES = Rules(every=10, keep=0, after_idle=0)


class Killed(Exception):
    """Stands for the end of the process at a named point."""


class Catalog:
    """A log of thirty entries with its projection: every verdict there is, and every table has rows."""

    def __init__(self, client: redis.Redis, name: str, directory: Path) -> None:
        self.client, self.name, self.directory = client, name, directory
        self.failure: AssetlogError | None = None
        self.hurried = False
        for number in range(EVENTS):
            client.xadd(stream_key(name), {EVENT_FIELD: entry(number)})
        self.log = self.log_of(self.archive())
        self.fold = self.fold_of(self.log)
        extend(self.fold, self.log, MAX_POSITION, lambda *_: None)
        self.position = self.fold.position

    def archive(self, place: Place | None = None) -> Archive:
        """The archive as a node that starts sees it."""
        return Archive(place or LocalPlace(self.directory))

    def log_of(self, archive: Archive) -> ArchivedBodies:
        """Stream and archive together."""
        return ArchivedBodies(Bodies(self.client, self.name), archive)

    def fold_of(self, log: ArchivedBodies) -> Fold:
        """A projection with nothing in it."""
        return open_fold(Path(":memory:"), self.name, log)[0]

    def archiver(self, archive: Archive | None = None, rules: Rules = RULES) -> Archiver:
        """Another node on the same log."""
        return Archiver(self.client, self.name, new_id(), archive or self.archive(), self, rules)

    def folded_anew(self) -> tuple[str, Totals]:
        """What a node that begins with nothing makes of archive and log."""
        log = self.log_of(self.archive())
        fold = self.fold_of(log)
        extend(fold, log, MAX_POSITION, lambda *_: None)
        return state_digest(fold.store.reader), fold.totals

    def as_folded(self) -> tuple[str, Totals]:
        """What was folded when all of it was in the stream."""
        return state_digest(self.fold.store.reader), self.fold.totals

    def totals(self) -> Totals:
        """See `Projection`."""
        return self.fold.totals

    def cursor(self) -> duckdb.DuckDBPyConnection:
        """See `Projection`."""
        return self.fold.store.cursor()


def entry(number: int) -> bytes:
    """The entry of a number: an event of some type, a repeated one, one that is too new, or rubbish."""
    subject = f"s3://lake/{number % 3}"
    kinds: list[tuple[str, str, dict[str, Any]]] = [
        ("asset.materialized", subject, {"upstream": ["s3://raw/x"], "run": {"id": "r", "job": "load"}}),
        ("asset.described", subject, {"name": "Orders", "tags": {"tier": "gold"}, "owners": ["ada"]}),
        ("asset.checked", subject, {"check": "rows", "passed": True}),
        ("asset.aliased", "s3://lake/0", {"alias": "s3://other/0"}),
        ("alias.resolved", "daily", {"asset": "s3://lake/1"}),
        ("artifact.created", "report", {"type": "markdown", "data": "# hi"}),
        ("run.started", "r", {"job": "load"}),
    ]
    if number % 10 == 8:
        return b'{"specversion":'
    if number % 10 == 9:
        number = 0  # the same bytes again
    kind, about, data = kinds[number % len(kinds)]
    event = {"specversion": "1.0", "id": f"event-{number}", "source": "t", "type": kind, "subject": about, "data": data}
    return msgspec.json.encode(event | ({"dataversion": 99} if number == 15 else {}))


@pytest.fixture
def catalog(redis_sync: redis.Redis, catalog_name: str, tmp_path: Path) -> Catalog:
    return Catalog(redis_sync, catalog_name, tmp_path / "archive")


@pytest.fixture
def sealed(catalog: Catalog) -> Iterator[Catalog]:
    """Thirty entries in three segments, and one left in the stream."""
    node = catalog.archiver()
    assert len(node.step()) == 3
    yield catalog
    node.stop()


def stream_of(catalog: Catalog) -> Sequence[tuple[int, bytes]]:
    return Bodies(catalog.client, catalog.name).fetch_range(0, 1000)


def test_what_is_sealed_reads_back_as_it_was_stored_and_so_does_all_of_the_log(catalog: Catalog) -> None:
    before = stream_of(catalog)
    catalog.archiver().step()
    archive = catalog.archive()
    assert len(stream_of(catalog)) == 1  # the entry the node stands at is kept
    assert [segment.count for segment in archive.segments] == [10, 10, 10]
    log = catalog.log_of(archive)
    positions = [position for position, _ in before]
    assert log.fetch(positions[::-1]) == [raw for _, raw in before][::-1]
    assert log.fetch([positions[3] + 1000]) == [None]  # of the same millisecond, and of no entry
    read: list[tuple[int, bytes]] = []
    while part := log.fetch_range(read[-1][0] if read else 0, 7):
        read += part
    assert read == before
    assert log.length() == EVENTS


def test_a_segment_says_what_became_of_each_entry(sealed: Catalog) -> None:
    files = [str(sealed.directory / segment.file) for segment in sealed.archive().segments]
    rows = duckdb.execute("select verdict, count(*) from read_parquet(?) group by 1", [files]).fetchall()
    totals = sealed.fold.totals
    assert dict(rows) == {
        "folded": totals.folded,
        "duplicate": totals.duplicates,
        "quarantined": totals.quarantined,
        "skipped": totals.skipped,
    }
    assert all(totals)


def test_a_node_that_begins_with_nothing_comes_back_from_the_archive(sealed: Catalog) -> None:
    assert sealed.folded_anew() == sealed.as_folded()


def test_columns_that_other_rules_folded_are_decoded_again(sealed: Catalog, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("assetlog.consumers.archive.refill.fold_version", lambda: "newer")
    assert sealed.folded_anew() == sealed.as_folded()


POINTS = ["archive.written", "archive.renamed", "archive.listed", "archive.trimmed"]


@pytest.mark.parametrize("times", [1, 2, 3])
@pytest.mark.parametrize("point", POINTS)
def test_an_end_at_any_step_leaves_an_archive_that_the_next_node_goes_on_with(
    catalog: Catalog, monkeypatch: pytest.MonkeyPatch, point: str, times: int
) -> None:
    left = times

    def passing(name: str) -> None:
        nonlocal left
        left -= name == point
        if name == point and not left:
            raise Killed

    for module in (places_module, seal_module, archiver_module):
        monkeypatch.setattr(module, "passing", passing)
    first = catalog.archiver()
    with pytest.raises(Killed):
        first.step()
    catalog.client.delete(first.lease.key)  # as it will be when its time is over
    assert catalog.folded_anew() == catalog.as_folded()
    (catalog.directory / "half-written.tmp").write_bytes(b"PAR1")
    second = catalog.archiver()
    second.step()
    assert catalog.archive().count == EVENTS
    assert list(catalog.directory.glob("*.tmp")) == []
    assert [segment.count for segment in catalog.archive().verify()] == [10, 10, 10]
    assert catalog.folded_anew() == catalog.as_folded()


def test_the_trim_waits_for_a_node_that_is_alive_and_keeps_the_entry_it_stands_at(catalog: Catalog) -> None:
    fifth = stream_of(catalog)[4][0]
    beat(catalog.client, catalog.name, "slow", fifth, MAX_POSITION)
    catalog.archiver().step()
    assert stream_of(catalog)[0][0] == fifth


def test_the_trim_waits_for_a_node_that_reads_no_archive(catalog: Catalog) -> None:
    beat(catalog.client, catalog.name, "elsewhere", catalog.position, 0)
    catalog.archiver().step()
    assert len(stream_of(catalog)) == EVENTS
    assert catalog.archive().count == EVENTS


def test_a_node_that_fell_silent_does_not_hold_the_trim_back(catalog: Catalog, monkeypatch: pytest.MonkeyPatch) -> None:
    beat(catalog.client, catalog.name, "gone", 0, 0)
    monkeypatch.setattr("assetlog.consumers.log.trim.ALIVE_SECONDS", -1)
    catalog.archiver().step()
    assert len(stream_of(catalog)) < EVENTS
    assert "gone" not in [node.name for node in nodes(catalog.client, catalog.name)]


def test_the_latest_events_stay_in_the_log(catalog: Catalog) -> None:
    catalog.archiver(rules=RULES._replace(keep=15)).step()
    assert len(stream_of(catalog)) == 21  # whole segments are trimmed, and the last entry of one is kept
    assert catalog.archive().count == EVENTS


def test_what_waits_is_sealed_after_a_pause(catalog: Catalog) -> None:
    node = catalog.archiver(rules=RULES._replace(every=EVENTS + 10, after_idle=0.01))
    assert node.step() == []
    while not node.step():
        pass
    assert catalog.archive().count == EVENTS


def test_a_fold_in_a_hurry_has_the_machine_for_itself_until_ten_segments_wait(catalog: Catalog) -> None:
    catalog.hurried = True
    node = catalog.archiver(rules=RULES._replace(every=EVENTS // 10 + 1))
    assert node.step() == []
    node.stop()
    assert catalog.archiver(rules=RULES._replace(every=EVENTS // 10)).step() != []


def test_nothing_is_sealed_when_the_archive_is_switched_off(catalog: Catalog) -> None:
    node = catalog.archiver(rules=Rules(every=0))
    assert node.step() == []
    assert [each.name for each in nodes(catalog.client, catalog.name)] == [node.place]


def test_one_node_archives_and_another_takes_over_with_a_higher_epoch(catalog: Catalog) -> None:
    often = RULES._replace(lease_seconds=1.0)
    first, second = catalog.archiver(rules=often), catalog.archiver(rules=often)
    first.step()
    second.step()
    assert (first.leads, second.leads, first.lease.epoch) == (True, False, 1)
    first.stop()
    while not second.leads:
        second.step()
    assert (second.leads, second.lease.epoch) == (True, 2)


def test_a_leader_that_lost_its_lease_trims_nothing(catalog: Catalog) -> None:
    stale = catalog.archiver(rules=RULES._replace(lease_seconds=0.01))
    assert stale.lead()
    heir = catalog.archiver()
    while not heir.lead():
        pass
    with pytest.raises(Conflict) as refused:
        stale.seal_next(10)
    assert refused.value.code == "lease-lost"
    assert len(stream_of(catalog)) == EVENTS
    heir.step()  # what the stale one sealed is the same as it would have sealed itself
    assert [segment.count for segment in catalog.archive().verify()] == [10, 10, 10]


def test_two_that_seal_at_once_do_not_lose_each_others_segments(catalog: Catalog) -> None:
    one, other = catalog.archive(), catalog.archive()
    stream = Bodies(catalog.client, catalog.name)
    assert seal_module.seal(catalog.cursor(), stream, one, up_to=catalog.position, most=10)
    with pytest.raises(Conflict) as refused:
        seal_module.seal(catalog.cursor(), stream, other, up_to=catalog.position, most=20)
    assert refused.value.code == "archive-moved"
    assert catalog.archive().count == 10


def test_a_node_with_another_archive_does_not_begin_one_in_the_middle(sealed: Catalog, tmp_path: Path) -> None:
    node = sealed.archiver(sealed.archive(LocalPlace(tmp_path / "other")))
    with pytest.raises(Conflict) as refused:
        node.step()
    assert refused.value.code == "other-archive"


def test_a_log_trimmed_by_others_before_it_was_sealed_is_not_sealed_with_a_gap(catalog: Catalog) -> None:
    catalog.client.xtrim(stream_key(catalog.name), maxlen=EVENTS - 5, approximate=False)
    with pytest.raises(Broken) as refused:
        catalog.archiver().step()
    assert refused.value.code == "log-truncated"
    assert catalog.archive().segments == []


def mark_of(catalog: Catalog) -> Mark:
    (raw,) = catalog.log.fetch([catalog.position])
    assert raw is not None
    return Mark(catalog.position, entry_digest(raw), "")


def test_a_log_trimmed_behind_the_archive_is_whole(sealed: Catalog) -> None:
    state = check(sealed.client, sealed.name, mark_of(sealed), first=sealed.fold.first, archive=sealed.archive())
    record = read_record(sealed.client, sealed.name)
    assert record is not None
    assert state.trimmed == state.first == record.trimmed
    assert (record.position, record.sha256) == (sealed.position, sealed.archive().head)


def test_a_log_trimmed_behind_an_archive_that_is_not_there_says_so(sealed: Catalog, tmp_path: Path) -> None:
    nothing = sealed.archive(LocalPlace(tmp_path / "other"))
    for mark, first in ((None, None), (mark_of(sealed), sealed.fold.first)):
        with pytest.raises(Broken) as refused:
            check(sealed.client, sealed.name, mark, first=first, archive=nothing)
        assert refused.value.code == "archive-missing"


def test_a_log_trimmed_by_others_beyond_the_archive_is_truncated(sealed: Catalog) -> None:
    mark = mark_of(sealed)
    sealed.client.xadd(stream_key(sealed.name), {EVENT_FIELD: entry(0)})
    sealed.client.xtrim(stream_key(sealed.name), maxlen=1, approximate=False)
    with pytest.raises(Broken) as refused:
        check(sealed.client, sealed.name, mark, first=sealed.fold.first, archive=sealed.archive())
    assert refused.value.code == "log-truncated"


@pytest.mark.parametrize("damage", ["missing", "longer", "changed", "no manifest line"])
def test_a_damaged_archive_is_named(sealed: Catalog, damage: str) -> None:
    file = sealed.directory / sealed.archive().segments[1].file
    manifest = sealed.directory / MANIFEST
    raw = file.read_bytes()
    if damage == "missing":
        file.unlink()
    elif damage == "longer":
        file.write_bytes(raw + b"\0")
    elif damage == "changed":
        file.write_bytes(raw[:100] + bytes([raw[100] ^ 1]) + raw[101:])
    else:
        lines = manifest.read_bytes().splitlines(keepends=True)
        manifest.write_bytes(lines[0] + lines[2])
    with pytest.raises(Broken) as refused:
        list(sealed.archive().verify())
    assert refused.value.code == ("archive-manifest" if damage == "no manifest line" else "archive-segment")
    if damage != "no manifest line":
        assert refused.value.field == file.name


def test_a_projection_of_another_log_is_not_filled(sealed: Catalog) -> None:
    log = sealed.log_of(sealed.archive())
    fold = sealed.fold_of(log)
    fold.fold([(log.fetch_range(0, 1)[0][0], entry(1))])
    with pytest.raises(Broken) as refused:
        log.fill(fold, MAX_POSITION, lambda *_: None)
    assert refused.value.code == "archive-of-other-log"


def test_an_object_store_holds_an_archive_too(catalog: Catalog, tmp_path: Path) -> None:
    obstore = pytest.importorskip("obstore", reason="needs the extra [archive]")
    assert obstore is not None
    from assetlog.consumers.archive.object_place import ObjectPlace

    place = ObjectPlace("memory:///catalogs", tmp_path / "cache")
    node = catalog.archiver(catalog.archive(place))
    assert len(node.step()) == 3
    for copy in (tmp_path / "cache").iterdir():
        copy.unlink()
    archive = catalog.archive(place)
    assert [segment.count for segment in archive.verify()] == [10, 10, 10]
    with pytest.raises(Conflict):
        place.exchange_manifest(b"another", b"")
    log = catalog.log_of(archive)
    fold = catalog.fold_of(log)
    extend(fold, log, MAX_POSITION, lambda *_: None)
    assert state_digest(fold.store.reader) == catalog.as_folded()[0]
