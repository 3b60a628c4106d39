"""Writes docs/reference/settings.md from the settings class, or checks it: `python -m … [--check] [FILE]`."""

from __future__ import annotations

import sys
from pathlib import Path

from assetlog.catalog.settings import Settings, default_of, unit_of, variable_of

DEFAULT_FILE = Path("docs/reference/settings.md")

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
    """Write the page, or with --check say whether it is up to date (exit code 1 if not)."""
    names = [argument for argument in arguments if argument != "--check"]
    file = Path(names[0]) if names else DEFAULT_FILE
    if "--check" not in arguments:
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(reference(), encoding="utf-8")
        return 0
    if file.is_file() and file.read_text(encoding="utf-8") == reference():
        return 0
    sys.stderr.write(f"{file} is out of date: run python -m assetlog.catalog.settings_reference\n")
    return 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
