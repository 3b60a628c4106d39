"""Run the consumers that a Python module declares; Ctrl-C stops it.

The module's consumers are registered with the node, then each is run when its data is there. Several workers of a
module share its work; that of one that dies is taken over by the others.

  assetlog work pipeline.py
  assetlog work shop.pipelines --concurrency 32
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import json
import signal
from pathlib import Path
from typing import TYPE_CHECKING

from assetlog.catalog.cli.context import add_node_options
from assetlog.schemas.errors import Invalid
from assetlog.schemas.node_file import NodeFile, read_node_file

if TYPE_CHECKING:
    from assetlog.catalog.client import Client
    from assetlog.consumers.work.worker import Worker

CONCURRENCY = 8
STOP_SECONDS = 30.0
CLAIM_AFTER = 15.0


def configure(parser: argparse.ArgumentParser) -> None:
    """The command's options."""
    parser.add_argument("module", metavar="MODULE", help="a module, a package, or a .py file")
    parser.add_argument("--pool", help="the workers' pool (default: the module's name)")
    parser.add_argument(
        "--concurrency",
        type=int,
        default=CONCURRENCY,
        metavar="N",
        help=f"run at most so many (default: {CONCURRENCY})",
    )
    parser.add_argument("--replace", action="store_true", help="take consumers' names over from other modules")
    parser.add_argument(
        "--stop-seconds",
        type=float,
        default=STOP_SECONDS,
        metavar="S",
        help=f"at the end, let what runs go on so long (default: {STOP_SECONDS:g})",
    )
    parser.add_argument(
        "--claim-after",
        type=float,
        default=CLAIM_AFTER,
        metavar="S",
        help=f"take work over from a worker that gave no sign of life for so long (default: {CLAIM_AFTER:g})",
    )
    parser.add_argument("--log", metavar="URL", help="the log server's URL (default: that of the node of this machine)")
    parser.add_argument("--catalog", metavar="NAME", help="the catalog's name (default: the node's)")
    parser.add_argument("--token-file", type=Path, metavar="FILE", help="a file with the token for the node")
    add_node_options(parser)


def run(args: argparse.Namespace) -> int:
    """Work until stopped."""
    from assetlog.catalog.client import Client
    from assetlog.catalog.logs import configure as configure_logs
    from assetlog.producers.config import read_config

    if args.concurrency < 1:
        raise _invalid("concurrency", args.concurrency, "it is 1 or more", "Write --concurrency 8.")
    if args.claim_after <= 0:
        raise _invalid("claim-after", args.claim_after, "it is more than 0", "Write --claim-after 15.")
    _arm()
    configure_logs("info", "json" if args.json else "console")
    token = args.token_file.expanduser().read_text().strip() if args.token_file else None
    with Client(args.url, token=token, home=args.data_dir) as client:
        log, catalog = log_of(client, home=args.data_dir, log=args.log, catalog=args.catalog)
        asyncio.run(_work(args, client, log, catalog, redact=read_config().redact))
    return 0


async def _work(args: argparse.Namespace, client: Client, log: str, catalog: str, *, redact: bool) -> None:
    from assetlog.consumers.work.worker import Worker

    stop = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    worker = Worker(
        args.module,
        log=log,
        catalog=catalog,
        node=client,
        pool=args.pool,
        concurrency=args.concurrency,
        replace=args.replace,
        stale=args.claim_after,
        redact=redact,
    )
    try:
        await worker.start()
        _greet(worker, as_json=args.json)
        await stop.wait()
    finally:
        await worker.stop(args.stop_seconds)


def _greet(worker: Worker, *, as_json: bool) -> None:
    if as_json:
        facts = {
            "module": worker.module,
            "pools": [pool.name for pool in worker.pools],
            "consumers": [consumer.name for consumer in worker.consumers],
        }
        print(json.dumps(facts), flush=True)
        return
    widest = max(len(consumer.name) for consumer in worker.consumers)
    lines = [f"  {consumer.name:<{widest}}  {consumer.condition_text}" for consumer in worker.consumers]
    print("\n".join([f"{worker.module} is at work.", "", *lines, "", "Ctrl-C stops it."]), flush=True)


def log_of(
    client: Client, *, home: Path | None = None, log: str | None = None, catalog: str | None = None
) -> tuple[str, str]:
    """The log server that work comes from, and the catalog's name.

    Args:
        client: the node that is asked.
        home: the data directory whose node it may be.
        log: the URL, if somebody gave it.
        catalog: the name, if somebody gave it.

    Raises:
        Invalid: the node is not of this machine, and nobody says where its log is.
    """
    from assetlog.producers.config import read_config

    config = read_config()
    node: NodeFile | None = read_node_file(home or config.home)
    own = node is not None and node.api.rstrip("/") == client.node.url
    log = log or (node.log if own and node else None) or _configured_log()
    if log is None:
        rule = f"the log of the node at {client.node.url} is not known here"
        raise _invalid("log", None, rule, "Give --log redis://HOST:PORT, the URL that the node was started with.")
    return log, catalog or (node.catalog if own and node else config.catalog_name)


def _configured_log() -> str | None:
    """The log server of the settings, as `assetlog serve` reads them; None without, or where they are not installed."""
    with contextlib.suppress(ImportError):
        from assetlog.catalog.settings import Settings

        return Settings().redis_url
    return None


def _arm() -> None:
    """Arm a crash point, where a chaos test asks for one."""
    with contextlib.suppress(ImportError):
        from assetlog.catalog.settings import crash_at
        from assetlog.consumers.crash_points import arm

        arm(crash_at())


def _invalid(field: str, value: object, rule: str, hint: str) -> Invalid:
    return Invalid(
        f"--{field} breaks a rule: {rule}.", code="invalid-option", field=field, value=value, rule=rule, hint=hint
    )
