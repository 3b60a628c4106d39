"""A node delivers by itself: from an event on an asset to a signed request, its end in the log."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import msgspec
import pytest
from msgspec import Raw
from standardwebhooks.webhooks import Webhook

from assetlog.consumers.log.connection import connect_sync
from assetlog.consumers.log.server import LogServer
from assetlog.schemas.codec import encode
from assetlog.schemas.events.consumer import ConsumerRegistered
from assetlog.schemas.stream import WORK_FIELD, stream_key, work_key
from assetlog.schemas.work import TARGETS_POOL, Work, encode_work

KEY = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
OK = b"HTTP/1.1 204 No Content\r\n\r\n"
WITHIN = 20.0


@pytest.fixture(scope="module")
def node(tmp_path_factory: pytest.TempPathFactory, running_node: Any) -> Iterator[Any]:
    home = tmp_path_factory.mktemp("home")
    (home / "hook").write_text(f"{KEY}\n")
    running = running_node(home=home, targets_allow="127.0.0.1", targets_secrets=f"{home}/*")
    yield running
    running.stop()


async def until(done: Any) -> None:
    """Wait until something is so."""
    give_up = time.monotonic() + WITHIN
    while not await asyncio.to_thread(done):
        assert time.monotonic() < give_up, "it did not happen in time"
        await asyncio.sleep(0.02)


def register(node: Any, name: str, key: str, target: dict[str, Any], **fields: Any) -> None:
    condition = Raw(msgspec.json.encode({"asset": {"uri": key}}))
    declared = ConsumerRegistered(condition=condition, target=Raw(msgspec.json.encode(target)), **fields)
    node.do(node.node.parts.appender.append([encode("consumer.registered", "assetlog://node/test", name, declared)]))


def types_of(node: Any, trigger: str) -> list[str]:
    items = node.get("/v1/events", limit=1000, order="asc").json()["items"]
    return [item["event"]["type"] for item in items if item["event"].get("subject") == trigger]


async def test_an_event_on_an_asset_becomes_a_signed_request_and_its_success_an_event(
    node: Any, http_server: Any, event: Any, key: str
) -> None:
    async with http_server(lambda _: OK) as server:
        target = {
            "kind": "webhook",
            "url": f"{server.url}/hook",
            "secret": f"file:{node.home}/hook",
            "allow_private": True,
        }
        register(node, "hook", key, target)
        await asyncio.to_thread(node.post, event("asset.materialized", key, partition="2026-11-21"))
        await until(lambda: server.got)
        told = Webhook(KEY).verify(server.got[0].body, server.got[0].headers)
        trigger = told["data"]["trigger"]
        await until(lambda: "trigger.succeeded" in types_of(node, trigger))
    assert (told["data"]["consumer"], told["data"]["events"][0]["key"]) == ("hook", key)
    assert server.got[0].headers["webhook-id"] == trigger
    assert types_of(node, trigger) == ["trigger.fired", "trigger.started", "trigger.succeeded"]


async def test_a_failed_delivery_is_tried_again_with_the_same_id(
    node: Any, http_server: Any, event: Any, key: str
) -> None:
    answers = [b"HTTP/1.1 500 No\r\ncontent-length: 4\r\n\r\noops", OK]
    async with http_server(lambda _: answers.pop(0)) as server:
        register(node, "twice", key, {"kind": "webhook", "url": server.url, "allow_private": True}, backoff=0.01)
        await asyncio.to_thread(node.post, event("asset.materialized", key))
        await until(lambda: len(server.got) == 2)
        first, second = (got.headers["webhook-id"] for got in server.got)
        assert first == second
        await until(lambda: "trigger.succeeded" in types_of(node, first))
    kinds = types_of(node, first)
    assert [kind for kind in kinds if kind != "trigger.started"] == [
        "trigger.fired",
        "trigger.failed",
        "trigger.succeeded",
    ]


async def test_a_target_the_node_does_not_allow_fails_and_ends_among_the_dead_letters(
    node: Any, http_server: Any, event: Any, key: str
) -> None:
    async with http_server(lambda _: OK) as server:
        url = f"http://localhost:{server.port}/"
        register(node, "sly", key, {"kind": "webhook", "url": url, "allow_private": False}, attempts=1)
        await asyncio.to_thread(node.post, event("asset.materialized", key))

        def exhausted() -> list[Any]:
            items = node.get("/v1/events", type="trigger.exhausted").json()["items"]
            return [item for item in items if item["event"]["data"]["consumer"] == "sly"]

        await until(exhausted)
        assert "is not allowed" in exhausted()[0]["event"]["data"]["error"]
        assert server.got == []


@pytest.mark.parametrize(
    ("target", "code"),
    [
        ({"kind": "webhook", "url": "https://example.com/?token=hunter2"}, "secret-in-target"),
        ({"kind": "webhook", "url": "http://127.0.0.1/"}, "target-forbidden"),
        ({"kind": "webhook", "url": "http://10.0.0.1/", "allow_private": True}, "target-forbidden"),
        ({"kind": "webhook", "url": "https://example.com/", "secret": "env:HOME"}, "secret-not-allowed"),
        ({"kind": "webhook", "url": "https://me:hunter2@example.com/"}, "invalid-target"),
    ],
)
def test_a_target_that_breaks_the_rules_is_not_registered(node: Any, target: dict[str, Any], code: str) -> None:
    answer = node.http.put("/v1/consumers/bad", json={"condition": "s3://lake/x", "target": target})
    assert answer.json()["code"] == code
    assert answer.status_code == (403 if code in ("target-forbidden", "secret-not-allowed") else 400)
    assert "hunter2" not in answer.text
    assert node.get("/v1/consumers", q="bad").json()["items"] == []


async def test_work_that_waited_for_a_node_is_delivered_when_it_starts(
    tmp_path: Path, running_node: Any, http_server: Any
) -> None:
    async with http_server(lambda _: OK) as server:
        target = {"kind": "webhook", "url": server.url, "allow_private": True}
        todo = Work(trigger="t-1", consumer="c", target=target, fired="2026-11-22T08:00:00Z", position="1-0")
        with LogServer(tmp_path) as log, connect_sync(log.url) as client:
            client.xadd(work_key("default", TARGETS_POOL), {WORK_FIELD: encode_work(todo)})
        node = await asyncio.to_thread(running_node, home=tmp_path, targets_allow="127.0.0.0/8")
        await until(lambda: server.got)
        await asyncio.to_thread(node.stop)
    assert server.got[0].headers["webhook-id"] == "t-1"


async def test_an_idle_node_writes_nothing_to_the_log(tmp_path: Path, running_node: Any) -> None:
    for _ in range(2):
        idle = await asyncio.to_thread(running_node, home=tmp_path)
        length = idle.do(idle.node.parts.redis.xlen(stream_key("default")))
        await asyncio.to_thread(idle.stop)
        assert length == 0
