"""A page of the documentation that is made from code: written, or compared with what is there."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path


def write_or_check(page: Path, text: str, arguments: Sequence[str]) -> int:
    """Write a page or, with `--check` among the arguments, tell whether it says this already.

    Returns:
        The exit code: 0 if all is well, 1 if the page says something else.
    """
    if "--check" not in arguments:
        page.parent.mkdir(parents=True, exist_ok=True)
        page.write_text(text, encoding="utf-8")
        return 0
    if page.is_file() and page.read_text(encoding="utf-8") == text:
        return 0
    sys.stderr.write(f"{page} differs from the code: run make docs\n")
    return 1
