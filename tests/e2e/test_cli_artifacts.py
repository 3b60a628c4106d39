"""`assetlog artifacts`: drawn, compared, told from the beginning, and written to files."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from assetlog.catalog.cli import output
from assetlog.catalog.cli.main import main
from assetlog.producers import (
    Emitter,
    create_image_artifact,
    create_markdown_artifact,
    create_progress_artifact,
    create_table_artifact,
    flush,
    set_default_emitter,
    update_progress_artifact,
)
from assetlog.schemas.images import EMBEDDED_BYTES, blob_name

SMALL = b"GIF89a" + bytes(100)
LARGE = b"GIF89a" + bytes(EMBEDDED_BYTES)


class Printed(NamedTuple):
    """What a command printed, and its exit code."""

    code: int
    out: str
    err: str


Run = Callable[..., Printed]


@pytest.fixture(scope="module")
def made(node: Any, tmp_path_factory: pytest.TempPathFactory) -> None:
    """Artifacts to look at."""
    with Emitter(node.url, home=tmp_path_factory.mktemp("producer")) as emitter:
        before = set_default_emitter(emitter)
        create_markdown_artifact("# Sales\nNorth 1\nSouth 2", key="report", description="all")
        create_markdown_artifact("# Sales\nNorth 3\nSouth 2", key="report", description="all")
        create_table_artifact([{"region": "North", "sum": 1}, {"region": "South", "sum": 2}], key="sums")
        create_table_artifact([{"region": "North", "sum": 3}, {"region": "West", "sum": 2}], key="sums")
        loading = create_progress_artifact(0, key="loading")
        update_progress_artifact(loading, 50, "half way")
        create_image_artifact(image=SMALL, key="small")
        create_image_artifact(image=LARGE, key="large")
        create_image_artifact("https://example.org/x.png", key="elsewhere")
        assert flush()
        set_default_emitter(before)
    node.http.get("/v1/artifacts", params={"min_position": emitter.position})


@pytest.fixture(params=["pipe", "100"])
def looks(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> str:
    """A pipe, or a terminal of that many columns."""
    if request.param != "pipe":
        monkeypatch.setenv("TTY_COMPATIBLE", "1")
        monkeypatch.setenv("COLUMNS", request.param)
    return str(request.param)


@pytest.fixture
def run(node: Any, made: None, monkeypatch: pytest.MonkeyPatch, capsysbinary: pytest.CaptureFixture[bytes]) -> Run:
    """Runs `assetlog artifacts …` in this process, against the node."""
    monkeypatch.setenv("ASSETLOG_URL", node.url)

    def artifacts(*words: str) -> Printed:
        output.console.cache_clear()
        code = main(("artifacts", *words))
        out, err = capsysbinary.readouterr()
        output.console.cache_clear()
        return Printed(code, out.decode(), err.decode())

    return artifacts


def test_lines_that_differ_are_shown(run: Run) -> None:
    shown = run("diff", "report").out
    assert shown.splitlines() == [
        "--- report v1",
        "+++ report v2",
        "@@ -1,3 +1,3 @@",
        " # Sales",
        "-North 1",
        "+North 3",
        " South 2",
    ]
    assert run("diff", "report", "--from", "2", "--to", "1").out.splitlines()[4:6] == ["-North 3", "+North 1"]
    assert run("diff", "report", "--from", "1", "--to", "1").out == "report v1 and v1 are the same.\n"


def test_rows_that_differ_are_counted(run: Run) -> None:
    shown = run("diff", "sums").out
    assert shown.startswith("1 row added, 1 row removed, 1 row changed  (rows are named by region)\n")
    assert '-{"region":"South","sum":2}' in shown


def test_a_terminal_shows_the_same_lines(run: Run, looks: str) -> None:
    for command in (("diff", "report"), ("diff", "sums"), ("history", "loading"), ("show", "large")):
        printed = run(*command)
        assert (printed.code, printed.err) == (0, "")
    assert "North 3" in run("diff", "report").out
    assert "half way" in run("history", "loading").out


def test_a_history_has_every_step(run: Run) -> None:
    header, updated, created = run("history", "loading").out.splitlines()
    assert header.split() == ["WHAT", "WHEN", "CONTENT", "DESCRIPTION"]
    assert (updated.split()[0], updated.split()[-3:]) == ("updated", ["50", "half", "way"])
    assert (created.split()[0], created.split()[-1]) == ("created", "0")


def test_an_image_says_what_and_where_it_is(run: Run) -> None:
    assert f"image/gif, {len(SMALL)} bytes, in the event itself" in run("show", "small").out
    assert f"SHA-256 {blob_name(LARGE)}" in run("show", "large").out
    assert "https://example.org/x.png" in run("show", "elsewhere").out


@pytest.mark.parametrize(
    ("key", "content"),
    [
        ("small", SMALL),
        ("large", LARGE),
        ("report", b"# Sales\nNorth 3\nSouth 2"),
        ("sums", b"region,sum\nNorth,3\nWest,2\n"),
        ("loading", b"50.0"),
    ],
)
def test_what_is_shown_is_saved(run: Run, tmp_path: Path, key: str, content: bytes) -> None:
    path = tmp_path / "saved"
    assert run("show", key, "--save", str(path)).out == f"{path}: {len(content):,} bytes\n"
    assert path.read_bytes() == content


def test_an_older_version_is_saved(run: Run, tmp_path: Path) -> None:
    run("show", "report", "--version", "1", "--save", str(tmp_path / "old"))
    assert "North 1" in (tmp_path / "old").read_text()


def test_json_is_what_the_node_answers(run: Run) -> None:
    assert json.loads(run("diff", "report", "--json").out)["from"] == 1
    assert [item["data"] for item in json.loads(run("history", "loading", "--json").out)["items"]] == [50, 0]


@pytest.mark.parametrize(
    ("words", "code"),
    [
        (("show", "elsewhere", "--save", "x.png"), 2),
        (("show", "small", "--save", "/nowhere/x.png"), 2),
        (("diff",), 2),
        (("diff", "small"), 3),
        (("diff", "report", "--to", "9"), 3),
        (("history", "nothing"), 3),
    ],
)
def test_what_can_not_be_done_says_why(run: Run, words: tuple[str, ...], code: int) -> None:
    printed = run(*words)
    assert (printed.code, printed.out) == (code, "")
    assert printed.err
