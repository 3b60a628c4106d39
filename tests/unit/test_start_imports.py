"""What a node's start loads, and what it must not."""

from __future__ import annotations

import subprocess
import sys

NOT_NEEDED = (
    "pydantic.v1",
    "rich",
    "swagger_ui_bundle",
    "obstore",
    "httpx",
    "pygments",
    "nanoarrow",
    "numpy",
    "pyarrow",
)
LOADED = (
    "import sys; from assetlog.catalog.node import load_libraries; load_libraries(); "
    "from assetlog.catalog.api.app import App; App([]); print(*sys.modules)"
)


def test_a_start_loads_no_library_that_it_does_not_need() -> None:
    said = subprocess.run([sys.executable, "-c", LOADED], capture_output=True, text=True, check=True)
    assert "litestar" in said.stdout.split()
    assert not set(NOT_NEEDED) & set(said.stdout.split())
