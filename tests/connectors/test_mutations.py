"""Answers damaged in every way that comes to hand: nothing falls over, what came is kept, a sentence says what failed,
and no country is agreed on because of it.

500 seeded mutations of each kind in an ordinary run, 20,000 in a release run; the seed is the number, so any one
can be made again.
"""

import asyncio
import ipaddress
import json
import random
import re
import socket
import ssl
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import dns.message
import pytest

from openhotline.connectors.dns import meaning as dns_meaning
from openhotline.connectors.rdap import meaning as rdap_meaning
from openhotline.connectors.tls import client as tls_client
from openhotline.connectors.tls import meaning as tls_meaning
from openhotline.connectors.whois import meaning as whois_meaning
from openhotline.policy import trace_weights
from openhotline.rules import methods
from openhotline.rules.facts import MethodAnswer, TraceFacts
from openhotline.rules.trace_vote import vote
from openhotline.world import places
from openhotline.world import rdap as world_rdap
from openhotline.world.behaviour import Behaviours
from openhotline.world.tls import Certificates
from openhotline.world.whois import _text as whois_text

NOON = datetime(2026, 3, 2, 12, tzinfo=UTC)
ORDINARY, RELEASE = 500, 20_000
HOMES = (places.NORTH_RACK, places.QUAY_DATA, places.SLOW_HOSTING, places.MUTE_HOSTING, places.BULK_RACK)
WEIGHTS = trace_weights()
MAIL = re.compile(r"[^@\s]{1,64}@[^@\s]{3,253}")

sizes = pytest.mark.parametrize(
    "count", [ORDINARY, pytest.param(RELEASE, marks=[pytest.mark.release, pytest.mark.once])]
)


def damaged(originals: list[bytes], count: int) -> Iterator[tuple[int, bytes]]:
    """(seed, damaged bytes): flips, cuts, insertions, repetitions and splices of the originals."""
    for seed in range(count):
        chance = random.Random(seed)
        body = bytearray(chance.choice(originals))
        for _ in range(chance.choice((1, 1, 2, 3, 8, 40))):
            at = chance.randrange(len(body)) if body else 0
            end = min(len(body), at + chance.choice((1, 2, 5, 20, 200)))
            how = chance.randrange(8)
            if how == 0 and body:
                body[at] ^= 1 << chance.randrange(8)
            elif how == 1 and body:
                body[at] = chance.choice(b'\x00\xff\xc0"{}[]\\:,%#\r\n \x7f0')
            elif how == 2:
                body[at:at] = chance.randbytes(chance.choice((1, 3, 30)))
            elif how == 3:
                del body[at:end]
            elif how == 4:
                del body[at:]
            elif how == 5:
                body[at:at] = body[at:end] * chance.choice((1, 2, 50))
            elif how == 6:
                other = chance.choice(originals)
                body[at:] = other[chance.randrange(len(other)) :]
            elif body:
                body[at:end] = bytes(reversed(body[at:end]))
        yield seed, bytes(body)


def sound(answer: MethodAnswer, raw: str, seed: int) -> None:
    """What must hold of any answer."""
    assert answer.raw == raw, f"seed {seed}: what came is not kept"
    if not answer.ok:
        assert answer.why.endswith(".") and len(answer.why) > 10, f"seed {seed}: no sentence"
        assert not (answer.country or answer.addresses or answer.abuse_mail), seed
        return
    assert re.fullmatch(r"[A-Z]{2}|", answer.country), seed
    for literal in answer.addresses:
        ipaddress.ip_address(literal)
    assert all(MAIL.fullmatch(mail) for mail in answer.abuse_mail), seed
    shown = (answer.answer, answer.operator, answer.why, answer.licence, *answer.names)
    assert all(text.isprintable() and len(text) < 3000 for text in shown), seed
    assert 0 <= answer.asn < 2**32, seed


def moves_nothing(answer: MethodAnswer, seed: int) -> None:
    """Beside sound answers of the other methods, a damaged one leads to no other country."""
    rest = (
        MethodAnswer(methods.DNS, True, addresses=("192.0.2.68",)),
        MethodAnswer(methods.RDAP_AS, True, country="GB", asn=64500, operator="North Rack"),
        MethodAnswer(methods.ORIGIN_NETWORK, True, country="GB", asn=64500, operator="North Rack"),
        MethodAnswer(methods.LOCATION, True, country="GB"),
    )
    found = vote(
        TraceFacts("http://x.example/", "x.example", NOON, (*rest, answer)),
        rules_version="test",
        weights=WEIGHTS,
    )
    assert found.verdict != "agreed" or found.country == "GB", f"seed {seed}: {found}"


def raw_text(body: bytes, most: int) -> str:
    return body[:most].decode("utf-8", "backslashreplace")


@sizes
def test_rdap(count: int) -> None:
    originals = [
        json.dumps(world_rdap.ip_network(home, asked, NOON)).encode()
        for home in HOMES
        for asked in (home.address(3), home.address6(3))
    ]
    originals += [json.dumps(world_rdap.autnum(HOMES[0], NOON)).encode()]
    originals += [json.dumps(world_rdap.domain("example.net", NOON)).encode()]
    kinds = (
        (rdap_meaning.METHOD, HOMES[0].address(3)),
        (rdap_meaning.SYSTEM, "64500"),
        (rdap_meaning.DOMAIN, ""),
    )
    for seed, body in damaged(originals, count):
        method, asked = kinds[seed % 4 % 3]
        answer = rdap_meaning.read(body, source="test", at=NOON, method=method, asked=asked)
        sound(answer, raw_text(body, rdap_meaning.MAX_BYTES), seed)
        moves_nothing(answer, seed)


