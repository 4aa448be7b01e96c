"""A tiny internet inside one thread: exits of every kind, and behind them whatever a test says.

A handler is `async (reader, writer)`; `hosts` maps (literal, port) to one. The exits on a Unix socket and on
loopback speak SOCKS5 and HTTP CONNECT; those on loopback want `USER` and `PASSWORD`. Nothing else listens.
"""

import asyncio
import base64
import datetime
import ipaddress
import json
import ssl
import struct
import threading
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import dns.message
import dns.rrset
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

from openhotline.connectors.probe.ways import Way

Handler = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]
RESOLVER, RESOLVER_2 = "192.0.2.53", "192.0.2.54"
REGISTRY = "192.0.2.43"
SITE = "192.0.2.10"
USER, PASSWORD = "looker", "p@ss:w,rd"
PROXY = "proxy.example"
KINDS = ("socks5-unix", "socks5", "connect-unix", "connect", "connect-tls")


def certificate(folder: Path, name: str = PROXY) -> tuple[ssl.SSLContext, str]:
    """A server's context with a certificate of its own making, and that certificate (PEM)."""
    key = ec.generate_private_key(ec.SECP256R1())
    subject = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, name)])
    now = datetime.datetime.now(datetime.UTC)
    made = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(subject)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(now - datetime.timedelta(days=1))
        .not_valid_after(now + datetime.timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName(name)]), critical=False)
        .sign(key, hashes.SHA256())
    )
    pem = serialization.Encoding.PEM
    private = key.private_bytes(pem, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    file = folder / f"{name}.pem"
    file.write_bytes(private + made.public_bytes(pem))
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(file)
    return context, made.public_bytes(pem).decode("ascii")


class SmallWorld:
    """Start with `with SmallWorld(path) as world`."""

    def __init__(self, exit_socket: Path) -> None:
        self.exit_socket = exit_socket
        self.zones: dict[str, Any] = {}  # name -> list of literals | callable() -> list | ("CNAME", target)
        self.hosts: dict[tuple[str, int], Handler] = {
            (where, 53): self.name_server for where in (RESOLVER, RESOLVER_2)
        }
        self.asked: list[tuple[str, int]] = []  # every CONNECT
        self.requests: list[bytes] = []  # every HTTP request head
        self.questions: list[bytes] = []  # every question, as it came over the wire
        self.heads: list[bytes] = []  # what the exits were told
        self.trust = ""  # the certificate of the exit spoken to in TLS
        self._tcp = self._tls = 0
        self.open_now: dict[str, int] = {}
        self.open_most: dict[str, int] = {}
        self._talks: dict[str, set[asyncio.StreamWriter]] = {}

    def __enter__(self) -> "SmallWorld":
        ready = threading.Event()

        def run() -> None:
            async def main() -> None:
                self.loop = asyncio.get_running_loop()
                self.stop = asyncio.Event()
                context, self.trust = certificate(self.exit_socket.parent)
                servers = [
                    await asyncio.start_unix_server(self._visitor, path=str(self.exit_socket)),
                    await asyncio.start_server(self._visitor_with_password, "127.0.0.1", 0),
                    await asyncio.start_server(self._visitor_with_password, "127.0.0.1", 0, ssl=context),
                ]
                self.exit_socket.chmod(0o666)
                self._tcp, self._tls = (s.sockets[0].getsockname()[1] for s in servers[1:])
                ready.set()
                await self.stop.wait()
                for server in servers:
                    server.close()
                others = [t for t in asyncio.all_tasks() if t is not asyncio.current_task()]
                for task in others:
                    task.cancel()
                await asyncio.gather(*others, return_exceptions=True)

            asyncio.run(main())

        self.thread = threading.Thread(target=run, daemon=True)
        self.thread.start()
        assert ready.wait(5)
        return self

    def __exit__(self, *_: object) -> None:
        self.loop.call_soon_threadsafe(self.stop.set)
        self.thread.join(5)

    def hang_up(self, *literals: str) -> None:
        """End every talk with these, such as a resolver's stream that waits for the next question."""

        def close() -> None:
            for literal in literals:
                for writer in self._talks.get(literal, ()):
                    writer.close()

        self.loop.call_soon_threadsafe(close)

    def way(self, kind: str) -> Way:
        """The exit of one kind."""
        if kind.endswith("-unix"):
            return Way(kind, str(self.exit_socket))
        port, name = (self._tls, PROXY) if kind == "connect-tls" else (self._tcp, "")
        return Way(kind, f"127.0.0.1:{port}", USER, PASSWORD, name)

    async def _visitor_with_password(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> None:
        await self._visitor(reader, writer, password=True)

    async def _visitor(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, *, password: bool = False
    ) -> None:
        try:
            first = await reader.readexactly(1)
            if first == b"\x05":
                literal, port = await self._socks(reader, writer, password)
                answers = (b"\x05\x00\x00\x01" + bytes(6), b"\x05\x05\x00\x01" + bytes(6))
            else:
                literal, port = await self._connect(first, reader, writer, password)
                answers = (b"HTTP/1.1 200 OK\r\n\r\n", b"HTTP/1.1 502 Bad Gateway\r\n\r\n")
            self.asked.append((literal, port))
            handler = self.hosts.get((literal, port))
            writer.write(answers[0] if handler else answers[1])
            if handler:
                self.open_now[literal] = self.open_now.get(literal, 0) + 1
                self.open_most[literal] = max(self.open_most.get(literal, 0), self.open_now[literal])
                self._talks.setdefault(literal, set()).add(writer)
                try:
                    await handler(reader, writer)
                    await writer.drain()
                finally:
                    self.open_now[literal] -= 1
                    self._talks[literal].discard(writer)
        except (OSError, asyncio.IncompleteReadError):
            pass
        finally:
            writer.close()

    async def _socks(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, password: bool
    ) -> tuple[str, int]:
        (methods,) = await reader.readexactly(1)
        offered = await reader.readexactly(methods)
        method = 2 if password else 0
        if method not in offered:
            writer.write(b"\x05\xff")
            raise OSError("no such method")
        writer.write(bytes((5, method)))
        if password:
            _, size = await reader.readexactly(2)
            user = await reader.readexactly(size)
            (size,) = await reader.readexactly(1)
            word = await reader.readexactly(size)
            right = (user, word) == (USER.encode(), PASSWORD.encode())
            writer.write(bytes((1, 0 if right else 1)))
            if not right:
                raise OSError("wrong password")
        _, _, _, kind = await reader.readexactly(4)
        assert kind in (1, 4), "a name must never reach the exit"
        packed = await reader.readexactly(4 if kind == 1 else 16)
        (port,) = struct.unpack("!H", await reader.readexactly(2))
        return str(ipaddress.ip_address(packed)), port

    async def _connect(
        self, first: bytes, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, password: bool
    ) -> tuple[str, int]:
        head = first + await reader.readuntil(b"\r\n\r\n")
        self.heads.append(head)
        pair = base64.b64encode(f"{USER}:{PASSWORD}".encode())
        if password and b"Proxy-Authorization: Basic " + pair + b"\r\n" not in head:
            writer.write(b"HTTP/1.1 407 Proxy Authentication Required\r\n\r\n")
            raise OSError("wrong password")
        method, to, _ = head.split(b"\r\n", 1)[0].decode("latin-1").split(" ")
        assert method == "CONNECT"
        literal, _, port = to.rpartition(":")
        return str(ipaddress.ip_address(literal.strip("[]"))), int(port)

    async def name_server(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while True:
            (size,) = struct.unpack("!H", await reader.readexactly(2))
            self.questions.append(await reader.readexactly(size))
            query = dns.message.from_wire(self.questions[-1])
            wire = self.answer(query).to_wire()
            writer.write(struct.pack("!H", len(wire)) + wire)

    def answer(self, query: dns.message.Message) -> dns.message.Message:
        reply = dns.message.make_response(query)
        asked = query.question[0]
        name = asked.name.to_text(omit_final_dot=True).lower()
        kind = asked.to_text().split()[-1]
        known = self.zones.get(name)
        known = known() if callable(known) else known
        if known is None:
            reply.set_rcode(3)
        elif isinstance(known, tuple):
            reply.answer.append(dns.rrset.from_text(asked.name, 60, "IN", "CNAME", known[1] + "."))
        else:
            mine = [a for a in known if kind in ("A", "AAAA") and (":" in a) == (kind == "AAAA")]
            if kind == "NS" and name == "example.org":
                mine = ["ns1.example.org."]
            if mine:
                reply.answer.append(dns.rrset.from_text(asked.name, 60, "IN", kind, *mine))
        return reply

    def page(self, body: bytes, head: str = "HTTP/1.1 200 OK\r\nContent-Type: text/html\r\n") -> Handler:
        """A server that answers everything with one head and body."""

        async def handle(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            self.requests.append(await reader.readuntil(b"\r\n\r\n"))
            writer.write(f"{head}Content-Length: {len(body)}\r\n\r\n".encode() + body)

        return handle

    def registry(self, answer: Any, kind: str = "application/rdap+json") -> Handler:
        """An RDAP server that says one thing about everything."""
        body = answer if isinstance(answer, bytes) else json.dumps(answer).encode()
        return self.page(body, f"HTTP/1.1 200 OK\r\nContent-Type: {kind}\r\n")
