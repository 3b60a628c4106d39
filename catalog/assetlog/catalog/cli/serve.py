"""Run a node against a given Redis (7.0 or newer) or Valkey; Ctrl-C stops it."""

from __future__ import annotations

import argparse

from assetlog.catalog.cli.flags import add_settings, read_settings
from assetlog.catalog.cli.serving import run_in_foreground
from assetlog.schemas.errors import Invalid


def configure(parser: argparse.ArgumentParser) -> None:
    """The command's options: the settings."""
    add_settings(parser)


def run(args: argparse.Namespace) -> int:
    """Run until stopped."""
    settings = read_settings(args)
    if settings.redis_url is None:
        raise Invalid(
            "`serve` needs the log server's URL.",
            code="invalid-setting",
            field="redis_url",
            rule="a URL such as redis://host:6379/0, rediss://… or unix:///path",
            hint="Give --redis-url or ASSETLOG_REDIS_URL; `assetlog up` starts a log server of its own.",
        )
    return run_in_foreground(settings, as_json=args.json)
