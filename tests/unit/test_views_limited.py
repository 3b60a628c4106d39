"""A limited reader answers as if there were no assets but those it may see."""

from __future__ import annotations

import re
from importlib import resources
from pathlib import Path
from typing import Any

import duckdb
import pytest

from assetlog.consumers.fold.known import Edge, Known
from assetlog.consumers.views.limited_reader import TABLES, LimitedKnown, limited, without_outside
from assetlog.consumers.views.sql import names

SEEN = ("s3://a/",)


def schema() -> str:
    return resources.files("assetlog.consumers.fold.sql").joinpath("schema.sql").read_text()


@pytest.fixture
def projection() -> Any:
    with duckdb.connect(":memory:") as connection:
        connection.execute(schema())
        yield connection


def test_every_table_of_the_projection_says_what_may_be_seen_of_it() -> None:
    tables = re.findall(r"^create table (\w+)", schema(), re.MULTILINE)
    assert sorted(tables) == names(TABLES)


@pytest.mark.parametrize("view", names())
def test_every_view_runs_on_the_tables_that_may_be_seen(view: str, projection: Any) -> None:
    statement = limited(view)
    lists = {"aids", "ids", "positions", "roots", "prefixes"}
    values: dict[str, Any] = {name: [] if name in lists else None for name in statement.parameters}
    values |= {name: 1 for name in ("limit", "count", "version") if name in values}
    values["prefixes"] = ["s3://a/"]
    statement.run(projection, values)


@pytest.mark.parametrize("view", names())
def test_no_view_reaches_past_the_shadows(view: str) -> None:
    from assetlog.consumers.views.sql import statement

    assert "main." not in statement(view).text


def known_graph() -> Known:
    known = Known()
    for key in ("s3://a/x", "s3://b/secret", "s3://a/y", "s3://b/alias", "s3://a/alias"):
        known.add_key(key, 1)
    known.add_edge(Edge(1, 0, None), 1)
    known.add_edge(Edge(0, 2, None), 1)
    known.add_alias(1, 0, 3)
    known.add_alias(1, 0, 4)
    return known


def test_the_graph_has_only_what_may_be_seen_and_says_that_there_is_more() -> None:
    seen = LimitedKnown(known_graph(), 1, SEEN)
    assert seen.number("s3://b/secret") is None
    assert seen.number("s3://b/alias") is None
    assert (seen.neighbours("down", 0), seen.hidden) == ({2}, False)
    assert (seen.neighbours("up", 0), seen.hidden) == (set(), True)
    assert list(seen.roots_in_order()) == [0, 2]


def test_an_alias_counts_only_where_both_keys_may_be_seen() -> None:
    seen = LimitedKnown(known_graph(), 1, SEEN)
    assert seen.aliases(0) == ["s3://a/alias"]


def event(type_name: str, subject: str, data: str = "{}") -> bytes:
    return (
        f'{{"specversion":"1.0","id":"1","source":"t","type":"{type_name}","subject":"{subject}","data":{data}}}'
    ).encode()


def test_an_event_is_shown_without_the_upstreams_outside() -> None:
    lineage = '{"c":[{"asset":"s3://b/z","column":"q"},{"asset":"S3://a/y","column":"p"}]}'
    raw = event(
        "asset.materialized", "s3://a/x", '{"upstream":["s3://b/z"],"by":"dbt","column_lineage":' + lineage + "}"
    )
    shown = without_outside(raw, SEEN)
    assert shown is not None
    assert b"s3://b" not in shown
    assert b'"upstream":[]' in shown
    assert b'{"asset":"S3://a/y","column":"p"}' in shown


def test_an_event_without_keys_outside_is_shown_as_it_was_accepted() -> None:
    raw = event("asset.materialized", "s3://a/x", '{"upstream":["s3://a/y"]}')
    assert without_outside(raw, SEEN) is raw


@pytest.mark.parametrize(
    "raw",
    [
        event("asset.aliased", "s3://a/x", '{"alias":"s3://b/z"}'),
        event("asset.materialized", "s3://b/z"),
        event("run.failed", "run-1", '{"error":"s3://b/z is not there"}'),
        b"not an event",
    ],
)
def test_what_cannot_be_left_out_of_an_event_hides_it(raw: bytes) -> None:
    assert without_outside(raw, SEEN) is None


def test_the_tables_are_plain_files() -> None:
    folder = Path(str(resources.files(TABLES)))
    assert all(path.read_text().startswith(f"-- {path.stem}: ") for path in folder.glob("*.sql"))
