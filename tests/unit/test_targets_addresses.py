"""Which addresses targets may lead to, however they are spelt, and who decides."""

from __future__ import annotations

from collections.abc import Sequence
from ipaddress import IPv4Address, IPv6Address, ip_address

import pytest
from hypothesis import given
from hypothesis.strategies import ip_addresses

from assetlog.consumers.deliver.addresses import kind_of, literal
from assetlog.consumers.deliver.guard import addresses, check_host, resolve
from assetlog.consumers.deliver.rules import Rules, parse_hosts
from assetlog.schemas.errors import Forbidden, Invalid, Unavailable


@pytest.mark.parametrize(
    ("address", "kind"),
    [
        ("8.8.8.8", "public"),
        ("2606:4700:4700::1111", "public"),
        ("127.0.0.1", "loopback"),
        ("127.8.8.8", "loopback"),
        ("::1", "loopback"),
        ("::ffff:127.0.0.1", "loopback"),
        ("64:ff9b::127.0.0.1", "loopback"),
        ("2002:7f00:1::", "loopback"),
        ("169.254.169.254", "link-local"),
        ("::ffff:169.254.169.254", "link-local"),
        ("fe80::1", "link-local"),
        ("fe80::1%eth0", "link-local"),
        ("10.0.0.1", "private"),
        ("172.16.0.1", "private"),
        ("192.168.1.1", "private"),
        ("100.64.0.1", "private"),
        ("192.0.2.1", "private"),
        ("fd00::1", "private"),
        ("fec0::1", "private"),
        ("2001:db8::1", "private"),
        ("2001:0:7f00:1::", "private"),
        ("0.0.0.0", "unspecified"),
        ("::", "unspecified"),
        ("0.1.2.3", "reserved"),
        ("240.0.0.1", "reserved"),
        ("255.255.255.255", "reserved"),
        ("::127.0.0.1", "reserved"),
        ("224.0.0.1", "multicast"),
        ("ff02::1", "multicast"),
    ],
)
def test_an_address_is_of_one_kind_however_it_is_written(address: str, kind: str) -> None:
    assert kind_of(ip_address(address)) == kind


@given(ip_addresses(v=4))
def test_an_ipv4_address_is_judged_alike_in_every_ipv6_dress(address: IPv4Address) -> None:
    number = int(address)
    for dressed in (0xFFFF << 32 | number, 0x64FF9B << 96 | number, 0x2002 << 112 | number << 80):
        assert kind_of(IPv6Address(dressed)) == kind_of(address)


@pytest.mark.parametrize("host", ["127.0.0.1", "2130706433", "0x7f000001", "017700000001", "127.1", "0x7f.0.0.1"])
def test_old_spellings_of_an_address_are_that_address(host: str) -> None:
    assert literal(host) == ip_address("127.0.0.1")


@pytest.mark.parametrize("host", ["example.com", "1a.example", "", "127.0.0.1.example.com", "münchen.example"])
def test_a_name_is_no_address(host: str) -> None:
    assert literal(host) is None


class Names:
    """A resolver that answers what a test says, and counts."""

    def __init__(self, *answers: Sequence[str]) -> None:
        self.answers = list(answers)
        self.asked = 0

    async def __call__(self, host: str, port: int) -> Sequence[str]:
        self.asked += 1
        return self.answers[min(self.asked, len(self.answers)) - 1]


async def test_a_public_host_gives_its_addresses() -> None:
    found = await addresses(Rules(), "example.com", 443, private=False, resolve=Names(["8.8.8.8", "8.8.4.4"]))
    assert found == ["8.8.8.8", "8.8.4.4"]


@pytest.mark.parametrize("bad", ["127.0.0.1", "169.254.169.254", "10.0.0.1", "0.0.0.0", "::ffff:127.0.0.1", "fe80::1"])
async def test_one_forbidden_address_among_good_ones_refuses_the_host(bad: str) -> None:
    with pytest.raises(Forbidden) as refusal:
        await addresses(Rules(), "sly.example", 80, private=True, resolve=Names(["8.8.8.8", bad]))
    assert (refusal.value.code, refusal.value.value) == ("target-forbidden", "sly.example")
    assert ("No setting" if bad == "0.0.0.0" else "ASSETLOG_TARGETS_ALLOW") in refusal.value.hint


