"""`assetlog work` as people run it: the sample of Airflow's docs with only its import line changed."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from textwrap import dedent
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from tests.e2e.conftest import RunningNode

WITHIN = 30.0
SAMPLE = """
    from datetime import datetime

    from assetlog.consumers import Asset, asset, dag, task


    @asset(uri="s3://bucket/asset1_producer", schedule=None)
    def asset1_producer():
        pass


    @asset(uri="s3://bucket/object", schedule=None)
    def asset2_producer(self, context, asset1_producer):
        pass


    @dag(
        schedule=Asset(uri="s3://bucket/asset1_producer", name="asset1_producer")
        | Asset(uri="s3://bucket/object", name="asset2_producer"),
        start_date=datetime(2021, 1, 1),
        catchup=False,
        tags=["asset", "consumes-asset"],
    )
    def consumes_asset_decorator():
        @task(outlets=[Asset(name="process_nothing")])
        def process_nothing():
            pass

        process_nothing()


    consumes_asset_decorator()
"""


class Command:
    """`assetlog work` in a process of its own."""

    def __init__(self, home: Path, directory: Path, *arguments: str) -> None:
        self.output = directory / "worker.out"
        command = [sys.executable, "-m", "assetlog.catalog.cli.main", "work", *arguments, "--json"]
        environment = {name: value for name, value in os.environ.items() if not name.startswith("ASSETLOG_")}
        with self.output.open("ab") as file:
            self.process = subprocess.Popen(
                command,
                stdout=subprocess.PIPE,
                stderr=file,
                env={**environment, "ASSETLOG_HOME": str(home)},
                cwd=directory,
            )

    def greeting(self) -> dict[str, Any]:
        """What it says once it is at work."""
        assert self.process.stdout is not None
        line = self.process.stdout.readline()
        assert line, self.output.read_text()
        said: dict[str, Any] = json.loads(line)
        return said

    def stop(self) -> int:
        """Ask it to stop; its exit code."""
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
        code = self.process.wait(WITHIN)
        assert self.process.stdout is not None
        self.process.stdout.close()
        return code


@pytest.fixture
def work(node: RunningNode, tmp_path: Path) -> Iterator[Callable[..., Command]]:
    """Starts `assetlog work` with these arguments."""
    started: list[Command] = []

    def start(*arguments: str) -> Command:
        started.append(Command(node.home, tmp_path, *arguments))
        return started[-1]

    yield start
    for command in started:
        command.stop()


def test_airflows_sample_runs_with_only_its_import_line_changed(
    node: RunningNode, work: Callable[..., Command], tmp_path: Path
) -> None:
    (tmp_path / "seed.py").write_text(dedent(SAMPLE))
    command = work("seed.py")
    names = ["asset1_producer", "asset2_producer", "consumes_asset_decorator"]
    assert command.greeting() == {"module": "seed", "pools": ["seed"], "consumers": names}
    for key, runs in (("s3://bucket/asset1_producer", 1), ("s3://bucket/object", 2)):
        made = node.http.post("/v1/asset/materialize", params={"key": key}, json={})
        assert made.status_code == 201, made.text
        _await_runs(node, runs)
    triggers = node.get("/v1/triggers", consumer="consumes_asset_decorator").json()["items"]
    assert [trigger["count"] for trigger in triggers] == [1, 1]
    upstream = node.get("/v1/asset", key="s3://bucket/object").json()["upstream"]
    assert upstream == ["s3://bucket/asset1_producer"]
    assert command.stop() == 0


def test_a_package_is_worked_on_with_its_modules(
    node: RunningNode, work: Callable[..., Command], tmp_path: Path
) -> None:
    package = tmp_path / "pipelines"
    package.mkdir()
    (package / "__init__.py").write_text("")
    (package / "__main__.py").write_text("raise SystemExit('run at import')")
    source = "from assetlog.consumers import consumer\n@consumer(on='s3://raw')\ndef {}(): ...\n"
    for name in ("one", "two"):
        (package / f"{name}.py").write_text(source.format(f"packaged_{name}"))
    greeting = work("pipelines", "--pool", "ours").greeting()
    assert (greeting["pools"], sorted(greeting["consumers"])) == (["ours"], ["packaged_one", "packaged_two"])
    assert node.get("/v1/consumers/packaged_one").json()["target"]["pool"] == "ours"


@pytest.mark.parametrize(
    ("source", "code", "said"),
    [
        ("", 2, "declares no consumer"),
        ("import nothing_of_the_kind", 2, "can't be imported: ModuleNotFoundError"),
        (None, 2, "there is no such file"),
    ],
)
def test_what_cannot_be_worked_on_is_said_in_a_sentence(
    work: Callable[..., Command], tmp_path: Path, source: str | None, code: int, said: str
) -> None:
    if source is not None:
        (tmp_path / "broken_module.py").write_text(source)
    command = work("broken_module.py")
    assert command.process.wait(WITHIN) == code
    assert said in command.output.read_text()


def _await_runs(node: RunningNode, runs: int) -> None:
    end = time.monotonic() + WITHIN
    while node.get("/v1/asset", key="asset://process_nothing").json().get("materializations") != runs:
        assert time.monotonic() < end, "it did not come to that"
        time.sleep(0.02)
