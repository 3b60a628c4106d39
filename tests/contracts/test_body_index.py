"""A node's own index of sealed events: the same bytes with it as without it, whatever happens to its files."""

from __future__ import annotations

import logging
import random
import shutil
from collections.abc import Sequence
from hashlib import sha256
from pathlib import Path
from typing import Any

import duckdb
import pytest
import redis

from assetlog.consumers.archive import body_index as index_module
from assetlog.consumers.archive.archive import Archive
from assetlog.consumers.archive.bodies import ArchivedBodies
from assetlog.consumers.archive.body_index import BodyIndex, name_of
from assetlog.consumers.archive.body_maker import BodyMaker, StoppedError
from assetlog.consumers.archive.manifest import MANIFEST, NO_HASH, Segment, SegmentHash, encode_manifest
from assetlog.consumers.archive.places import LocalPlace
from assetlog.consumers.log.bodies import Bodies
from assetlog.schemas.errors import Unavailable
from assetlog.schemas.positions import format_position, parse_position
from assetlog.schemas.stream import EVENT_FIELD, stream_key

SEGMENTS, EACH = 4, 50
READ = SEGMENTS - 1
"""Segments that are read: the events of the last one are in the stream, too."""
ROOM = 1 << 30


class Node:
    """A catalog whose first events are sealed, whose last are in the stream, and some of them in both."""

    def __init__(self, client: redis.Redis, name: str, home: Path) -> None:
        self.log = Bodies(client, name)
        if not (home / MANIFEST).exists():
            _fill(client, name, home)
        self.archive = Archive(LocalPlace(home))
        self.plain = ArchivedBodies(self.log, Archive(LocalPlace(home)))
        self.open(home / "bodies")

    def open(self, directory: Path, room: int = ROOM) -> None:
        """Begin with nothing of the index in memory."""
        self.index = BodyIndex(directory, room)
        self.maker = BodyMaker(self.archive, self.index, lambda: True)
        self.bodies = ArchivedBodies(self.log, self.archive, self.index)

    def make_all(self) -> int:
        """Make what is missing; how many files that were."""
        made = 0
        while self.maker.step():
            made += 1
        return made

    def files(self) -> list[str]:
        return sorted(path.name for path in self.index.directory.glob("*"))

    def names(self) -> list[str]:
        return [name_of(segment) for segment in self.archive.segments]

    def positions(self) -> list[int]:
        parts = [part for segment in self.archive.segments for part in self.archive.entries(segment)]
        sealed = [position for part in parts for position, _ in part]
        return sorted({*sealed, *(position for position, _ in self.log.fetch_range(0, 1000))})

    def agrees(self) -> bool:
        """Whether every event has the same bytes with and without the index."""
        positions = self.positions()
        return self.bodies.fetch(positions) == self.plain.fetch(positions) and None not in self.bodies.fetch(positions)


def _fill(client: redis.Redis, name: str, home: Path) -> None:
    chance, segments, previous = random.Random(7), [], NO_HASH
    for number in range(SEGMENTS + 1):
        entries = [_add(client, name, number, at, chance) for at in range(EACH)]
        if number < SEGMENTS:
            segments.append(_seal(home, number, entries, previous))
            previous = segments[-1].sha256
    (home / MANIFEST).write_bytes(encode_manifest(segments))
    client.xtrim(stream_key(name), minid=format_position(segments[-1].start), approximate=False)


def _add(client: redis.Redis, name: str, number: int, at: int, chance: random.Random) -> tuple[int, bytes]:
    one = b'{"subject":"s3://lake/%d","n":%d}' % (chance.randrange(9), chance.randrange(10**9))
    raw = one * chance.choice([0, 1, 9])
    entry_id: Any = client.xadd(stream_key(name), {EVENT_FIELD: raw}, id=f"{1000 * (number + 1) + at // 7}-*")
    return parse_position(entry_id.decode()), raw


def _seal(home: Path, number: int, entries: Sequence[tuple[int, bytes]], previous: str) -> Segment:
    home.mkdir(exist_ok=True)
    file, chain = home / f"{number}.parquet", SegmentHash(previous)
    with duckdb.connect() as connection:
        connection.execute("create table part(position bigint, event blob)")
        connection.executemany("insert into part values (?, ?)", entries)
        connection.execute("copy part to $file (format parquet)", {"file": str(file)})
    for position, raw in entries:
        chain.add(position, raw)
    return Segment(
        file=file.name,
        first=format_position(entries[0][0]),
        last=format_position(entries[-1][0]),
        count=len(entries),
        sha256=chain.hexdigest(),
        previous=previous,
        file_sha256=sha256(file.read_bytes()).hexdigest(),
        size=file.stat().st_size,
        fold_version="",
        created="",
    )


