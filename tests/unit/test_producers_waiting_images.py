"""Images in the spool: kept whole, delivered once, refused ones set aside."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from assetlog.producers.waiting_images import PAUSE_SECONDS, WaitingImages
from assetlog.schemas.errors import Broken, Invalid, Unavailable
from assetlog.schemas.images import blob_name

GIF = b"GIF89a"


@pytest.fixture
def images(tmp_path: Path) -> WaitingImages:
    return WaitingImages(tmp_path / "spool" / "blobs", tmp_path / "rejected" / "blobs")


def test_an_image_waits_until_it_is_delivered(images: WaitingImages) -> None:
    assert not images.due()
    images.keep(GIF)
    images.keep(GIF)
    images.keep(GIF + b"2")
    assert images.due()
    sent: list[bytes] = []
    images.deliver(sent.append)
    assert sorted(sent) == [GIF, GIF + b"2"]
    assert images.waiting() == []


def test_what_is_not_delivered_goes_on_waiting(images: WaitingImages) -> None:
    images.keep(GIF)

    def nobody(_: bytes) -> None:
        raise Unavailable("No node answers.", code="node-unavailable")

    with pytest.raises(Unavailable):
        images.deliver(nobody)
    assert [path.read_bytes() for path in images.waiting()] == [GIF]
    assert images.due()


def test_a_node_that_can_keep_none_is_asked_again_later(
    images: WaitingImages, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    images.keep(GIF)

    def full(_: bytes) -> None:
        raise Unavailable("The disk is full.", code="node-busy")

    monkeypatch.setattr("time.monotonic", lambda: 100.0)
    images.deliver(full)
    assert "The disk is full." in caplog.text
    assert not images.due()
    monkeypatch.setattr("time.monotonic", lambda: 100.0 + PAUSE_SECONDS)
    assert images.due()


def test_a_refused_image_is_set_aside(images: WaitingImages, caplog: pytest.LogCaptureFixture) -> None:
    images.keep(GIF)

    def refuse(_: bytes) -> None:
        raise Invalid("Too large for this node.", code="body-too-large")

    images.deliver(refuse)
    assert images.waiting() == []
    assert (images.rejected / blob_name(GIF)).read_bytes() == GIF
    assert "body-too-large" in caplog.text


def test_what_another_process_delivered_meanwhile_is_no_fault(images: WaitingImages) -> None:
    images.keep(GIF)
    images.keep(GIF + b"2")
    sent: list[bytes] = []

    def taken(content: bytes) -> None:
        sent.append(content)
        for path in images.waiting():
            path.unlink()

    images.deliver(taken)
    assert len(sent) == 1


def test_room_and_disk_have_an_end(images: WaitingImages, tmp_path: Path) -> None:
    images.limit = 10
    images.keep(GIF)
    with pytest.raises(Broken) as caught:
        images.keep(GIF + b"2")
    assert caught.value.code == "spool-full"
    blocked = WaitingImages(tmp_path / "file" / "blobs", tmp_path)
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(Broken) as caught:
        blocked.keep(GIF)
    assert caught.value.code == "spool-unwritable"


def test_an_image_half_written_by_a_killed_process_is_none(images: WaitingImages) -> None:
    program = f"""
import os, signal
from pathlib import Path
from assetlog.producers import waiting_images
from assetlog.producers.waiting_images import WaitingImages
def die(path, content):
    path.write_bytes(content[:3])
    os.kill(os.getpid(), signal.SIGKILL)
waiting_images._write = die
WaitingImages(Path({str(images.directory)!r}), Path({str(images.rejected)!r})).keep(b"GIF89a")
"""
    done = subprocess.run([sys.executable, "-c", program], check=False)
    assert done.returncode == -9
    assert len(list(images.directory.iterdir())) == 1
    assert images.waiting() == []
