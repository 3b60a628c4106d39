"""The clients for Python and notebooks: the same answers from both, frames of whole lists, tables that escape."""

from __future__ import annotations

import asyncio
import inspect
import json
import socket
import subprocess
import sys
import threading
from collections.abc import AsyncIterator, Iterator
from contextlib import aclosing
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import duckdb
import msgspec
import pandas as pd
import polars as pl
import pytest
from msgspec import Raw

from assetlog.catalog.client import AsyncClient, Client
from assetlog.catalog.client.asking import LISTS, path_of
from assetlog.schemas.errors import Broken, Conflict, Forbidden, Invalid, NotFound, Unavailable
from assetlog.schemas.shapes import Artifact

HOSTILE = "s3://lake/<script>alert(1)</script>"
KEY = "s3://lake/orders"
TARGET = {"kind": "python", "function": "report", "pool": "nobody-works-here"}


@pytest.fixture(scope="module")
def filled(node: Any, event: Any) -> Any:
    """The module's node with a bit of everything in it."""
    made = {
        "upstream": ["s3://lake/raw"],
        "run": {"id": "r1", "job": "load"},
        "partition": "p",
        "metadata": {"rows": 3},
    }
    node.post(
        event("asset.materialized", KEY, made),
        event("asset.checked", KEY, {"check": "rows", "passed": True}),
        event("asset.materialized", HOSTILE, {"upstream": [KEY], "metadata": {"<img src=x onerror=alert(2)>": 1}}),
        event("asset.described", HOSTILE, {"name": '"><script>alert(3)</script>', "group": "sales"}),
        event("artifact.created", "report", {"type": "markdown", "data": "# one"}),
        event("artifact.created", "report", {"type": "markdown", "data": "# two"}),
        event("run.failed", "r1", {"job": "load", "error": "<i>no</i>"}),
        *(event("asset.observed", f"x://many/{number:04}") for number in range(1203)),
    )
    declared = {"condition": [KEY, "s3://lake/missing"], "target": TARGET, "start": "0-0"}
    node.http.put("/v1/consumers/reader%20of%20orders", json=declared)
    node.http.post("/v1/consumers/reader%20of%20orders/trigger", json={})
    return node


@pytest.fixture
def client(filled: Any) -> Iterator[Client]:
    with Client(filled.url) as client:
        yield client


@pytest.fixture
async def async_client(filled: Any) -> AsyncIterator[AsyncClient]:
    async with AsyncClient(filled.url) as client:
        yield client


MADE: dict[str, Any] = {"version": 1, "created": "", "updated": "", "position": ""}
QUESTIONS: list[tuple[str, tuple[Any, ...], dict[str, Any]]] = [
    ("position", (), {}),
    ("asset", (KEY,), {}),
    ("assets", (), {"prefix": "s3://"}),
    ("asset_events", (KEY,), {"limit": 2}),
    ("partitions", (KEY,), {}),
    ("checks", (KEY,), {}),
    ("tree", (), {}),
    ("lineage", (KEY,), {"columns": True}),
    ("graph", (), {"limit": 5}),
    ("groups", (), {}),
    ("aliases", (), {}),
    ("artifacts", (), {"q": "rep"}),
    ("artifact", ("report",), {"version": 1}),
    ("artifact_versions", ("report",), {}),
    ("artifact_history", ("report",), {"version": 1}),
    ("artifact_diff", ("report",), {"from_": 1}),
    ("image", (Artifact(id="a", type="image", data=Raw(b'{"url": "data:image/gif;base64,R0lGODlh"}'), **MADE),), {}),
    ("runs", (), {"job": "load"}),
    ("run", ("r1",), {}),
    ("jobs", (), {}),
    ("diff", ("0-0",), {"limit": 3}),
    ("quarantine", (), {}),
    ("events", (), {"type": "asset.materialized"}),
    ("consumers", (), {"asset": KEY}),
    ("consumer", ("reader of orders",), {}),
    ("explain_consumer", ("reader of orders",), {}),
    ("queue", ("reader of orders",), {}),
    ("triggers", (), {"consumer": "reader of orders"}),
    ("fetch", ("/health/live",), {}),
]


