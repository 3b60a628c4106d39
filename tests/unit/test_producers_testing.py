"""What users' tests get: the fixture `assetlog_events`, and `capture()` without pytest."""

from __future__ import annotations

import subprocess
import sys

import pytest

from assetlog.producers import Asset, add_asset_metadata, materialize, observe
from assetlog.producers.testing import Captured, capture

pytest_plugins = ["pytester"]

PIPELINE = """
    from assetlog.producers import Asset, add_asset_metadata, flow, materialize, task

    ORDERS = Asset("s3://lake/orders")

    @materialize(ORDERS, asset_deps=["postgres://shop/orders"])
    def load():
        add_asset_metadata(ORDERS, {"rows": 3})
        return [1, 2, 3]

    @materialize("s3://lake/report")
    def report(rows):
        return sum(rows)

    @flow
    def nightly():
        return report(load())
"""


@materialize("s3://lake/a", asset_deps=["s3://lake/raw"])
def make(rows: int) -> None:
    add_asset_metadata("s3://lake/a", {"rows": rows})


def test_the_fixture_is_there_without_being_asked_for(pytester: pytest.Pytester) -> None:
    pytester.makepyfile(pipeline=PIPELINE)
    pytester.makepyfile(
        """
        from pipeline import nightly

        def test_the_report_is_made_from_the_orders(assetlog_events):
            assert nightly() == 6
            assert assetlog_events.assets() == ["s3://lake/orders", "s3://lake/report"]
            assert assetlog_events.edges() == {
                ("postgres://shop/orders", "s3://lake/orders"), ("s3://lake/orders", "s3://lake/report")
            }
            assert assetlog_events.metadata("s3://lake/orders") == {"rows": 3}
            assert len(assetlog_events.events("run.succeeded")) == 3

        def test_every_test_has_its_own(assetlog_events):
            assert assetlog_events.events() == []
        """
    )
    pytester.runpytest_subprocess().assert_outcomes(passed=2)


def test_a_failure_shows_what_was_emitted(pytester: pytest.Pytester) -> None:
    pytester.makepyfile(pipeline=PIPELINE)
    pytester.makepyfile(
        """
        from pipeline import load

        def test_orders(assetlog_events):
            load()
            assert assetlog_events.assets() == ["s3://lake/other"]
        """
    )
    outcome = pytester.runpytest_subprocess()
    outcome.assert_outcomes(failed=1)
    outcome.stdout.fnmatch_lines(
        ["*- assetlog events -*", "* events were emitted:", '  asset.materialized * s3://lake/orders *"rows":3*']
    )


def test_a_run_that_uses_no_fixture_loads_nothing_of_the_sdk(pytester: pytest.Pytester) -> None:
    pytester.makepyfile(
        """
        import sys

        def test_nothing_is_loaded():
            assert "assetlog.catalog.pytest_plugin" in sys.modules
            assert not {"assetlog.producers", "msgspec", "httpx", "redis"} & set(sys.modules)
        """
    )
    pytester.runpytest_subprocess("-p", "no:cacheprovider", "-p", "no:schemathesis").assert_outcomes(passed=1)


def test_capturing_needs_no_pytest() -> None:
    code = "import sys; import assetlog.producers.testing; print('pytest' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout == "False\n"


def test_events_are_found_by_type_family_and_subject(assetlog_events: Captured) -> None:
    make(1)
    observe("s3://lake/b", {"rows": 3})
    types = [event.type for event in assetlog_events.events("asset.*")]
    assert types == ["asset.materialized", "asset.observed"]
    assert [event.subject for event in assetlog_events.events("asset.observed")] == ["s3://lake/b"]
    assert [event.type for event in assetlog_events.events(subject="s3://lake/a")] == ["asset.materialized"]
    assert assetlog_events.events("asset.materialize") == []


def test_the_newest_metadata_counts_and_clearing_forgets(assetlog_events: Captured) -> None:
    make(1)
    make(2)
    assert assetlog_events.metadata("s3://lake/a") == {"rows": 2}
    assetlog_events.clear()
    with pytest.raises(AssertionError, match=r"s3://lake/a was not materialized. 0 events were emitted\."):
        assetlog_events.metadata("s3://lake/a")


def test_what_was_captured_can_be_asked_after_the_block() -> None:
    with capture() as captured:
        make(1)
    assert captured.assets() == ["s3://lake/a"]
    assert captured.edges() == {("s3://lake/raw", "s3://lake/a")}


def test_an_asset_that_is_described_is_captured_with_its_description(assetlog_events: Captured) -> None:
    described = Asset("s3://lake/c", description="Every c.")
    materialize(described)(lambda: None)()
    assert "Every c." in str(assetlog_events)
