"""What both clients do alike: where things are, how parameters are written, when to ask again, what errors mean."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar
from urllib.parse import quote, urlsplit

import msgspec
from msgspec import Struct

from assetlog.catalog.answers import error_of
from assetlog.catalog.client.frames import ARROW, NEXT_HEADER
from assetlog.catalog.finding import LOOPBACK, Found, find_node
from assetlog.schemas.errors import Broken, Invalid, Unavailable
from assetlog.schemas.images import BLOBS, embedded
from assetlog.schemas.shapes import Artifact, Page
from assetlog.schemas.times import format_time

if TYPE_CHECKING:
    import httpx

Item = TypeVar("Item")
Moment = str | datetime | None
"""A time (RFC 3339 text or a datetime with a zone), a position, or None for now."""

LISTS = {
    "aliases": "/v1/aliases",
    "artifact_history": "/v1/artifact/history",
    "artifact_versions": "/v1/artifact/versions",
    "artifacts": "/v1/artifacts",
    "asset_events": "/v1/asset/events",
    "assets": "/v1/assets",
    "checks": "/v1/asset/checks",
    "consumers": "/v1/consumers",
    "diff": "/v1/diff",
    "events": "/v1/events",
    "groups": "/v1/groups",
    "jobs": "/v1/jobs",
    "partitions": "/v1/asset/partitions",
    "quarantine": "/v1/quarantine",
    "queue": "/v1/consumers/{consumer}/queue",
    "runs": "/v1/runs",
    "tree": "/v1/tree",
    "triggers": "/v1/triggers",
}
"""The lists, by the name of their method. What stands in braces is a parameter of the method."""

MAX_LIMIT = 1000
TIMEOUT_SECONDS = 30.0
THROTTLED_TRIES = 5
LONGEST_THROTTLE_SECONDS = 10.0


class Connection(Struct, frozen=True):
    """A node, and the options of an httpx client of it."""

    node: Found
    options: dict[str, Any]


def connection(url: str | None, token: str | None, home: Path | None, timeout: float) -> Connection:
    """How to reach the node that is meant; see `Client`."""
    from assetlog.producers.config import home_token, read_config

    config = read_config()
    # A data directory that is named outright counts for more than the environment's URL.
    node = find_node(url or (None if home else config.url), home or config.home, token or config.token)
    # A proxy of the environment is for the world outside, not for this machine; and on this machine, loading
    # the certificates for nothing would take longer than the answer.
    local = urlsplit(node.url).hostname in LOOPBACK
    token = node.token or (home_token(home or config.home) if local else None)
    options = {
        "base_url": node.url,
        "headers": {"authorization": f"Bearer {token}"} if token else {},
        "timeout": timeout,
        "trust_env": not local,
        "verify": not local or node.url.startswith("https://"),
    }
    return Connection(node, options)


def on_the_wire(params: dict[str, Any]) -> dict[str, Any]:
    """Parameters as a URL has them: those that are None are left out, times are written, `from_` is `from`."""
    given = {name.rstrip("_"): value for name, value in params.items() if value is not None}
    return {name: format_time(value) if isinstance(value, datetime) else value for name, value in given.items()}


def with_json(body: object, params: dict[str, Any]) -> dict[str, Any]:
    """The options of a request that has a JSON body."""
    headers = {"content-type": "application/json"}
    return {"content": msgspec.json.encode(body), "params": on_the_wire(params), "headers": headers}


def path_of(name: str, params: dict[str, Any]) -> str:
    """The path of a list; parameters that belong into it are taken out of the others.

    Raises:
        Invalid: there is no list of this name.

    >>> path_of("queue", {"consumer": "a b"})
    '/v1/consumers/a%20b/queue'
    """
    path = LISTS.get(name)
    if path is not None:
        in_path = [part[1:-1] for part in path.split("/") if part.startswith("{")]
        return path.format(**{part: quote(str(params.pop(part)), safe="") for part in in_path})
    raise Invalid(
        f"There is no list {name!r}.",
        code="unknown-list",
        field="name",
        value=name,
        rule=f"the lists are: {', '.join(LISTS)}",
        hint="Name one of them.",
    )


def acting_on(kind: str, name: str, act: str = "") -> str:
    """The path of a consumer or a trigger, or of what is done with it.

    >>> acting_on("consumers", "a b", "pause")
    '/v1/consumers/a%20b/pause'
    """
    return "/".join(filter(None, (LISTS[kind], quote(name, safe=""), act)))


def page_of(item: type[Item]) -> type[Page[Item]]:
    """The shape of a part of a list of such items."""
    return Page[item]  # type: ignore[valid-type]  # the shape is known at run time only


def pause_before_retry(answer: httpx.Response, tried: int) -> float | None:
    """The seconds after which to ask again, where a node says so (429); None: take the answer as it is."""
    after = answer.headers.get("retry-after", "")
    if answer.status_code != 429 or tried >= THROTTLED_TRIES - 1 or not after.isdecimal():
        return None
    return min(float(after), LONGEST_THROTTLE_SECONDS)


def checked(answer: httpx.Response) -> httpx.Response:
    """An answer that is one.

    Raises:
        AssetlogError: the node answered with a problem.
    """
    if not answer.is_success:
        raise error_of(answer.status_code, answer.content)
    return answer


def unreachable(url: str, error: Exception) -> Unavailable:
    """The error for a node that does not answer."""
    return Unavailable(
        f"No node answers at {url}: {str(error) or type(error).__name__}.",
        code="node-unreachable",
        hint="Start one with `assetlog up`, or set ASSETLOG_URL to one that runs.",
    )


class Walk:
    """The way through the parts of a list, of at most `limit` items. All parts are as of the first one's position."""

    def __init__(self, limit: int | None, cursor: str | None = None) -> None:
        self._left = limit
        self._cursor = cursor
        self.going = limit is None or limit > 0

    def part(self) -> dict[str, Any]:
        """The parameters of the next part."""
        return {"limit": MAX_LIMIT if self._left is None else min(self._left, MAX_LIMIT), "cursor": self._cursor}

    def took(self, cursor: str | None) -> None:
        """Go on behind a part; one that has a `next` was full."""
        if self._left is not None:
            self._left -= min(self._left, MAX_LIMIT)
        self._cursor = cursor
        self.going = cursor is not None and self._left != 0