def plain(answer: Any) -> Any:
    items = getattr(answer, "items", None)
    return msgspec.json.encode(answer if items is None or callable(items) else [items, answer.position])


@pytest.mark.parametrize("method, args, options", QUESTIONS, ids=[name for name, _, _ in QUESTIONS])
async def test_both_clients_answer_the_same(
    client: Client, async_client: AsyncClient, method: str, args: Any, options: Any
) -> None:
    answer = await asyncio.to_thread(getattr(client, method), *args, **options)
    assert plain(answer) == plain(await getattr(async_client, method)(*args, **options))


def test_both_clients_have_the_same_methods() -> None:
    def methods(kind: type) -> dict[str, list[str]]:
        named = inspect.getmembers(kind, inspect.isfunction)
        return {name: list(inspect.signature(each).parameters) for name, each in named if not name.startswith("_")}

    sync, both = methods(Client), methods(AsyncClient)
    both["close"] = both.pop("aclose")
    assert sync == both
    assert {name for name, _, _ in QUESTIONS} >= set(LISTS)


def test_every_list_has_a_frame_with_the_rows_of_the_list(client: Client) -> None:
    for name in LISTS:
        params: dict[str, Any] = {"prefix": "s3://"} if name in {"assets", "tree"} else {}
        if name in {"asset_events", "partitions", "checks"}:
            params = {"key": KEY}
        params |= {"key": "report"} if name in {"artifact_versions", "artifact_history"} else {}
        params |= {"from_": "0-0"} if name == "diff" else {}
        params |= {"consumer": "reader of orders"} if name == "queue" else {}
        in_query = dict(params)
        listed = client.read(path_of(name, in_query), dict, **in_query)
        frame = client.frame(name, limit=None if name == "tree" else 100, **params)
        assert frame.to_arrow().num_rows == len(listed["items"]), name


def test_a_frame_has_every_row_unless_a_limit_is_given(client: Client) -> None:
    listing = client.assets(scheme="x")
    assert len(listing) == 100
    assert listing.to_pandas()["key"].tolist() == [f"x://many/{number:04}" for number in range(1203)]
    assert len(client.assets(scheme="x", limit=7).to_polars()) == 7
    assert len(client.frame("assets", scheme="x", limit=1001).to_arrow()) == 1001
    onwards = client.assets(scheme="x", limit=1000)
    assert len(client.frame("assets", scheme="x", cursor=onwards.next).to_arrow()) == 203


def test_a_frame_is_as_of_the_listing_it_comes_from(filled: Any, client: Client, event: Any) -> None:
    listing = client.assets(group="late")
    filled.post(event("asset.described", "s3://lake/late", {"group": "late"}))
    assert len(listing.to_pandas()) == 0
    assert len(client.assets(group="late").to_pandas()) == 1


def test_frames_have_types(client: Client) -> None:
    frame = client.assets(prefix=KEY).to_pandas()
    assert str(frame["materializations"].dtype) == "int64"
    assert frame["last_materialization"][0]["run"]["job"] == "load"
    assert json.loads(frame["last_materialization"][0]["metadata"]) == {"rows": 3}
    table = client.events(asset=KEY).to_polars()
    assert isinstance(table, pl.DataFrame)
    assert table.schema["recorded"] == pl.Datetime("us", "UTC")
    assert isinstance(client.runs().to_pandas(), pd.DataFrame)


def test_what_reads_arrow_reads_a_frame(client: Client) -> None:
    frame = client.frame("assets", prefix="s3://")
    assert KEY in pl.DataFrame(frame)["key"].to_list()
    counted = duckdb.connect().execute("select count(*) from frame").fetchall()
    assert counted == [(len(client.assets(prefix="s3://")),)]


async def test_the_asynchronous_client_makes_frames_too(async_client: AsyncClient) -> None:
    listing = await async_client.assets(scheme="x")
    assert len(await listing.to_pandas()) == len(await listing.to_polars()) == len(await listing.to_arrow()) == 1203
    assert [asset.key async for asset in async_client.each_asset(group="sales")] == [HOSTILE]
    assert len([event async for event in async_client.each_event(limit=1005)]) == 1005


