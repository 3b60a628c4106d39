"""The reading commands, over a node that the demo's pipeline has filled."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, NamedTuple

import msgspec
import pytest

from assetlog.catalog.cli import output
from assetlog.catalog.cli.main import main
from assetlog.catalog.client import Client
from assetlog.catalog.demo.assets import CUSTOMERS_CSV, ORDERS_CSV
from assetlog.catalog.demo.exports import REPAIR
from assetlog.catalog.demo.pipeline import customers as CUSTOMERS  # noqa: N812
from assetlog.catalog.demo.pipeline import orders as ORDERS  # noqa: N812
from assetlog.catalog.demo.pipeline import report as REPORT  # noqa: N812
from assetlog.catalog.demo.pipeline import revenue as REVENUE  # noqa: N812
from assetlog.catalog.demo.shop import DAYS
from assetlog.catalog.demo.stage import Played, at_work
from assetlog.schemas.errors import Invalid, NotFound, Unavailable
from assetlog.schemas.shapes import EventShape, Page


class Printed(NamedTuple):
    """What a command printed, and its exit code."""

    code: int
    out: str
    err: str


Run = Callable[..., Printed]


@pytest.fixture(scope="module")
def client(node: Any) -> Iterator[Client]:
    with Client(node.url) as client:
        yield client


@pytest.fixture(scope="module")
def played(node: Any, client: Client, tmp_path_factory: pytest.TempPathFactory) -> Played:
    """The demo's pipeline has run against the node: a night that failed, then the repair."""
    log = (node.node.log.url, node.settings.catalog)
    with at_work(client, tmp_path_factory.mktemp("work") / "shop", log) as stage:
        return stage.play()


