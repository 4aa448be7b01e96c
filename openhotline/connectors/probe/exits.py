"""The ways out. The only place of the prober that opens a socket towards the world.

True here: `connect` takes a vetted literal and gives a connected socket, direct or through a SOCKS5 or an
HTTP CONNECT exit, and a direct connection must prove with `getpeername` that it went where it was sent.
An exit is told the literal, never a name; only an exit that carries onions is told the name of one. Everything above (names, RDAP, pages) is handed sockets.
Not here: judging addresses (`deny.py`), what is said to a proxy (`handshakes.py`).
"""

import asyncio
import contextlib
import errno
import hashlib
import ipaddress
import secrets
import socket
import ssl
from pathlib import PurePath

from openhotline.connectors.dns.client import Stream
from openhotline.connectors.probe import handshakes
from openhotline.connectors.probe.config import ProbeConfig, Resolver
from openhotline.connectors.probe.deny import Vetted
from openhotline.connectors.probe.handshakes import NoWay
from openhotline.connectors.probe.ways import CONNECT_TLS, DIRECT, ON_A_SOCKET, SOCKS5, SOCKS5_UNIX, Way

__all__ = ["Exits", "NoWay"]
_LATE = "The server did not take the connection in time."
_PIECE = 65536


class Exits:
    """The exits of one configuration."""

    def __init__(self, config: ProbeConfig, here: str = "") -> None:
        """`here`: the working directory as the configuration spells it, if it is the run directory."""
        self.config = config
        self._ways = {name: _near(Way(*way), here) for name, way in config.vantages.items()}
        self._secret = secrets.token_bytes(16)
        self._relays: set[asyncio.Task[None]] = set()
        self._tls: ssl.SSLContext | None = None

    async def connect(self, vantage: str, to: Vetted, port: int) -> socket.socket:
        """A connected, non-blocking socket to `to`. The caller closes it. Raises `NoWay`."""
        return await self.knock(vantage, to.literal, port)

    async def resolver(self, vantage: str, resolver: Resolver) -> Stream:
        """A stream to a resolver the operator named. Raises OSError if it cannot be had."""
        try:
            sock = await self.knock(vantage, resolver.address, resolver.port)
        except NoWay as no:
            raise OSError(no.sentence) from None
        if resolver.transport == "tls":
            return await asyncio.open_connection(
                sock=sock, ssl=self._context(), server_hostname=resolver.name or resolver.address
            )
        return await asyncio.open_connection(sock=sock)

    async def exchange(self, vantage: str, resolver: Resolver, wire: bytes) -> bytes:
        """One datagram to a resolver the operator named, from a fresh port, and the first that it sends back.

        Direct exits only: a SOCKS5 or HTTP exit carries streams. Raises OSError.
        """
        if Way(*self.config.vantages[vantage]).kind != DIRECT:
            raise OSError("this exit carries no datagrams; name the resolver with tcp or tls")
        loop = asyncio.get_running_loop()
        family = socket.AF_INET6 if ":" in resolver.address else socket.AF_INET
        sock = socket.socket(family, socket.SOCK_DGRAM)
        try:
            sock.setblocking(False)
            await loop.sock_connect(sock, (resolver.address, resolver.port))
            await loop.sock_sendall(sock, wire)
            return await loop.sock_recv(sock, 4096)
        finally:
            sock.close()

    async def knock(self, vantage: str, literal: str, port: int) -> socket.socket:
        """A connection to an address that nobody vetted: for the operator's own resolvers, and for the
        self-test, which must find that it does not come about. Raises `NoWay`."""
        way, seconds = self._ways[vantage], self.config.limits.connect_s
        if literal.endswith(".onion"):
            if vantage not in self.config.onion:
                raise NoWay("blocked", "This exit does not carry onion addresses. Nothing was sent.")
            # A circuit to where nobody may know takes longer than a connection.
            way, seconds = self._apart(way, literal), self.config.limits.total_s
        try:
            async with asyncio.timeout(seconds):
                if way.kind == DIRECT:
                    return await _direct(literal, port)
                if way.kind == CONNECT_TLS:
                    return await self._relayed(way, literal, port)
                return await self._asked(way, literal, port)
        except TimeoutError:
            raise NoWay("timeout", _LATE) from None

    def _apart(self, way: Way, name: str) -> Way:
        """A user of its own for each onion service: a Tor client keeps users' circuits apart (IsolateSOCKSAuth)."""
        if way.user:
            return way
        mark = hashlib.blake2b(name.encode(), key=self._secret, digest_size=8).hexdigest()
        return way._replace(user=mark, password=mark)

    async def _asked(self, way: Way, literal: str, port: int) -> socket.socket:
        """Through a proxy whose own connection is the tunnel."""
        sock = await self._to_proxy(way)
        try:
            ask = handshakes.socks5 if way.kind in (SOCKS5, SOCKS5_UNIX) else handshakes.connect
            await ask(sock, way, literal, port)
        except OSError as fault:
            sock.close()
            raise _no_exit(fault) from None
        except BaseException:
            sock.close()
            raise
        return sock

    async def _relayed(self, way: Way, literal: str, port: int) -> socket.socket:
        """Through a proxy that is spoken to in TLS: libcurl is handed one end of a pair of sockets, and
        a task carries what passes the other end into the TLS connection and back."""
        sock = await self._to_proxy(way)
        try:
            reader, writer = await asyncio.open_connection(
                sock=sock, ssl=self._context(), server_hostname=way.name
            )
        except OSError as fault:
            sock.close()
            raise _no_exit(fault) from None
        except BaseException:
            sock.close()
            raise
        try:
            writer.write(handshakes.connect_head(way, literal, port))
            got = b""
            while b"\r\n\r\n" not in got:
                piece = await reader.read(handshakes.ANSWER_BYTES)
                if not piece or len(got) > handshakes.ANSWER_BYTES:
                    raise NoWay("blocked", "The exit cut the connection off, or spoke for too long.")
                got += piece
            handshakes.judge_connect(got)
        except OSError as fault:
            writer.transport.abort()
            raise _no_exit(fault) from None
        except BaseException:
            writer.transport.abort()
            raise
        ours, theirs = socket.socketpair()
        ours.setblocking(False)
        theirs.setblocking(False)
        task = asyncio.create_task(_carry(theirs, reader, writer))
        self._relays.add(task)
        task.add_done_callback(self._relays.discard)
        return ours

    async def _to_proxy(self, way: Way) -> socket.socket:
        if way.kind not in ON_A_SOCKET:
            try:
                return await _direct(*way.host_port)
            except NoWay as no:
                raise NoWay("blocked", f"Our own exit cannot be reached. {no.sentence}") from None
        sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        try:
            sock.setblocking(False)
            await _join_queue(sock, way.at)
        except OSError as fault:
            sock.close()
            raise _no_exit(fault) from None
        except BaseException:
            sock.close()
            raise
        return sock

    def _context(self) -> ssl.SSLContext:
        if self._tls is None:
            self._tls = ssl.create_default_context()
            if self.config.trust:
                self._tls.load_verify_locations(cadata=self.config.trust)
        return self._tls


