"""Writes docs/reference/cli.md from the commands' parsers, or checks it: `python -m … [--check]`.

The page is drawn from the parsers, not from `--help`, whose line breaks differ between Python versions.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterator
from pathlib import Path

from assetlog.catalog.cli.main import COMMANDS, SECTIONS, command_parser
from assetlog.schemas.generated_page import write_or_check

PAGE = Path("docs/reference/cli.md")
COMMON = "on every command"

_HEAD = """\
# Commands

`assetlog COMMAND [options]`; `assetlog COMMAND --help` shows the same as this page.
This page is generated: `python -m assetlog.catalog.cli.reference`.

Every command takes `--json` (JSON for machines) and `--debug` (the traceback of an error).

| exit code | meaning |
| ---: | --- |
| 0 | it worked |
| 1 | something is broken, or a check failed; the message says what to do |
| 2 | the input or the usage is wrong |
| 3 | there is nothing under that name |
| 4 | it contradicts what is there, e.g. a second node on one data directory |
| 5 | not now: no node, or no log server, answers |
| 6 | not allowed |
| 130 | interrupted |

On a terminal, output has colours, ages and columns that fit; in a pipe it is plain, whole and stable.
"""


def reference() -> str:
    """The page's text."""
    parts = [_HEAD]
    for section, rows in SECTIONS.items():
        parts.append(f"\n## {section}\n")
        parts += [f"\n{_command(name)}" for name in rows]
    return "".join(parts)


def _command(name: str) -> str:
    parser = command_parser(name)
    places = " ".join(_place(action) for action in _positionals(parser))
    lines = [f"### assetlog {name} {places}".rstrip(), "", _markdown(parser.description or COMMANDS[name][1]), ""]
    rows = list(_rows(parser))
    if rows:
        lines += ["| argument | meaning |", "| --- | --- |", *rows, ""]
    return "\n".join(lines)


def _rows(parser: argparse.ArgumentParser) -> Iterator[str]:
    for group in parser._action_groups:  # noqa: SLF001 - argparse shows its actions nowhere else
        if group.title == COMMON:
            continue
        for action in group._group_actions:  # noqa: SLF001
            if not isinstance(action, argparse._HelpAction):  # noqa: SLF001
                yield f"| {_name(action)} | {_meaning(action)} |"


def _positionals(parser: argparse.ArgumentParser) -> list[argparse.Action]:
    return [action for action in parser._actions if not action.option_strings]  # noqa: SLF001


def _name(action: argparse.Action) -> str:
    if not action.option_strings:
        return f"`{_place(action)}`"
    value = "" if action.nargs == 0 else f" {_value(action)}"
    return ", ".join(f"`{option}{value}`" for option in action.option_strings)


def _place(action: argparse.Action) -> str:
    value = _value(action)
    return {"?": f"[{value}]", "*": f"[{value} …]", "...": f"{value} …"}.get(str(action.nargs), value)


def _value(action: argparse.Action) -> str:
    if action.choices is not None:
        return "{" + ",".join(map(str, action.choices)) + "}"
    return str(action.metavar or action.dest.upper())


def _meaning(action: argparse.Action) -> str:
    return _markdown((action.help or "").replace("%%", "%")).replace("|", "\\|")


def _markdown(text: str) -> str:
    return text.replace("<", "&lt;").replace("[", "\\[")


def main(arguments: list[str]) -> int:
    """Write the page, or check it with `--check`; the exit code tells whether all is well."""
    return write_or_check(PAGE, reference(), arguments)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
