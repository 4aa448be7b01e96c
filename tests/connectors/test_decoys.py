"""A decoy site and a decoy name server write down all they see of us: nothing that tells who looks, or why.

True here: the bytes as they came over the wire, through a proxy and not, in plain text and in TLS (security.md,
test 18). Not here: the time of day and the exit's own address, which every visitor has.
"""

import asyncio
import contextlib
import getpass
import os
import platform
import re
import secrets
import socket
import ssl
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import dns.message
import pytest

from openhotline.connectors.probe.meaning import CheckJob, TraceJob
from tests.connectors.small_world import SITE, certificate
from tests.connectors.town import Town, moments, town

FLAGS = re.IGNORECASE | re.MULTILINE
TOKEN = "26-04417-K"  # an item's reference, as the house writes it
NOTICE = "N-26-0311-M"
BACK = b"Set-Cookie: sid=decoy-cookie\r\nETag: \"decoy-etag\"\r\nLast-Modified: Mon, 02 Mar 2026 11:00:00 GMT\r\nAccept-CH: Sec-CH-UA-Platform\r\n"  # fmt: skip


def identifiers(folder: Path) -> dict[str, bytes]:
    """What would give us away, by name, as a pattern of the bytes that a request or a question may hold."""
    word = lambda text: re.escape(text.encode())  # noqa: E731
    header = lambda name: rb"^" + name.encode() + rb"\s*:"  # noqa: E731
    return {
        "the product": rb"openhotline",
        "what we are": rb"hotline|prober|takedown|police",
        "this machine": rb"\b" + word(socket.gethostname()) + rb"\b",
        "its user": rb"\b" + word(getpass.getuser()) + rb"[@:/]",
        "its kernel": word(platform.release()),
        "its system": rb"\blinux\b|debian",
        "our language": rb"python|asyncio",
        "our library": rb"curl|pycurl|aiohttp|openssl",
        "our folder": word(str(folder)),
        "our process": rb"pid=|\b" + str(os.getpid()).encode() + rb"\b",
        "an item's reference": word(TOKEN),
        "a notice's number": word(NOTICE),
        "the vantage point": rb"\bnorth\b",
        "the canary": rb"canary",
        "a cookie": header("cookie"),
        "a cookie of theirs": rb"decoy-cookie",
        "a tag of theirs": rb"decoy-etag|^if-none-match",
        "a date of theirs": header("if-modified-since"),
        "a referrer": header("referer"),
        "an origin": header("origin"),
        "a login": header("authorization") + rb"|" + header("proxy-authorization"),
        "a sender": header("from"),
        "do not track": header("dnt"),
        "privacy control": header("sec-gpc"),
        "client hints": rb"^(sec-ch-|device-memory|downlink|rtt|ect|save-data)",
        "a forwarder": rb"^(via|forwarded|x-forwarded-\w+|x-real-ip|client-ip)\s*:",
        "a trace": rb"^(traceparent|tracestate|x-request-id|x-correlation-id|request-id)\s*:",
        "a purpose": rb"^(purpose|sec-purpose|x-purpose|x-moz)\s*:",
        "a header of nobody's": rb"^x-",
        "a keyed body": rb"^(content-type|content-length|expect|te|upgrade)\s*:",
    }


@dataclass
class Decoy:
    """The town, and what it saw."""

    place: Town
    heads: list[bytes]

    @property
    def seen(self) -> bytes:
        """Every request to the site, and every question to the name server in words."""
        questions = [dns.message.from_wire(q).to_text().encode() for q in self.place.world.questions]
        at_site = [h for h in self.heads if b"canary" not in h]
        return b"\n".join([*at_site, *(q for q in questions if b"canary" not in q)])


