"""What assetlog gives to pytest: the fixture `assetlog_events`, and what was emitted in the report of a failed test.

Every run of pytest in an environment with assetlog loads this module, so the SDK is imported only when the fixture is
used; that is why it is not in the producers' package, which imports all of it. The fixture keeps what the code under
test emits in memory instead of sending it:

    def test_orders_are_loaded(assetlog_events):
        load_orders()
        assert assetlog_events.assets() == ["s3://lake/orders"]
        assert assetlog_events.edges() == {("postgres://shop/orders", "s3://lake/orders")}
"""

from __future__ import annotations

from collections.abc import Generator, Iterator
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from assetlog.producers.testing import Captured

FIXTURE = "assetlog_events"


@pytest.fixture
def assetlog_events() -> Iterator[Captured]:
    """What the test emits, kept in memory: `.events()`, `.assets()`, `.edges()`, `.metadata(key)`. See Captured."""
    from assetlog.producers.testing import capture

    with capture() as captured:
        yield captured


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item, call: pytest.CallInfo[None]) -> Generator[None, Any, Any]:
    """Show what a failed test emitted."""
    report = yield
    captured = getattr(item, "funcargs", {}).get(FIXTURE)
    if captured is not None and call.when == "call" and report.failed:
        report.sections.append(("assetlog events", str(captured)))
    return report
