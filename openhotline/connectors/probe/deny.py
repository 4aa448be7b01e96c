"""Which literal addresses the prober may touch. The table judges the address that is connected to.

True here: everything that the IANA special-purpose registries do not call globally reachable is denied,
and so are multicast, the transition wrappers (6to4, Teredo, NAT64, IPv4-compatible, ISATAP) and the
house's own ranges. IPv4-mapped addresses are unwrapped first and the inner address is what is connected.
There is no loopback switch: `lift_documentation` lifts the four documentation ranges and nothing else, so
that the synthetic internet can be reached through its own exit.

Not here: names (see `names.py`), sockets (see `exits.py`), `ipaddress.is_global`, which calls wrapped
loopback global. Source of the table: IANA IPv4/IPv6 Special-Purpose Address Registries, security.md 3e.
"""

import ipaddress
from collections.abc import Iterable
from dataclasses import dataclass

from openhotline.rules import urls, words

Network = ipaddress.IPv4Network | ipaddress.IPv6Network

DOCUMENTATION: tuple[Network, ...] = tuple(
    ipaddress.ip_network(n) for n in ("192.0.2.0/24", "198.51.100.0/24", "203.0.113.0/24", "2001:db8::/32")
)

_DENIED_4 = tuple(
    (ipaddress.IPv4Network(n), why)
    for n, why in (
        ("0.0.0.0/8", "this network"),
        ("10.0.0.0/8", "private"),
        ("100.64.0.0/10", "shared by carriers"),
        ("127.0.0.0/8", "loopback"),
        ("168.63.129.16/32", "a cloud's inner service"),  # in no registry, but machines there reach it
        ("169.254.0.0/16", "link-local"),
        ("172.16.0.0/12", "private"),
        ("192.0.0.0/24", "protocol assignments"),
        ("192.0.2.0/24", "documentation"),
        ("192.88.99.0/24", "6to4 relay"),
        ("192.168.0.0/16", "private"),
        ("198.18.0.0/15", "benchmarking"),
        ("198.51.100.0/24", "documentation"),
        ("203.0.113.0/24", "documentation"),
        ("224.0.0.0/4", "multicast"),
        ("240.0.0.0/4", "reserved"),
    )
)
_GLOBAL_6 = ipaddress.IPv6Network("2000::/3")  # the only block given out for unicast
_DENIED_6 = tuple(
    (ipaddress.IPv6Network(n), why)
    for n, why in (
        ("2001:db8::/32", "documentation"),
        ("2001::/32", "Teredo"),
        ("2001::/23", "protocol assignments"),
        ("2002::/16", "6to4"),
        ("3fff::/20", "documentation"),
        # Outside 2000::/3 and so denied already; named for the sentence.
        ("::/128", "unspecified"),
        ("::1/128", "loopback"),
        ("::/96", "IPv4-compatible"),
        ("::ffff:0:0:0/96", "IPv4-translated"),
        ("64:ff9b::/96", "NAT64"),
        ("64:ff9b:1::/48", "local NAT64"),
        ("100::/64", "discard"),
        ("100:0:0:1::/64", "dummy prefix"),
        ("5f00::/16", "segment routing"),
        ("fc00::/7", "unique local"),
        ("fe80::/10", "link-local"),
        ("fec0::/10", "site-local"),
        ("ff00::/8", "multicast"),
    )
)
_ISATAP = (0x00005EFE, 0x02005EFE)


ONION = 0  # in place of an IP version


class Denied(Exception):
    """An address was refused before any contact. `sentence` says which and why."""

    def __init__(self, sentence: str) -> None:
        super().__init__(sentence)
        self.sentence = sentence


@dataclass(frozen=True, slots=True)
class Vetted:
    """A literal that passed the table. Only `vet` and `vet_onion` make them; exits connect to nothing else."""

    literal: str  # or the name of an onion service, whose `version` is ONION
    version: int


def reason(
    literal: str, *, lift_documentation: bool = False, own_ranges: Iterable[str] = ()
) -> tuple[str, str]:
    """Judge one literal: (address to connect to, "") if allowed, else (the literal, why it is denied).

    Only the strict spellings are read (no zone ids, no octal, no short forms): what a parser might read
    in two ways is denied.
    """
    try:
        ip: ipaddress.IPv4Address | ipaddress.IPv6Address = ipaddress.ip_address(literal)
    except ValueError:
        return literal, "not a plain IP address"
    if isinstance(ip, ipaddress.IPv6Address):
        if ip.scope_id is not None:
            return literal, "has a zone id"
        if ip.ipv4_mapped is not None:
            ip = ip.ipv4_mapped
    plain = str(ip)
    for text in own_ranges:
        network = ipaddress.ip_network(text)
        if network.version == ip.version and ip in network:
            return plain, "one of the house's own ranges"
    if lift_documentation and any(n.version == ip.version and ip in n for n in DOCUMENTATION):
        return plain, ""
    if isinstance(ip, ipaddress.IPv4Address):
        return plain, next((why for network, why in _DENIED_4 if ip in network), "")
    for network, why in _DENIED_6:
        if ip in network:
            return plain, why
    if ip not in _GLOBAL_6:
        return plain, "not global unicast"
    if (int(ip) >> 32) & 0xFFFFFFFF in _ISATAP:
        return plain, "ISATAP"
    return plain, ""


def vet(
    literals: Iterable[str], *, lift_documentation: bool = False, own_ranges: Iterable[str] = ()
) -> tuple[Vetted, ...]:
    """Judge all answers to one question. Raises `Denied` unless every one of them passes.

    One bad answer among good ones is how a name is turned against its resolver, so it spoils all.
    """
    own = tuple(own_ranges)
    passed = []
    for literal in literals:
        plain, why = reason(literal, lift_documentation=lift_documentation, own_ranges=own)
        if why:
            raise Denied(
                f"The address {literal[:60]} is one the house never connects to ({why}). Nothing was sent."
            )
        passed.append(Vetted(plain, 6 if ":" in plain else 4))
    if not passed:
        raise Denied("There was no address to connect to.")
    return tuple(passed)


def vet_onion(name: str) -> Vetted:
    """The name of an onion service, which is its key and leads to no address. Raises `Denied` unless its check
    digits are right: a name with a wrong letter would be told to every directory and reach nobody.
    """
    read = urls.read(f"http://{name}/")
    if read.kind != words.ONION or not read.ok or read.note:
        raise Denied(f"{read.why or read.note or 'This is no onion name.'} Nothing was sent.")
    return Vetted(name, ONION)
