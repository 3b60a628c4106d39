"""Lists as Arrow: the rows are those of the JSON answer, typed, at every list route."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest

from assetlog.catalog.api import arrow
from assetlog.catalog.api.app import HANDLERS
from assetlog.catalog.api.route import SPEC
from assetlog.schemas.times import format_time, parse_time

ARROW = "application/vnd.apache.arrow.stream"
KEY = "s3://lake/orders"
RUN = {"id": "run-1", "job": "load"}


@pytest.fixture(scope="module")
def filled(running_node: Any, tmp_path_factory: pytest.TempPathFactory, event: Any) -> Iterator[Any]:
    """A node with a bit of everything in it."""
    node = running_node(home=tmp_path_factory.mktemp("home"))
    described = {"group": "sales", "tags": {"tier": "gold"}, "columns": [{"name": "id"}], "owners": ["ada", "bob"]}
    made = {"upstream": ["s3://lake/raw"], "run": RUN, "partition": "p", "metadata": {"rows": 3, "deep": [None, "ü"]}}
    node.post(
        event("run.started", "run-1", {"job": "load"}),
        event("asset.materialized", KEY, made, time="2026-01-01T00:00:00.5+01:00"),
        event("asset.checked", KEY, {"check": "rows", "passed": False, "run": RUN}),
        event("asset.described", KEY, described),
        event("asset.failed", "s3://lake/other", {"error": "no\nrows"}),
        event("artifact.created", "report", {"type": "markdown", "data": "# x", "asset": KEY, "run": RUN}),
        event("artifact.created", "report", {"type": "table", "data": [{"a": None}]}),
        event("alias.resolved", "today", {"asset": KEY}),
        event("run.succeeded", "run-1", {"job": "load"}),
    )
    node.do(node.node.parts.redis.xadd("assetlog:{default}:events", {"event": b"{broken \xff"}))
    node.start = node.get("/v1/events", limit=1).json()["items"][0]["position"]
    yield node
    node.stop()


LISTS: list[tuple[str, dict[str, Any]]] = [
    ("/v1/assets", {}),
    ("/v1/assets", {"q": "nothing has this text"}),
    ("/v1/asset/events", {"key": KEY}),
    ("/v1/asset/partitions", {"key": KEY}),
    ("/v1/asset/checks", {"key": KEY}),
    ("/v1/asset/artifacts", {"key": KEY}),
    ("/v1/tree", {}),
    ("/v1/artifacts", {}),
    ("/v1/artifact/versions", {"key": "report"}),
    ("/v1/artifact/history", {"key": "report"}),
    ("/v1/runs", {}),
    ("/v1/jobs", {}),
    ("/v1/groups", {}),
    ("/v1/aliases", {}),
    ("/v1/quarantine", {}),
    ("/v1/events", {}),
    ("/v1/diff", {"from": "0-0"}),
]


def table_of(answer: Any) -> pa.Table:
    assert answer.status_code == 200, answer.text
    assert answer.headers["content-type"] == ARROW
    return pa.ipc.open_stream(answer.content).read_all()


def same(cell: Any, value: Any) -> bool:
    """Whether a cell says what the JSON says: times as moments, what is free-form as its text."""
    if isinstance(cell, datetime):
        return format_time(cell) == format_time(parse_time(value))
    if isinstance(cell, dict):
        return cell.keys() == value.keys() and all(same(cell[name], value[name]) for name in cell)
    if isinstance(cell, str) and not isinstance(value, str):
        return bool(json.loads(cell) == value)
    if isinstance(cell, str) and cell != value:  # free-form data that is a text: an artifact's markdown
        return bool(json.loads(cell) == value)
    return bool(cell == value)


@pytest.mark.parametrize("path, params", LISTS, ids=[path + str(params) for path, params in LISTS])
def test_the_rows_are_those_of_the_json_answer(filled: Any, path: str, params: dict[str, Any]) -> None:
    plain = filled.http.get(path, params=params)
    listed = plain.json()
    params = params if "from" in params else {**params, "as_of": listed["position"]}
    answer = filled.http.get(path, params=params, headers={"accept": ARROW})
    table = table_of(answer)
    assert table.num_rows == len(listed["items"])
    if "q" not in params:
        assert table.num_rows > 0, "a list without rows shows nothing"
    for row, item in zip(table.to_pylist(), listed["items"], strict=True):
        shown = {name: row[name] for name in item}
        assert same(shown, item), (shown, item)
    assert table.schema.metadata[b"assetlog.position"].decode() == listed["position"]
    assert answer.headers["assetlog-position"] == listed["position"]
    assert answer.headers["vary"] == plain.headers["vary"] == "Accept"


def test_an_empty_list_has_the_columns_of_a_full_one(filled: Any) -> None:
    full, empty = (
        table_of(filled.http.get("/v1/assets", params=params, headers={"accept": ARROW}))
        for params in ({}, {"q": "nothing has this text"})
    )
    assert full.schema.equals(empty.schema)


def test_the_attributes_of_an_event_are_columns(filled: Any) -> None:
    table = table_of(filled.http.get("/v1/events", params={"asset": KEY, "limit": 1}, headers={"accept": ARROW}))
    (row,) = table.to_pylist()
    assert (row["type"], row["subject"], row["source"]) == ("asset.materialized", KEY, "test")
    assert row["time"] == parse_time("2025-12-31T23:00:00.5Z")
    assert json.loads(row["event"])["data"]["metadata"]["rows"] == 3
    assert str(table.schema.field("recorded").type) == "timestamp[us, tz=UTC]"


def test_the_parts_of_a_list_go_on_by_header_and_metadata(filled: Any) -> None:
    keys: list[str] = []
    cursor = None
    while True:
        params = {"limit": 1} if cursor is None else {"limit": 1, "cursor": cursor}
        answer = filled.http.get("/v1/assets", params=params, headers={"accept": ARROW})
        table = table_of(answer)
        keys += table["key"].to_pylist()
        cursor = answer.headers.get("assetlog-next")
        assert (table.schema.metadata.get(b"assetlog.next") or b"").decode() == (cursor or "")
        if cursor is None:
            break
    assert keys == [item["key"] for item in filled.get("/v1/assets").json()["items"]]


def test_the_two_forms_have_different_tags_and_each_is_known_again(filled: Any) -> None:
    params = {"as_of": filled.start}
    tags = set()
    for form in (ARROW, "application/json"):
        tag = filled.http.get("/v1/assets", params=params, headers={"accept": form}).headers["etag"]
        again = filled.http.get("/v1/assets", params=params, headers={"accept": form, "if-none-match": tag})
        assert again.status_code == 304
        tags.add(tag)
    assert len(tags) == 2


@pytest.mark.parametrize(
    "accept, form",
    [
        ("*/*", "application/json"),
        ("application/json", "application/json"),
        (f"{ARROW}, */*;q=0.1", ARROW),
        (f"application/json;q=0.5, {ARROW}", ARROW),
        (f"application/json, {ARROW};q=0.5", "application/json"),
        (f"{ARROW};q=0", "application/json"),
        (f"{ARROW};q=often", "application/json"),
    ],
)
def test_the_form_is_the_one_that_the_client_likes_best(filled: Any, accept: str, form: str) -> None:
    assert filled.http.get("/v1/assets", headers={"accept": accept}).headers["content-type"] == form


def test_what_is_no_list_stays_json_and_errors_stay_problems(filled: Any) -> None:
    headers = {"accept": ARROW}
    assert filled.http.get("/v1/asset", params={"key": KEY}, headers=headers).json()["key"] == KEY
    wrong = filled.http.get("/v1/assets", params={"limit": 0}, headers=headers)
    assert (wrong.status_code, wrong.headers["content-type"]) == (400, "application/problem+json")


def test_the_description_names_both_forms_of_every_list(filled: Any) -> None:
    paths = filled.get("/openapi.json").json()["paths"]
    named = {path for path, methods in paths.items() if ARROW in json.dumps(methods)}
    cursors = {path for path, methods in paths.items() if '"cursor"' in json.dumps(methods.get("get"))}
    assert named == cursors | {"/v1/tree"}
    assert named >= {path for path, _ in LISTS}


def test_every_list_has_columns() -> None:
    pages = [handler.opt[SPEC].answer for handler in HANDLERS if arrow.item_of(handler.opt[SPEC].answer) is not None]
    assert len(pages) >= len({path for path, _ in LISTS})
    for page in pages:
        item = arrow.item_of(page)
        assert item is not None
        assert arrow.record_of(item).schema()


def test_a_start_does_not_load_the_library_of_arrow() -> None:
    code = "import sys, assetlog.catalog.api.arrow; print('nanoarrow' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout == "False\n"


def test_a_stored_stream_says_when_it_is_of(filled: Any, tmp_path: Path) -> None:
    answer = filled.http.get("/v1/diff", params={"from": "0-0"}, headers={"accept": ARROW})
    kept = tmp_path / "diff.arrows"
    kept.write_bytes(answer.content)
    with pa.OSFile(str(kept)) as file:
        told = pa.ipc.open_stream(file).schema.metadata
    assert told[b"assetlog.from"] == b"0-0"
    assert told[b"assetlog.to"] == told[b"assetlog.position"]