@pytest.fixture(autouse=True)
def any_disk_will_do(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(index_module, "RESERVE", 0)


@pytest.fixture
def node(redis_sync: redis.Redis, catalog_name: str, tmp_path: Path) -> Node:
    return Node(redis_sync, catalog_name, tmp_path / "archive")


@pytest.fixture
def indexed(node: Node) -> Node:
    assert node.make_all() == SEGMENTS
    assert node.agrees()
    return node


def test_any_positions_have_the_same_bytes_with_the_index_and_without_it(node: Node) -> None:
    known, chance = node.positions(), random.Random(3)
    for made in range(SEGMENTS + 1):
        for _ in range(30):
            asked = chance.choices(known, k=chance.randrange(40))
            asked += [position + chance.randrange(-2, 3) for position in chance.choices(known, k=4)] + [1]
            assert node.bodies.fetch(asked) == node.plain.fetch(asked)
        assert bool(node.maker.step()) == (made < SEGMENTS)


def test_the_newest_segment_comes_first(node: Node) -> None:
    node.maker.step()
    assert node.files() == node.names()[-1:]


def test_events_are_read_without_the_archive_once_they_are_in_the_index(indexed: Node) -> None:
    for segment in indexed.archive.segments:
        (indexed.archive.path(segment)).unlink()
    assert None not in indexed.bodies.fetch([segment.start for segment in indexed.archive.segments])


def test_a_flipped_byte_under_a_running_node_changes_no_answer_and_the_file_is_made_again(indexed: Node) -> None:
    chance, whole = random.Random(5), {name: (indexed.index.directory / name).read_bytes() for name in indexed.names()}
    dropped = 0
    for _ in range(40):
        victim = indexed.index.directory / chance.choice(indexed.names()[:READ])
        content = bytearray(whole[victim.name])
        content[chance.randrange(len(content))] ^= 1 << chance.randrange(8)
        victim.write_bytes(content)
        if chance.random() < 0.5:  # a node that starts, which has nothing of it in memory
            indexed.open(indexed.index.directory)
        assert indexed.agrees()
        if victim.exists():  # what it read at the start was changed behind its back, and is in memory
            victim.write_bytes(whole[victim.name])
        dropped += indexed.make_all()
        assert victim.read_bytes() == whole[victim.name]
    assert dropped > 20


def test_what_is_of_another_segment_or_version_is_made_again(indexed: Node, monkeypatch: pytest.MonkeyPatch) -> None:
    first, second = (indexed.index.directory / name for name in indexed.names()[:2])
    shutil.copy(first, second)
    indexed.open(indexed.index.directory)
    assert indexed.agrees()
    assert indexed.make_all() == 1
    assert first.read_bytes() != second.read_bytes()
    monkeypatch.setattr("assetlog.consumers.archive.body_file.VERSION", 2)
    indexed.open(indexed.index.directory)
    assert indexed.agrees()
    assert indexed.make_all() == READ


def test_the_folder_may_be_deleted_at_any_time(indexed: Node) -> None:
    shutil.rmtree(indexed.index.directory)
    assert indexed.agrees()
    assert indexed.make_all() == READ
    assert indexed.agrees()


def test_files_of_no_segment_and_half_written_ones_are_removed(indexed: Node) -> None:
    for name in ("gone.bodies", f"{indexed.names()[0]}.tmp"):
        (indexed.index.directory / name).write_bytes(b"?")
    indexed.index.tidy(indexed.archive.segments)
    assert indexed.files() == indexed.names()


def test_the_oldest_segments_go_when_there_is_no_room(indexed: Node) -> None:
    directory, names = indexed.index.directory, indexed.names()
    room = sum((directory / name).stat().st_size for name in names[2:]) + 10
    indexed.open(directory, room)
    indexed.index.tidy(indexed.archive.segments)
    assert indexed.files() == names[2:]
    assert indexed.make_all() == 0
    assert indexed.agrees()
    shutil.rmtree(directory)
    indexed.open(directory, room)
    assert indexed.make_all() == 3  # the third does not fit, which is known when it is there
    assert indexed.files() == names[2:]


def test_without_room_there_are_no_files(indexed: Node) -> None:
    indexed.open(indexed.index.directory, room=0)
    indexed.index.tidy(indexed.archive.segments)
    assert (indexed.files(), indexed.make_all()) == ([], 0)
    assert indexed.agrees()


def test_a_full_disk_is_told_once_and_stops_nothing(
    node: Node, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(index_module, "RESERVE", 1 << 62)
    with caplog.at_level(logging.WARNING):
        node.maker.step()
        assert node.maker.step() is None  # it waits with all of them
        node.maker._failed.clear()
        node.maker.step()
    assert len([record for record in caplog.records if "reading the archive is slower" in record.message]) == 1
    assert node.files() == []
    assert node.agrees()
    monkeypatch.setattr(index_module, "RESERVE", 0)
    node.maker._failed.clear()
    assert node.make_all() == SEGMENTS


def test_a_store_that_is_away_is_left_alone_for_a_while(node: Node, monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[Segment] = []

    def away(segment: Segment) -> Path:
        asked.append(segment)
        raise Unavailable("The archive does not answer.")

    monkeypatch.setattr(node.archive, "trusted", away)
    assert node.make_all() == len(asked) == 1
    assert node.agrees()


def test_a_changed_segment_is_not_indexed_and_those_before_it_are(node: Node) -> None:
    last = node.archive.path(node.archive.segments[-1])
    content = bytearray(last.read_bytes())
    content[20] ^= 1
    last.write_bytes(content)
    assert node.make_all() == SEGMENTS
    assert node.files() == node.names()[:-1]


def test_a_node_that_stops_leaves_no_half_file(node: Node) -> None:
    node.maker.stop()
    with pytest.raises(StoppedError):
        node.maker.step()
    assert node.files() == []