class FrameWalk:
    """The requests for the rows of a list, part by part; iterate, and tell what each was answered."""

    def __init__(self, name: str, as_of: Moment, limit: int | None, params: dict[str, Any]) -> None:
        self._params = on_the_wire({**params, "as_of": as_of})
        self._path = path_of(name, self._params)
        self._walk = None if name == "tree" else Walk(limit, self._params.pop("cursor", None))

    def __iter__(self) -> Iterator[dict[str, Any]]:
        while True:
            part = self._walk.part() if self._walk else {}
            params = self._params | on_the_wire(part)
            yield {"path": self._path, "params": params, "headers": {"accept": ARROW}}
            if self._walk is None or not self._walk.going:
                return

    def took(self, answer: httpx.Response) -> bytes:
        """The rows of an answer.

        Raises:
            Broken: it is no Arrow stream; the node is too old.
        """
        if answer.headers.get("content-type") != ARROW:
            raise Broken(
                "The node does not answer lists as Arrow streams.",
                code="foreign-answer",
                hint="Update the node, or read the list itself instead of its frame.",
            )
        if self._walk is not None:
            self._walk.took(answer.headers.get(NEXT_HEADER))
        return answer.content


def kept_image(artifact: Artifact) -> bytes | str:
    """The image that an artifact shows, or the path where the node has it.

    Raises:
        Invalid: the catalog has only its URL, or the artifact is no image.
    """
    shown = msgspec.json.decode(artifact.data)
    url = shown.get("url") if artifact.type == "image" and isinstance(shown, dict) else None
    content = embedded(url) if isinstance(url, str) else None
    if content is not None:
        return content
    if isinstance(url, str) and url.startswith(BLOBS):
        return url
    raise Invalid(
        "The catalog does not keep what this artifact shows.",
        code="not-kept",
        field="artifact",
        value=url,
        rule="an image is kept if it was given as bytes or as a file",
        hint="Open the URL.",
    )
