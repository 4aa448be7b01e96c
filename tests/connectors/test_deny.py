"""What the prober may never touch, in every spelling we know, and what it must be able to touch."""

import ipaddress

import can_ada
import pytest
from hypothesis import given
from hypothesis import strategies as st

from openhotline.connectors.probe.config import ProbeConfig
from openhotline.connectors.probe.deny import Denied, reason, vet
from openhotline.connectors.probe.names import literal_of

RANGES_4 = [
    "0.0.0.0/8", "10.0.0.0/8", "100.64.0.0/10", "127.0.0.0/8", "169.254.0.0/16", "172.16.0.0/12",
    "192.0.0.0/24", "192.0.2.0/24", "192.88.99.0/24", "192.168.0.0/16", "198.18.0.0/15",
    "198.51.100.0/24", "203.0.113.0/24", "224.0.0.0/4", "240.0.0.0/4", "255.255.255.255/32",
]  # fmt: skip
RANGES_6 = [
    "::/128", "::1/128", "::/96", "64:ff9b::/96", "64:ff9b:1::/48", "100::/64", "100:0:0:1::/64",
    "2001::/23", "2001::/32", "2001:2::/48", "2001:10::/28", "2001:db8::/32", "2002::/16", "3fff::/20",
    "5f00::/16", "fc00::/7", "fe80::/10", "fec0::/10", "ff00::/8", "::ffff:0:0:0/96", "4000::/3", "8000::/1",
]  # fmt: skip
DOCUMENTATION = ["192.0.2.0/24", "198.51.100.0/24", "203.0.113.0/24", "2001:db8::/32"]


