"""Views by name: composed from others, with the parameters they name."""

from __future__ import annotations

import duckdb
import pytest

from assetlog.consumers.views.sql import VIEWS, names, statement


@pytest.mark.parametrize("name", names())
def test_a_view_says_what_it_is_in_its_first_line(name: str) -> None:
    from importlib import resources

    assert resources.files(VIEWS).joinpath(f"{name}.sql").read_text().startswith(f"-- {name}: ")


@pytest.mark.parametrize("name", names())
def test_a_view_never_asks_for_the_clock_chance_or_row_ids(name: str) -> None:
    text = statement(name).text.lower()
    assert not [word for word in ("now()", "current_timestamp", "random()", "rowid", "any_value(") if word in text]


@pytest.mark.parametrize("name", names())
def test_a_view_looks_no_further_than_a_position(name: str) -> None:
    bounds = {"p", "p0", "p1", "pos", "positions", "s"}
    assert name in {"head", "snapshots"} or statement(name).parameters & bounds


def test_a_view_that_builds_on_another_has_it_as_a_common_table() -> None:
    assert statement("schemes").text.startswith("with shown_keys as (\nwith alias_roots as (")


def test_a_view_may_look_at_two_positions() -> None:
    assert {"s0", "p0", "s1", "p1"} <= statement("diff").parameters
    assert not {"s", "p"} & statement("diff").parameters


def test_only_parameters_that_a_view_names_reach_it() -> None:
    with duckdb.connect(":memory:") as connection:
        connection.execute("create table snap(snap_pos bigint)")
        assert statement("snapshots").run(connection, {"after": 0, "unknown": 1}).fetchall() == [([],)]


def test_a_missing_parameter_is_an_error() -> None:
    with duckdb.connect(":memory:") as connection, pytest.raises(KeyError, match="after"):
        statement("snapshots").run(connection, {})
