"""The ways out themselves: direct connections, encrypted servers, and a socket libcurl cannot choose."""

import asyncio
import contextlib
import datetime
import errno
import socket
import ssl
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

from openhotline.connectors.probe.check import Checker
from openhotline.connectors.probe.config import Limits, ProbeConfig
from openhotline.connectors.probe.deny import ONION, Vetted
from openhotline.connectors.probe.exits import Exits, NoWay
from openhotline.connectors.probe.fetch import Fetcher
from openhotline.connectors.probe.meaning import CheckJob
from openhotline.connectors.probe.names import Names, Resolved
from openhotline.connectors.probe.walk import Walker
from openhotline.world import onions

NOON = datetime.datetime(2026, 3, 2, 12, tzinfo=datetime.UTC)
DIRECT = ProbeConfig(vantages={"north": ("direct",)}, limits=Limits(connect_s=1, total_s=2))
HERE = Vetted("127.0.0.1", 4)  # made by hand: `vet` would never


async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    with contextlib.suppress(OSError, asyncio.IncompleteReadError):
        await reader.readuntil(b"\r\n\r\n")
        writer.write(
            b"HTTP/1.1 200 OK\r\nContent-Type: text/html\r\nContent-Length: 18\r\n\r\n<title>Hi</title>."
        )
        await writer.drain()
    writer.close()
    with contextlib.suppress(OSError):
        await writer.wait_closed()


