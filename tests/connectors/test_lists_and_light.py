"""Proxies by their lists, countries by the speed of light, datagrams by their letters, settings by their words."""

import asyncio
import socket
import threading
from dataclasses import replace
from pathlib import Path

import dns.flags
import dns.message
import dns.rrset
import pytest

from openhotline.connectors.dns import client as dns_client
from openhotline.connectors.probe.config import ProbeConfig, Resolver
from openhotline.connectors.probe.exits import Exits
from openhotline.connectors.proxy import meaning as proxy
from openhotline.connectors.roundtrip import meaning as roundtrip
from openhotline.jobs import exits
from openhotline.policy import proxies as proxy_lists
from openhotline.rules.facts import MethodAnswer

LONDON, EDINBURGH = (51.51, -0.13), (55.95, -3.19)
EXTENTS = proxy_lists.extents()


# Light


def test_every_capital_stands_inside_its_country() -> None:
    capitals = {
        "GB": LONDON, "NL": (52.37, 4.9), "DE": (52.52, 13.4), "US": (38.9, -77.04), "FR": (48.86, 2.35),
        "JP": (35.68, 139.69), "BR": (-15.78, -47.93), "ZA": (-25.75, 28.19), "NZ": (-41.29, 174.78),
        "RU": (55.75, 37.62), "FJ": (-18.14, 178.44), "IS": (64.15, -21.94), "CL": (-33.45, -70.67),
        "MT": (35.9, 14.51), "SG": (1.35, 103.82), "CA": (45.42, -75.7),
    }  # fmt: skip
    for code, place in capitals.items():
        # Measured on the spot, in no time, its own country is never ruled out; many others are.
        gone, _ = roundtrip.ruled_out(0.0001, place, EXTENTS)
        assert code not in gone and len(gone) > 200, (code, len(gone))


def test_what_light_can_reach_is_never_ruled_out() -> None:
    for code, circles in EXTENTS.items():
        for lat, lon, _ in circles:
            there = roundtrip.distance_km(LONDON, (lat, lon))
            gone, _ = roundtrip.ruled_out(2 * there / roundtrip.FIBRE_KM_S, LONDON, EXTENTS)
            assert code not in gone, code


def test_a_quick_answer_rules_out_the_other_side_of_the_world() -> None:
    gone, _ = roundtrip.ruled_out(0.010, EDINBURGH, EXTENTS)  # ten milliseconds: about 1,020 km
    assert {"NZ", "AU", "JP", "BR", "ZA", "RO"} <= set(gone)
    assert not {"GB", "IE", "NL", "FR", "NO"} & set(gone)
    assert "RU" in gone or "RU" in EXTENTS
    assert roundtrip.ruled_out(1.0, EDINBURGH, EXTENTS) == ((), ())


def test_what_only_a_very_straight_path_reaches_is_unlikely_and_a_slow_answer_leans_nowhere() -> None:
    gone, unlikely = roundtrip.ruled_out(
        0.030, LONDON, EXTENTS
    )  # 3,110 km by light in glass, 2,550 by nearly any path
    assert "US" in gone and {"EG", "GE", "ML"} <= set(unlikely)
    assert not {"GB", "NL", "FI", "GR"} & {*gone, *unlikely}


def test_a_country_is_in_reach_only_where_one_part_of_it_is_in_reach_of_all() -> None:
    """The Netherlands and France are near London, and in the Caribbean; no one place of theirs is near both."""
    places = {"north": LONDON, "island": (12.15, -68.27), "south": EDINBURGH}

    def trip(vantage: str, seconds: float) -> MethodAnswer:
        return roundtrip.answer(
            [seconds], vantage=vantage, place=places[vantage], extents=EXTENTS, literal="192.0.2.7", port=443,
            through_exit=True,
        )  # fmt: skip

    near = [trip("north", 0.008), trip("island", 0.008)]
    assert not any("NL" in one.impossible for one in near)
    joint = roundtrip.together(near, places, EXTENTS)
    assert joint is not None and joint.impossible == ("FR", "NL")
    assert joint.raw == "8.000 ms from north\n8.000 ms from island"
    # One trip has nothing to be laid over; a slow one narrows nothing; what one trip rules out is not said again.
    assert roundtrip.together(near[:1], places, EXTENTS) is None
    assert roundtrip.together([near[0], trip("island", 1.0)], places, EXTENTS) is None
    assert roundtrip.together([near[0], trip("south", 0.008)], places, EXTENTS) is None
    assert roundtrip.together(near, {"north": LONDON}, EXTENTS) is None
    assert roundtrip.together([replace(near[0], ok=False), near[1]], places, EXTENTS) is None
    assert roundtrip.together(near, places, {**EXTENTS, "XX": ()}) == joint  # nobody knows where that is