def test_a_listing_is_a_sequence(client: Client) -> None:
    listing = client.assets(scheme="x", limit=3)
    assert [asset.key for asset in listing] == [f"x://many/000{number}" for number in range(3)]
    assert (listing[0].key, [each.key for each in listing[1:]]) == ("x://many/0000", ["x://many/0001", "x://many/0002"])
    assert repr(listing) == f"<3 items, and more, as of {listing.position}>"


def test_notebooks_show_tables_in_which_everything_is_escaped(client: Client) -> None:
    shown = [
        client.assets(prefix="s3://")._repr_html_(),
        client.asset(HOSTILE)._repr_html_(),
        client.lineage(HOSTILE)._repr_html_(),
        client.graph()._repr_html_(),
        client.runs()._repr_html_(),
        client.events(asset=HOSTILE)._repr_html_(),
        client.diff("0-0")._repr_html_(),
    ]
    for html in shown:
        assert html.startswith("<table>")
        assert "<script" not in html
        assert "<img" not in html
        assert "<i>no" not in html
    assert all("&lt;script&gt;" in html for html in shown[:4])
    assert "and 950 more" in client.assets(scheme="x", limit=1000)._repr_html_()


def test_an_unknown_list_and_an_unknown_filter_are_named(client: Client) -> None:
    with pytest.raises(Invalid, match="no list 'asets'"):
        client.frame("asets")
    with pytest.raises(Invalid) as caught:
        client.frame("assets", stat="failed")
    assert caught.value.hint == "Did you mean state?"
    with pytest.raises(Invalid):
        client.frame("assets", limit=0).to_arrow()


async def test_errors_are_those_of_the_node(async_client: AsyncClient) -> None:
    with pytest.raises(NotFound):
        await async_client.asset("s3://lake/none")
    async with AsyncClient("http://127.0.0.1:9") as nobody:
        with pytest.raises(Unavailable, match="assetlog up"):
            await nobody.assets()
        with pytest.raises(Unavailable):
            await anext(nobody.follow("0-0", patience=0))


def test_a_missing_library_is_named(client: Client) -> None:
    code = (
        "import sys; sys.modules['pandas'] = sys.modules['polars'] = None\n"
        "from assetlog.catalog.client import Frame\n"
        "for method in (Frame([]).to_pandas, Frame([]).to_polars):\n"
        "    try: method()\n"
        "    except ModuleNotFoundError as error: print(error)"
    )
    said = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout
    assert said.splitlines() == [
        "to_pandas() needs more: pip install pandas pyarrow",
        "to_polars() needs more: pip install polars",
    ]


def test_an_answer_that_is_no_arrow_is_told_apart(client: Client) -> None:
    from assetlog.catalog.client.asking import FrameWalk

    walk = FrameWalk("assets", None, None, {})
    answer = client._ask("GET", **{**next(iter(walk)), "headers": {"accept": "application/json"}})
    with pytest.raises(Broken, match="does not answer lists as Arrow"):
        walk.took(answer)


def test_a_moment_may_be_a_datetime(client: Client) -> None:
    assert list(client.assets(as_of=datetime(2020, 1, 1, tzinfo=UTC))) == []


async def test_events_are_followed_over_a_restart_each_once(running_node: Any, event: Any, tmp_path: Path) -> None:
    node = await asyncio.to_thread(running_node, home=tmp_path)
    seen: list[str] = []

    def emit(node: Any) -> str:
        return str(node.post(event("asset.observed", "s3://lake/a")).json()["accepted"][0]["position"])

    async with AsyncClient(node.url) as client:
        positions = [await asyncio.to_thread(emit, node)]
        async with aclosing(client.follow("0-0", type="asset.*")) as events:
            seen.append((await anext(events)).position)
            await asyncio.to_thread(node.stop)
            port = int(node.url.rpartition(":")[2])
            again = await asyncio.to_thread(running_node, home=tmp_path, port=port)
            positions += [await asyncio.to_thread(emit, again) for _ in range(2)]
            seen += [(await anext(events)).position for _ in range(2)]
        await asyncio.to_thread(again.stop)
    assert seen == positions