def certificate(folder: Path) -> ssl.SSLContext:
    """A server's context with a certificate nobody vouches for."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "site.example.org")])
    now = datetime.datetime.now(datetime.UTC)
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(now - datetime.timedelta(days=1))
        .not_valid_after(now + datetime.timedelta(days=1))
        .sign(key, hashes.SHA256())
    )
    pem = serialization.Encoding.PEM
    private = key.private_bytes(pem, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    (folder / "both.pem").write_bytes(private + made.public_bytes(pem))
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(folder / "both.pem")
    return context


def test_a_direct_exit_connects_to_the_literal_and_says_when_it_cannot() -> None:
    async def main() -> None:
        server = await asyncio.start_server(answer, "127.0.0.1", 0)
        port = server.sockets[0].getsockname()[1]
        sock = await Exits(DIRECT).connect("north", HERE, port)
        assert sock.getpeername() == ("127.0.0.1", port) and sock.gettimeout() == 0
        sock.close()
        server.close()
        await server.wait_closed()
        with pytest.raises(NoWay) as no:
            await Exits(DIRECT).connect("north", HERE, port)
        assert no.value.outcome == "refused"

    asyncio.run(main())


@pytest.mark.parametrize(
    ("fault", "outcome"),
    [(errno.EHOSTUNREACH, "timeout"), (errno.ENETUNREACH, "timeout"), (errno.EPERM, "error")],
)
def test_a_machine_that_is_off_is_silence_and_what_our_own_wall_stops_is_not(
    monkeypatch: pytest.MonkeyPatch, fault: int, outcome: str
) -> None:
    async def main() -> None:
        async def refuse(*_: object) -> None:
            raise OSError(fault, "told by a router")

        monkeypatch.setattr(asyncio.get_running_loop(), "sock_connect", refuse)
        with pytest.raises(NoWay) as no:
            await Exits(DIRECT).connect("north", HERE, 80)
        assert no.value.outcome == outcome

    asyncio.run(main())


def test_a_connection_that_went_elsewhere_than_it_was_sent_is_not_used(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """A kernel, or what stands between, that leads a vetted literal to this machine is found out."""

    async def main() -> None:
        server = await asyncio.start_server(answer, "127.0.0.1", 0)
        here = server.sockets[0].getsockname()
        loop = asyncio.get_running_loop()
        real = loop.sock_connect

        async def astray(sock: socket.socket, _to: object) -> None:
            await real(sock, here)

        monkeypatch.setattr(loop, "sock_connect", astray)
        with pytest.raises(NoWay) as no:
            await Exits(DIRECT).connect("north", Vetted("192.0.2.1", 4), here[1])
        assert no.value.outcome == "blocked" and "another address" in no.value.sentence
        server.close()

    asyncio.run(main())


def test_the_socket_that_is_handed_in_is_the_only_one_there_is() -> None:
    """The address names another host and port than the socket leads to: libcurl must not go there."""

    async def main() -> None:
        server = await asyncio.start_server(answer, "127.0.0.1", 0)
        port = server.sockets[0].getsockname()[1]
        fetcher = Fetcher()
        got = await fetcher.get(
            "http://elsewhere.example:8080/x",
            over=await Exits(DIRECT).connect("north", HERE, port),
            literal="192.0.2.1",
            port=80,
            headers=[],
            wanted=lambda _status, _headers: 1000,
            limits=DIRECT.limits,
            seconds=2,
        )
        assert (got.status, got.body, got.whole) == (200, b"<title>Hi</title>.", True)
        closed = socket.socket()
        got = await fetcher.get(
            f"http://127.0.0.1:{port}/",
            over=closed,  # never connected: if libcurl opened one of its own, it would succeed
            literal="127.0.0.1",
            port=port,
            headers=[],
            wanted=lambda _status, _headers: 1000,
            limits=DIRECT.limits,
            seconds=1,
        )
        assert got.status == 0 and got.fault
        fetcher.close()
        server.close()
        await server.wait_closed()

    asyncio.run(main())


@pytest.mark.parametrize("insist", [False, True])
def test_a_certificate_nobody_vouches_for_is_said_and_stops_only_who_insists(
    tmp_path: Path, insist: bool
) -> None:
    async def main() -> None:
        server = await asyncio.start_server(answer, "127.0.0.1", 0, ssl=certificate(tmp_path))
        port = server.sockets[0].getsockname()[1]

        class ToHere(Exits):
            async def connect(self, vantage: str, to: Vetted, _: int) -> socket.socket:
                assert to.literal == "8.8.8.8"
                return await super().connect(vantage, HERE, port)

        exits = ToHere(DIRECT)
        fetcher = Fetcher()
        walker = Walker(DIRECT, exits, Names(DIRECT, exits), fetcher)

        class Known(Names):
            async def resolve(self, vantage: str, host: str, at: datetime.datetime) -> Resolved:
                return Resolved("", vetted=(Vetted("8.8.8.8", 4),))

        walker.names = Known(DIRECT, exits)
        walk = await walker.walk(
            "https://site.example.org/",
            vantage="north",
            at=NOON,
            wanted=lambda _status, _headers: 0,
            insist_on_certificate=insist,
        )
        if insist:
            assert walk.outcome == "error" and "certificate" in walk.why
        else:
            assert (walk.outcome, walk.status) == ("answered", 200)
            assert walk.why == "Its certificate could not be verified."
        fetcher.close()
        server.close()
        await server.wait_closed()

    asyncio.run(main())


def test_a_direct_prober_does_not_look_at_this_machine() -> None:
    async def main() -> None:
        exits, fetcher = Exits(DIRECT), Fetcher()
        names = Names(DIRECT, exits)
        checker = Checker(DIRECT, names, Walker(DIRECT, exits, names, fetcher))
        for address in ("http://127.0.0.1/", "http://[::1]/", "http://192.0.2.1/", "http://[2001:db8::1]/"):
            facts = await checker.check(CheckJob(address, "north", NOON, allow_path=True))
            assert facts.outcome == "blocked" and "never connects" in facts.why
        fetcher.close()

    asyncio.run(main())


def test_an_onion_s_page_that_gave_one_byte_is_not_asked_again_within_its_five_minutes() -> None:
    """The second request of the look would have to wait: what the first one said stands, and nothing is called a fault."""
    seen: list[bytes] = []

    async def one_byte(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        seen.append(await reader.readuntil(b"\r\n\r\n"))
        writer.write(b"HTTP/1.1 206 OK\r\nContent-Type: text/html\r\nContent-Range: bytes 0-0/900\r\n\r\n<")
        writer.close()

    async def main() -> None:
        server = await asyncio.start_server(one_byte, "127.0.0.1", 0)
        config = ProbeConfig(vantages={"north": ("socks5-unix", "/nowhere.sock")}, onion=("north",))

        class ToHere(Exits):
            async def connect(self, vantage: str, to: Vetted, _: int) -> socket.socket:
                assert (to.literal, to.version) == (onions.NAME, ONION)
                return await Exits(DIRECT).connect(vantage, HERE, server.sockets[0].getsockname()[1])

        exits, fetcher = ToHere(config), Fetcher()
        checker = Checker(config, names := Names(config, exits), Walker(config, exits, names, fetcher))
        facts = await checker.check(CheckJob(onions.ADDRESS, "north", NOON, allow_path=True))
        assert (facts.outcome, facts.status, facts.size, facts.peer) == ("answered", 206, 900, "")
        assert "may not leave for long" in facts.why and len(seen) == 1
        fetcher.close()
        server.close()
        await server.wait_closed()

    asyncio.run(main())
