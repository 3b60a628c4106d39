"""The front door of the command line: finds the command, runs it, turns errors into exit codes.

Nothing heavy is imported here or at the top of a command's module, so that `assetlog --help` answers at once.
"""

from __future__ import annotations

import argparse
import gc
import importlib
import os
import sys
import traceback
from collections.abc import Sequence
from types import ModuleType

from assetlog.schemas.errors import AssetlogError, Broken, Conflict, Forbidden, Invalid, NotFound, Unavailable

SECTIONS: dict[str, dict[str, tuple[str, str]]] = {
    "Start": {
        "up": ("up", "run a whole node on this machine: log, fold, API"),
        "demo": ("demo", "run a small real pipeline on a node of its own and show what came of it"),
        "serve": ("serve", "run a node against a given Redis or Valkey"),
        "work": ("work", "run the consumers that a Python module declares"),
    },
    "Emit": {
        "emit": ("emit", "emit one event, or a file of them"),
        "run": ("run_command", "run a command and record what became of its asset"),
        "materialize": ("materialize", "make an asset now, by the consumer that makes it"),
    },
    "Read (now, or --as-of any moment)": {
        "assets": ("assets", "list the assets"),
        "asset": ("asset", "show one asset"),
        "lineage": ("lineage", "show what an asset was made from, and what was made from it"),
        "tree": ("tree", "walk the assets by scheme and path"),
        "events": ("events", "list the events of the log, or follow them"),
        "artifacts": ("artifacts", "list the artifacts, or show one"),
        "runs": ("runs", "list the runs, or show one"),
        "jobs": ("jobs", "list the jobs"),
        "consumers": ("consumers", "list what is scheduled on assets, explain it, pause it, declare it"),
        "triggers": ("triggers", "list what fired and what became of it; retry or cancel it"),
        "diff": ("diff", "show what changed between two moments"),
        "quarantine": ("quarantine", "list the events the fold could not take, and why"),
    },
    "Operate": {
        "token": ("token_command", "make, list and end access tokens"),
        "config": ("config", "show the settings in force, and where each comes from"),
        "doctor": ("doctor", "check the log server, the data directory and the node"),
        "rebuild": ("rebuild", "fold the log again from its start, beside the live file, then swap"),
        "replay": ("replay", "fold the log up to a moment into a DuckDB file"),
        "bench": ("bench", "measure a node on this machine against its bars and the raw limits"),
        "archive": ("archive", "look at the sealed part of the log, seal what waits, or verify it"),
        "completion": ("completion", "print the completion script of a shell"),
    },
}
"""What `assetlog --help` shows: for each command its module in this package, and one line of help."""

COMMANDS: dict[str, tuple[str, str]] = {name: row for rows in SECTIONS.values() for name, row in rows.items()}

EXIT_CODES: dict[type[AssetlogError], int] = {
    Invalid: 2,
    NotFound: 3,
    Conflict: 4,
    Unavailable: 5,
    Forbidden: 6,
    Broken: 1,
}
"""0 is success, 1 also any bug, 2 also wrong usage, 130 an interruption."""