def test_what_light_can_reach_from_everywhere_is_never_ruled_out_together() -> None:
    places = {"a": LONDON, "b": (35.68, 139.69), "c": (-33.92, 18.42)}
    for code, circles in EXTENTS.items():
        lat, lon, _ = circles[-1]
        trips = [
            roundtrip.answer(
                [2 * roundtrip.distance_km(place, (lat, lon)) / roundtrip.FIBRE_KM_S], vantage=name, place=place,
                extents=EXTENTS, literal="192.0.2.7", port=443, through_exit=False,
            )
            for name, place in places.items()
        ]  # fmt: skip
        joint = roundtrip.together(trips, places, EXTENTS)
        assert joint is None or code not in joint.impossible, code


# Proxies


def test_the_longest_range_names_the_proxy_and_headers_count_by_themselves() -> None:
    lists = proxy.Lists.of(
        [("192.0.2.0/24", "Wide"), ("192.0.2.128/25", "Near"), ("2001:db8:e::/48", "Six")],
        proxy_lists.proxies().signs,
        "v1",
    )
    assert proxy.look(["192.0.2.200"], (), lists=lists, asked_headers=False).names == ("Near",)
    assert proxy.look(["2001:db8:e::1"], (), lists=lists, asked_headers=False).network == "2001:db8:e::/48"
    none = proxy.look(["198.51.100.1"], (("Server", "nginx"),), lists=lists, asked_headers=True)
    assert none.ok and not none.layer and "proves nothing" in none.why
    for header, name in (
        (("CF-RAY", "1"), "Cloudflare"),
        (("X-Served-By", "cache-lhr1-LHR"), "Fastly"),
        (("Via", "1.1 abc.cloudfront.net (CloudFront)"), "Amazon CloudFront"),
        (("Server", "AkamaiGHost"), "Akamai"),
    ):
        found = proxy.look(["198.51.100.1"], (header,), lists=lists, asked_headers=True)
        assert (found.layer, found.names) == ("edge", (name,)) and found.country == ""
    assert not proxy.look(["192.0.2.1"], (), lists=proxy.Lists(), asked_headers=False).ok


def test_an_operators_list_is_read_or_refused_in_a_sentence(tmp_path: Path) -> None:
    own = tmp_path / "own.toml"
    own.write_text('version = "mine"\n[[range]]\nprefix = "192.0.2.0/24"\nname = "Mine"\n')
    read = proxy_lists.proxies(own)
    assert read.ranges == (("192.0.2.0/24", "Mine"),) and read.version.endswith("and mine")
    for text in (
        'version = "x"\n[[range]]\nprefix = "192.0.2.1/24"\nname = "x"',
        "[[range]]",
        "\x00",
        "range = 7",
    ):
        own.write_text(text)
        with pytest.raises(ValueError, match=r"own\.toml is not a list of proxies"):
            proxy_lists.proxies(own)


# Datagrams


