"""What a node's operator allows targets: which hosts they may lead to, and which secrets they may name."""

from __future__ import annotations

import os
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from ipaddress import IPv4Network, IPv6Network, ip_network
from typing import Final

from assetlog.consumers.deliver.addresses import Address, inner
from assetlog.schemas.errors import Invalid

SECRETS: Final = ("ASSETLOG_SECRET_*", "/run/secrets/assetlog/*")
"""Environment variables and files that targets may name unless the operator says otherwise."""

_NAME = re.compile(r"(\*\.)?[A-Za-z0-9_]([A-Za-z0-9_.-]{0,252})")


@dataclass(frozen=True, slots=True)
class Hosts:
    """Hosts by name, by ending (`*.example.com`), by address or network. Made by `parse_hosts`."""

    names: frozenset[str] = frozenset()
    endings: tuple[str, ...] = ()
    networks: tuple[IPv4Network | IPv6Network, ...] = ()

    def holds_name(self, host: str) -> bool:
        """Whether a host is listed by its name."""
        host = host.lower().rstrip(".")
        return host in self.names or host.endswith(self.endings)

    def holds_address(self, address: Address) -> bool:
        """Whether an address is in one of the networks."""
        return any(address in network or inner(address) in network for network in self.networks)


@dataclass(frozen=True, slots=True)
class Rules:
    """What a node lets targets do.

    Args:
        allow: hosts that may be in a private network.
        allow_private: whether every private network is open, loopback included.
        only_allowed: whether no other hosts than those of `allow` may be reached, public ones neither.
        secrets: patterns of environment variables and of absolute paths that targets may name.
        environment: where `env:NAME` is looked up.
    """

    allow: Hosts = Hosts()
    allow_private: bool = False
    only_allowed: bool = False
    secrets: tuple[str, ...] = SECRETS
    environment: Mapping[str, str] = field(default_factory=dict, repr=False)

    def allows_secret(self, name: str) -> bool:
        """Whether a target may name an environment variable, or a file by its absolute path.

        >>> Rules().allows_secret("ASSETLOG_SECRET_HOOK"), Rules().allows_secret("AWS_SECRET_ACCESS_KEY")
        (True, False)
        """
        return any(fnmatchcase(name, pattern) for pattern in self.secrets) or any(
            # a path comes without links, and its pattern may lie behind one
            fnmatchcase(name, os.path.realpath(pattern))
            for pattern in self.secrets
            if pattern.startswith("/")
        )


def parse_hosts(entries: Iterable[str]) -> Hosts:
    """The hosts of a list of names, `*.endings`, addresses and networks.

    Raises:
        Invalid: an entry is none of these.

    >>> hosts = parse_hosts(["airflow.lan", "*.svc", "10.0.0.0/8", "::1"])
    >>> hosts.holds_name("a.svc"), hosts.holds_name("svc"), len(hosts.networks)
    (True, False, 2)
    """
    names, endings, networks = set(), [], []
    for entry in entries:
        try:
            networks.append(ip_network(entry))
            continue
        except ValueError:
            pass
        if not _NAME.fullmatch(entry):
            raise _invalid(entry)
        if entry.startswith("*."):
            endings.append(entry[1:].lower())
        else:
            names.add(entry.lower().rstrip("."))
    return Hosts(frozenset(names), tuple(endings), tuple(networks))


def _invalid(entry: str) -> Invalid:
    return Invalid(
        f"{entry!r} names no host and no network.",
        code="invalid-host",
        field="targets_allow",
        value=entry,
        rule="a host is a name, an ending such as *.example.com, an address, or a network such as 10.1.0.0/16",
        hint="A network's address ends in zeros: 10.1.0.0/16, not 10.1.2.3/16. Leave ports and schemes out.",
    )