@pytest.fixture(params=["pipe", "80", "120"])
def looks(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> str:
    """A pipe, or a terminal of that many columns."""
    look = str(request.param)
    if look != "pipe":
        monkeypatch.setenv("TTY_COMPATIBLE", "1")
        monkeypatch.setenv("COLUMNS", look)
    return look


@pytest.fixture
def run(node: Any, played: Played, monkeypatch: pytest.MonkeyPatch, capsysbinary: pytest.CaptureFixture[bytes]) -> Run:
    """Runs `assetlog …` in this process, against the node."""
    monkeypatch.setenv("ASSETLOG_URL", node.url)

    def assetlog(*words: str) -> Printed:
        output.console.cache_clear()
        code = main(words)
        out, err = capsysbinary.readouterr()
        output.console.cache_clear()
        return Printed(code, out.decode(), err.decode())

    return assetlog


LISTS = [
    ("assets",),
    ("assets", "--tree"),
    ("asset", ORDERS.key),
    ("asset", ORDERS.key, "--history"),
    ("lineage", REVENUE.key),
    ("lineage", REVENUE.key, "--format", "mermaid"),
    ("lineage", REVENUE.key, "--format", "dot"),
    ("events",),
    ("artifacts",),
    ("artifacts", "show", "revenue-report"),
    ("artifacts", "show", "revenue-by-country"),
    ("artifacts", "show", "revenue-report-file"),
    ("artifacts", "show", "nightly-progress"),
    ("artifacts", "versions", "revenue-report"),
    ("runs",),
    ("jobs",),
    ("tree",),
    ("quarantine",),
    ("consumers",),
    ("consumers", "show", "revenue"),
    ("consumers", "explain", "revenue"),
    ("triggers",),
    ("triggers", "--state", "exhausted"),
    ("diff", "-1h"),
]


@pytest.mark.parametrize("words", LISTS, ids=" ".join)
def test_a_command_fits_a_terminal_and_is_plain_in_a_pipe(run: Run, looks: str, words: tuple[str, ...]) -> None:
    printed = run(*words)
    assert printed.code == 0, printed.err
    assert printed.out.strip()
    if looks == "pipe":
        assert "\x1b" not in printed.out
        assert all(line == line.rstrip() for line in printed.out.splitlines())
    elif "--format" not in words:
        plain = re.sub(r"\x1b\[[0-9;]*m", "", printed.out)
        assert max(map(len, plain.splitlines())) <= int(looks)


@pytest.mark.parametrize("words", [words for words in LISTS if "--format" not in words], ids=" ".join)
def test_json_is_the_nodes_own(run: Run, node: Any, words: tuple[str, ...]) -> None:
    printed = run(*words, "--json")
    assert printed.code == 0, printed.err
    assert isinstance(json.loads(printed.out), dict)


def test_json_of_an_asset_is_untouched(run: Run, node: Any) -> None:
    assert run("asset", ORDERS.key, "--json").out == node.get("/v1/asset", key=ORDERS.key).text + "\n"


def test_assets_are_listed_with_their_state_and_filtered(run: Run) -> None:
    assert "● fresh" in run("assets", "--group", "mart").out
    listed = run("assets", "--prefix", "duckdb://shop/").out
    assert [line.split()[2] for line in listed.splitlines()[1:]] == [CUSTOMERS.key, ORDERS.key, REVENUE.key]


def test_the_past_is_as_it_was(run: Run, played: Played) -> None:
    assert "● fresh" in run("asset", ORDERS.key).out.splitlines()[0]
    before = run("asset", ORDERS.key, "--as-of", played.before).out
    assert "✖ failed" in before.splitlines()[0]
    assert 'Could not convert string "12,90 EUR"' in before
    assert "failed → fresh" in run("diff", played.before).out


def test_an_asset_card_tells_checks_partitions_and_history(run: Run) -> None:
    card = run("asset", ORDERS.key).out
    assert "✔ passed  every-order-once [2026-11-21]  table=120 file=120" in card
    assert "partitions (3)" in card
    assert "asset.failed" in card
    assert ORDERS_CSV.key in card
    assert "✖ failed  country-is-known (a warning)" in run("asset", CUSTOMERS.key).out


def test_lineage_reaches_both_ways(run: Run) -> None:
    both = run("lineage", REVENUE.key).out
    keys = (ORDERS.key, CUSTOMERS.key, ORDERS_CSV.key, CUSTOMERS_CSV.key, REPORT.key)
    assert all(key in both for key in keys)
    assert REPORT.key not in run("lineage", REVENUE.key, "--direction", "up").out
    assert ORDERS_CSV.key not in run("lineage", REVENUE.key, "--depth", "1").out


def test_events_are_windowed_and_told(run: Run, played: Played) -> None:
    after = run("events", "--after", played.before, "--type", "asset.materialized").out.splitlines()[1:]
    assert [line.split()[3] for line in after] == [ORDERS_CSV.key, ORDERS.key, REVENUE.key, REPORT.key]
    assert run("events", "--before", "2000-01-01").out.splitlines()[1:] == []
    raw = run("events", "--raw", "--limit", "1").out
    assert msgspec.json.decode(raw)["specversion"] == "1.0"


def test_artifacts_are_drawn(run: Run) -> None:
    assert "Total: **46,608.24**" in run("artifacts", "show", "revenue-report").out
    assert "Total: **15,902.56**" in run("artifacts", "show", "revenue-report", "--version", "1").out
    assert re.search(r"SE +130 +17085.89", run("artifacts", "show", "revenue-by-country").out)
    assert "100 %" in run("artifacts", "show", "nightly-progress").out


def test_a_run_is_shown_with_what_it_made(run: Run, client: Client) -> None:
    newest = client.runs(job=REPAIR, limit=1).items[0]
    card = run("runs", newest.id).out
    assert "shop.repair" in card
    assert ORDERS_CSV.key in card


@pytest.mark.parametrize(
    "words, code",
    [
        (("asset", "s3://nowhere"), 3),
        (("asset", "no key"), 2),
        (("assets", "--as-of", "soon"), 2),
        (("assets", "--limit", "0"), 2),
        (("events", "--follow", "--as-of", "-1m"), 2),
        (("artifacts", "show"), 2),
        (("artifacts", "show", "missing"), 3),
        (("runs", "missing"), 3),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, tuple) else str(value),
)
def test_an_error_is_explained_with_its_exit_code(run: Run, words: tuple[str, ...], code: int) -> None:
    printed = run(*words)
    assert printed.code == code
    assert printed.err.startswith("error: ")
    assert printed.out == ""


def test_without_a_node_the_remedy_is_named(run: Run, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.delenv("ASSETLOG_URL")
    monkeypatch.setenv("ASSETLOG_HOME", str(tmp_path))
    printed = run("assets")
    assert (printed.code, "assetlog up" in printed.err) == (5, True)


def test_the_client_reads_what_the_node_knows(client: Client, played: Played) -> None:
    assert client.asset(ORDERS.key).materializations == 3
    assert client.asset(ORDERS.key, as_of=played.before).state == "failed"
    assert {asset.key for asset in client.each_asset(group="clean")} == {ORDERS.key, CUSTOMERS.key}
    assert {partition.partition for partition in client.partitions(ORDERS.key).items} == set(DAYS)
    assert client.artifact("revenue-report", version=1).version == 1
    assert [node.prefix for node in client.tree()] == ["duckdb://", "file://"]
    assert client.quarantine().items == []
    assert len(list(client.each_event(limit=7))) == 7
    with pytest.raises(NotFound):
        client.asset("s3://nowhere")
    with pytest.raises(Invalid):
        client.assets(limit=0)


def test_pages_make_one_list(client: Client, played: Played) -> None:
    whole = [event.position for event in client.each_event(as_of=played.after)]
    parts: list[str] = []
    cursor = None
    while not parts or cursor:
        page = client.read("/v1/events", Page[EventShape], limit=5, cursor=cursor, as_of=played.after)
        parts += [event.position for event in page.items]
        cursor = page.next
    assert parts == whole
    assert len(set(whole)) == len(whole) > 5


def test_nothing_answers_at_a_closed_port() -> None:
    with Client("http://127.0.0.1:9") as client, pytest.raises(Unavailable):
        client.position()
