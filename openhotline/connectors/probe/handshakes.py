"""What is said to a proxy before it carries us: SOCKS5 (RFC 1928, 1929) and HTTP CONNECT (RFC 9110).

True here: the proxy is told a literal address, or the name of an onion service, and nothing else; its answer is bounded, and what it sends
beyond its answer ends the connection, for the other side never speaks first. Not here: sockets being opened.
"""

import asyncio
import base64
import socket
import struct

from openhotline.connectors.probe.ways import Way

ANSWER_BYTES = 8192
_LATE = ("timeout", "The server did not take the connection in time.")
# What routers say of a machine that is switched off, or of a network that is announced no more. It is silence, if the
# canary answers by the same version of IP: then it is not our own line.
NO_ROUTE = ("timeout", "No way leads to the server: its machine is off, or its network is not there.")
_ADDRESS_BYTES = {1: 4, 3: 0, 4: 16}  # by kind; 0: a byte says it
_SOCKS = {
    0x02: ("blocked", "The exit's own rules do not allow this address."),
    0x03: NO_ROUTE,
    0x04: NO_ROUTE,
    0x05: ("refused", "The server refused the connection."),
    0x06: _LATE,
}
# What a Tor client says of an onion service that is not there: codes of its own (ExtendedErrors) or "host unreachable".
# It found its way into the network to say so; that our own line works the canary proves, as everywhere.
_AWAY = ("timeout", "Tor finds no such service now: it is not offered, or does not answer.")
_KEYED = ("blocked", "The service is for visitors who hold a key.")
_ONION = {
    0x04: _AWAY,
    0xF0: _AWAY,  # no descriptor
    0xF2: _AWAY,  # no introduction
    0xF3: _AWAY,  # no rendezvous
    0xF4: _KEYED,
    0xF5: _KEYED,
    0xF7: _AWAY,  # the introduction took too long
}
# A proxy's 502 does not tell a server that refused from one that is away: no miss may rest on it.
_HTTP = {
    403: ("blocked", "The exit's own rules do not allow this address."),
    407: ("blocked", "The exit wants another user or password than it was given."),
    504: _LATE,
}


class NoWay(Exception):
    """No connection came about. `outcome` is one of CheckFacts' outcomes, `sentence` for people."""

    def __init__(self, outcome: str, sentence: str) -> None:
        super().__init__(sentence)
        self.outcome = outcome
        self.sentence = sentence


async def socks5(sock: socket.socket, way: Way, literal: str, port: int) -> None:
    """Ask a SOCKS5 proxy for a connection to `literal`. Raises `NoWay`, OSError."""
    loop = asyncio.get_running_loop()
    method = 2 if way.user else 0
    await loop.sock_sendall(sock, bytes((5, 1, method)))
    if await _exactly(sock, 2) != bytes((5, method)):
        raise NoWay(
            "blocked",
            "The exit does not take a user and password."
            if way.user
            else "The exit wants a user and password, or does not speak SOCKS5.",
        )
    if way.user:
        user, password = way.user.encode(), way.password.encode()
        await loop.sock_sendall(sock, bytes((1, len(user))) + user + bytes((len(password),)) + password)
        if (await _exactly(sock, 2))[1]:
            raise NoWay("blocked", "The exit does not know this user and password.")
    await loop.sock_sendall(sock, b"\x05\x01\x00" + _destination(literal) + struct.pack("!H", port))
    head = await _exactly(sock, 4)
    if head[0] != 5:
        raise NoWay("blocked", "The exit's answer is not SOCKS5.")
    if head[1]:  # what comes behind it does not matter, and some send nothing
        told = _SOCKS | _ONION if literal.endswith(".onion") else _SOCKS
        raise NoWay(*told.get(head[1], ("error", "The exit could not make the connection.")))
    if head[3] not in _ADDRESS_BYTES:
        raise NoWay("blocked", "The exit's answer is not SOCKS5.")
    size = _ADDRESS_BYTES[head[3]] or (await _exactly(sock, 1))[0]
    await _exactly(sock, size + 2)


def _destination(literal: str) -> bytes:
    """Kind and value: a name only of an onion service, which nobody could look up."""
    if literal.endswith(".onion"):
        return bytes((3, len(literal))) + literal.encode("ascii")
    if ":" in literal:
        return b"\x04" + socket.inet_pton(socket.AF_INET6, literal)
    return b"\x01" + socket.inet_pton(socket.AF_INET, literal)


async def connect(sock: socket.socket, way: Way, literal: str, port: int) -> None:
    """Ask an HTTP proxy for a tunnel to `literal`. Raises `NoWay`, OSError."""
    await asyncio.get_running_loop().sock_sendall(sock, connect_head(way, literal, port))
    got = b""
    while b"\r\n\r\n" not in got:
        if len(got) > ANSWER_BYTES:
            raise NoWay("blocked", "The exit's answer is longer than any proxy's.")
        piece = await asyncio.get_running_loop().sock_recv(sock, 1024)
        if not piece:
            raise NoWay("blocked", "The exit cut the connection off.")
        got += piece
    judge_connect(got)


def connect_head(way: Way, literal: str, port: int) -> bytes:
    """The request for a tunnel."""
    to = f"[{literal}]:{port}" if ":" in literal else f"{literal}:{port}"
    lines = [f"CONNECT {to} HTTP/1.1", f"Host: {to}"]
    if way.user:
        pair = base64.b64encode(f"{way.user}:{way.password}".encode()).decode("ascii")
        lines.append(f"Proxy-Authorization: Basic {pair}")
    return ("\r\n".join(lines) + "\r\n\r\n").encode("ascii")


def judge_connect(got: bytes) -> None:
    """Read a proxy's answer, whole. Raises `NoWay` unless the tunnel stands and nothing else was sent."""
    head, _, more = got.partition(b"\r\n\r\n")
    words = head.split(b"\r\n", 1)[0].split(None, 2)
    if (
        len(words) < 2
        or not words[0].startswith(b"HTTP/1.")
        or not (len(words[1]) == 3 and words[1].isdigit())
    ):
        raise NoWay("blocked", "The exit's answer is not HTTP.")
    status = int(words[1])
    if not 200 <= status < 300:
        raise NoWay(*_HTTP.get(status, ("error", f"The exit could not make the connection ({status}).")))
    if more:
        raise NoWay("blocked", "The exit spoke before the server could.")


async def _exactly(sock: socket.socket, count: int) -> bytes:
    loop = asyncio.get_running_loop()
    got = b""
    while len(got) < count:
        piece = await loop.sock_recv(sock, count - len(got))
        if not piece:
            raise NoWay("blocked", "The exit cut the connection off.")
        got += piece
    return got
