"""Poison, duplicates, disorder: the bad is quarantined to the last one, the good is folded once, and all goes on."""

from __future__ import annotations

import json
import random
import re
from pathlib import Path
from typing import TYPE_CHECKING, Any

import httpx
import pytest

from assetlog.consumers.log.connection import connect_sync
from assetlog.consumers.log.server import running_server
from assetlog.schemas.ids import new_id
from assetlog.schemas.stream import EVENT_FIELD, stream_key

if TYPE_CHECKING:
    from tests.chaos.conftest import Trial

FOLDED_WITHIN = 120.0


def _with(**attributes: Any) -> bytes:
    event = {
        "specversion": "1.0",
        "id": new_id(),
        "source": "poison",
        "type": "asset.materialized",
        "subject": "s3://a",
    }
    return json.dumps({**event, "data": {}, **attributes}).encode()


POISON: list[bytes] = [
    b"",
    b"{",
    b"[]",
    b"null",
    b'"text"',
    b"\x00\x01\x02",
    b"\xff\xfe not utf-8",
    b"not json at all",
    _with(id="\ud800").replace(b"\\ud800", b"\xed\xa0\x80"),
    _with().replace(b'"data": {}', b'"data": {"metadata": {"n": NaN}}'),
    _with().replace(b'"data": {}', b'"data": {"metadata": {"n": Infinity}}'),
    _with(specversion="0.3"),
    _with(id=""),
    _with(id=7),
    _with(source=""),
    _with(type=""),
    _with(type="asset.exploded"),
    _with(subject=None),
    _with(subject=""),
    _with(subject="s3://" + "a" * 2000),
    _with(subject="s3://user:password@bucket/key"),
    _with(time="yesterday"),
    _with(time="2026-11-21T17:52:50"),
    _with(time="0000-01-01T00:00:00Z"),
    _with(data=[]),
    _with(data={"upstream": "s3://a"}),
    _with(data={"upstream": [""]}),
    _with(dataversion=0),
    _with(dataversion="new"),
    b'{"specversion":"1.0","data":' + b'{"a":' * 64 + b"1" + b"}" * 65,
    b'{"specversion":"1.0","id":"big","data":"' + b"x" * (1 << 20) + b'"}',
]


@pytest.mark.timeout(600)
def test_poison_duplicates_and_disorder_change_nothing_that_is_good(
    trial: Trial, home: Path, start_node: Any, make_event: Any, settle: Any, until: Any
) -> None:
    count = trial.rounds(60_000, 100_000)  # more than there are ids in memory
    node = start_node(snapshot_every=5_000)
    node.await_ready()
    entries, good, conflicts = _entries(trial.chance, count, make_event)
    with connect_sync(running_server(home) or "", timeout=60) as client:
        for start in range(0, len(entries), 1000):
            pipeline = client.pipeline(transaction=False)
            for entry in entries[start : start + 1000]:
                pipeline.xadd(stream_key(), entry)
            pipeline.execute()
    bad = sum(EVENT_FIELD not in entry or entry[EVENT_FIELD] in POISON for entry in entries) + conflicts
    total = len(entries)
    until(lambda: sum(_totals(node.url).values()) == total, FOLDED_WITHIN, lambda: str(_totals(node.url)))
    found = _totals(node.url)
    assert found["quarantined"] == bad, f"seed {trial.seed}: {found}, {bad} expected"
    assert found["folded"] == len(good), f"seed {trial.seed}: {found}"
    assert found["duplicates"] == total - bad - len(good)
    assert node.health() == "ready"
    node.stop()
    remarks = f"{bad:,} quarantined, {found['duplicates']:,} duplicates"
    trial.note(fault="1 % poison, 10 % duplicates, times and order shuffled", remarks=remarks)
    trial.judge(settle(home, good))


def _entries(chance: random.Random, count: int, make_event: Any) -> tuple[list[dict[str, bytes]], list[str], int]:
    """What is appended, the ids that are good, and how many entries have a taken id and other bytes."""
    good = [new_id() for _ in range(count)]
    raws = []
    for each in good:
        day = chance.randint(1, 28)
        raws.append(json.dumps(make_event(each, 50, time=f"20{chance.randint(10, 25)}-02-{day:02}T10:00:00Z")).encode())
    entries = [{EVENT_FIELD: raw} for raw in raws]
    entries += [{EVENT_FIELD: chance.choice(raws)} for _ in range(count // 10)]
    chance.shuffle(entries)
    poison = [{EVENT_FIELD: raw} for raw in POISON] + [{"other": b"field"}]
    for number in range(max(count // 100, len(poison))):
        entries.insert(chance.randrange(len(entries)), poison[number % len(poison)])
    conflicts = [json.dumps(make_event(chance.choice(good), 50, subject="s3://lake/other")).encode() for _ in range(20)]
    entries += [{EVENT_FIELD: raw} for raw in conflicts]
    return entries, good, len(conflicts)


def _totals(url: str) -> dict[str, int]:
    text = httpx.get(f"{url}/metrics", timeout=30, trust_env=False).text
    found = re.findall(r'^assetlog_fold_events_total\{outcome="(\w+)"\} (\S+)$', text, re.MULTILINE)
    return {outcome: int(float(count)) for outcome, count in found}
