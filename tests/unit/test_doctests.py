"""Every example in a docstring does what it shows."""

from __future__ import annotations

import doctest
import importlib
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PORTIONS = ("schemas", "producers", "consumers", "catalog")
MODULES = sorted(
    ".".join(path.relative_to(ROOT / portion).with_suffix("").parts).removesuffix(".__init__")
    for portion in PORTIONS
    for path in (ROOT / portion).rglob("*.py")
    if ">>> " in path.read_text(encoding="utf-8")
)


@pytest.mark.parametrize("name", MODULES)
def test_the_examples_of_a_module_hold(name: str) -> None:
    results = doctest.testmod(importlib.import_module(name))
    assert results.failed == 0
