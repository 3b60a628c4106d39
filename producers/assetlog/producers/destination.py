"""Where events go: a URL, or the node of this machine, and the spool that belongs to it."""

from __future__ import annotations

import re

from assetlog.producers.config import Config, home_token
from assetlog.producers.spool import Spool
from assetlog.producers.transports import Transport, check_url, is_loopback, open_transport, without_password
from assetlog.schemas.errors import Invalid, Unavailable
from assetlog.schemas.node_file import read_node_file
from assetlog.schemas.stream import check_catalog

_UNSAFE = re.compile(r"[^A-Za-z0-9]+")


def check_destination(config: Config) -> None:
    """Refuse a URL or catalog name that no event could be sent to.

    Raises:
        Invalid: no transport has the URL's scheme, or the catalog's name breaks its rule.
    """
    if config.url is not None:
        check_url(config.url)
    if config.catalog is not None:
        check_catalog(config.catalog)


def connect(config: Config) -> Transport:
    """The way to the log. Asked anew after each failure, so a node that moved is found again.

    Raises:
        Unavailable: no URL is given and no node runs on this machine.
        Invalid: see `check_destination`.
    """
    if config.url is not None:
        check_destination(config)
        return open_transport(config.url, config.catalog_name, token_for(config, config.url))
    node = read_node_file(config.home)
    if node is None:
        raise Unavailable(
            f"No node runs on {config.home}.",
            code="no-node",
            hint="Start one with `assetlog up`, or set ASSETLOG_URL.",
        )
    if config.catalog not in {None, node.catalog}:
        raise Unavailable(
            f"The node of this machine serves the catalog {node.catalog}, not {config.catalog}.",
            code="other-catalog",
            hint="Set ASSETLOG_URL to a node or a log server of that catalog.",
        )
    return open_transport(node.api, node.catalog, token_for(config, node.api))


def token_for(config: Config, url: str) -> str | None:
    """The token to send to a URL: the one given, to loopback or the URL given; the data directory's to loopback only.

    >>> from pathlib import Path
    >>> token_for(Config(home=Path("/none"), source="doc", token="t"), "http://elsewhere.example") is None
    True
    """
    if is_loopback(url):
        return config.token or home_token(config.home)
    return config.token if url == config.url else None


def spool_of(config: Config) -> Spool:
    """The spool of a destination: what waits for one log never reaches another."""
    root = config.home / "spool"
    name = _spool_name(config)
    return Spool(root / name, root / "rejected" / f"{name}.ndjson")


def _spool_name(config: Config) -> str:
    if config.url is None:
        return f"node-{_safe_catalog(config.catalog)}" if config.catalog else "node"
    import hashlib

    shown = without_password(config.url)
    digest = hashlib.sha256(f"{shown} {config.catalog_name}".encode()).hexdigest()[:12]
    return f"{_UNSAFE.sub('-', shown)[:60].strip('-')}-{digest}"


def _safe_catalog(catalog: str) -> str:
    try:
        return check_catalog(catalog)
    except Invalid:  # said once, when the first event can't be sent
        return _UNSAFE.sub("-", catalog)[:60]
