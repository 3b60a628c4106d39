"""What kind of place an IP address is: whether a node may connect there for somebody else."""

from __future__ import annotations

import socket
from ipaddress import IPv4Address, IPv6Address, ip_address, ip_network
from typing import Final, Literal

Address = IPv4Address | IPv6Address
Kind = Literal["public", "private", "loopback", "link-local", "multicast", "unspecified", "reserved"]

NEVER: Final = frozenset({"multicast", "unspecified", "reserved"})
"""No setting opens these: nothing that answers is there."""
_NAT64: Final = ip_network("64:ff9b::/96")


def kind_of(address: Address) -> Kind:
    """The kind of an address; one that carries an IPv4 address inside is what that one is.

    >>> kind_of(ip_address("169.254.169.254")), kind_of(ip_address("::ffff:127.0.0.1"))
    ('link-local', 'loopback')
    """
    address = inner(address)
    if address.is_unspecified:
        return "unspecified"
    if address.is_loopback:
        return "loopback"
    if address.is_link_local:
        return "link-local"
    if address.is_multicast:
        return "multicast"
    if address.is_reserved or (isinstance(address, IPv4Address) and address.packed[0] == 0):
        return "reserved"
    # not `is_private`: networks that carriers share are neither private nor global
    site_local = isinstance(address, IPv6Address) and address.is_site_local
    return "private" if site_local or not address.is_global else "public"


def inner(address: Address) -> Address:
    """The IPv4 address that an IPv6 address leads to (mapped, 6to4, NAT64); itself if it is no such thing.

    >>> inner(ip_address("64:ff9b::10.0.0.1"))
    IPv4Address('10.0.0.1')
    """
    if isinstance(address, IPv4Address):
        return address
    if address in _NAT64:
        return IPv4Address(address.packed[-4:])
    return address.ipv4_mapped or address.sixtofour or address


def literal(host: str) -> Address | None:
    """The address a host is written as, also the way old resolvers read it; None for a name.

    >>> literal("2130706433"), literal("0x7f.1"), literal("[::1]"), literal("example.com")
    (IPv4Address('127.0.0.1'), IPv4Address('127.0.0.1'), IPv6Address('::1'), None)
    """
    host = host.removeprefix("[").removesuffix("]")
    try:
        return ip_address(host)
    except ValueError:
        pass
    try:
        return IPv4Address(socket.inet_aton(host)) if host[:1].isdigit() else None
    except (OSError, UnicodeEncodeError):
        return None
