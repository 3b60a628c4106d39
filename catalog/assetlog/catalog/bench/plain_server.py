"""The raw limit of HTTP: plain Litestar routes on the node's web server and log, with nothing in between.

No checks, no duplicates, no fold: `POST /append` appends the body to the log and answers once it is on disk,
`POST /kept` keeps the body, and `GET /kept` answers it.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import signal
from pathlib import Path
from typing import Any

from litestar import Litestar, Request, get, post

from assetlog.catalog.api.answer import Answer
from assetlog.catalog.node import listen, loop_factory, tune_process
from assetlog.catalog.web_server import WebServer
from assetlog.consumers.log.appender import Appender
from assetlog.consumers.log.connection import connect
from assetlog.consumers.log.server import LogServer
from assetlog.schemas.stream import DEFAULT_CATALOG

Plain = Request[Any, Any, Any]


def plain_app(appender: Appender) -> Litestar:
    """The plain routes."""
    kept = [b"{}"]

    @post("/append")
    async def append(request: Plain) -> Answer:
        await appender.append([await request.body()])
        return Answer(b'{"ack":"disk"}', status=201)

    @post("/append-lines")
    async def append_lines(request: Plain) -> Answer:
        await appender.append((await request.body()).splitlines())
        return Answer(b'{"ack":"disk"}', status=201)

    @post("/kept")
    async def keep(request: Plain) -> Answer:
        kept[0] = await request.body()
        return Answer(b"{}", status=201)

    @get("/kept")
    async def answer_kept() -> Answer:
        return Answer(kept[0])

    @get("/health/ready")
    async def ready() -> Answer:
        return Answer(b"{}")

    return Litestar(
        [append, append_lines, keep, answer_kept, ready],
        openapi_config=None,
        logging_config=None,
        request_max_body_size=64 * 1024 * 1024,
    )


async def serve(home: Path) -> None:
    """Serve until a signal comes."""
    stop = asyncio.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    with LogServer(home) as log:
        client = connect(log.url)
        listener = listen("127.0.0.1", 0)
        server = WebServer(plain_app(appender := Appender(client, DEFAULT_CATALOG)), listener, 1.0)
        await server.start()
        print(json.dumps({"api": f"http://127.0.0.1:{listener.getsockname()[1]}", "log": log.url}), flush=True)
        tune_process()
        await stop.wait()
        await server.stop()
        await appender.close()
        await client.aclose()


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data-dir", type=Path, required=True)
    with asyncio.Runner(loop_factory=loop_factory()) as runner:
        runner.run(serve(parser.parse_args().data_dir))
