"""Where a node may connect for a target: each address a host resolves to is looked at, and only those are used.

Whoever may register consumers chooses URLs; without this guard they would reach what only the node can reach.
"""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Awaitable, Callable, Sequence
from ipaddress import ip_address
from typing import Final

from assetlog.consumers.deliver.addresses import NEVER, Address, inner, kind_of, literal
from assetlog.consumers.deliver.rules import Rules
from assetlog.schemas.errors import Forbidden, Unavailable

Resolve = Callable[[str, int], Awaitable[Sequence[str]]]
"""Gives the addresses of a host's name."""
SETTINGS_HINT: Final = "see ASSETLOG_TARGETS_ALLOW in the settings' reference."


async def resolve(host: str, port: int) -> list[str]:
    """The addresses that this machine knows for a host.

    Raises:
        OSError: there are none.
    """
    found = await asyncio.get_running_loop().getaddrinfo(host, port, type=socket.SOCK_STREAM)
    return list(dict.fromkeys(str(info[4][0]) for info in found))


async def addresses(rules: Rules, host: str, port: int, *, private: bool, resolve: Resolve = resolve) -> list[str]:
    """The checked addresses of a host: connect to one of these, never to the name again.

    Args:
        private: whether the target says that it may be in a private network.

    Raises:
        Forbidden: one of the host's addresses is where targets may not lead.
        Unavailable: the host has no address.
    """
    try:
        found = [ip_address(text) for text in await resolve(host, port)]
    except (OSError, UnicodeError) as error:
        raise Unavailable(f"The host {host} was not found: {error}.", code="target-unreachable", value=host) from None
    except ValueError as error:  # a zone, as in fe80::1%eth0
        raise forbidden(host, f"its address has no plain form ({error})", SETTINGS_HINT) from None
    if not found:
        raise Unavailable(f"The host {host} has no address.", code="target-unreachable", value=host)
    for address in found:
        check_address(rules, host, address, private=private)
    return list(map(str, found))


def check_address(rules: Rules, host: str, address: Address, *, private: bool) -> None:
    """Refuse an address that a target must not lead to.

    Raises:
        Forbidden: the address is not public, and the node or the target does not allow that.
    """
    kind = kind_of(address)
    by_address = rules.allow.holds_address(address)
    listed = by_address or rules.allow.holds_name(host)
    place = f"{inner(address)} is {'an' if kind[0] in 'aeiou' else 'a'} {kind} address"
    if kind in NEVER:
        raise forbidden(host, place, "No setting allows it.")
    if kind == "link-local" and not by_address:
        raise forbidden(host, place, f"A link-local network is allowed by its address, not by a name: {SETTINGS_HINT}")
    if rules.only_allowed and not listed:
        raise forbidden(host, "the node lets targets reach listed hosts only", SETTINGS_HINT)
    if kind == "public":
        return
    if not (listed or rules.allow_private):
        raise forbidden(host, place, f"If it is meant, list the host or its network: {SETTINGS_HINT}")
    if not private:
        raise forbidden(host, place, 'If it is meant, say "allow_private": true in the target.')


def check_host(rules: Rules, host: str, *, private: bool) -> None:
    """Refuse a host that is plainly not allowed, without asking anybody: for registrations.

    Raises:
        Forbidden: it is a literal address or a name of this machine that targets must not lead to.
    """
    address = literal(host)
    if address is None and (host.lower().rstrip(".") == "localhost" or host.lower().rstrip(".").endswith(".localhost")):
        address = ip_address("127.0.0.1")
    if address is not None:
        check_address(rules, host, address, private=private)
    elif rules.only_allowed and not rules.allow.holds_name(host) and not rules.allow.networks:
        raise forbidden(host, "the node lets targets reach listed hosts only", SETTINGS_HINT)


def forbidden(host: str, why: str, hint: str) -> Forbidden:
    """The refusal of a host."""
    return Forbidden(
        f"The target's host {host} is not allowed: {why}.",
        code="target-forbidden",
        field="target.url",
        value=host,
        rule="a target leads to a public address, or to one that the node's settings and the target allow",
        hint=hint,
    )
