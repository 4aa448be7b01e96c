"""TLS on port 443 of every site: a certificate for the name that is asked for, and the ways it can be wrong.

True here: certificates are made when first asked for, signed by an authority of the world that nobody trusts; a
name that is not held at the address gets the server's own. Behind the handshake HTTP is spoken as on port 80. Not
here: what is said there (`sites.py`).
"""

import asyncio
import ssl
import tempfile
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from openhotline.world.behaviour import Behaviours

ISSUER = "World Certificates"
DEFAULT = "server.registry.example"


class Certificates:
    """Every certificate of the world, by name and kind."""

    def __init__(
        self, behaviours: Behaviours, now: Callable[[], datetime], held: Callable[[str, str], bool]
    ) -> None:
        """`held(host, literal)`: whether a name leads to an address at this moment."""
        self.behaviours, self.now, self.held = behaviours, now, held
        self._key = ec.generate_private_key(ec.SECP256R1())
        self._made: dict[tuple[str, str], ssl.SSLContext] = {}

    def context(self, literal: str, told: list[str]) -> ssl.SSLContext:
        """The server's side of one handshake. `told` is filled with the name that the visitor asked for."""
        first = self._for(DEFAULT, "normal")
        fresh = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        self._load(fresh, DEFAULT, "normal")

        def named(connection: ssl.SSLObject, name: str | None, _: ssl.SSLContext) -> None:
            host = (name or "").lower()
            told.append(host)
            word = self.behaviours.of("tls", host)
            connection.context = self._for(host, word) if self.held(host, literal) else first

        fresh.sni_callback = named
        return fresh

    def _for(self, host: str, word: str) -> ssl.SSLContext:
        made = self._made.get((host, word))
        if made is None:
            made = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            self._load(made, host, word)
            if len(self._made) < 20_000:
                self._made[(host, word)] = made
        return made

    def _load(self, context: ssl.SSLContext, host: str, word: str) -> None:
        pem = self.pem(host, word)
        with tempfile.NamedTemporaryFile(suffix=".pem") as file:
            Path(file.name).write_bytes(pem)
            context.load_cert_chain(file.name)

    def pem(self, host: str, word: str) -> bytes:
        """Certificate and key for one name, as `word` wants them."""
        names = [host, f"www.{host}"]
        if word == "other-name":
            names = ["other.example.net"]
        if word == "huge":
            names += [f"a{number}.{'x' * 40}.example.net" for number in range(1200)]
        at = self.now()
        begins, ends = at - timedelta(days=30), at + timedelta(days=60)
        if word == "expired":
            begins, ends = at - timedelta(days=400), at - timedelta(days=35)
        subject = _name(names[0])
        made = (
            x509.CertificateBuilder()
            .subject_name(subject)
            .issuer_name(subject if word == "self-signed" else _name(ISSUER, NameOID.ORGANIZATION_NAME))
            .public_key(self._key.public_key())
            .serial_number(x509.random_serial_number())
            .not_valid_before(begins.astimezone(UTC))
            .not_valid_after(ends.astimezone(UTC))
            .add_extension(
                x509.SubjectAlternativeName([x509.DNSName(name) for name in names]), critical=False
            )
            .sign(self._key, hashes.SHA256())
        )
        private = self._key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        )
        return made.public_bytes(serialization.Encoding.PEM) + private


def _name(text: str, kind: x509.ObjectIdentifier = NameOID.COMMON_NAME) -> x509.Name:
    return x509.Name([x509.NameAttribute(kind, text[:64])])


class TlsTalk(asyncio.Protocol):
    """One handshake, then another protocol inside."""

    def __init__(self, certificates: Certificates, literal: str, inner: asyncio.Protocol) -> None:
        self.certificates, self.literal, self.inner = certificates, literal, inner
        self.transport: asyncio.Transport | None = None
        self._open = False
        self._got = 0
        self._told: list[str] = []
        self._in, self._out = ssl.MemoryBIO(), ssl.MemoryBIO()
        self._talk = certificates.context(literal, self._told).wrap_bio(self._in, self._out, server_side=True)

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Take the connection over."""
        assert isinstance(transport, asyncio.Transport)
        self.transport = transport

    def data_received(self, data: bytes) -> None:
        """Go on with the handshake, or hand on what it protects."""
        assert self.transport is not None
        self._in.write(data)
        try:
            if not self._open:
                self._talk.do_handshake()
                self._open = True
                self.inner.connection_made(_Inside(self))
            while piece := self._talk.read(65_536):
                self.inner.data_received(piece)
        except ssl.SSLWantReadError:
            pass
        except (ssl.SSLError, OSError):
            self.transport.close()
            return
        self.flush()

    def flush(self) -> None:
        """Send what is ready; before the handshake is over, as the name's switch wants it."""
        assert self.transport is not None
        data = self._out.read()
        word = self.certificates.behaviours.of("tls", *self._told[:1]) if self._told else "normal"
        if word == "timeout":
            return
        if word in ("none", "cut-off", "malformed"):
            if word == "cut-off":
                self.transport.write(data[: len(data) // 2])
            if word == "malformed":
                self.transport.write(b"\x16\x03\x03\x00\x20" + b"\xff" * 32)
            self.transport.close()
        elif data:
            self.transport.write(data)

    def send(self, data: bytes) -> None:
        """What the inner protocol says."""
        try:
            self._talk.write(data)
        except (ssl.SSLError, OSError):
            return
        self.flush()

    def end(self) -> None:
        """The inner protocol hangs up."""
        if self.transport is not None:
            self.flush()
            self.transport.close()


class _Inside(asyncio.Transport):
    """The transport that the inner protocol sees."""

    def __init__(self, outer: TlsTalk) -> None:
        super().__init__()
        self._outer = outer

    def write(self, data: bytes | bytearray | memoryview) -> None:
        self._outer.send(bytes(data))

    def close(self) -> None:
        self._outer.end()

    def abort(self) -> None:
        self._outer.end()

    def is_closing(self) -> bool:
        return self._outer.transport is None or self._outer.transport.is_closing()
