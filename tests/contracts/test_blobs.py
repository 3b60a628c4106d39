"""Images beside the archive: in a directory and in an object store, written once."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from assetlog.consumers.archive.blobs import Blobs
from assetlog.consumers.archive.places import LocalPlace, Place, open_place
from assetlog.schemas.errors import Invalid, Unavailable
from assetlog.schemas.images import blob_name

GIF = b"GIF89a" + bytes(1000)
MakePlace = Callable[[str], Place]


@pytest.fixture(params=["directory", "object-store"])
def place(request: pytest.FixtureRequest, tmp_path: Path) -> MakePlace:
    """Makes the same place for a node of this name."""
    if request.param == "directory":
        return lambda _: LocalPlace(tmp_path / "archive" / "blobs")
    pytest.importorskip("obstore", reason="needs the extra [archive]")
    from assetlog.consumers.archive.object_place import ObjectPlace

    (tmp_path / "store").mkdir()
    return lambda node: ObjectPlace((tmp_path / "store").as_uri(), tmp_path / node / "cache")


def test_every_node_reads_what_one_keeps(place: MakePlace) -> None:
    kept = Blobs(place("one")).keep(GIF)
    assert (kept.sha256, kept.bytes, kept.media_type) == (blob_name(GIF), len(GIF), "image/gif")
    assert Blobs(place("other")).read(kept.sha256) == GIF


def test_what_is_not_there_leaves_nothing_behind(place: MakePlace, tmp_path: Path) -> None:
    assert Blobs(place("one")).read("0" * 64) is None
    assert [path for path in tmp_path.rglob("*") if path.is_file()] == []


def test_keeping_twice_is_keeping_once(place: MakePlace, tmp_path: Path) -> None:
    with ThreadPoolExecutor(8) as threads:
        kept = set(threads.map(lambda n: Blobs(place(f"node-{n % 3}")).keep(GIF).sha256, range(16)))
    assert kept == {blob_name(GIF)}
    assert Blobs(place("another")).read(blob_name(GIF)) == GIF
    assert list(tmp_path.rglob("*.tmp")) == []


def test_what_is_no_image_is_not_kept(place: MakePlace, tmp_path: Path) -> None:
    with pytest.raises(Invalid):
        Blobs(place("one")).keep(b"<svg/>")
    assert [path for path in tmp_path.rglob("*") if path.is_file()] == []


def test_a_place_that_is_none_is_told_without_a_crash(tmp_path: Path) -> None:
    (tmp_path / "archive").write_text("a file")
    blobs = Blobs(LocalPlace(tmp_path / "archive" / "blobs"))
    for ask in (lambda: blobs.keep(GIF), lambda: blobs.read("0" * 64)):
        with pytest.raises(Unavailable) as caught:
            ask()
        assert caught.value.code == "blobs-unusable"


def test_a_damaged_image_is_none(tmp_path: Path) -> None:
    blobs = Blobs(open_place(None, tmp_path, "default/blobs"))
    name = blobs.keep(GIF).sha256
    path = tmp_path / "archive" / "default" / "blobs" / name
    path.write_bytes(GIF[:-1] + b"x")
    assert blobs.read(name) is None
    assert blobs.keep(GIF).sha256 == name
    assert blobs.read(name) == GIF
