"""Which node a client talks to, and whether its token may go there."""

from __future__ import annotations

from pathlib import Path
from urllib.parse import urlsplit

from msgspec import Struct

from assetlog.schemas.errors import Invalid, Unavailable
from assetlog.schemas.node_file import NodeFile, read_node_file

LOOPBACK = ("localhost", "127.0.0.1", "::1")


class Found(Struct, frozen=True):
    """A node's URL, and the token to send there (None: send none)."""

    url: str
    token: str | None = None


def find_node(url: str | None, home: Path, token: str | None) -> Found:
    """The node that `url` names, else the one that runs on the data directory `home`.

    The token goes to a URL somebody wrote down, or to this machine; never to another host that a file names.

    Raises:
        Invalid: `url` is neither a node's nor the log server's of a node that runs here.
        Unavailable: no node runs here.
    """
    if url and urlsplit(url).scheme in {"http", "https"}:
        return Found(url.rstrip("/"), token)
    node = read_node_file(home)
    if url and (node is None or node.log != url):
        raise _not_a_node(url)
    if node is None:
        raise no_node()
    return Found(node.api.rstrip("/"), token if _is_loopback(node) else None)


def no_node() -> Unavailable:
    """The error for a machine without a running node."""
    return Unavailable(
        "No node is running on this machine.",
        code="no-node",
        hint="Start one with `assetlog up`, or set ASSETLOG_URL.",
    )


def _is_loopback(node: NodeFile) -> bool:
    return urlsplit(node.api).hostname in LOOPBACK


def _not_a_node(url: str) -> Invalid:
    return Invalid(
        "Reading needs a node, and ASSETLOG_URL names something else.",
        code="invalid-url",
        field="ASSETLOG_URL",
        value=urlsplit(url)._replace(netloc=urlsplit(url).netloc.rpartition("@")[2]).geturl(),
        rule="a node's URL begins with http:// or https://",
        hint="Set ASSETLOG_URL to the node, e.g. http://127.0.0.1:8470.",
    )
