"""What a terminal and a pipe get to see."""

from __future__ import annotations

import pytest
from msgspec import Raw

from assetlog.catalog.cli import output
from assetlog.catalog.cli.event_text import facts, summary, told
from assetlog.catalog.cli.output import Cell, Column, Styled


@pytest.fixture(autouse=True)
def fresh_console(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("FORCE_COLOR", raising=False)
    monkeypatch.delenv("TTY_COMPATIBLE", raising=False)
    output.console.cache_clear()


@pytest.fixture
def narrow_terminal(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TTY_COMPATIBLE", "1")
    monkeypatch.setenv("COLUMNS", "40")


LONG_KEY = "s3://lake/" + "/".join(f"part-{number}" for number in range(9))
COLUMNS = (Column("state", keep=True), Column("key"), Column("n", right=True), Column("more", from_width=100))
ROWS: list[list[Cell]] = [[output.state("fresh"), LONG_KEY, "7", "x\ny"], [output.state("failed"), "s3://b", "12", ""]]


def test_a_pipe_gets_whole_values_in_plain_aligned_columns(capsys: pytest.CaptureFixture[str]) -> None:
    output.table(COLUMNS, ROWS)
    header, first, second = capsys.readouterr().out.splitlines()
    assert header.split() == ["STATE", "KEY", "N", "MORE"]
    assert LONG_KEY in first
    assert first.endswith("x ↵ y")
    assert header.index("KEY") == first.index(LONG_KEY) == second.index("s3://b")
    assert "\x1b" not in first


@pytest.mark.usefixtures("narrow_terminal")
def test_a_narrow_terminal_breaks_long_keys_and_leaves_wide_columns_out(capsys: pytest.CaptureFixture[str]) -> None:
    output.table(COLUMNS, ROWS)
    shown = capsys.readouterr().out
    assert "more" not in shown
    plain = "".join(shown.split())
    assert all(f"part-{number}" in plain for number in range(9)) or "…" not in shown
    assert "…" not in shown


def test_nobody_elses_text_steers_the_terminal(capsys: pytest.CaptureFixture[str]) -> None:
    output.say("\x1b]0;owned\x07", Styled("\x9b31m\u202e", "bold"))
    output.table([Column("a")], [["\x1b[2J"]])
    shown = capsys.readouterr().out
    assert not {"\x1b", "\x07", "\x9b", "\u202e"} & set(shown)


@pytest.mark.usefixtures("narrow_terminal")
def test_markup_in_a_text_is_shown_not_obeyed(capsys: pytest.CaptureFixture[str]) -> None:
    output.say("[red]not red[/red]")
    assert "[red]not red[/red]" in capsys.readouterr().out


def test_pairs_leave_out_what_is_empty_and_align_lists(capsys: pytest.CaptureFixture[str]) -> None:
    output.pairs([("owner", ""), ("made from", ["a://1", "a://2"]), ("by", "dbt")])
    assert capsys.readouterr().out == "  made from  a://1\n             a://2\n  by         dbt\n"


def test_an_event_is_told_in_one_line() -> None:
    event = told(Raw(b'{"type":"asset.checked","data":{"check":"rows","passed":false,"metadata":{"missing":2}}}'))
    assert summary(event) == "✖ rows missing=2"
    assert summary(told(Raw(b'{"type":"asset.failed","data":{"partition":"p","error":"no"}}'))) == "[p] no"
    assert told(Raw(b"[]")).type == "?"


def test_metadata_is_cut_to_its_first_facts() -> None:
    assert facts({"a": 1, "b": "x", "c": [1], "d": None, "e": 2}) == "a=1 b=x c=[1] d=null …"
