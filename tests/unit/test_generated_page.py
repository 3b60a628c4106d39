"""A generated page is written, or found to differ from the code."""

from __future__ import annotations

from pathlib import Path

import pytest

from assetlog.schemas.generated_page import write_or_check


def test_a_page_that_says_something_else_is_told_until_it_is_written(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    page = tmp_path / "reference" / "settings.md"
    assert write_or_check(page, "new", ["--check"]) == 1
    assert not page.exists()
    assert write_or_check(page, "new", []) == 0
    assert write_or_check(page, "new", ["--check"]) == 0
    assert write_or_check(page, "newer", ["--check"]) == 1
    assert page.read_text() == "new"
    assert capsys.readouterr().err.count("run make docs") == 2
