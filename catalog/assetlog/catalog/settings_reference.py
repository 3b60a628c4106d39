"""Writes docs/reference/settings.md from the settings class, or checks it: `python -m … [--check]`."""

from __future__ import annotations

import sys
from pathlib import Path

from assetlog.catalog.settings import Settings, default_of, unit_of, variable_of
from assetlog.schemas.generated_page import write_or_check

PAGE = Path("docs/reference/settings.md")

_HEAD = """\
# Settings

Every setting of a node. A flag wins over the environment variable, the variable over the default.
`assetlog config` prints what is in force and where each value came from; it masks passwords.
This page is generated: `python -m assetlog.catalog.settings_reference`.

| setting | variable | default | unit | what it does |
| --- | --- | --- | --- | --- |
"""


def reference() -> str:
    """The page's text."""
    rows = [
        f"| `{name}` | `{variable_of(name)}` | `{default_of(name) or '(empty)'}` | {unit_of(name)} "
        f"| {field.description} |"
        for name, field in Settings.model_fields.items()
    ]
    return _HEAD + "\n".join(rows) + "\n"


def main(arguments: list[str]) -> int:
    """Write the page, or check it with `--check`; the exit code tells whether all is well."""
    return write_or_check(PAGE, reference(), arguments)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