async def test_a_refused_follower_hears_why(running_node: Any, tmp_path: Path) -> None:
    node = await asyncio.to_thread(running_node, home=tmp_path)
    node.http.post("/v1/tokens", json={"name": "only", "scopes": ["admin"]}).raise_for_status()
    async with AsyncClient(node.url, token="asl_wrong") as client:
        with pytest.raises(Forbidden):
            await anext(client.follow("0-0"))
    await asyncio.to_thread(node.stop)


class Cutter:
    """A relay that cuts every connection after so many bytes of answer: an unreliable network."""

    def __init__(self, port: int, limit: int) -> None:
        self._to, self._limit = port, limit
        self._server = socket.create_server(("127.0.0.1", 0))
        self.url = f"http://127.0.0.1:{self._server.getsockname()[1]}"
        self.cut = 0
        threading.Thread(target=self._serve, daemon=True).start()

    def _serve(self) -> None:
        while True:
            try:
                client, _ = self._server.accept()
            except OSError:
                return
            threading.Thread(target=self._relay, args=(client,), daemon=True).start()

    def _relay(self, client: socket.socket) -> None:
        with client, socket.create_connection(("127.0.0.1", self._to)) as node:
            node.sendall(client.recv(65536))
            left = self._limit
            while left and (answer := node.recv(min(left, 4096))):
                client.sendall(answer)
                left -= len(answer)
            self.cut += left == 0

    def close(self) -> None:
        self._server.shutdown(socket.SHUT_RDWR)
        self._server.close()


async def test_breaks_in_the_middle_of_messages_lose_and_repeat_nothing(filled: Any, client: Client) -> None:
    positions = [each.position for each in client.each_event(limit=300)]
    cutter = Cutter(int(filled.url.rpartition(":")[2]), 30_011)
    async with AsyncClient(cutter.url) as follower, aclosing(follower.follow("0-0")) as events:
        seen = [(await anext(events)).position for _ in positions]
    cutter.close()
    assert seen == positions
    assert cutter.cut >= 2


async def test_consumers_are_declared_run_and_removed_with_either_client(
    client: Client, async_client: AsyncClient
) -> None:
    declared = {
        "condition": [KEY, "s3://lake/missing"],
        "target": TARGET,
        "outlets": ["s3://lake/made"],
        "start": "0-0",
    }
    assert client.put_consumer("by client", declared).name == "by client"
    with pytest.raises(Conflict):
        client.put_consumer("by client", {**declared, "module": "other"})
    taken = await async_client.put_consumer("by client", {**declared, "module": "other"}, replace=True)
    assert taken.module == "other"
    assert client.pause_consumer("by client", "for now").paused_reason == "for now"
    assert not (await async_client.resume_consumer("by client")).paused
    fired = client.fire_consumer("by client", "mon")
    made = await async_client.materialize_asset("s3://lake/made", "by client")
    assert [each.id for each in client.triggers(consumer="by client")] == [made.id, fired.id]
    assert (await async_client.trigger(fired.id)).partition == "mon"
    assert client.cancel_trigger(fired.id, "no").state == "cancelled"
    with pytest.raises(Conflict):
        await async_client.cancel_trigger(fired.id)
    assert client.retry_trigger(fired.id).state == "fired"
    with pytest.raises(Conflict):
        await async_client.retry_trigger(fired.id)
    assert len(client.queue("by client")) == len(client.queue("by client").to_arrow()) == 1
    assert client.delete_queue("by client", before=datetime(2000, 1, 1, tzinfo=UTC)).count == 0
    assert (await async_client.delete_queue("by client", asset=KEY)).count == 1
    assert len(client.queue("by client")) == 0
    assert (await async_client.remove_consumer("by client")).name == "by client"
    with pytest.raises(NotFound):
        client.consumer("by client")
