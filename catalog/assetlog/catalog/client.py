"""A small typed client for a node's API. It needs only the base install (httpx, msgspec).

from assetlog.catalog.client import Client

with Client() as client:                        # ASSETLOG_URL, else the node of this machine
    for asset in client.each_asset(state="failed"):
        print(asset.key, asset.state_reason)
    then = client.asset("s3://lake/orders.parquet", as_of="2026-11-21T12:00:00Z")
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Any, TypeVar
from urllib.parse import urlsplit

import msgspec

from assetlog.catalog.answers import decode, error_of
from assetlog.catalog.finding import LOOPBACK, find_node
from assetlog.catalog.sse import Message, read_messages
from assetlog.schemas.errors import AssetlogError, Unavailable
from assetlog.schemas.shapes import (
    Artifact,
    Asset,
    Check,
    Diff,
    EventShape,
    Job,
    Lineage,
    Page,
    Partition,
    Quarantined,
    RunShape,
    TreeNode,
)
from assetlog.schemas.times import format_time

if TYPE_CHECKING:
    import httpx

Item = TypeVar("Item")
Shape = TypeVar("Shape")
Moment = str | datetime | None
"""A time (RFC 3339 text or a datetime with a zone), a position, or None for now."""

MAX_LIMIT = 1000
RECONNECT_SECONDS = (0.1, 0.2, 0.5, 1.0, 2.0)
TIMEOUT_SECONDS = 30.0
THROTTLED_TRIES = 5
LONGEST_THROTTLE_SECONDS = 10.0
FOLLOW_PATIENCE_SECONDS = 60.0
STREAM_SILENCE_SECONDS = 60.0
"""A node sends a heartbeat well within this time; longer silence means a dead connection."""


class Client:
    """Reads a node, for now and for any moment of the past.

    Args:
        url: the node, e.g. `http://127.0.0.1:8470`; unless given, `ASSETLOG_URL`, else the node of this machine.
        token: sent as a bearer token to a given URL or to this machine; unless given, `ASSETLOG_TOKEN`, the file that
            `ASSETLOG_TOKEN_FILE` names, or `token` in the data directory (that one to this machine only).
        home: the data directory whose node is meant; unless given, `ASSETLOG_HOME`, else `~/.assetlog`.
        timeout: seconds to wait for an answer.

    Every method raises the errors of `assetlog.schemas.errors` that the node answers with,
    and `Unavailable` when no node answers. Lists take `limit` (at most 1,000) and `cursor`; `each_*` walk all pages.
    """

    def __init__(
        self,
        url: str | None = None,
        *,
        token: str | None = None,
        home: Path | None = None,
        timeout: float = TIMEOUT_SECONDS,
    ) -> None:
        import httpx

        from assetlog.producers.config import home_token, read_config

        config = read_config()
        # A data directory that is named outright counts for more than the environment's URL.
        self.node = find_node(url or (None if home else config.url), home or config.home, token or config.token)
        # A proxy of the environment is for the world outside, not for this machine; and on this machine, loading
        # the certificates for nothing would take longer than the answer.
        local = urlsplit(self.node.url).hostname in LOOPBACK
        token = self.node.token or (home_token(home or config.home) if local else None)
        headers = {"authorization": f"Bearer {token}"} if token else {}
        self._http = httpx.Client(
            base_url=self.node.url,
            headers=headers,
            timeout=timeout,
            trust_env=not local,
            verify=not local or self.node.url.startswith("https://"),
        )

    def close(self) -> None:
        """Let the connections go."""
        self._http.close()

    def __enter__(self) -> Client:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def fetch(self, path: str, **params: Any) -> bytes:
        """The JSON that the node answers to `GET path`, untouched. Parameters that are None are left out."""
        return self._ask("GET", path, params=_wire(params))

    def post(self, path: str, body: object, shape: type[Shape]) -> Shape:
        """The answer to `POST path` with a JSON body, as a shape."""
        headers = {"content-type": "application/json"}
        return decode(self._ask("POST", path, content=msgspec.json.encode(body), headers=headers), shape)

    def delete(self, path: str, shape: type[Shape]) -> Shape:
        """The answer to `DELETE path` as a shape."""
        return decode(self._ask("DELETE", path), shape)

    def read(self, path: str, shape: type[Shape], **params: Any) -> Shape:
        """The answer to `GET path` as a shape."""
        return decode(self.fetch(path, **params), shape)

    def each(self, path: str, item: type[Item], *, limit: int | None = None, **params: Any) -> Iterator[Item]:
        """The items of a list, page by page, at most `limit` of them. All pages are as of the first one's position."""
        page_shape: Any = Page[item]  # type: ignore[valid-type]  # the shape is known at run time only
        left, cursor = limit, None
        while left is None or left > 0:
            size = MAX_LIMIT if left is None else min(left, MAX_LIMIT)
            page: Page[Item] = self.read(path, page_shape, limit=size, cursor=cursor, **params)
            yield from page.items
            left = None if left is None else left - len(page.items)
            cursor = page.next
            if cursor is None:
                return

    def position(self, as_of: Moment = None) -> str:
        """The position that a moment means; how far the node has folded the log, for now."""
        return self.read("/v1/events", Page[EventShape], limit=1, order="desc", as_of=as_of).position

    def asset(self, key: str, as_of: Moment = None) -> Asset:
        """One asset. Raises NotFound for a key that no event names as of that moment."""
        return self.read("/v1/asset", Asset, key=key, as_of=as_of)

    def assets(self, as_of: Moment = None, **filters: Any) -> Page[Asset]:
        """Assets by `q`, `prefix`, `scheme`, `group`, `tag`, `owner`, `state`; `sort`, `limit`, `cursor`."""
        return self.read("/v1/assets", Page[Asset], as_of=as_of, **filters)

    def each_asset(self, as_of: Moment = None, **filters: Any) -> Iterator[Asset]:
        """Every asset that the filters of `assets` let through."""
        return self.each("/v1/assets", Asset, as_of=as_of, **filters)

    def asset_events(self, key: str, as_of: Moment = None, **filters: Any) -> Page[EventShape]:
        """The events of one asset, newest first."""
        return self.read("/v1/asset/events", Page[EventShape], key=key, as_of=as_of, **filters)

    def partitions(self, key: str, as_of: Moment = None, **filters: Any) -> Page[Partition]:
        """The partitions of one asset."""
        return self.read("/v1/asset/partitions", Page[Partition], key=key, as_of=as_of, **filters)

    def checks(self, key: str, as_of: Moment = None, **filters: Any) -> Page[Check]:
        """The newest result of each check of one asset."""
        return self.read("/v1/asset/checks", Page[Check], key=key, as_of=as_of, **filters)

    def tree(self, prefix: str = "", as_of: Moment = None) -> list[TreeNode]:
        """The steps below a prefix of the key tree: schemes first, then path segments."""
        return self.read("/v1/tree", Page[TreeNode], prefix=prefix, as_of=as_of).items

    def lineage(self, key: str, direction: str = "both", depth: int | None = None, as_of: Moment = None) -> Lineage:
        """What an asset was made from (`up`) and what was made from it (`down`)."""
        return self.read("/v1/lineage", Lineage, key=key, direction=direction, depth=depth, as_of=as_of)

    def artifacts(self, as_of: Moment = None, **filters: Any) -> Page[Artifact]:
        """The newest version of each artifact, by `q`, `type`, `asset`, `run`; `limit`, `cursor`."""
        return self.read("/v1/artifacts", Page[Artifact], as_of=as_of, **filters)

    def artifact(self, key: str, version: int | None = None, as_of: Moment = None) -> Artifact:
        """One artifact: its newest version unless one is given."""
        return self.read("/v1/artifact", Artifact, key=key, version=version, as_of=as_of)

    def runs(self, as_of: Moment = None, **filters: Any) -> Page[RunShape]:
        """Runs by `job`, `state`, `asset`; `limit`, `cursor`. Newest first."""
        return self.read("/v1/runs", Page[RunShape], as_of=as_of, **filters)

    def run(self, run_id: str, as_of: Moment = None) -> RunShape:
        """One run, with the runs it started."""
        return self.read("/v1/run", RunShape, id=run_id, as_of=as_of)

    def jobs(self, as_of: Moment = None, **filters: Any) -> Page[Job]:
        """What is executed, by name."""
        return self.read("/v1/jobs", Page[Job], as_of=as_of, **filters)

    def diff(self, from_: Moment, to: Moment = None, **filters: Any) -> Diff:
        """What changed between two moments; `to` is now unless given."""
        return self.read("/v1/diff", Diff, **{"from": from_, "to": to}, **filters)

    def quarantine(self, as_of: Moment = None, **filters: Any) -> Page[Quarantined]:
        """The events that the fold could not take."""
        return self.read("/v1/quarantine", Page[Quarantined], as_of=as_of, **filters)

    def each_event(self, as_of: Moment = None, *, limit: int | None = None, **filters: Any) -> Iterator[EventShape]:
        """Events by `after`, `before`, `type`, `asset`, `run`; `order` is `asc` or `desc`."""
        return self.each("/v1/events", EventShape, limit=limit, as_of=as_of, **filters)

    def follow(
        self, after: str | None = None, *, patience: float = FOLLOW_PATIENCE_SECONDS, **filters: Any
    ) -> Iterator[EventShape]:
        """Events as they are folded, for ever; each exactly once, also over lost connections and node restarts.

        Args:
            after: begin behind this position; unless given, with what comes next.
            patience: seconds that the node may be away before `Unavailable` is raised.
            filters: `type`, `asset`, `run`.
        """
        # Without a beginning, a connection lost before the first event would lose what came meanwhile.
        last, waits, away_since = after or self.position(), iter(RECONNECT_SECONDS), None
        while True:
            try:
                for message in self._stream(last, filters):
                    last, waits, away_since = message.id or last, iter(RECONNECT_SECONDS), None
                    if message.data:
                        yield decode(message.data, EventShape)
            except Unavailable:
                away_since = away_since or time.monotonic()
                if time.monotonic() - away_since > patience:
                    raise
            time.sleep(next(waits, RECONNECT_SECONDS[-1]))

    def _ask(self, method: str, path: str, **options: Any) -> bytes:
        """The body of an answer; a node that asks to come again later (429) is asked again when it says."""
        for waited in range(THROTTLED_TRIES):
            try:
                answer = self._http.request(method, path, **options)
            except self._transport_errors() as error:
                raise self._unreachable(error) from None
            if answer.is_success:
                return answer.content
            after = answer.headers.get("retry-after", "")
            if answer.status_code != 429 or waited == THROTTLED_TRIES - 1 or not after.isdecimal():
                break
            time.sleep(min(float(after), LONGEST_THROTTLE_SECONDS))
        raise error_of(answer.status_code, answer.content)

    def _stream(self, after: str | None, filters: dict[str, Any]) -> Iterator[Message]:
        import httpx

        headers = {"accept": "text/event-stream"} | ({"last-event-id": after} if after else {})
        patience = httpx.Timeout(TIMEOUT_SECONDS, read=STREAM_SILENCE_SECONDS)
        try:
            with self._http.stream(
                "GET", "/v1/events/stream", params=_wire(filters), headers=headers, timeout=patience
            ) as answer:
                if not answer.is_success:
                    raise error_of(answer.status_code, answer.read())
                yield from read_messages(answer.iter_bytes())
        except self._transport_errors() as error:
            raise self._unreachable(error) from None

    def _transport_errors(self) -> type[httpx.TransportError]:
        import httpx

        return httpx.TransportError

    def _unreachable(self, error: Exception) -> AssetlogError:
        return Unavailable(
            f"No node answers at {self.node.url}: {str(error) or type(error).__name__}.",
            code="node-unreachable",
            hint="Start one with `assetlog up`, or set ASSETLOG_URL to one that runs.",
        )


def _wire(params: dict[str, Any]) -> dict[str, Any]:
    given = {name: value for name, value in params.items() if value is not None}
    return {name: format_time(value) if isinstance(value, datetime) else value for name, value in given.items()}