def _near(way: Way, here: str) -> Way:
    """The way as seen from where we stand: after giving up root only the run directory is in reach, and
    a Unix socket's path may not be longer than about a hundred bytes."""
    whole = PurePath(way.at)
    return way._replace(at=whole.name) if way.kind in ON_A_SOCKET and str(whole.parent) == here else way


def _no_exit(fault: OSError) -> NoWay:
    return NoWay("blocked", f"Our own exit cannot be reached ({fault.strerror or fault}).")


async def _direct(literal: str, port: int) -> socket.socket:
    family = socket.AF_INET6 if ":" in literal else socket.AF_INET
    sock = socket.socket(family, socket.SOCK_STREAM)
    try:
        sock.setblocking(False)
        await asyncio.get_running_loop().sock_connect(sock, (literal, port))
        there = sock.getpeername()[0]
        if there != literal and ipaddress.ip_address(there) != ipaddress.ip_address(literal):
            raise NoWay("blocked", "The connection went to another address than the one that was vetted.")
    except ConnectionRefusedError:
        sock.close()
        raise NoWay("refused", "The server refused the connection.") from None
    except TimeoutError:
        sock.close()
        raise NoWay("timeout", _LATE) from None
    except OSError as fault:
        sock.close()
        if fault.errno in (errno.EHOSTUNREACH, errno.ENETUNREACH, errno.EHOSTDOWN):
            raise NoWay(*handshakes.NO_ROUTE) from None
        raise NoWay("error", f"The address cannot be reached ({fault.strerror or fault}).") from None
    except BaseException:
        sock.close()
        raise
    return sock


async def _carry(theirs: socket.socket, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Both directions until either ends. Nothing piles up: each piece is passed on before the next."""
    loop = asyncio.get_running_loop()

    async def out() -> None:
        while piece := await loop.sock_recv(theirs, _PIECE):
            writer.write(piece)
            await writer.drain()

    async def back() -> None:
        while piece := await reader.read(_PIECE):
            await loop.sock_sendall(theirs, piece)

    ways = [asyncio.ensure_future(out()), asyncio.ensure_future(back())]
    try:
        await asyncio.wait(ways, return_when=asyncio.FIRST_COMPLETED)
    finally:
        for way in ways:
            way.cancel()
        await asyncio.gather(*ways, return_exceptions=True)
        with contextlib.suppress(OSError):
            theirs.shutdown(socket.SHUT_RDWR)
        theirs.close()
        writer.transport.abort()


async def _join_queue(sock: socket.socket, path: str) -> None:
    """Connect to a Unix socket. When its queue is full the kernel says "again" and forgets us, which the
    event loop's own `sock_connect` would take for a connection under way."""
    while True:
        try:
            sock.connect(path)
            return
        except BlockingIOError:
            await asyncio.sleep(0.005)
