"""`node.json`: how SDK, CLI and worker find the running node of this machine."""

from __future__ import annotations

import os
from pathlib import Path

import msgspec
from msgspec import Struct

FILE_NAME = "node.json"


class NodeFile(Struct, frozen=True, kw_only=True):
    """What a running node tells the other processes of its user."""

    api: str
    """The API's URL, e.g. `http://127.0.0.1:8470`."""
    log: str
    """The log server's URL, e.g. `unix:///run/user/1000/assetlog-1f2e/log.sock`."""
    catalog: str = "default"
    pid: int
    version: str


def default_home() -> Path:
    """The data directory unless one is given: `~/.assetlog`. The working directory is never searched."""
    return Path.home() / ".assetlog"


def write_node_file(home: Path, node: NodeFile) -> None:
    """Announce a node, readable by its user only."""
    fresh = home / f".{FILE_NAME}.{os.getpid()}"
    descriptor = os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "wb") as file:
        file.write(msgspec.json.format(msgspec.json.encode(node)))
    fresh.replace(home / FILE_NAME)


def read_node_file(home: Path) -> NodeFile | None:
    """The node that runs on a data directory; None if there is none.

    A file of another user, or one that others may write, is ignored: it could name a stranger's server.
    """
    path = home / FILE_NAME
    try:
        status = path.lstat()
        if status.st_uid != os.getuid() or status.st_mode & 0o077 or not path.is_file():
            return None
        node = msgspec.json.decode(path.read_bytes(), type=NodeFile)
        os.kill(node.pid, 0)
    except (OSError, msgspec.MsgspecError):
        return None
    return node
