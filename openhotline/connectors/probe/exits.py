"""The ways out. The only place of the prober that opens a socket towards the world.

True here: `connect` takes a vetted literal and gives a connected socket, direct or through a SOCKS5 exit
on a Unix socket, and a direct connection must prove with `getpeername` that it went where it was sent.
A SOCKS5 exit is told the literal, never a name. Everything above (names, RDAP, pages) is handed sockets.
Not here: judging addresses (`deny.py`).
"""

import asyncio
import ipaddress
import socket
import ssl
import struct
from pathlib import PurePath

from openhotline.connectors.dns.client import Stream
from openhotline.connectors.probe.config import DIRECT, ProbeConfig, Resolver
from openhotline.connectors.probe.deny import Vetted

_REPLIES = {
    0x02: ("blocked", "The exit's own rules do not allow this address."),
    0x03: ("error", "The network cannot be reached."),
    0x04: ("error", "The address cannot be reached."),
    0x05: ("refused", "The server refused the connection."),
    0x06: ("timeout", "The server did not take the connection in time."),
}


class NoWay(Exception):
    """No connection came about. `outcome` is one of CheckFacts' outcomes, `sentence` for people."""

    def __init__(self, outcome: str, sentence: str) -> None:
        super().__init__(sentence)
        self.outcome = outcome
        self.sentence = sentence


class Exits:
    """The exits of one configuration."""

    def __init__(self, config: ProbeConfig, here: str = "") -> None:
        """`here`: the working directory as the configuration spells it, if it is the run directory."""
        self.config = config
        self.here = here

    async def connect(self, vantage: str, to: Vetted, port: int) -> socket.socket:
        """A connected, non-blocking socket to `to`. The caller closes it. Raises `NoWay`."""
        return await self._connect(vantage, to.literal, port)

    async def resolver(self, vantage: str, resolver: Resolver) -> Stream:
        """A stream to a resolver the operator named. Raises OSError if it cannot be had."""
        try:
            sock = await self._connect(vantage, resolver.address, resolver.port)
        except NoWay as no:
            raise OSError(no.sentence) from None
        if resolver.transport == "tls":
            return await asyncio.open_connection(
                sock=sock, ssl=ssl.create_default_context(), server_hostname=resolver.name or resolver.address
            )
        return await asyncio.open_connection(sock=sock)

    async def _connect(self, vantage: str, literal: str, port: int) -> socket.socket:
        way = self.config.vantages[vantage]
        try:
            async with asyncio.timeout(self.config.limits.connect_s):
                if way[0] == DIRECT:
                    return await _direct(literal, port)
                return await _socks5(self._near(way[1]), literal, port)
        except TimeoutError:
            raise NoWay("timeout", "The server did not take the connection in time.") from None

    def _near(self, path: str) -> str:
        """The path as seen from where we stand: after giving up root only the run directory is in
        reach, and a Unix socket's path may not be longer than about a hundred bytes."""
        whole = PurePath(path)
        return whole.name if str(whole.parent) == self.here else path


async def _direct(literal: str, port: int) -> socket.socket:
    family = socket.AF_INET6 if ":" in literal else socket.AF_INET
    sock = socket.socket(family, socket.SOCK_STREAM)
    try:
        sock.setblocking(False)
        await asyncio.get_running_loop().sock_connect(sock, (literal, port))
        if ipaddress.ip_address(sock.getpeername()[0]) != ipaddress.ip_address(literal):
            raise NoWay("blocked", "The connection went to another address than the one that was vetted.")
    except ConnectionRefusedError:
        sock.close()
        raise NoWay("refused", "The server refused the connection.") from None
    except TimeoutError:
        sock.close()
        raise NoWay("timeout", "The server did not take the connection in time.") from None
    except OSError as fault:
        sock.close()
        raise NoWay("error", f"The address cannot be reached ({fault.strerror or fault}).") from None
    except BaseException:
        sock.close()
        raise
    return sock


async def _socks5(path: str, literal: str, port: int) -> socket.socket:
    loop = asyncio.get_running_loop()
    sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    try:
        sock.setblocking(False)
        await _join_queue(sock, path)
        await loop.sock_sendall(sock, b"\x05\x01\x00")
        if await _exactly(sock, 2) != b"\x05\x00":
            raise NoWay("blocked", "The exit does not speak SOCKS5 without a password.")
        packed = ipaddress.ip_address(literal).packed
        kind = b"\x01" if len(packed) == 4 else b"\x04"
        await loop.sock_sendall(sock, b"\x05\x01\x00" + kind + packed + struct.pack("!H", port))
        head = await _exactly(sock, 4)
        bound = {1: 4, 4: 16}.get(head[3], 0)
        await _exactly(sock, bound + 2)
        if head[1]:
            raise NoWay(*_REPLIES.get(head[1], ("error", "The exit could not make the connection.")))
    except OSError as fault:
        sock.close()
        raise NoWay("blocked", f"Our own exit cannot be reached ({fault.strerror or fault}).") from None
    except BaseException:
        sock.close()
        raise
    return sock


async def _join_queue(sock: socket.socket, path: str) -> None:
    """Connect to a Unix socket. When its queue is full the kernel says "again" and forgets us, which the
    event loop's own `sock_connect` would take for a connection under way."""
    while True:
        try:
            sock.connect(path)
            return
        except BlockingIOError:
            await asyncio.sleep(0.005)


async def _exactly(sock: socket.socket, count: int) -> bytes:
    loop = asyncio.get_running_loop()
    got = b""
    while len(got) < count:
        piece = await loop.sock_recv(sock, count - len(got))
        if not piece:
            raise NoWay("blocked", "The exit cut the connection off.")
        got += piece
    return got