async def test_the_machines_own_resolver_reads_decimal_hosts_and_the_guard_sees_what_it_read() -> None:
    with pytest.raises((Forbidden, Unavailable)):
        await addresses(Rules(), "2130706433", 80, private=True)
    with pytest.raises(Forbidden, match="loopback"):
        await addresses(Rules(), "localhost", 80, private=True)
    assert "127.0.0.1" in await resolve("127.0.0.1", 80)


async def test_a_private_host_needs_the_nodes_leave_and_the_targets() -> None:
    names = Names(["10.1.2.3"])
    listed = Rules(allow=parse_hosts(["hooks.lan"]))
    assert await addresses(listed, "HOOKS.lan.", 80, private=True, resolve=names) == ["10.1.2.3"]
    with pytest.raises(Forbidden, match="private") as refusal:
        await addresses(listed, "hooks.lan", 80, private=False, resolve=names)
    assert "allow_private" in refusal.value.hint
    with pytest.raises(Forbidden, match="private"):
        await addresses(listed, "other.lan", 80, private=True, resolve=names)


@pytest.mark.parametrize("entry", ["10.1.0.0/16", "10.1.2.3", "*.lan", "hooks.lan", "::ffff:10.1.2.3"])
async def test_a_host_is_listed_by_name_ending_address_or_network(entry: str) -> None:
    rules = Rules(allow=parse_hosts([entry]))
    answer = "::ffff:10.1.2.3" if entry.startswith("::") else "10.1.2.3"
    assert await addresses(rules, "hooks.lan", 80, private=True, resolve=Names([answer])) == [str(ip_address(answer))]


async def test_every_private_network_may_be_open_but_never_the_link_local_one() -> None:
    rules = Rules(allow_private=True)
    assert await addresses(rules, "a", 80, private=True, resolve=Names(["127.0.0.1"])) == ["127.0.0.1"]
    for address in ("169.254.169.254", "0.0.0.0", "224.0.0.1"):
        with pytest.raises(Forbidden):
            await addresses(rules, "a", 80, private=True, resolve=Names([address]))
    by_name = Rules(allow=parse_hosts(["a"]))
    with pytest.raises(Forbidden, match="link-local"):
        await addresses(by_name, "a", 80, private=True, resolve=Names(["169.254.169.254"]))
    by_address = Rules(allow=parse_hosts(["169.254.7.0/24"]))
    assert await addresses(by_address, "a", 80, private=True, resolve=Names(["169.254.7.1"])) == ["169.254.7.1"]


async def test_a_node_may_let_targets_reach_listed_hosts_only() -> None:
    rules = Rules(allow=parse_hosts(["good.example"]), only_allowed=True)
    assert await addresses(rules, "good.example", 80, private=False, resolve=Names(["8.8.8.8"])) == ["8.8.8.8"]
    with pytest.raises(Forbidden, match="listed hosts only"):
        await addresses(rules, "bad.example", 80, private=False, resolve=Names(["8.8.8.8"]))
    with pytest.raises(Forbidden, match="listed hosts only"):
        check_host(rules, "bad.example", private=False)


async def test_a_host_that_nobody_knows_is_a_failed_attempt() -> None:
    async def nobody(host: str, port: int) -> Sequence[str]:
        raise OSError("Name or service not known")

    with pytest.raises(Unavailable, match=r"nowhere\.example"):
        await addresses(Rules(), "nowhere.example", 80, private=False, resolve=nobody)
    with pytest.raises(Unavailable, match="no address"):
        await addresses(Rules(), "nowhere.example", 80, private=False, resolve=Names([]))


@pytest.mark.parametrize("host", ["localhost", "LOCALHOST.", "a.localhost", "127.0.0.1", "[::1]", "0x7f.1", "10.0.0.1"])
def test_a_plainly_private_host_is_refused_without_asking_anybody(host: str) -> None:
    with pytest.raises(Forbidden):
        check_host(Rules(), host, private=True)
    check_host(Rules(allow_private=True), host, private=True)
    check_host(Rules(), "example.com", private=False)


@pytest.mark.parametrize("entry", ["https://a.example", "a.example:443", "10.1.2.3/16", "*", "a*.example", "", "a/b"])
def test_an_entry_that_is_no_host_is_refused(entry: str) -> None:
    with pytest.raises(Invalid) as refusal:
        parse_hosts([entry])
    assert refusal.value.code == "invalid-host"
