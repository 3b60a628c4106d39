"""Acting on consumers: pause, resume, run, remove, declare."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import TYPE_CHECKING, Any

from assetlog.catalog.cli import context, output
from assetlog.catalog.cli.consumer_show import count_text
from assetlog.catalog.cli.output import Cell, Column
from assetlog.schemas.errors import NotFound

if TYPE_CHECKING:
    from assetlog.catalog.client import Client
    from assetlog.schemas.scheduling_shapes import Consumer

APPLIED = (Column("done", keep=True), Column("name"), Column("waits for"), Column("released", right=True))


def pause(args: argparse.Namespace) -> int:
    """Let a consumer no longer fire."""
    with context.open_client(args) as client:
        paused = client.pause_consumer(args.name, args.reason, by=context.user())
    fate = "is passed over" if paused.when_paused == "skip" else "waits"
    return output.said(args, paused, f"{paused.name} is paused. What comes meanwhile {fate}.")


def resume(args: argparse.Namespace) -> int:
    """Let a paused consumer fire again."""
    with context.open_client(args) as client:
        resumed = client.resume_consumer(args.name, by=context.user())
    return output.said(args, resumed, f"{resumed.name} fires again.")


def trigger(args: argparse.Namespace) -> int:
    """Run a consumer by hand."""
    with context.open_client(args) as client:
        fired = client.fire_consumer(args.name, args.partition, by=context.user())
    return output.said(args, fired, f"{fired.consumer} runs: trigger {fired.id}.")


def remove(args: argparse.Namespace) -> int:
    """Remove a consumer."""
    with context.open_client(args) as client:
        removed = client.remove_consumer(args.name)
    lost = f" {count_text(removed.queued, 'event')} waited." if removed.queued else ""
    return output.said(args, removed, f"{removed.name} is removed.{lost}")


def apply(args: argparse.Namespace) -> int:
    """Declare the consumers of a file, all of which is read before the first is declared."""
    from assetlog.catalog.cli.consumers_file import read_consumers

    declared = read_consumers(Path(args.name))
    with context.open_client(args) as client:
        applied = [_applied(client, name, body, replace=args.replace) for name, body in declared]
    if args.json:
        output.shape({"items": [consumer for _, consumer in applied]})
    else:
        output.table(APPLIED, (_row(done, consumer) for done, consumer in applied))
    return 0


def _applied(client: Client, name: str, body: dict[str, Any], *, replace: bool) -> tuple[str, Consumer]:
    """Declare one; what that changed, and how it is now."""
    try:
        before = client.consumer(name).position
    except NotFound:
        before = None
    consumer = client.put_consumer(name, body, replace=replace)
    return "new" if before is None else "unchanged" if before == consumer.position else "changed", consumer


def _row(done: str, consumer: Consumer) -> list[Cell]:
    return [done, consumer.name, consumer.condition_text, str(len(consumer.released) or "")]
