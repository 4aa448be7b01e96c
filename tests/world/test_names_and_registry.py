"""Names, networks and countries agree with each other, and each server can fail in the ways they do."""

import json
import struct
from datetime import timedelta

import dns.message
import dns.rcode
import maxminddb
import pytest

from openhotline.connectors.rdap import meaning as rdap_meaning
from openhotline.world import atlas
from openhotline.world.places import NETWORKS
from openhotline.world.serve import World
from tests.world.calls import REGISTRY, RESOLVER, ask, exactly, found, get, through

REGISTRY_URL = "http://rdap.registry.example"


def test_names_lead_where_the_scenario_says(world: World) -> None:
    exit_ = world.exit_socket
    assert found(exit_, "img.example.net") == ["192.0.2.68"]
    assert found(exit_, "IMG.Example.NET.") == ["192.0.2.68"]
    assert found(exit_, "up.example.com") == ["192.0.2.80"]
    assert found(exit_, "up.example.com", "CNAME") == ["edge.quaydata.example."]
    assert found(exit_, "edge.quaydata.example") == ["192.0.2.80"]
    assert found(exit_, "six.example.org") == []
    assert found(exit_, "six.example.org", "AAAA") == ["2001:db8:1::61"]
    assert found(exit_, "example.net", "NS") == ["ns1.registry.example.", "ns2.registry.example."]
    assert found(exit_, "canary.example.org") == ["192.0.2.40"]
    assert found(exit_, "canary.example.org", "AAAA") == ["2001:db8:f::40"]
    assert ask(exit_, "nobody.example.net").rcode() == dns.rcode.NXDOMAIN
    assert ask(exit_, "img.example.net", "MX").rcode() == dns.rcode.NOERROR


def test_a_name_that_moves_leads_elsewhere_from_that_moment(world: World) -> None:
    before = found(world.exit_socket, "nomad.example.net")
    world.clock.jump(world.scenario.start + timedelta(hours=2, seconds=-1))
    assert found(world.exit_socket, "nomad.example.net") == before == ["192.0.2.70"]
    world.clock.jump(world.scenario.start + timedelta(hours=2))
    assert found(world.exit_socket, "nomad.example.net") == ["198.51.100.20"]


def test_a_name_can_be_taken_away(world: World) -> None:
    world.script("no-name", address="http://brief.example.org/p/7")
    assert ask(world.exit_socket, "brief.example.org").rcode() == dns.rcode.NXDOMAIN


def test_a_name_server_can_fail_in_every_way(world: World) -> None:
    for word, rcode in (("servfail", dns.rcode.SERVFAIL), ("nxdomain", dns.rcode.NXDOMAIN)):
        world.script("switch", area="dns", key="img.example.net", word=word)
        assert ask(world.exit_socket, "img.example.net").rcode() == rcode
    world.script("switch", area="dns", key="img.example.net", word="cut-off")
    with pytest.raises(EOFError):
        ask(world.exit_socket, "img.example.net")
    world.script("switch", area="dns", key="img.example.net", word="malformed")
    with pytest.raises(dns.exception.DNSException):
        ask(world.exit_socket, "img.example.net")
    world.script("switch", area="dns", key="img.example.net", word="timeout")
    wire = dns.message.make_query("img.example.net", "A").to_wire()
    with through(world.exit_socket, RESOLVER, 53) as sock:
        sock.settimeout(0.3)
        sock.sendall(struct.pack("!H", len(wire)) + wire)
        with pytest.raises(TimeoutError):
            sock.recv(1)
        # The stream lives: another name is answered on it.
        other = dns.message.make_query("up.example.com", "A").to_wire()
        sock.sendall(struct.pack("!H", len(other)) + other)
        (size,) = struct.unpack("!H", exactly(sock, 2))
        assert dns.message.from_wire(exactly(sock, size)).rcode() == dns.rcode.NOERROR
    world.script("switch", area="dns", key="img.example.net", word="normal")
    assert found(world.exit_socket, "img.example.net") == ["192.0.2.68"]


def test_bytes_that_are_no_question_end_the_stream(world: World) -> None:
    with through(world.exit_socket, RESOLVER, 53) as sock:
        sock.sendall(b"\x00\x05hello")
        assert sock.recv(10) == b""


@pytest.mark.parametrize("network", NETWORKS[1:], ids=lambda network: network.key)
def test_the_registry_names_who_holds_each_network_and_how_to_reach_them(
    world: World, network: object
) -> None:
    for address in (network.address(3), network.address6(3)):  # type: ignore[attr-defined]
        page = get(world.exit_socket, f"{REGISTRY_URL}/ip/{address}", REGISTRY)
        assert page.status == 200
        assert page.headers["content-type"] == "application/rdap+json"
        read = rdap_meaning.read(page.body, source="test", at=world.clock.now())
        assert read.ok
        assert (read.operator, read.country) == (network.operator, network.country)  # type: ignore[attr-defined]
        assert read.abuse_mail == network.abuse  # type: ignore[attr-defined]
        assert read.network == (network.prefix6 if ":" in address else network.prefix)  # type: ignore[attr-defined]
        assert read.source_age_s == 0


def test_the_registry_answers_about_domains_and_systems_and_says_no_in_its_own_form(world: World) -> None:
    answer = json.loads(get(world.exit_socket, f"{REGISTRY_URL}/domain/example.net", REGISTRY).body)
    assert answer["ldhName"] == "example.net"
    answer = json.loads(get(world.exit_socket, f"{REGISTRY_URL}/autnum/64501", REGISTRY).body)
    assert answer["startAutnum"] == 64501
    for path in ("ip/203.0.113.200", "domain/nobody.example", "autnum/64499", "help", "ip/rubbish"):
        page = get(world.exit_socket, f"{REGISTRY_URL}/{path}", REGISTRY)
        assert page.status == json.loads(page.body)["errorCode"] in (400, 404)


def test_the_registry_can_fail_for_one_network_only(world: World) -> None:
    url = f"{REGISTRY_URL}/ip/192.0.2.68"
    world.script("switch", area="rdap", key="north-rack", word="malformed")
    assert not rdap_meaning.read(
        get(world.exit_socket, url, REGISTRY).body, source="test", at=world.clock.now()
    ).ok
    world.script("switch", area="rdap", key="north-rack", word="cut-off")
    with pytest.raises(EOFError):
        get(world.exit_socket, url, REGISTRY)
    world.script("switch", area="rdap", key="north-rack", word="error")
    assert get(world.exit_socket, url, REGISTRY).status == 500
    assert get(world.exit_socket, f"{REGISTRY_URL}/ip/192.0.2.80", REGISTRY).status == 200


def test_both_files_know_every_network_and_their_age_and_nothing_else(world: World) -> None:
    files = world.card["mmdb"]
    with (
        maxminddb.open_database(files["origin"]) as origin,
        maxminddb.open_database(files["location"]) as location,
    ):
        built = (world.scenario.start - atlas.AGE).timestamp()
        assert origin.metadata().build_epoch == location.metadata().build_epoch == int(built)
        for network in NETWORKS:
            for address in (network.address(3), network.address6(3)):
                assert origin.get(address) == {
                    "autonomous_system_number": network.asn,
                    "autonomous_system_organization": network.operator,
                    "country": {"iso_code": network.country},
                }
                assert location.get(address) == {"country": {"iso_code": network.country}}
        for address in ("127.0.0.1", "203.0.113.200", "2001:db8:ff::1", "::1"):
            assert origin.get(address) is None
            assert location.get(address) is None