@sizes
def test_whois(count: int) -> None:
    originals = [whois_text(home, home.address(3), home.country).encode() for home in HOMES]
    originals += [whois_text(home, home.address6(3), home.country).encode() for home in HOMES]
    for seed, body in damaged(originals, count):
        whois_meaning.refers_to(body)
        answer = whois_meaning.read(body, source="test", at=NOON, asked=HOMES[0].address(3))
        sound(answer, raw_text(body, whois_meaning.MAX_BYTES), seed)
        moves_nothing(answer, seed)


def dns_wires() -> list[bytes]:
    def reply(*lines: str, kind: str) -> bytes:
        text = f"id 1\nopcode QUERY\nrcode NOERROR\nflags QR RD RA\n;QUESTION\nx.example.org. IN {kind}\n;ANSWER\n"
        return dns.message.from_text(text + "\n".join(lines)).to_wire()

    return [
        reply("x.example.org. 60 IN A 192.0.2.68", kind="A"),
        reply("x.example.org. 60 IN CNAME c.example.net.", "c.example.net. 60 IN A 192.0.2.68", kind="A"),
        reply("x.example.org. 60 IN AAAA 2001:db8:1::61", kind="AAAA"),
        reply(
            "x.example.org. 60 IN NS ns1.example.org.", "x.example.org. 60 IN NS ns2.example.org.", kind="NS"
        ),
        reply(*(f"x.example.org. 60 IN A 192.0.2.{n}" for n in range(64, 78)), kind="A"),
    ]


@sizes
def test_dns(count: int) -> None:
    kinds = ("A", "A", "AAAA", "NS")
    for seed, wire in damaged(dns_wires(), count):
        answer = dns_meaning.read(wire, "x.example.org", kinds[seed % 4])
        if not answer.ok:
            assert answer.why.endswith("."), seed
            assert not answer.addresses, seed
        assert answer.raw.endswith(wire[: dns_meaning.MAX_WIRE].hex()), f"seed {seed}: what came is not kept"
        for literal in answer.addresses:
            ipaddress.ip_address(literal)
        assert (
            len(answer.addresses) <= dns_meaning.MAX_ADDRESSES
            and len(answer.aliases) <= dns_meaning.MAX_ALIASES
        )


@pytest.fixture(scope="module")
def certificates() -> Certificates:
    return Certificates(Behaviours(), lambda: NOON, lambda host, literal: True)


def der_of(certificates: Certificates, word: str) -> bytes:
    pem = certificates.pem("x.example.org", word).decode()
    return ssl.PEM_cert_to_DER_cert(pem[: pem.index("-----END CERTIFICATE-----") + 26])


@sizes
def test_certificates(certificates: Certificates, count: int) -> None:
    originals = [der_of(certificates, word) for word in ("normal", "self-signed", "expired", "other-name")]
    for seed, der in damaged(originals, count):
        answer = tls_meaning.read(der, host="x.example.org", source="test", at=NOON)
        sound(answer, ssl.DER_cert_to_PEM_cert(der[: tls_meaning.MAX_BYTES]), seed)
        moves_nothing(answer, seed)


@sizes
def test_handshakes(certificates: Certificates, count: int) -> None:
    using = tls_client.context()
    originals = [flight(certificates, using)]

    async def all_of_them() -> None:
        for seed, body in damaged(originals, count):
            ours, theirs = socket.socketpair()
            with theirs:
                for end in (ours, theirs):
                    end.setblocking(False)
                theirs.send(body[:100_000])
                theirs.shutdown(socket.SHUT_WR)
                answer = await tls_client.certificate(
                    "x.example.org", over=ours, using=using, source="test", at=NOON, timeout_s=20
                )
            # The server's half never fits a handshake it was not made for: it fails, in words, and is kept.
            assert not answer.ok and answer.why.endswith("."), seed
            assert answer.raw == body[: len(answer.raw) // 2].hex(), seed
            assert answer.raw or not body, seed
            moves_nothing(answer, seed)

    asyncio.run(all_of_them())


def flight(certificates: Certificates, using: ssl.SSLContext) -> bytes:
    """What a server sends in its first flight."""
    context = certificates.context("192.0.2.68", [])
    to_server, from_server = ssl.MemoryBIO(), ssl.MemoryBIO()
    to_client, from_client = ssl.MemoryBIO(), ssl.MemoryBIO()
    client = using.wrap_bio(to_client, from_client, server_hostname="x.example.org")
    server = context.wrap_bio(to_server, from_server, server_side=True)
    steps: tuple[Callable[[], None], ...] = (client.do_handshake, server.do_handshake)
    for step, out, into in zip(steps, (from_client, from_server), (to_server, to_client), strict=True):
        with pytest.raises(ssl.SSLWantReadError):
            step()
        data = out.read()
        into.write(data)
    return data


def test_a_certificate_that_is_expired_or_of_another_or_its_own_says_so(certificates: Certificates) -> None:
    def read(word: str, at: datetime = NOON) -> MethodAnswer:
        return tls_meaning.read(der_of(certificates, word), host="x.example.org", source="test", at=at)

    plain = read("normal")
    assert plain.ok and plain.why == "" and plain.names == ("x.example.org", "www.x.example.org")
    assert "World Certificates" in plain.answer and plain.country == ""
    assert "expired on" in read("expired").why
    assert "itself" in read("self-signed").why
    assert "None of its names" in read("other-name").why
    assert "not valid before" in read("normal", NOON - timedelta(days=99)).why
    assert len(read("huge").names) == tls_meaning.MAX_NAMES or not read("huge").ok


def test_the_damage_is_the_same_every_time(tmp_path: Path) -> None:
    assert list(damaged([b"abcdef"], 20)) == list(damaged([b"abcdef"], 20))