def ends(text: str) -> list[str]:
    """First, last and some addresses between, of one network."""
    network = ipaddress.ip_network(text)
    size = network.num_addresses
    return sorted({str(network[i]) for i in (0, size - 1, size // 2, size // 3, min(1, size - 1))})


def wrapped(address: str) -> list[str]:
    """An IPv4 address in every wrapping that some stack unwraps."""
    packed = ipaddress.IPv4Address(address).packed.hex()
    high, low = packed[:4], packed[4:]
    return [
        f"::ffff:{address}",
        f"::ffff:{high}:{low}",
        f"::{high}:{low}",
        f"::ffff:0:{high}:{low}",
        f"64:ff9b::{high}:{low}",
        f"64:ff9b:1::{high}:{low}",
        f"2002:{high}:{low}::1",
        f"2001:0:5ef5:79fd::{int(high, 16) ^ 0xFFFF:x}:{int(low, 16) ^ 0xFFFF:x}",
        f"2600:1f00::5efe:{high}:{low}",
        f"2600:1f00::200:5efe:{high}:{low}",
    ]


VECTORS = sorted(
    {a for r in RANGES_4 + RANGES_6 for a in ends(r)}
    | {w for r in RANGES_4 for a in ends(r) for w in wrapped(a)}
)
SPELLINGS = [
    "127.1", "127.0.1", "0177.0.0.1", "0x7f.0.0.1", "0x7f.1", "0x7f000001", "2130706433", "017700000001",
    "①②⑦.⓪.⓪.①", "127。0。0。1", "127.0.0.1.", "0", "0.0.0.0", "[::1]", "[::]", "[::ffff:127.0.0.1]",
    "[0:0:0:0:0:ffff:7f00:1]", "[::127.0.0.1]", "[64:ff9b::7f00:1]", "[2002:7f00:1::]", "169.254.169.254",
    "0xA9FEA9FE", "2852039166", "[fd00:ec2::254]", "[fe80::1]", "10.0.0.1", "0xa.1", "012.0.0.1",
    "%31%32%37.0.0.1", "１２７.０.０.１", "100.100.100.200", "192.168.0.1", "[::ffff:a9fe:a9fe]",
]  # fmt: skip


def test_there_are_a_few_hundred_vectors() -> None:
    assert len(VECTORS) > 500


@pytest.mark.parametrize("lift", [False, True])
def test_no_vector_passes(lift: bool) -> None:
    documentation = [ipaddress.ip_network(n) for n in DOCUMENTATION]
    passed = []
    for vector in VECTORS:
        plain, why = reason(vector, lift_documentation=lift)
        ip = ipaddress.ip_address(plain)
        inside = any(n.version == ip.version and ip in n for n in documentation)
        if not why and not (lift and inside):
            passed.append(vector)
    assert passed == []


@pytest.mark.parametrize("host", SPELLINGS)
def test_odd_spellings_of_this_machine_are_denied_after_the_one_parser(host: str) -> None:
    literal = literal_of(can_ada.parse(f"http://{host}/").hostname)
    assert literal, "the parser must see a literal here"
    assert reason(literal, lift_documentation=True)[1]


@pytest.mark.parametrize(
    "text",
    ["127.0.0.01", "0177.0.0.1", "127.1", "fe80::1%eth0", "::1%lo", "localhost", "", " 8.8.8.8", "1.1.1.1\n"],
)
def test_what_can_be_read_in_two_ways_is_no_literal(text: str) -> None:
    assert reason(text, lift_documentation=True)[1]


@pytest.mark.parametrize(
    "address", ["8.8.8.8", "1.1.1.1", "2606:4700::1111", "2a00:1450:4009::200e", "223.255.255.1"]
)
def test_ordinary_addresses_pass(address: str) -> None:
    assert vet([address])[0].literal == address


def test_a_mapped_ordinary_address_is_unwrapped_before_it_is_connected_to() -> None:
    assert vet(["::ffff:8.8.8.8"])[0].literal == "8.8.8.8"


def test_one_bad_answer_among_good_ones_spoils_all() -> None:
    for answers in (
        ["8.8.8.8", "127.0.0.1"],
        ["10.0.0.1", "8.8.8.8"],
        ["8.8.8.8", "::1"],
        ["192.0.2.1", "::1"],
    ):
        with pytest.raises(Denied, match="never connects to"):
            vet(answers, lift_documentation=True)


def test_lifting_lifts_the_documentation_ranges_and_nothing_else() -> None:
    for network in DOCUMENTATION:
        for address in ends(network):
            assert reason(address)[1] == "documentation"
            assert reason(address, lift_documentation=True) == (address, "")
    assert reason("192.0.3.1", lift_documentation=True)[1] == ""
    assert reason("::ffff:192.0.2.7", lift_documentation=True) == ("192.0.2.7", "")
    assert reason("2002:c000:207::1", lift_documentation=True)[1] == "6to4"
    assert reason("3fff::1", lift_documentation=True)[1] == "documentation"


def test_the_houses_own_ranges_are_denied_even_when_lifted() -> None:
    own = ("192.0.2.0/28", "2a00:1450::/32")
    assert reason("192.0.2.9", lift_documentation=True, own_ranges=own)[1]
    assert reason("2a00:1450::1", own_ranges=own)[1]
    assert not reason("192.0.2.16", lift_documentation=True, own_ranges=own)[1]


def test_documentation_is_never_lifted_for_a_direct_exit() -> None:
    with pytest.raises(ValueError, match="never direct"):
        ProbeConfig(vantages={"north": ("direct",)}, lift_documentation=True)


@given(st.integers(0, 2**32 - 1))
def test_every_ipv4_that_python_calls_private_is_denied(number: int) -> None:
    ip = ipaddress.IPv4Address(number)
    if not ip.is_global or ip.is_multicast:
        # The two anycast addresses of 192.0.0.0/24 are global by the registry; we deny them all the same.
        assert reason(str(ip))[1]


@given(st.integers(0, 2**128 - 1))
def test_every_ipv6_outside_global_unicast_is_denied(number: int) -> None:
    ip = ipaddress.IPv6Address(number)
    if ip not in ipaddress.ip_network("2000::/3") and ip.ipv4_mapped is None:
        assert reason(str(ip), lift_documentation=True)[1]