class UdpServer:
    """A name server on loopback that speaks in datagrams, and streams when it must."""

    def __init__(self, *, cut: bool = False) -> None:
        self.cut, self.asked = cut, []
        self.udp = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.udp.bind(("127.0.0.1", 0))
        self.port = self.udp.getsockname()[1]
        self.thread = threading.Thread(target=self.serve, daemon=True)
        self.thread.start()

    def serve(self) -> None:
        while True:
            try:
                wire, peer = self.udp.recvfrom(4096)
            except OSError:
                return
            if wire == b"stop":
                return
            query = dns.message.from_wire(wire)
            self.asked.append((query.question[0].name.to_text(), peer[1]))
            reply = dns.message.make_response(query)
            if self.cut:
                reply.flags |= dns.flags.TC
            else:
                reply.answer.append(dns.rrset.from_text(query.question[0].name, 60, "IN", "A", "192.0.2.7"))
            self.udp.sendto(reply.to_wire(), peer)

    def stop(self) -> None:
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as bell:
            bell.sendto(b"stop", ("127.0.0.1", self.port))
        self.thread.join(5)
        self.udp.close()


def ask(server: UdpServer) -> tuple[list[dns_client.DnsAnswer], list[int]]:
    resolver = Resolver("127.0.0.1", server.port, "udp")
    ways = Exits(ProbeConfig(vantages={"direct": ("direct",)}, resolvers=(resolver,)))

    async def both() -> tuple[list[dns_client.DnsAnswer], list[int]]:
        return await dns_client.ask_datagrams(
            [("site.example.org", "A"), ("a-long-name.example.org", "A")],
            exchange=lambda wire: ways.exchange("direct", resolver, wire),
            timeout_s=10,
        )

    return asyncio.run(both())


def test_each_datagram_leaves_from_its_own_port_in_letters_of_its_own() -> None:
    server = UdpServer()
    try:
        rounds = [ask(server) for _ in range(4)]
    finally:
        server.stop()
    assert all(answer.addresses == ("192.0.2.7",) for answers, _ in rounds for answer in answers)
    assert all(short == [] for _, short in rounds)
    assert len({port for _, port in server.asked}) > 4
    assert len({name for name, _ in server.asked}) > 2, "the letters are mixed anew each time"


def test_what_is_cut_short_wants_a_stream() -> None:
    server = UdpServer(cut=True)
    try:
        _, short = ask(server)
    finally:
        server.stop()
    assert short == [0, 1]


def test_an_answer_that_does_not_repeat_the_letters_is_not_believed() -> None:
    async def forged(wire: bytes) -> bytes:
        reply = dns.message.make_response(dns.message.from_wire(wire))
        reply.answer.append(dns.rrset.from_text("site.example.org.", 60, "IN", "A", "192.0.2.66"))
        sent = reply.to_wire()
        return sent[:12] + sent[12:30].swapcase() + sent[30:]

    answers, _ = asyncio.run(
        dns_client.ask_datagrams([("site.example.org", "A")], exchange=forged, timeout_s=5)
    )
    assert not answers[0].ok and "forged" in answers[0].why and answers[0].addresses == ()


# The environment


def test_resolvers_places_and_files_are_read_as_written() -> None:
    written = "192.0.2.53, [2001:db8::53]:5353, tls://192.0.2.54#dns.example, udp://192.0.2.55:53"
    assert exits.resolvers(written) == (
        Resolver("192.0.2.53", 53, "tcp", ""),
        Resolver("2001:db8::53", 5353, "tcp", ""),
        Resolver("192.0.2.54", 853, "tls", "dns.example"),
        Resolver("192.0.2.55", 53, "udp", ""),
    )
    assert exits.places("direct=51.5,-0.1; north=55.9,-3.2") == {
        "direct": (51.5, -0.1),
        "north": (55.9, -3.2),
    }
    for wrong in ("direct", "direct=91,0", "direct=a,b", "direct=1"):
        with pytest.raises(ValueError, match="latitude"):
            exits.places(wrong)
    files = exits.mmdb_files("origin=/a.mmdb|CC BY 4.0:/b-country.mmdb|CC BY-SA 4.0, Somebody:/c-asn.mmdb")
    assert [(f.path, f.kind, f.licence) for f in files] == [
        ("/a.mmdb", "origin", "CC BY 4.0"),
        ("/b-country.mmdb", "location", "CC BY-SA 4.0, Somebody"),
        ("/c-asn.mmdb", "origin", ""),
    ]
