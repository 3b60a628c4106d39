"""The SDK as a package: light, pinned, and with settings from one place."""

from __future__ import annotations

import os
import pickle
import subprocess
import sys
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

import assetlog.producers
from assetlog.producers.config import child_environment, read_config
from assetlog.schemas.asset import Asset, AssetProperties, asset_key
from assetlog.schemas.codec import decode, encode
from assetlog.schemas.errors import Invalid
from assetlog.schemas.events.asset import AssetRetired
from assetlog.schemas.events.common import Freshness

HEAVY = {"duckdb", "litestar", "faststream", "pydantic", "redis", "httpx", "asyncio", "dataclasses", "email", "ssl"}


def test_the_names_of_the_sdk_are_pinned() -> None:
    assert assetlog.producers.__all__ == [
        "Artifact",
        "Asset",
        "AssetProperties",
        "Column",
        "Emission",
        "Emitter",
        "Flow",
        "Freshness",
        "FutureList",
        "ImageArtifact",
        "LinkArtifact",
        "MarkdownArtifact",
        "ProgressArtifact",
        "Skip",
        "State",
        "TableArtifact",
        "Task",
        "TaskFuture",
        "UpstreamFailed",
        "acreate_image_artifact",
        "acreate_link_artifact",
        "acreate_markdown_artifact",
        "acreate_progress_artifact",
        "acreate_table_artifact",
        "add_asset_metadata",
        "as_completed",
        "aupdate_progress_artifact",
        "check",
        "create_image_artifact",
        "create_link_artifact",
        "create_markdown_artifact",
        "create_progress_artifact",
        "create_table_artifact",
        "default_emitter",
        "emit",
        "exponential_backoff",
        "flow",
        "flush",
        "materialize",
        "materialized",
        "observe",
        "run",
        "set_default_emitter",
        "task",
        "unmapped",
        "update_progress_artifact",
        "wait",
    ]
    assert all(hasattr(assetlog.producers, name) for name in assetlog.producers.__all__)


def test_importing_the_sdk_imports_nothing_heavy() -> None:
    program = "import sys, assetlog.producers; print(*sys.modules)"
    result = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    bare = subprocess.run(
        [sys.executable, "-c", "import sys, msgspec, inspect; print(*sys.modules)"],
        capture_output=True,
        text=True,
        check=True,
    )
    loaded = {name.partition(".")[0] for name in result.stdout.split()} - set(bare.stdout.split())
    assert loaded & HEAVY == set()


