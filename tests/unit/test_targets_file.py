"""Consumers in a TOML file: what it may say, and how a mistake is named."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from assetlog.catalog.cli.consumers_file import read_consumers
from assetlog.schemas.errors import Invalid

STREAM = 'target = { kind = "stream", stream = "alerts" }'
ASSET_A, ASSET_B = {"asset": {"uri": "s3://a"}}, {"asset": {"uri": "s3://b"}}


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "consumers.toml"


def read(file: Path, text: str) -> list[tuple[str, dict[str, Any]]]:
    file.write_text(text, encoding="utf-8")
    return read_consumers(file)


def test_every_field_of_a_consumer_can_be_said(file: Path) -> None:
    text = """
        [consumers.daily-report]
        on = { all = [{ asset = "s3://a" }, { any = [{ asset = "s3://b" }, { cron = "@daily" }] }] }
        description = "Sums up"
        mode = "each"
        batch_size = 3
        debounce = 1.5
        within = 60
        max_active = 1
        when_paused = "skip"
        start = "1763747570910-0"
        outlets = ["s3://report"]
        inlets = ["s3://currencies"]
        attempts = 3
        backoff = 2
        timeout = 30
        module = "reports"
        by = "ops"

        [consumers.daily-report.partitions]
        "*" = { kind = "day" }

        [consumers.daily-report.target]
        kind = "webhook"
        url = "https://example.com/hook"
        secret = "env:ASSETLOG_SECRET_HOOK"
        headers = { X-Team = "data" }
    """
    ((name, declared),) = read(file, text)
    assert name == "daily-report"
    assert declared == {
        "condition": {"all": [ASSET_A, {"any": [ASSET_B, {"cron": {"expression": "0 0 * * *", "time_zone": "UTC"}}]}]},
        "description": "Sums up",
        "mode": "each",
        "batch_size": 3,
        "debounce": 1.5,
        "within": 60,
        "max_active": 1,
        "when_paused": "skip",
        "start": "1763747570910-0",
        "outlets": ["s3://report"],
        "inlets": ["s3://currencies"],
        "attempts": 3,
        "backoff": 2,
        "timeout": 30,
        "module": "reports",
        "by": "ops",
        "partitions": {"*": {"kind": "day"}},
        "target": {
            "kind": "webhook",
            "url": "https://example.com/hook",
            "secret": "env:ASSETLOG_SECRET_HOOK",
            "headers": {"X-Team": "data"},
        },
    }


@pytest.mark.parametrize(
    ("on", "condition"),
    [
        ('"s3://a"', ASSET_A),
        ('"S3://a/"', ASSET_A),
        ('["s3://a", "s3://b"]', {"all": [ASSET_A, ASSET_B]}),
        ('["s3://a", { asset = "s3://b" }]', {"all": [ASSET_A, ASSET_B]}),
        ('{ any = [{ asset = "s3://a" }, { asset = "s3://b" }] }', {"any": [ASSET_A, ASSET_B]}),
        ('"0 8 * * *"', {"cron": {"expression": "0 8 * * *", "time_zone": "UTC"}}),
        ('{ pattern = "s3://raw/*" }', {"pattern": "s3://raw/*"}),
    ],
)
def test_a_condition_is_a_key_a_list_or_a_table(file: Path, on: str, condition: dict[str, Any]) -> None:
    assert read(file, f"[consumers.n]\non = {on}\n{STREAM}")[0][1]["condition"] == condition


def test_consumers_come_in_the_order_of_the_file(file: Path) -> None:
    text = "\n".join(f'[consumers.{name}]\non = "s3://a"\n{STREAM}' for name in ("b", "a", '"with space"'))
    assert [name for name, _ in read(file, text)] == ["b", "a", "with space"]


@pytest.mark.parametrize(
    ("table", "field", "hint"),
    [
        (f"onn = 's3://a'\n{STREAM}", "consumers.n.onn", "Did you mean on?"),
        (f"on = 's3://a'\nattempst = 3\n{STREAM}", "consumers.n.attempst", "Did you mean attempts?"),
        (f"on = 's3://a'\ncondition = {{}}\n{STREAM}", "consumers.n.condition", "says on"),
        ("on = 's3://a'", "consumers.n.target", "target = {"),
        (STREAM, "consumers.n.on", "on = "),
        (f"on = 3\n{STREAM}", "consumers.n.on", ""),
        (f"on = []\n{STREAM}", "consumers.n.on", ""),
        (f"on = 'nokey'\n{STREAM}", "consumers.n.on", "@daily"),
        (f"on = {{ any = [{{ asset = 'nokey' }}] }}\n{STREAM}", "consumers.n.on.any[0].asset", "URI"),
        (f"on = {{ al = [] }}\n{STREAM}", "consumers.n.on.al", "all, any"),
        (f"on = 's3://a'\nattempts = 0\n{STREAM}", "consumers.n.attempts", ""),
        (f"on = 's3://a'\nmode = 'bach'\n{STREAM}", "consumers.n.mode", ""),
        (f"on = 's3://a'\nwithin = inf\n{STREAM}", "consumers.n.within", "Quote"),
        (f"on = 's3://a'\nstart = 2026-11-22\n{STREAM}", "consumers.n.start", "Quote"),
        (f"on = 's3://a'\noutlets = ['s3://x', 'bad']\n{STREAM}", "consumers.n.outlets[1]", "URI"),
        ("on = 's3://a'\ntarget = 'https://example.com'", "consumers.n.target", "kind"),
        ("on = 's3://a'\ntarget = { kind = 'webhok' }", "consumers.n.target.kind", "kind"),
        ("on = 's3://a'\ntarget = { kind = 'webhook', url = 'example.com' }", "consumers.n.target.url", "https://"),
    ],
)
def test_a_mistake_is_named_with_table_field_rule_and_remedy(file: Path, table: str, field: str, hint: str) -> None:
    with pytest.raises(Invalid) as refusal:
        read(file, f"[consumers.n]\n{table}")
    error = refusal.value
    assert error.field == field
    assert error.rule
    assert hint in error.hint
    assert field in str(error)


@pytest.mark.parametrize(
    ("text", "field"),
    [
        ("", "consumers"),
        ("[consumers]", "consumers"),
        ("consumers = 3", "consumers"),
        ("[consumer.n]", "consumer"),
        ("[consumers]\nn = 3", "consumers.n"),
    ],
)
def test_a_file_without_consumers_is_refused(file: Path, text: str, field: str) -> None:
    with pytest.raises(Invalid) as refusal:
        read(file, text)
    assert refusal.value.field == field


def test_a_file_that_cannot_be_read_is_named(file: Path) -> None:
    with pytest.raises(Invalid, match="No such file"):
        read_consumers(file)
    file.write_bytes(b"\xff")
    with pytest.raises(Invalid, match="codec"):
        read_consumers(file)
    with pytest.raises(Invalid, match="line 1"):
        read(file, "[consumers.n\n")


def test_a_secret_in_a_target_is_not_shown(file: Path) -> None:
    with pytest.raises(Invalid) as refusal:
        read(file, "[consumers.n]\non='s3://a'\ntarget = { kind = 'webhook', url = 'https://a', secret = 'hunter2' }")
    assert "hunter2" not in f"{refusal.value}{refusal.value.value}"
