"""`assetlog consumers`, `triggers` and `materialize`: listed, drawn, acted on, declared from a file."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from assetlog.catalog.cli import output
from assetlog.catalog.cli.main import main

ORDERS, USERS, REPORT = "s3://lake/orders", "s3://lake/users", "s3://lake/report"
PYTHON = {"kind": "python", "function": "report", "pool": "nobody-works-here"}
STYLES = re.compile(r"\x1b\[[0-9;]*m")
FILE = f"""
[consumers.watcher]
on = ["{ORDERS}", "{USERS}"]
target = {{ kind = "stream", stream = "alerts" }}
description = "tells of orders"

[consumers.daily]
on = "@daily"
target = {{ kind = "webhook", url = "https://example.com/hook" }}
"""


class Printed(NamedTuple):
    """What a command printed, and its exit code."""

    code: int
    out: str
    err: str


Run = Callable[..., Printed]


@pytest.fixture(scope="module")
def scheduled(node: Any, event: Any) -> Any:
    """A node with a consumer that waits for one of two assets, and two triggers of another."""
    waits = {"condition": {"all": [{"asset": ORDERS}, {"asset": USERS}]}, "target": PYTHON, "module": "pipeline"}
    node.http.put("/v1/consumers/waits", json=waits)
    node.http.put("/v1/consumers/by-hand", json={"condition": {"manual": True}, "target": PYTHON, "outlets": [REPORT]})
    node.post(event("asset.materialized", ORDERS, {"partition": "mon"}), event("asset.materialized", ORDERS))
    fired = [node.http.post("/v1/consumers/by-hand/trigger", json={"by": "ada"}).json() for _ in range(2)]
    node.cancelled = fired[0]["id"]
    node.http.post(f"/v1/triggers/{node.cancelled}/cancel", json={"reason": "a mistake"})
    return node


@pytest.fixture(params=["pipe", "100"])
def looks(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> str:
    """A pipe, or a terminal of that many columns."""
    if request.param != "pipe":
        monkeypatch.setenv("TTY_COMPATIBLE", "1")
        monkeypatch.setenv("COLUMNS", request.param)
    return str(request.param)


@pytest.fixture
def run(scheduled: Any, monkeypatch: pytest.MonkeyPatch, capsysbinary: pytest.CaptureFixture[bytes]) -> Run:
    """Runs a command in this process, against the node."""
    monkeypatch.setenv("ASSETLOG_URL", scheduled.url)

    def command(*words: str) -> Printed:
        output.console.cache_clear()
        code = main(words)
        out, err = capsysbinary.readouterr()
        output.console.cache_clear()
        return Printed(code, STYLES.sub("", out.decode()), err.decode())

    return command


def told(run: Run, *words: str) -> Any:
    """What a command prints as JSON."""
    printed = run(*words, "--json")
    assert printed.code == 0, printed.err
    return json.loads(printed.out)


def test_consumers_are_listed_with_what_they_wait_for(run: Run, looks: str) -> None:
    shown = run("consumers").out
    assert "waits" in shown
    assert "by hand" in shown
    if looks == "pipe":
        (row,) = [line for line in shown.splitlines() if line.split()[2] == "waits"]
        assert row.split()[:7] == ["○", "waiting", "waits", ORDERS, "&", USERS, "2"]
        assert row.endswith("report in the workers' pool nobody-works-here  pipeline")


def test_consumers_are_filtered(run: Run) -> None:
    def names(*words: str) -> list[str]:
        return [item["name"] for item in told(run, "consumers", *words)["items"]]

    assert names("--asset", ORDERS) == names("--module", "pipeline") == ["waits"]
    assert names("--asset", REPORT) == names("--q", "HAND") == ["by-hand"]
    assert names("--paused") == []
    assert names("--limit", "1") == ["by-hand"]


def test_one_consumer_is_shown_with_its_last_triggers(run: Run, looks: str) -> None:
    shown = run("consumers", "show", "by-hand").out
    for text in ("by-hand  ", "running", REPORT, "1 trigger", "last triggers", "cancelled", "fired"):
        assert text in shown, text
    assert told(run, "consumers", "show", "by-hand")["outlets"] == [REPORT]


def test_the_explanation_is_a_tree_of_what_came_and_what_is_missing(run: Run, looks: str) -> None:
    shown = run("consumers", "explain", "waits").out
    lines = [line.rstrip() for line in shown.splitlines()]
    assert lines[1].startswith("2 events wait in 2 partitions")
    assert "no partition" in lines
    start = lines.index("partition mon")
    assert lines[start + 1] == "○ all of"
    assert lines[start + 2].startswith(f"├─ ✔ {ORDERS}  1 event, first ")
    assert lines[start + 3] == f"└─ ○ {USERS}  missing"
    last = run("consumers", "explain", "by-hand").out
    assert "It runs by hand alone." in last
    assert "last fired" in last
    assert "by ada" in last


def test_the_past_is_explained_too(run: Run, scheduled: Any) -> None:
    registered = told(run, "consumers", "show", "waits")["position"]
    assert "nothing has come yet" in run("consumers", "explain", "waits", "--as-of", registered).out
    assert told(run, "consumers", "queue", "waits", "--as-of", registered)["items"] == []
    assert run("consumers", "show", "waits", "--as-of", "1-0").code == 3


def test_what_waits_is_listed(run: Run, looks: str) -> None:
    shown = run("consumers", "queue", "waits").out
    assert shown.count(ORDERS) == 2
    assert "mon" in shown


def test_triggers_are_listed_and_shown(run: Run, scheduled: Any, looks: str) -> None:
    listed = run("triggers", "--consumer", "by-hand").out
    assert [line.split()[1] for line in listed.splitlines()[1:]] == ["fired", "cancelled"]
    assert [item["id"] for item in told(run, "triggers", "--state", "cancelled")["items"]] == [scheduled.cancelled]
    card = run("triggers", "show", scheduled.cancelled).out
    for text in ("by-hand", "cancelled", "a mistake", "ada"):
        assert text in card, text


def test_a_trigger_is_cancelled_once_and_tried_again(run: Run) -> None:
    fired = told(run, "consumers", "trigger", "by-hand", "--partition", "tue")
    assert (fired["partition"], fired["state"]) == ("tue", "fired")
    assert run("triggers", "cancel", fired["id"], "--reason", "no").code == 0
    again = run("triggers", "cancel", fired["id"])
    assert (again.code, "trigger" in again.err) == (4, True)
    assert "tries the trigger" in run("triggers", "retry", fired["id"]).out
    assert told(run, "triggers", "show", fired["id"])["state"] == "fired"
    assert run("triggers", "retry", fired["id"]).code == 4
    assert run("triggers", "show", "nobody").code == 3


def test_an_asset_is_materialized_by_its_key(run: Run) -> None:
    assert run("materialize", REPORT).out.startswith("by-hand runs: trigger ")
    assert told(run, "materialize", REPORT, "--consumer", "by-hand", "--partition", "mon")["partition"] == "mon"
    missing = run("materialize", ORDERS)
    assert (missing.code, "No consumer makes" in missing.err) == (3, True)


def test_a_consumer_is_paused_and_resumed(run: Run) -> None:
    assert "is paused" in run("consumers", "pause", "waits", "--reason", "the source is broken").out
    assert "the source is broken" in run("consumers", "show", "waits").out
    assert "It is paused" in run("consumers", "explain", "waits").out
    assert "fires again" in run("consumers", "resume", "waits").out
    assert told(run, "consumers", "show", "waits")["paused"] is False


def test_consumers_of_a_file_are_declared(run: Run, tmp_path: Path) -> None:
    file = tmp_path / "consumers.toml"
    file.write_text(FILE)
    first = [line.split()[:2] for line in run("consumers", "apply", str(file)).out.splitlines()[1:]]
    assert first == [["new", "watcher"], ["new", "daily"]]
    file.write_text(FILE.replace("tells of orders", "tells of users"))
    again = [line.split()[:2] for line in run("consumers", "apply", str(file)).out.splitlines()[1:]]
    assert again == [["changed", "watcher"], ["unchanged", "daily"]]
    assert [item["name"] for item in told(run, "consumers", "apply", str(file))["items"]] == ["watcher", "daily"]
    file.write_text(FILE.replace("https:", "ftp:"))
    refused = run("consumers", "apply", str(file))
    assert (refused.code, "consumers.daily" in refused.err) == (2, True)
    for name in ("watcher", "daily"):
        assert f"{name} is removed" in run("consumers", "remove", name).out
    assert run("consumers", "show", "daily").code == 3


def test_a_name_of_another_module_is_taken_over_only_with_replace(run: Run, tmp_path: Path) -> None:
    file = tmp_path / "consumers.toml"
    file.write_text(FILE.partition("[consumers.daily]")[0].replace("watcher", "waits"))
    refused = run("consumers", "apply", str(file))
    assert (refused.code, "--replace" in refused.err) == (4, True)


def test_a_queue_is_deleted_and_can_be_run_after_all(run: Run) -> None:
    assert told(run, "consumers", "queue", "waits", "--delete", "--asset", USERS)["count"] == 0
    assert told(run, "consumers", "queue", "waits", "--delete", "--partition", "mon")["count"] == 1
    deleted = run("consumers", "queue", "waits", "--delete").out
    assert deleted.startswith("1 event deleted from the queue of waits.")
    words = deleted.splitlines()[1].strip("`").split("`")[0].split()
    assert run(*words[1:]).code == 0
    assert told(run, "triggers", "show", words[-1])["count"] == 1


@pytest.mark.parametrize("words", [("consumers", "show"), ("consumers", "apply"), ("triggers", "retry")])
def test_an_action_without_its_name_is_wrong_usage(run: Run, words: tuple[str, ...]) -> None:
    assert run(*words).code == 2
