"""The name server: DNS over TCP for every name of the world, as the scenario stands at this moment.

True here: A, AAAA, CNAME, NS and SOA; names that are not in the world do not exist (NXDOMAIN), nor does a
host whose every address lost its name. Time-out, cut-off, noise, SERVFAIL, a lie, aliases in a ring and an answer without
end can be switched on per name, or per name and server.
Not here: a recursive resolver's cache; every answer is fresh.
"""

import asyncio
import struct
from collections.abc import Callable
from datetime import datetime

from dnslib import AAAA, CLASS, CNAME, NS, QTYPE, RCODE, RR, SOA, A, DNSError, DNSRecord

from openhotline.world import places
from openhotline.world.behaviour import Behaviours
from openhotline.world.truth import Truth

TTL = 60
SERVERS = ("ns1.registry.example", "ns2.registry.example")
_FIXED = {
    places.REGISTRY_NAME: places.REGISTRY_ADDRESS,
    places.CANARY_NAME: places.CANARY_ADDRESS,
    SERVERS[0]: places.NAME_SERVER,
    SERVERS[1]: places.NAME_SERVER_2,
    places.WHOIS_ROOT_NAME: places.WHOIS_ROOT,
    places.WHOIS_NAME: places.WHOIS,
    **places.NEWS_SERVERS,
}
_FIXED_6 = {places.CANARY_NAME: places.CANARY_ADDRESS_6}
_LIE, _LIE6 = places.FAR_SHORE.address(99), places.FAR_SHORE.address6(99)
_FIXED_ZONES = {name.partition(".")[2] for name in _FIXED}


class Zones:
    """What the name server knows."""

    def __init__(self, truth: Truth, behaviours: Behaviours, now: Callable[[], datetime]) -> None:
        self.truth, self.behaviours, self.now = truth, behaviours, now

    def literals(self, name: str, at: datetime) -> list[str] | None:
        """The literals a name leads to; None if the name does not exist."""
        if fixed := _FIXED.get(name):
            return [fixed, *filter(None, [_FIXED_6.get(name)])]
        sites = self.truth.hosts.get(self.truth.aliases.get(name, name))
        if sites is None:
            return [] if self._is_zone(name) else None
        found: dict[str, None] = {}
        named = False
        for site in sites.values():
            state = self.truth.state(site, at)
            if state.word != "no-name":
                named = True
                found.update(dict.fromkeys(state.addresses))
        return list(found) if named else None

    def _is_zone(self, name: str) -> bool:
        """True for a name above one that exists, such as example.net: it exists and has no address."""
        return places.is_reserved_name(name) and (name in self.truth.zones or name in _FIXED_ZONES)

    def answer(self, query: DNSRecord, at: datetime, server: str = places.NAME_SERVER) -> DNSRecord:
        """The reply of one name server to a query."""
        reply = query.reply(ra=1, aa=1)
        name = str(query.q.qname).rstrip(".").lower()
        kind = QTYPE.get(query.q.qtype)
        behaviour = self.behaviours.of("dns", f"{name}@{server}", name)
        if behaviour in ("servfail", "nxdomain"):
            reply.header.rcode = RCODE.SERVFAIL if behaviour == "servfail" else RCODE.NXDOMAIN
            return reply
        if behaviour == "loop":
            reply.add_answer(RR(query.q.qname, QTYPE.CNAME, ttl=TTL, rdata=CNAME(f"x.{name}")))
            reply.add_answer(RR(f"x.{name}", QTYPE.CNAME, ttl=TTL, rdata=CNAME(name)))
            return reply
        literals = self.literals(name, at)
        if behaviour == "lie" and literals:
            literals = [_LIE, _LIE6]
        if behaviour == "huge" and kind == "A":
            literals = [places.FAR_SHORE.address(1 + number % 120) for number in range(3000)]
        if query.q.qclass != CLASS.IN or literals is None:
            reply.header.rcode = RCODE.NXDOMAIN
            return reply
        at_name = query.q.qname
        alias = self._alias(name)
        if alias:
            reply.add_answer(RR(at_name, QTYPE.CNAME, ttl=TTL, rdata=CNAME(alias)))
            at_name = alias
        if kind == "A":
            for literal in literals:
                if ":" not in literal:
                    reply.add_answer(RR(at_name, QTYPE.A, ttl=TTL, rdata=A(literal)))
        elif kind == "AAAA":
            for literal in literals:
                if ":" in literal:
                    reply.add_answer(RR(at_name, QTYPE.AAAA, ttl=TTL, rdata=AAAA(literal)))
        elif kind == "NS" and self._is_zone(name):
            for server in SERVERS:
                reply.add_answer(RR(at_name, QTYPE.NS, ttl=TTL, rdata=NS(server)))
        if not reply.rr:
            soa = SOA(SERVERS[0], "hostmaster.registry.example", (int(at.timestamp()), 3600, 600, 86400, TTL))
            reply.add_auth(RR(query.q.qname, QTYPE.SOA, ttl=TTL, rdata=soa))
        return reply

    def _alias(self, name: str) -> str:
        sites = self.truth.hosts.get(name, {})
        return next((site.alias for site in sites.values() if site.alias), "")


class DnsTalk(asyncio.Protocol):
    """One stream of questions (RFC 7766)."""

    def __init__(self, zones: Zones, server: str = places.NAME_SERVER) -> None:
        self.zones, self.server = zones, server
        self.transport: asyncio.Transport | None = None
        self._got = b""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Take the connection over."""
        assert isinstance(transport, asyncio.Transport)
        self.transport = transport

    def data_received(self, data: bytes) -> None:
        """Answer every question that is complete."""
        self._got += data
        while len(self._got) >= 2 and self.transport is not None and not self.transport.is_closing():
            (size,) = struct.unpack_from("!H", self._got)
            if len(self._got) < 2 + size:
                return
            wire, self._got = self._got[2 : 2 + size], self._got[2 + size :]
            self._answer(wire)

    def _answer(self, wire: bytes) -> None:
        assert self.transport is not None
        try:
            query = DNSRecord.parse(wire)
            name = str(query.q.qname).rstrip(".")
        except (DNSError, ValueError, IndexError, UnicodeError):
            self.transport.close()
            return
        behaviour = self.zones.behaviours.of("dns", f"{name}@{self.server}", name)
        if behaviour == "timeout":
            return
        reply = self.zones.answer(query, self.zones.now(), self.server).pack()
        if behaviour == "malformed":
            reply = reply[:2] + b"\xff" * 24
        framed = struct.pack("!H", len(reply)) + reply
        if behaviour == "cut-off":
            self.transport.write(framed[: len(framed) // 2])
            self.transport.close()
            return
        self.transport.write(framed)