@pytest.fixture(scope="module")
def decoy() -> Iterator[Decoy]:
    with tempfile.TemporaryDirectory() as name, town(Path(name)) as place:
        heads: list[bytes] = []

        async def site(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            heads.append(await reader.readuntil(b"\r\n\r\n"))
            path = heads[-1].split(b" ")[1]
            first = b"HTTP/1.1 302 Found\r\nLocation: /next\r\n" if path == b"/go" else b"HTTP/1.1 200 OK\r\n"
            writer.write(
                first + BACK + b"Content-Type: text/html\r\nContent-Length: 20\r\n\r\n<title>Decoy</title>"
            )

        place.world.hosts[(SITE, 80)] = site
        yield Decoy(place, heads)


def test_none_of_thirty_identifiers_is_seen(decoy: Decoy) -> None:
    place = decoy.place
    for path in ("go", "a/b.jpg?x=1", "", "go"):
        for _ in range(3):
            job = CheckJob(f"http://site.example.org/{path}", "north", next(moments), allow_path=True)
            assert place.prober.check([job])[0].outcome == "answered"
    place.prober.trace([TraceJob("http://site.example.org/go", "site.example.org", next(moments))])
    known = identifiers(place.folder)
    assert len(known) == 30 and len(decoy.heads) >= 15 and place.world.questions
    assert {name for name, shape in known.items() if re.search(shape, decoy.seen, FLAGS)} == set()


def test_each_identifier_would_be_noticed() -> None:
    folder = Path("/srv/house")
    lines = {
        "the product": "User-Agent: OpenHotline/1", "what we are": "User-Agent: some-prober",
        "this machine": f"X: {socket.gethostname()}", "its user": f"X: {getpass.getuser()}@here",
        "its kernel": platform.release(), "its system": "User-Agent: (X11; Linux)", "our language": "Python/3",
        "our library": "curl/8", "our folder": "/srv/house/x", "our process": "pid=5", "an item's reference": TOKEN,
        "a notice's number": NOTICE, "the vantage point": "north", "the canary": "canary", "a cookie": "Cookie: a=b",
        "a cookie of theirs": "sid=decoy-cookie", "a tag of theirs": "If-None-Match: 1",
        "a date of theirs": "If-Modified-Since: x", "a referrer": "Referer: x", "an origin": "Origin: x",
        "a login": "Authorization: x", "a sender": "From: x", "do not track": "DNT: 1", "privacy control": "Sec-GPC: 1",
        "client hints": "Sec-CH-UA: x", "a forwarder": "X-Forwarded-For: x", "a trace": "traceparent: x",
        "a purpose": "Purpose: prefetch", "a header of nobody's": "X-Any: x", "a keyed body": "Expect: x",
    }  # fmt: skip
    known = identifiers(folder)
    assert set(lines) == set(known)
    for name, text in lines.items():
        assert re.search(known[name], b"GET / HTTP/1.1\n" + text.encode(), FLAGS), name


def test_a_name_server_is_told_the_name_and_no_more(decoy: Decoy) -> None:
    decoy.place.look("http://site.example.org/a?token=1", at=next(moments))
    for wire in decoy.place.world.questions:
        asked = dns.message.from_wire(wire)
        assert len(asked.question) == 1 and not asked.answer and not asked.authority
        assert not any(option.otype in (3, 8, 10, 12) for option in asked.options), (
            "NSID, client subnet, cookie"
        )
        assert asked.question[0].name.to_text().rstrip(".").endswith(("example.org", "example"))


def test_no_token_address_is_visited_before_the_click(decoy: Decoy) -> None:
    place = decoy.place
    before, asked, told = len(decoy.heads), len(place.world.asked), len(place.world.questions)
    addresses = [
        f"http://site.example.org/{secrets.token_urlsafe(32)}?r={secrets.token_hex(16)}" for _ in range(50)
    ]
    at = next(moments)
    jobs = [CheckJob(address, "north", at, allow_path=False) for address in addresses]
    assert {one.outcome for one in place.prober.check(jobs)} == {"blocked"}
    place.prober.trace([TraceJob(one, "site.example.org", at) for one in addresses])
    assert len(decoy.heads) == before
    assert (SITE, 80) not in place.world.asked[asked:] and (SITE, 443) not in place.world.asked[asked:]
    assert place.world.questions[told:], "the name was looked up, and no more"


def test_an_encrypted_server_is_not_told_that_we_were_here_before(decoy: Decoy, tmp_path: Path) -> None:
    """No session is taken up again, no certificate of ours shown; the ClientHello is the same each time."""
    place = decoy.place
    context, _ = certificate(tmp_path, "site.example.org")
    context.verify_mode = ssl.CERT_OPTIONAL
    context.load_verify_locations(tmp_path / "site.example.org.pem")
    resumed: list[object] = []
    hellos: list[bytes] = []

    async def secure(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        incoming, outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
        tls = context.wrap_bio(incoming, outgoing, server_side=True)
        first = True
        got = b""
        while b"\r\n\r\n" not in got:
            data = await reader.read(65536)
            if not data:
                return
            if first:
                hellos.append(data)
                first = False
            incoming.write(data)
            with contextlib.suppress(ssl.SSLWantReadError):
                tls.do_handshake()
                got += tls.read()
            writer.write(outgoing.read())
        resumed.append((tls.session_reused, tls.getpeercert()))
        tls.write(b"HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nContent-Length: 0\r\n\r\n")
        writer.write(outgoing.read())
        await writer.drain()

    place.world.hosts[(SITE, 443)] = secure
    for _ in range(4):
        job = CheckJob("https://site.example.org/", "north", next(moments), allow_path=True)
        facts = place.prober.check([job])[0]
        assert (facts.outcome, facts.status) == ("answered", 200), facts
    assert len(resumed) >= 4 and {one[0] for one in resumed} == {False} and not any(one[1] for one in resumed)  # type: ignore[index]
    assert len({ciphers(hello) for hello in hellos}) == 1


def ciphers(hello: bytes) -> bytes:
    """The cipher suites of a ClientHello, in order."""
    at = 5 + 4 + 2 + 32
    at += 1 + hello[at]
    size = int.from_bytes(hello[at : at + 2], "big")
    return hello[at + 2 : at + 2 + size]


def test_a_recorded_cookie_goes_to_its_own_host_and_is_never_kept(decoy: Decoy) -> None:
    place = decoy.place
    other: list[bytes] = []

    async def elsewhere(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        other.append(await reader.readuntil(b"\r\n\r\n"))
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n")

    async def site(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        decoy.heads.append(await reader.readuntil(b"\r\n\r\n"))
        writer.write(
            b"HTTP/1.1 302 Found\r\nLocation: http://elsewhere.example.org/\r\n"
            + BACK
            + b"Content-Length: 0\r\n\r\n"
        )

    before = place.world.hosts[(SITE, 80)]
    place.world.zones["elsewhere.example.org"] = ["192.0.2.77"]
    place.world.hosts |= {(SITE, 80): site, ("192.0.2.77", 80): elsewhere}
    try:
        job = CheckJob(
            "http://site.example.org/a", "north", next(moments), allow_path=True, cookie="age=18\r\nX: y"
        )
        facts = place.prober.check([job])[0]
        assert facts.path_variant == "cookie" and b"\r\nCookie: age=18X: y\r\n" in decoy.heads[-1]
        assert b"cookie" not in other[-1].lower()
        place.prober.check([replace(job, cookie="", at=next(moments))])
        assert b"cookie" not in decoy.heads[-1].lower()
    finally:
        place.world.hosts[(SITE, 80)] = before