@pytest.fixture
def no_variables(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in list(os.environ):
        if name.startswith("ASSETLOG_"):
            monkeypatch.delenv(name)


def test_the_environment_says_where_events_go(
    no_variables: None, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    values = {"URL": "redis://h", "HOME": str(tmp_path), "CATALOG": "c", "TOKEN": "t", "STRICT": "Yes", "SOURCE": "me"}
    for name, value in values.items():
        monkeypatch.setenv(f"ASSETLOG_{name}", value)
    config = read_config()
    assert (config.url, config.home, config.catalog, config.token) == ("redis://h", tmp_path, "c", "t")
    assert (config.strict, config.source, config.catalog_name) == (True, "me", "c")


def test_without_an_environment_the_defaults_hold(no_variables: None, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ASSETLOG_URL", "")
    config = read_config()
    assert (config.url, config.catalog, config.token, config.strict, config.run_id) == (None, None, None, False, None)
    assert (config.home, config.catalog_name) == (Path.home() / ".assetlog", "default")


def test_the_default_source_names_host_and_script_and_is_one(no_variables: None, tmp_path: Path) -> None:
    script = tmp_path / "load orders ü.py"
    script.write_text("from assetlog.producers.config import read_config; print(read_config().source)")
    said = subprocess.run([sys.executable, str(script)], capture_output=True, text=True, check=True).stdout.strip()
    assert said.startswith("python://")
    assert said.endswith("/load-orders-.py")
    assert decode(encode("asset.retired", said, "s3://a", AssetRetired())).source == said


def test_a_child_knows_its_run(monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in child_environment("r1", "nightly").items():
        monkeypatch.setenv(name, value)
    assert (read_config().run_id, read_config().job) == ("r1", "nightly")


def test_the_first_argument_of_an_asset_is_its_key_or_its_name() -> None:
    assert (Asset("S3://lake/orders/").key, Asset("S3://lake/orders/").name) == ("s3://lake/orders", None)
    assert (Asset("orders").key, Asset("orders").name) == ("asset://orders", "orders")
    assert Asset(name="orders") == Asset("orders") == Asset(key="asset://orders")
    assert (Asset("Orders", "s3://lake/orders").key, Asset("Orders", "s3://lake/orders").name) == (
        "s3://lake/orders",
        "Orders",
    )
    assert Asset(uri="s3://a") == Asset(key="s3://a", uri="S3://a/") == Asset("s3://a")
    assert asset_key("S3://a/") == asset_key(Asset("s3://a")) == Asset("s3://a").uri


def test_assets_are_equal_by_key_alone() -> None:
    plain, known = Asset("s3://a"), Asset("s3://a", name="A", owners=["ada"])
    assert plain == known
    assert hash(plain) == hash(known)
    assert {plain, known} == {Asset("s3://a")}
    assert plain != Asset("s3://b")
    assert plain != "s3://a"


def test_properties_may_be_given_apart_or_by_name() -> None:
    apart = Asset(key="s3://a", properties=AssetProperties(name="A", description="x"), description="y")
    assert apart.properties.known() == {"name": "A", "description": "y"}


@pytest.mark.parametrize(
    ("written", "policy"),
    [
        (timedelta(hours=1, minutes=30), Freshness(max_age=5400.0)),
        (90, Freshness(max_age=90.0)),
        (" 0 8 * * MON-FRI ", Freshness(cron="0 8 * * MON-FRI")),
        (Freshness(cron="@daily", time_zone="Europe/Berlin"), Freshness(cron="@daily", time_zone="Europe/Berlin")),
        (Freshness(), Freshness()),
    ],
)
def test_a_freshness_policy_is_written_as_an_age_or_as_a_cron_expression(written: Any, policy: Freshness) -> None:
    asset = Asset("s3://a", freshness=written)
    assert asset.properties.known() == {"freshness": policy}
    assert asset.properties == AssetProperties(freshness=written)
    assert pickle.loads(pickle.dumps(asset)).properties == asset.properties


@pytest.mark.parametrize(
    ("written", "field"),
    [
        (-1, "freshness.max_age"),
        (float("nan"), "freshness.max_age"),
        ("every day", "freshness.cron"),
        (Freshness(cron="@daily", time_zone="No zone"), "freshness.time_zone"),
    ],
)
def test_a_freshness_policy_that_nobody_can_keep_is_refused_at_the_call(written: Any, field: str) -> None:
    with pytest.raises(Invalid) as caught:
        Asset("s3://a", freshness=written)
    assert (caught.value.code, caught.value.field) == ("invalid-freshness", field)


def test_an_asset_is_frozen_and_can_be_pickled() -> None:
    asset = Asset("s3://a", name="A", columns=["id"], extra={"tier": 1})
    with pytest.raises(AttributeError):
        asset.key = "s3://b"
    with pytest.raises(AttributeError):
        del asset.key
    copy = pickle.loads(pickle.dumps(asset))
    assert (copy.key, copy.properties) == (asset.key, asset.properties)


@pytest.mark.parametrize(
    "arguments", [{}, {"name": ""}, {"key": "no key"}, {"key": "s3://a", "uri": "s3://b"}, {"name": "a#b"}]
)
def test_an_asset_without_one_key_is_refused(arguments: dict[str, str]) -> None:
    with pytest.raises(Invalid) as caught:
        Asset(**arguments)  # type: ignore[arg-type]
    assert caught.value.code == "invalid-key"
    assert caught.value.rule
