"""How a test speaks to the synthetic internet: by hand, through its SOCKS5 exits."""

import contextlib
import ipaddress
import os
import socket
import struct
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import dns.message
import dns.rdatatype
from dns.message import Message

RESOLVER = "192.0.2.53"
REGISTRY = "192.0.2.43"


class SocksRefused(Exception):
    """The exit's reply code, if it was not 0."""

    def __init__(self, reply: int) -> None:
        super().__init__(f"SOCKS5 reply {reply}")
        self.reply = reply


@contextlib.contextmanager
def unix(path: Path) -> Iterator[socket.socket]:
    """A connection to a Unix socket, however long its path is."""
    folder = os.open(path.parent, os.O_RDONLY)
    sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    try:
        sock.settimeout(5)
        sock.connect(f"/proc/self/fd/{folder}/{path.name}")
        yield sock
    finally:
        sock.close()
        os.close(folder)


@contextlib.contextmanager
def through(exit_socket: Path, target: str, port: int) -> Iterator[socket.socket]:
    """A connection to a literal (or, to see it refused, a name) through an exit. Raises SocksRefused."""
    with unix(exit_socket) as sock:
        sock.sendall(b"\x05\x01\x00")
        assert exactly(sock, 2) == b"\x05\x00"
        try:
            packed = ipaddress.ip_address(target).packed
            where = (b"\x01" if len(packed) == 4 else b"\x04") + packed
        except ValueError:
            where = b"\x03" + bytes([len(target)]) + target.encode()
        sock.sendall(b"\x05\x01\x00" + where + struct.pack("!H", port))
        reply = exactly(sock, 10)
        if reply[1]:
            raise SocksRefused(reply[1])
        yield sock


def exactly(sock: socket.socket, count: int) -> bytes:
    """So many bytes. Raises EOFError if the other side ends before."""
    got = b""
    while len(got) < count:
        piece = sock.recv(count - len(got))
        if not piece:
            raise EOFError(f"{len(got)} of {count} bytes came")
        got += piece
    return got


def ask(exit_socket: Path, name: str, kind: str = "A") -> Message:
    """A name server's answer."""
    query = dns.message.make_query(name, kind)
    wire = query.to_wire()
    with through(exit_socket, RESOLVER, 53) as sock:
        sock.sendall(struct.pack("!H", len(wire)) + wire)
        (size,) = struct.unpack("!H", exactly(sock, 2))
        reply = dns.message.from_wire(exactly(sock, size))
    assert reply.id == query.id
    return reply


def found(exit_socket: Path, name: str, kind: str = "A") -> list[str]:
    """The records of one kind in the answer, as text."""
    wanted = dns.rdatatype.from_text(kind)
    return [
        str(record)
        for rrset in ask(exit_socket, name, kind).answer
        for record in rrset
        if rrset.rdtype == wanted
    ]


@dataclass(frozen=True)
class Page:
    status: int
    headers: dict[str, str]
    body: bytes


def get(exit_socket: Path, url: str, at: str, *, headers: dict[str, str] | None = None) -> Page:
    """GET by hand from the literal `at`. Raises EOFError for an answer that breaks off."""
    host, _, path = url.removeprefix("http://").partition("/")
    lines = [f"GET /{path} HTTP/1.1", f"Host: {host}", *(f"{k}: {v}" for k, v in (headers or {}).items())]
    with through(exit_socket, at, 80) as sock:
        sock.sendall("\r\n".join([*lines, "Connection: close", "", ""]).encode())
        return read_page(sock)


def read_page(sock: socket.socket) -> Page:
    """One HTTP answer."""
    head = b""
    while not head.endswith(b"\r\n\r\n"):
        head += exactly(sock, 1)
    first, *lines = head.decode().strip().split("\r\n")
    headers = {name.lower(): value.strip() for name, _, value in (line.partition(":") for line in lines)}
    return Page(int(first.split()[1]), headers, exactly(sock, int(headers["content-length"])))
