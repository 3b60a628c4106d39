"""`assetlog bench` end to end on small catalogs: what it answers, never how fast."""

from __future__ import annotations

import importlib
import itertools
import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from assetlog.catalog.bench.bars import BARS, MEASURES
from assetlog.catalog.bench.processes import PLAIN, Server
from assetlog.catalog.bench.stage import request, send
from assetlog.catalog.bench.workload import Lake, id_of
from assetlog.schemas.codec import decode
from assetlog.schemas.errors import Broken

ASSETLOG = (sys.executable, "-m", "assetlog.catalog.cli.main")


def bench(*arguments: str, code: int = 0) -> str:
    done = subprocess.run([*ASSETLOG, "bench", *arguments], check=False, capture_output=True, text=True)
    assert done.returncode == code, done.stderr
    return done.stdout if code == 0 else done.stderr


@pytest.fixture(scope="module")
def small_run(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    page = tmp_path_factory.mktemp("bench") / "RESULTS.md"
    size = ("--quick", "--events", "3000", "--assets", "120")
    answer: dict[str, Any] = json.loads(bench("decode", "asset", "size", "--json", "--write", str(page), *size))
    return {**answer, "page": page.read_text()}


def test_each_measure_gives_its_figures_beside_a_raw_limit(small_run: dict[str, Any]) -> None:
    figures = {figure["name"]: figure for figure in small_run["figures"]}
    assert list(figures) == ["decode", "asset", "size-projection", "size-stream", "size-log"]
    for name, figure in figures.items():
        assert figure["unit"] == BARS[name].unit
        assert figure["value"] > 0
        assert figure["p99"] is None if figure["unit"] == "bytes" else figure["p99"] >= figure["value"]
        assert figure["ratio"] == pytest.approx(figure["raw"] / figure["value"])
    assert figures["decode"]["reached"] is None, "a figure without a bar is neither reached nor missed"
    assert figures["asset"]["reached"] is (figures["asset"]["value"] <= 0.5)


def test_the_page_of_a_run_has_a_line_for_each_figure_and_says_what_it_ran_on(small_run: dict[str, Any]) -> None:
    assert small_run["machine"] in small_run["page"]
    assert "3,000 events, 120 assets" in small_run["page"]
    assert [line.split(" | ")[0] for line in small_run["page"].splitlines() if line.startswith("| ")][2:] == [
        f"| {BARS[name].title}" for name in ("decode", "asset", "size-projection", "size-stream", "size-log")
    ]


def test_a_measure_nobody_knows_is_refused_and_the_known_ones_are_named() -> None:
    assert "there is no measure 'evnet'" in bench("evnet", code=2).lower()
    assert all(name in bench("--list") for name in MEASURES)


def test_data_that_was_kept_is_not_measured_again(tmp_path: Path) -> None:
    (tmp_path / "old").write_text("")
    assert "is not empty" in bench("decode", "--quick", "--keep", str(tmp_path), code=4)


def test_every_measure_that_is_named_can_be_imported() -> None:
    for name in MEASURES:
        assert callable(importlib.import_module(f"assetlog.catalog.bench.measures.{name}").measure)


def test_an_answer_that_is_not_what_it_should_be_ends_the_run(tmp_path: Path) -> None:
    (tmp_path / "plain").mkdir()
    with Server(PLAIN, tmp_path / "plain") as plain:
        good = send(plain, [request(plain, "POST", "/append", b"{}")] * 5, status=201, contains=b'"ack":"disk"')
        assert len(good.times) == 5
        with pytest.raises(Broken, match="not the answer that was expected"):
            send(plain, [request(plain, "GET", "/nowhere")])
        with pytest.raises(Broken, match="not the answer that was expected"):
            send(plain, [request(plain, "GET", "/kept")], contains=b"something else")


def test_a_lake_gives_the_same_valid_events_for_the_same_seed() -> None:
    lake = Lake(120, seed=7, start_ms=1_763_747_570_000)
    events = lake.take(2_000)
    assert events == Lake(120, seed=7, start_ms=1_763_747_570_000).take(2_000)
    assert events != Lake(120, seed=8, start_ms=1_763_747_570_000).take(2_000)
    ids = list(map(id_of, events))
    assert all(before < after for before, after in itertools.pairwise(ids)), "UUIDv7 ids rise"
    decoded = list(map(decode, events))
    assert [event.id for event in decoded] == ids
    assert [event.subject for event in decoded[:120]] == lake.keys
    assert {event.type for event in decoded} == {"asset.materialized", "asset.failed", "asset.observed"}
    assert 600 < sum(map(len, events)) / len(events) < 680


def test_every_upstream_of_a_lake_is_named_before_what_is_made_from_it() -> None:
    seen: set[str] = set()
    for event in map(decode, Lake(120).take(120)):
        assert event.subject is not None
        assert seen >= set(event.upstream)
        seen.add(event.subject)
