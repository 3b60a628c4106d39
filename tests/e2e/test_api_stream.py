"""Server-sent events: exact resume, each event once, filters, life signs, many and slow readers."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import httpx
import pytest


@contextmanager
def stream(node: Any, last: str | None = None, **params: str) -> Iterator[Iterator[dict[str, str]]]:
    """The messages of a stream as dicts; a comment is {"comment": ...}."""
    headers = {} if last is None else {"last-event-id": last}
    with (
        httpx.Client(base_url=node.url, timeout=20, trust_env=False) as client,
        client.stream("GET", "/v1/events/stream", params=params, headers=headers) as answer,
    ):
        assert answer.status_code == 200
        assert answer.headers["content-type"].startswith("text/event-stream")
        yield messages(answer.iter_lines())


def messages(lines: Iterator[str]) -> Iterator[dict[str, str]]:
    """Lines as messages, without the one that only says how long to wait before reconnecting."""
    message: dict[str, str] = {}
    for line in lines:
        if line:
            name, _, value = line.partition(":")
            message[name or "comment"] = "\n".join(filter(None, [message.get(name or "comment"), value.strip()]))
        elif message:
            if "retry" not in message:
                yield message
            message = {}


def take(found: Iterator[dict[str, str]], count: int) -> list[dict[str, str]]:
    """The next so many messages with an id."""
    events = (message for message in found if "id" in message)
    return [next(events) for _ in range(count)]


def until(holds: Callable[[], bool]) -> None:
    """Ask again until it holds."""
    deadline = time.monotonic() + 10
    while not holds():
        assert time.monotonic() < deadline
        time.sleep(0.01)


def posted(node: Any, *events: Any) -> list[str]:
    """Positions of events sent now."""
    return [each["position"] for each in node.post(*events).json()["accepted"]]


def test_a_message_has_position_type_and_the_event_as_accepted(node: Any, event: Any, key: str) -> None:
    made = event("asset.materialized", key, {"metadata": {"note": "line\nbreak"}})
    raw = json.dumps(made, indent=2).replace("\n", "\r\n")
    headers = {"content-type": "application/json"}
    answer = node.http.post("/v1/events?wait=folded", content=raw, headers=headers)
    position = answer.json()["accepted"][0]["position"]
    with stream(node, after="0-0", asset=key) as found:
        (message,) = take(found, 1)
    assert (message["id"], message["event"]) == (position, "asset.materialized")
    assert json.loads(message["data"]) == {"position": position, "event": made}


def test_a_reader_catches_up_and_then_follows_live(node: Any, event: Any, key: str) -> None:
    old = posted(node, *[event("asset.observed", key) for _ in range(450)])
    with stream(node, after="0-0", asset=key) as found:
        assert [message["id"] for message in take(found, 450)] == old
        new = posted(node, *[event("asset.observed", key) for _ in range(3)])
        assert [message["id"] for message in take(found, 3)] == new


def test_without_a_beginning_a_reader_sees_what_comes_next(node: Any, event: Any, key: str) -> None:
    posted(node, event("asset.observed", key))
    with stream(node, asset=key) as found:
        new = posted(node, event("asset.observed", key))
        assert [message["id"] for message in take(found, 1)] == new


@pytest.mark.parametrize("by_header", [True, False], ids=["Last-Event-ID", "after"])
def test_a_lost_reader_goes_on_exactly_where_it_was(node: Any, event: Any, key: str, by_header: bool) -> None:
    positions = posted(node, *[event("asset.observed", key) for _ in range(30)])
    seen, last = [], "0-0"
    for count in (1, 7, 2, 15):
        beginning = {"last": last} if by_header else {"after": last}
        with stream(node, asset=key, **beginning) as found:
            seen += [message["id"] for message in take(found, count)]
        last = seen[-1]
        positions += posted(node, event("asset.observed", key))
    with stream(node, last=last, after="0-0", asset=key) as found:  # the header wins over the URL
        seen += [message["id"] for message in take(found, len(positions) - len(seen))]
    assert seen == positions


def test_duplicates_are_sent_once(node: Any, event: Any, key: str) -> None:
    made = event("asset.observed", key)
    first = posted(node, made)

    async def append_again() -> list[int]:
        positions: list[int] = await node.node.parts.appender.append([json.dumps(made).encode()])
        return positions

    node.do(append_again())
    last = posted(node, event("asset.observed", key))
    with stream(node, after="0-0", asset=key) as found:
        assert [message["id"] for message in take(found, 2)] == first + last


def test_filters_let_only_their_events_through(node: Any, event: Any, key: str) -> None:
    run = {"run": {"id": f"run-{key}"}}
    wanted = posted(
        node, event("asset.observed", key), event("asset.materialized", key, run), event("asset.materialized", key)
    )[1:2]
    with stream(node, after="0-0", type="asset.*", run=f"run-{key}") as found:
        assert [message["id"] for message in take(found, 1)] == wanted
        more = posted(node, event("asset.failed", key, {"error": "x", **run}))
        assert [message["id"] for message in take(found, 1)] == more


def test_an_idle_stream_shows_that_it_lives(running_node: Any, tmp_path: Any) -> None:
    node = running_node(home=tmp_path, heartbeat_seconds=0.02)
    try:
        with stream(node) as found:
            assert [next(found) for _ in range(3)] == [{"comment": "still here"}] * 3
    finally:
        node.stop()


def test_a_stopping_node_ends_its_streams(running_node: Any, tmp_path: Any) -> None:
    node = running_node(home=tmp_path)
    with stream(node) as found:
        ended = threading.Thread(target=node.stop)
        ended.start()
        assert list(found) == []
        ended.join(20)
        assert not ended.is_alive()


def test_a_reader_that_never_reads_holds_up_nobody(node: Any, event: Any, key: str) -> None:
    posted(node, *[event("asset.observed", key, {"metadata": {"pad": "x" * 20_000}}) for _ in range(300)])
    with stream(node, after="0-0", asset=key) as slow:
        next(slow)
        with stream(node, after="0-0", asset=key) as quick:
            assert len(take(quick, 300)) == 300
        assert posted(node, event("asset.observed", key))


def test_streams_are_counted_until_their_reader_leaves(node: Any) -> None:
    def is_open(count: int) -> bool:
        return f"assetlog_event_streams {count}.0\n" in node.get("/metrics").text

    with stream(node), stream(node):
        until(lambda: is_open(2))
    until(lambda: is_open(0))


@pytest.mark.parametrize(
    ("params", "last", "field"),
    [({"after": "soon"}, None, "after"), ({}, "x", "Last-Event-ID"), ({"from": "0-0"}, None, "from")],
)
def test_a_beginning_that_is_none_is_a_problem(node: Any, params: dict[str, str], last: str | None, field: str) -> None:
    headers = {} if last is None else {"last-event-id": last}
    answer = node.http.get("/v1/events/stream", params=params, headers=headers)
    assert (answer.status_code, answer.json()["errors"][0]["field"]) == (400, field)
