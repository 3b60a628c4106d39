"""Run a whole node on this machine: its own log server, the fold, the API. Ctrl-C stops it; the data stays."""

from __future__ import annotations

import argparse

from assetlog.catalog.cli.flags import add_settings, read_settings
from assetlog.catalog.cli.serving import run_in_foreground
from assetlog.schemas.errors import Invalid


def configure(parser: argparse.ArgumentParser) -> None:
    """The command's options: the settings, without the URL of another log server."""
    add_settings(parser, without=("redis_url",))


def run(args: argparse.Namespace) -> int:
    """Run until stopped."""
    settings = read_settings(args)
    if settings.redis_url is not None:
        raise Invalid(
            "ASSETLOG_REDIS_URL names a log server, and `up` starts its own.",
            code="invalid-setting",
            field="redis_url",
            rule="`assetlog up` runs its own log server",
            hint="Run `assetlog serve`, or unset ASSETLOG_REDIS_URL.",
        )
    return run_in_foreground(settings, as_json=args.json)
