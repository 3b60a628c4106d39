"""What the environment says to the SDK. The only place of the SDK that reads it."""

from __future__ import annotations

import os
import re
import sys
from pathlib import Path

from msgspec import Struct

from assetlog.producers.notices import warn
from assetlog.schemas.node_file import default_home
from assetlog.schemas.stream import DEFAULT_CATALOG

TOKEN_FILE_NAME = "token"  # noqa: S105 - a file's name
_TRUE = {"1", "true", "yes", "on"}
_FALSE = {"0", "false", "no", "off"}
_UNSAFE = re.compile(r"[^A-Za-z0-9._~/-]+")


class Config(Struct, frozen=True, kw_only=True):
    """The SDK's settings, each from one environment variable."""

    url: str | None = None
    """ASSETLOG_URL: where events go; None is the node of this machine."""
    home: Path
    """ASSETLOG_HOME: the data directory, for `node.json` and the spool."""
    catalog: str | None = None
    """ASSETLOG_CATALOG: the catalog's name; None is the node's, or `default`."""
    token: str | None = None
    """ASSETLOG_TOKEN, or the content of the file that ASSETLOG_TOKEN_FILE names: sent to loopback or an explicit URL
    only."""
    redact: bool = True
    """ASSETLOG_REDACT_SECRETS: strike out what looks like a secret in metadata, errors and other free texts."""
    strict: bool = False
    """ASSETLOG_STRICT: raise when the log is unreachable or refuses."""
    source: str
    """ASSETLOG_SOURCE: the `source` of events."""
    run_id: str | None = None
    """ASSETLOG_RUN_ID: the run this process is part of, as `assetlog run` sets it."""
    job: str | None = None
    """ASSETLOG_JOB: that run's job."""

    @property
    def catalog_name(self) -> str:
        """The catalog to write to where no node names one."""
        return self.catalog or DEFAULT_CATALOG


def read_config() -> Config:
    """The settings in force: the environment, else the defaults. An empty variable counts as unset."""
    values = {name: os.environ.get(f"ASSETLOG_{name}") or None for name in _NAMES}
    return Config(
        url=values["URL"],
        home=Path(values["HOME"]).expanduser() if values["HOME"] else _home(),
        catalog=values["CATALOG"],
        token=values["TOKEN"] or (_token_in(Path(values["TOKEN_FILE"])) if values["TOKEN_FILE"] else None),
        redact=(values["REDACT_SECRETS"] or "").lower() not in _FALSE,
        strict=(values["STRICT"] or "").lower() in _TRUE,
        source=values["SOURCE"] or default_source(),
        run_id=values["RUN_ID"],
        job=values["JOB"],
    )


def home_token(home: Path) -> str | None:
    """The token kept in a data directory (`token`, readable by its user only): for the nodes of this machine only."""
    path = home / TOKEN_FILE_NAME
    try:
        status = path.lstat()
    except OSError:
        return None
    if status.st_uid != os.getuid() or status.st_mode & 0o077:
        warn("%s is left alone: others may read or write it. Say chmod 600.", path)
        return None
    return _token_in(path)


def _token_in(path: Path) -> str | None:
    try:
        return path.expanduser().read_text().strip() or None
    except (OSError, UnicodeDecodeError) as error:
        warn("The file of the token, %s, can't be read: %s", path, getattr(error, "strerror", None) or "no text")
        return None


_NAMES = ("URL", "HOME", "CATALOG", "TOKEN", "TOKEN_FILE", "REDACT_SECRETS", "STRICT", "SOURCE", "RUN_ID", "JOB")


def _home() -> Path:
    """The default data directory; a user without a home (containers) gets one in the temporary directory."""
    try:
        return default_home()
    except RuntimeError:
        import tempfile

        return Path(tempfile.gettempdir()) / f"assetlog-{os.getuid()}"


def default_source() -> str:
    """The `source` unless one is given: ``python://<host>/<script or module>``."""
    main = sys.modules.get("__main__")
    spec = getattr(main, "__spec__", None)
    script = spec.name if spec is not None else Path(sys.argv[0] if sys.argv else "").name
    name = _UNSAFE.sub("-", script or "").strip("-") or "interactive"
    return f"python://{_UNSAFE.sub('-', os.uname().nodename) or 'localhost'}/{name[:200]}"


def child_environment(run_id: str, job: str) -> dict[str, str]:
    """This process's environment for a child that is part of a run."""
    return {**os.environ, "ASSETLOG_RUN_ID": run_id, "ASSETLOG_JOB": job}
