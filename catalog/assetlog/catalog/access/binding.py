"""On which addresses a node may listen, and where it lets in those who show no token."""

from __future__ import annotations

import ipaddress
from typing import TYPE_CHECKING

from assetlog.schemas.errors import Broken

if TYPE_CHECKING:
    from assetlog.catalog.settings import Settings


def refuse_open_bind(settings: Settings, *, has_tokens: bool = False) -> None:
    """Refuse to let strangers in: a non-loopback address needs tokens.

    Raises:
        Broken: the host is not loopback, the catalog has no token, and anonymous access is not allowed.
    """
    if has_tokens or lets_anonymous_in(settings):
        return
    raise Broken(
        f"Listening on {settings.host} would let everyone who reaches it read and write the catalog.",
        code="open-bind",
        field="host",
        value=settings.host,
        rule="a node of a catalog without tokens listens on loopback only",
        hint="Make a token first: `assetlog token create --name admin --scope admin` with the same data directory or "
        "Redis. In a container whose port is published on loopback only, --allow-anonymous "
        "(ASSETLOG_ALLOW_ANONYMOUS=true) accepts it.",
    )


def lets_anonymous_in(settings: Settings) -> bool:
    """Whether a node lets in who shows no token, as long as its catalog has none."""
    return is_loopback(settings.host) or settings.allow_anonymous


def is_loopback(host: str) -> bool:
    """Whether only this machine reaches an address.

    >>> is_loopback("127.0.0.1"), is_loopback("localhost"), is_loopback("0.0.0.0"), is_loopback("node.example")
    (True, True, False, False)
    """
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False
