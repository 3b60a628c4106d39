"""Print the completion script of a shell: `eval "$(assetlog completion bash)"`, or a file in zsh's fpath."""

from __future__ import annotations

import argparse


def configure(parser: argparse.ArgumentParser) -> None:
    """The command's options."""
    parser.add_argument("shell", choices=("bash", "zsh"))


def run(args: argparse.Namespace) -> int:
    """Print the script."""
    import shtab

    print(shtab.complete(whole_parser(), shell=args.shell))
    return 0


def whole_parser() -> argparse.ArgumentParser:
    """Every command in one parser, which loads them all: for completion and the reference."""
    from assetlog.catalog.cli.main import COMMANDS, command_parser

    whole = argparse.ArgumentParser(prog="assetlog")
    commands = whole.add_subparsers(dest="command")
    for name, (_, text) in COMMANDS.items():
        command_parser(name, commands.add_parser(name, help=text))
    return whole
