"""Every setting of the server, in one frozen class. Flags win over `ASSETLOG_*` variables, those over defaults."""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any, Literal, NamedTuple

from pydantic import Field, PrivateAttr, ValidationError, field_validator
from pydantic_settings import BaseSettings, NoDecode, SettingsConfigDict

from assetlog.consumers.deliver.rules import SECRETS, parse_hosts
from assetlog.schemas.errors import Invalid
from assetlog.schemas.node_file import default_home
from assetlog.schemas.stream import DEFAULT_CATALOG, check_catalog

ENV_PREFIX = "ASSETLOG_"

_PASSWORD = re.compile(r"(?P<before>://[^:/@?#]*:|[?&]password=)[^@/?#&]*")


class Explained(NamedTuple):
    """One setting as `assetlog config` shows it."""

    name: str
    value: str
    origin: str
    """`flag`, `environment ASSETLOG_…` or `default`."""
    unit: str
    help: str


def _setting(default: Any, help: str, unit: str = "", **rules: Any) -> Any:  # noqa: A002 - the field's word
    return Field(default, description=help, json_schema_extra={"unit": unit}, **rules)


class Settings(BaseSettings):
    """What a node is told. Build it with flags as keyword arguments; the rest comes from the environment.

    >>> Settings(port=0).port
    0
    """

    model_config = SettingsConfigDict(
        env_prefix=ENV_PREFIX, frozen=True, env_ignore_empty=True, hide_input_in_errors=True, extra="forbid"
    )

    home: Path = Field(
        default_factory=default_home,
        description="The data directory: projection, log, spool, node.json.",
        json_schema_extra={"unit": "path", "shown_default": "~/.assetlog"},
    )
    host: str = _setting("127.0.0.1", "The address the API listens on.")
    port: int = _setting(8470, "The port the API listens on; 0 takes any free one.", ge=0, le=65_535)
    redis_url: str | None = _setting(
        None, "An external Redis or Valkey as the log; unset, the node starts its own.", "URL", repr=False
    )
    catalog: str = _setting(DEFAULT_CATALOG, "The catalog's name, a part of every Redis key.")
    log_level: Literal["debug", "info", "warning", "error"] = _setting("info", "The least severe log line to write.")
    log_format: Literal["console", "json"] = _setting("console", "Log lines for people or for machines.")
    allow_anonymous: bool = _setting(
        False, "Listen on a non-loopback address although no token exists: anyone who reaches it may read and write."
    )
    requests_per_second: float = _setting(0.0, "Requests a second that each token is good for; 0 for no limit.", ge=0)
    events_per_second: float = _setting(0.0, "Events a second that each token may write; 0 for no limit.", ge=0)
    redact_secrets: bool = _setting(
        True, "Strike out what looks like a secret in metadata, errors and other free texts before it is stored."
    )
    allowed_hosts: Annotated[tuple[str, ...], NoDecode] = _setting(
        (), "Host names the API answers to, beside loopback and `host`; `*` for any. Comma-separated.", "names"
    )
    targets_allow: Annotated[tuple[str, ...], NoDecode] = _setting(
        (),
        "Hosts of consumers' targets that may be in a private network: names, `*.endings`, addresses, networks such as "
        "10.1.0.0/16. Comma-separated.",
        "hosts",
    )
    targets_allow_private: bool = _setting(
        False, "Let targets reach every private network and this machine itself; never link-local addresses."
    )
    targets_only_allowed: bool = _setting(
        False, "Let targets reach the hosts of `targets_allow` only, and no other, public ones neither."
    )
    targets_secrets: Annotated[tuple[str, ...], NoDecode] = _setting(
        SECRETS,
        "Environment variables and absolute paths that targets may name as places of secrets; `*` stands for any text. "
        "Comma-separated.",
        "patterns",
    )
    targets_concurrency: int = _setting(
        64, "Triggers that this node delivers to targets at a time.", "triggers", ge=1, le=1024
    )
    hot_assets: int = _setting(100_000, "Assets whose state is kept in memory.", "assets", ge=1)
    snapshot_every: int = _setting(100_000, "Events between two snapshots of every asset's state.", "events", ge=1)
    archive_url: str | None = _setting(
        None,
        "Where sealed parts of the log go: a directory, file://…, or an object store such as s3://bucket/prefix; "
        "unset, `archive` in the data directory. All nodes of a catalog use the same.",
        "URL",
    )
    archive_every: int = _setting(100_000, "Events sealed into one file; 0 seals and trims nothing.", "events", ge=0)
    archive_keep_in_log: int = _setting(
        100_000, "The latest events that stay in the log server, sealed or not.", "events", ge=0
    )
    archive_after_idle: float = _setting(
        600.0, "Time without events after which a smaller file is sealed; 0 for never.", "seconds", ge=0
    )
    body_index_bytes: int = _setting(
        4 * 1024**3,
        "Disk that this node's own index of sealed events may take, the newest events first; 0 for none. Events that "
        "are not in it are read from the archive's files, milliseconds each.",
        "bytes",
        ge=0,
    )
    max_body_bytes: int = _setting(16 * 1024 * 1024, "Largest request body, decompressed.", "bytes", ge=1024)
    max_batch_events: int = _setting(10_000, "Most events in one request.", "events", ge=1)
    wait_seconds: float = _setting(5.0, "Longest wait for a position to be folded.", "seconds", ge=0, le=60)
    heartbeat_seconds: float = _setting(15.0, "Time between two signs of life on an idle stream.", "seconds", gt=0)
    reader_threads: int = _setting(4, "Threads that answer queries.", "threads", ge=1, le=64)
    patience_seconds: float = _setting(
        30.0, "Time a client gets for a request's headers, and to go on sending or reading.", "seconds", gt=0
    )
    stop_seconds: float = _setting(10.0, "Time that running requests get when the node stops.", "seconds", ge=0)

    _flags: frozenset[str] = PrivateAttr(frozenset())

    def __init__(self, **flags: Any) -> None:
        given = {name: value for name, value in flags.items() if value is not None}
        try:
            super().__init__(**given)
        except ValidationError as error:
            raise _invalid(error) from None
        self._flags = frozenset(given)

    @field_validator("catalog")
    @classmethod
    def _check_catalog(cls, value: str) -> str:
        try:
            return check_catalog(value)
        except Invalid as error:
            raise ValueError(error.rule) from None

    @field_validator("home")
    @classmethod
    def _expand_home(cls, value: Path) -> Path:
        return value.expanduser().absolute()

    @field_validator("allowed_hosts", "targets_allow", "targets_secrets", mode="before")
    @classmethod
    def _split(cls, value: Any) -> Any:
        return tuple(name.strip() for name in value.split(",") if name.strip()) if isinstance(value, str) else value

    @field_validator("targets_allow")
    @classmethod
    def _check_hosts(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        try:
            parse_hosts(value)
        except Invalid as error:
            raise ValueError(f"{error.value}: {error.rule}") from None
        return value

    def explain(self) -> list[Explained]:
        """Each setting, its value and where that came from. Passwords are masked."""
        return [
            Explained(name, self.shown(name), self._origin(name), unit_of(name), field.description or "")
            for name, field in type(self).model_fields.items()
        ]

    def shown(self, name: str) -> str:
        """A setting's value as text, without secrets."""
        return _text(getattr(self, name))

    def _origin(self, name: str) -> str:
        if name in self._flags:
            return "flag"
        variable = variable_of(name)
        return f"environment {variable}" if _in_environment(variable, os.environ) else "default"


def crash_at() -> str | None:
    """Where this process shall kill itself: for the chaos tests only, hence no setting (`consumers.crash_points`)."""
    return os.environ.get("ASSETLOG_CRASH_AT")


def environment() -> Mapping[str, str]:
    """The process's environment, in which targets' secrets are looked up when something is delivered."""
    return os.environ


def variable_of(name: str) -> str:
    """The environment variable of a setting.

    >>> variable_of("port")
    'ASSETLOG_PORT'
    """
    return f"{ENV_PREFIX}{name.upper()}"


def unit_of(name: str) -> str:
    """The unit a setting is given in; empty where it has none."""
    extra = Settings.model_fields[name].json_schema_extra
    return str(extra.get("unit", "")) if isinstance(extra, dict) else ""


def default_of(name: str) -> str:
    """A setting's default as text."""
    field = Settings.model_fields[name]
    extra = field.json_schema_extra
    if isinstance(extra, dict) and "shown_default" in extra:
        return str(extra["shown_default"])
    return _text(field.default)


def without_password(url: str) -> str:
    """A URL fit for a log line.

    >>> without_password("redis://me:secret@host:6379/0")
    'redis://me:***@host:6379/0'
    """
    return _PASSWORD.sub(r"\g<before>***", url) if "@" in url or "password=" in url else url


def _text(value: Any) -> str:
    if value is None:
        return "unset"
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, tuple):
        return ",".join(value)
    return without_password(str(value))


def _in_environment(variable: str, environment: Mapping[str, str]) -> bool:
    # pydantic-settings reads names in any case and ignores empty ones
    return any(name.upper() == variable and value for name, value in environment.items())


def _invalid(error: ValidationError) -> Invalid:
    first = error.errors(include_url=False, include_input=False, include_context=False)[0]
    name = str(first["loc"][0]) if first["loc"] else ""
    return Invalid(
        f"The setting {name} breaks a rule: {first['msg']}.",
        code="invalid-setting",
        field=name,
        rule=first["msg"],
        hint=f"Mend the flag or {variable_of(name)}; `assetlog config` shows what is in force.",
    )