INTERRUPTED = 130
GARBAGE_FROM = 100_000
"""New objects that garbage is looked for among: the thousands that a library makes as it loads are none."""
DESCRIPTION = "One event log for every data asset, whatever runs the work."
EXTRA_HINT = "this command needs: pip install 'assetlog[server]'"


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command and return its exit code; what the `assetlog` script calls."""
    gc.set_threshold(GARBAGE_FROM)
    words = list(sys.argv[1:] if argv is None else argv)
    if not words or words[0] not in COMMANDS:
        return _without_command(words)
    try:
        code = _run(words[0], words[1:])
        sys.stdout.flush()
        return code
    except BrokenPipeError:
        return _reader_left()
    except KeyboardInterrupt:
        return INTERRUPTED


def load(name: str) -> ModuleType:
    """The module of a command."""
    return importlib.import_module(f"assetlog.catalog.cli.{COMMANDS[name][0]}")


def command_parser(name: str, parser: argparse.ArgumentParser | None = None) -> argparse.ArgumentParser:
    """The parser of one command, with the options that every command has."""
    parser = parser or argparse.ArgumentParser(prog=f"assetlog {name}")
    module = load(name)
    parser.description = parser.description or (module.__doc__ or "").strip()
    parser.formatter_class = argparse.RawDescriptionHelpFormatter
    module.configure(parser)
    common = parser.add_argument_group("on every command")
    common.add_argument("--json", action="store_true", help="print JSON for machines")
    common.add_argument("--debug", action="store_true", help="show the traceback of an error")
    return parser


def front_parser() -> argparse.ArgumentParser:
    """The parser that answers `assetlog --help` and `assetlog --version` without loading any command."""
    parser = argparse.ArgumentParser(
        prog="assetlog",
        usage="assetlog COMMAND [options]",
        description=DESCRIPTION,
        epilog=_overview(),
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--version", action="store_true", help="print the version")
    return parser


def version() -> str:
    """The installed version of assetlog."""
    from importlib.metadata import version as installed

    return installed("assetlog")


def _overview() -> str:
    blocks = []
    for section, rows in SECTIONS.items():
        lines = [f"  {name:<12}{text}" for name, (_, text) in rows.items()]
        blocks.append("\n".join([f"{section}:", *lines]))
    return "\n\n".join([*blocks, "`assetlog COMMAND --help` shows a command's options."])


def _without_command(words: list[str]) -> int:
    parser = front_parser()
    if not words:
        parser.print_help()
        return EXIT_CODES[Invalid]
    if words[0] == "help":
        return main([*words[1:2], "--help"])
    if not words[0].startswith("-"):
        parser.exit(EXIT_CODES[Invalid], _unknown(words[0]))
    if parser.parse_args(words).version:
        print(f"assetlog {version()}")
    return 0


def _unknown(word: str) -> str:
    from difflib import get_close_matches

    near = get_close_matches(word, COMMANDS, n=1)
    hint = f"did you mean `assetlog {near[0]}`?" if near else "`assetlog --help` lists the commands."
    return f"error: there is no command {word!r}\nhint: {hint}\n"


def _run(name: str, words: list[str]) -> int:
    args = argparse.Namespace(json="--json" in words, debug="--debug" in words)
    # httpx loads click and all of rich for a command line of its own, which would be half of our start.
    sys.modules.setdefault("httpx._main", None)  # type: ignore[arg-type]
    try:
        args = command_parser(name).parse_args(words)
        return int(load(name).run(args))
    except BrokenPipeError:
        raise
    except Exception as error:
        if args.debug:
            traceback.print_exception(error)
        return _failed(error, as_json=args.json)


def _failed(error: Exception, *, as_json: bool) -> int:
    if isinstance(error, AssetlogError):
        _report(error, as_json=as_json)
        return next((code for kind, code in EXIT_CODES.items() if isinstance(error, kind)), 1)
    if isinstance(error, ImportError) and (error.name or "").partition(".")[0] != "assetlog":
        print(f"error: {EXTRA_HINT}  ({error.name} is not installed)", file=sys.stderr)
        return 1
    print(f"error: {type(error).__name__}: {error}", file=sys.stderr)
    print("hint: this is a bug in assetlog; --debug shows where it happened", file=sys.stderr)
    return 1


def _report(error: AssetlogError, *, as_json: bool) -> None:
    names = ("code", "detail", "field", "value", "rule", "hint")
    facts = {name: str(getattr(error, name)) for name in names if getattr(error, name)}
    if as_json:
        import json

        print(json.dumps({"error": facts}, ensure_ascii=False), file=sys.stderr)
        return
    print(f"error: {error.detail}", file=sys.stderr)
    for name in ("field", "value", "rule"):
        if name in facts:
            print(f"  {name}: {facts[name]}", file=sys.stderr)
    if error.hint:
        print(f"hint: {error.hint}", file=sys.stderr)


def _reader_left() -> int:
    """`assetlog events | head` is no failure: the rest of the output goes nowhere."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    return 0


if __name__ == "__main__":
    sys.exit(main())
