"""Images in and out over HTTP: what is kept, how it is served, and who gets it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from assetlog.schemas.images import MAX_IMAGE_BYTES, blob_name

GIF = b"GIF89a" + bytes(40_000)
NAME = blob_name(GIF)
BEGINNINGS = {
    "image/png": b"\x89PNG\r\n\x1a\n",
    "image/jpeg": b"\xff\xd8\xff\xe0",
    "image/gif": b"GIF87a",
    "image/webp": b"RIFF\x00\x00\x00\x00WEBP",
}
DANGEROUS = [
    b"<svg xmlns='http://www.w3.org/2000/svg'><script>alert(1)</script></svg>",
    b"<!doctype html><script>alert(1)</script>",
    b"%PDF-1.7",
    b"\x7fELF",
    b"RIFF\x00\x00\x00\x00WAVE",
    b"",
]


@pytest.mark.parametrize(("kind", "content"), BEGINNINGS.items())
def test_an_image_is_kept_under_the_hash_of_its_bytes(node: Any, kind: str, content: bytes) -> None:
    headers = {"content-type": "text/html"}  # what the client says of it does not count
    answers = [node.http.post("/v1/blobs", content=content, headers=headers) for _ in range(2)]
    expected = {"sha256": blob_name(content), "bytes": len(content), "media_type": kind}
    assert [(each.status_code, each.json()) for each in answers] == [(201, expected)] * 2
    kept = node.home / "archive" / "default" / "blobs" / blob_name(content)
    assert kept.read_bytes() == content
    served = node.http.get(f"/v1/blobs/{blob_name(content)}")
    assert (served.content, served.headers["content-type"]) == (content, kind)


def test_an_image_is_served_as_nothing_but_an_image_and_for_ever(node: Any) -> None:
    node.http.post("/v1/blobs", content=GIF)
    served = node.http.get(f"/v1/blobs/{NAME}")
    assert served.headers["x-content-type-options"] == "nosniff"
    assert "sandbox" in served.headers["content-security-policy"]
    assert "default-src 'none'" in served.headers["content-security-policy"]
    assert served.headers["cache-control"] == "private, max-age=31536000, immutable"
    again = node.http.get(f"/v1/blobs/{NAME}", headers={"if-none-match": served.headers["etag"]})
    assert (again.status_code, again.content) == (304, b"")


@pytest.mark.parametrize("content", DANGEROUS)
def test_what_is_no_image_is_refused(node: Any, content: bytes) -> None:
    answer = node.http.post("/v1/blobs", content=content, headers={"content-type": "image/png"})
    assert (answer.status_code, answer.json()["code"]) == (415, "unsupported-media-type")
    assert node.http.get(f"/v1/blobs/{blob_name(content)}").status_code == 404


def test_more_than_ten_mebibytes_are_refused(node: Any) -> None:
    largest = GIF[:6] + bytes(MAX_IMAGE_BYTES - 6)
    assert node.http.post("/v1/blobs", content=largest).status_code == 201
    assert node.http.post("/v1/blobs", content=largest + b"x").status_code == 413


@pytest.mark.parametrize("name", ["0" * 64, "x", NAME.upper(), "..%2f..%2fnode.json", "%2e%2e"])
def test_a_name_that_is_none_finds_nothing(node: Any, name: str) -> None:
    node.http.post("/v1/blobs", content=GIF)
    assert node.http.get(f"/v1/blobs/{name}").status_code == 404


def test_nodes_of_a_catalog_share_their_images(running_node: Any, tmp_path: Path) -> None:
    nodes = [running_node(home=tmp_path / name, archive_url=str(tmp_path / "archive")) for name in ("one", "two")]
    try:
        nodes[0].http.post("/v1/blobs", content=GIF)
        assert nodes[1].http.get(f"/v1/blobs/{NAME}").content == GIF
    finally:
        for each in nodes:
            each.stop()


@pytest.fixture(scope="module")
def guarded(running_node: Any, tmp_path_factory: pytest.TempPathFactory, event: Any) -> Iterator[Any]:
    """A node with tokens: `headers[name]`. The image is shown by an artifact of each team; `shows[team]` is its id."""
    node = running_node(home=tmp_path_factory.mktemp("home"))
    node.http.post("/v1/blobs", content=GIF)
    node.shows = {}
    for team, url in (("a", f"/v1/blobs/{NAME}"), ("b", f"/v1/blobs/{NAME}"), ("c", "/v1/blobs/other")):
        asset = f"s3://team-{'a' if team == 'c' else team}/x"
        data = {"type": "image", "data": {"url": url}, "asset": asset}
        made = event("artifact.created", f"plot-{team}", data)
        node.post(made)
        node.shows[team] = made["id"]
    node.headers = {}
    wanted = {
        "admin": {"scopes": ["admin"]},
        "writer": {"scopes": ["events:write"]},
        "reader": {"scopes": ["catalog:read"]},
        "team-a": {"scopes": ["catalog:read", "events:write"], "prefixes": ["s3://team-a/*"]},
    }
    for name, rights in wanted.items():
        made = node.http.post("/v1/tokens", json={"name": name, **rights}, headers=node.headers.get("admin"))
        node.headers[name] = {"authorization": f"Bearer {made.json()['token']}"}
    yield node
    node.stop()


def got(node: Any, name: str, **params: str) -> int:
    answer: httpx.Response = node.http.get(f"/v1/blobs/{NAME}", headers=node.headers[name], params=params)
    return answer.status_code


def test_scopes_say_who_puts_in_and_who_takes_out(guarded: Any) -> None:
    assert {name: got(guarded, name) for name in ("admin", "writer", "reader")} == {
        "admin": 200,
        "writer": 403,
        "reader": 200,
    }
    posted = {
        name: guarded.http.post("/v1/blobs", content=GIF, headers=guarded.headers[name]).status_code
        for name in guarded.headers
    }
    assert posted == {"admin": 201, "writer": 201, "reader": 403, "team-a": 201}


def test_a_token_with_a_prefix_sees_the_images_of_the_artifacts_it_sees(guarded: Any) -> None:
    assert got(guarded, "team-a", artifact=guarded.shows["a"]) == 200
    assert got(guarded, "team-a") == 404
    assert got(guarded, "team-a", artifact=guarded.shows["b"]) == 404
    assert got(guarded, "team-a", artifact=guarded.shows["c"]) == 404
    assert got(guarded, "team-a", artifact="unknown") == 404
